"""The models that vifi knows by name.

Nothing heavy is imported here: `vifi model list` and `vifi doctor` read this table.
"""

from dataclasses import dataclass
from typing import Literal

DEFAULT_MODEL = "clip-vit-b-16"
STARTER = "starter"


@dataclass(frozen=True, slots=True)
class Backbone:
    """A model known by name.

    Attributes:
        name: what `--model` takes.
        architecture: open_clip's name of the architecture.
        tag: open_clip's name of the weights.
        repository: where the weights lie on the Hugging Face hub.
        licence: of the weights.
        size_mb: of the weights as float32, both towers, in megabytes.
        dimension: D, the length of an embedding.
        gmacs: billions of multiply-adds to embed one frame.
        cpu_frames_per_second: measured on two cores with AVX2, or None.
        good_for: when to choose it.
    """

    name: str
    architecture: str
    tag: str
    repository: str
    licence: str
    size_mb: int
    dimension: int
    gmacs: float
    cpu_frames_per_second: float | None
    good_for: str

    @property
    def speed(self) -> Literal["fastest", "fast", "medium", "slow", "slowest"]:
        """How fast frames are embedded: on two cores, from about 100 frames a second to less than one."""
        steps: tuple[tuple[float, Literal["fastest", "fast", "medium", "slow"]], ...] = (
            (1, "fastest"),
            (6, "fast"),
            (15, "medium"),
            (25, "slow"),
        )
        return next((speed for limit, speed in steps if self.gmacs < limit), "slowest")


BACKBONES = (
    Backbone(
        "starter",
        "starter",
        "",
        "",
        "Apache-2.0",
        110,
        384,
        0.4,
        100,
        "trying vifi, no network, a CPU: things, animals, scenes, sports; weaker than any CLIP",
    ),
    Backbone(
        DEFAULT_MODEL,
        "ViT-B-16-quickgelu",
        "openai",
        "timm/vit_base_patch16_clip_224.openai",
        "MIT",
        598,
        512,
        16.8,
        3.5,
        "the default and the ViFi-CLIP paper's backbone; best to fine-tune on actions",
    ),
    Backbone(
        "clip-vit-b-32",
        "ViT-B-32-quickgelu",
        "openai",
        "timm/vit_base_patch32_clip_224.openai",
        "MIT",
        605,
        512,
        4.4,
        14.4,
        "4 times faster than the default, less detail",
    ),
    Backbone(
        "clip-vit-l-14",
        "ViT-L-14-quickgelu",
        "openai",
        "timm/vit_large_patch14_clip_224.openai",
        "MIT",
        1711,
        768,
        77.8,
        None,
        "better than the default where there is a GPU",
    ),
    Backbone(
        "siglip2-b-16",
        "ViT-B-16-SigLIP2",
        "webli",
        "timm/ViT-B-16-SigLIP2",
        "Apache-2.0",
        1501,
        768,
        17.0,
        None,
        "many languages and stronger retrieval; needs `pip install transformers`",
    ),
    Backbone(
        "siglip2-b-32",
        "ViT-B-32-SigLIP2-256",
        "webli",
        "timm/ViT-B-32-SigLIP2-256",
        "Apache-2.0",
        1508,
        768,
        5.7,
        None,
        "many languages on a CPU; needs `pip install transformers`",
    ),
    Backbone(
        "pe-core-t-16",
        "PE-Core-T-16-384",
        "meta",
        "timm/PE-Core-T-16-384",
        "Apache-2.0",
        278,
        512,
        3.2,
        9.6,
        "small, trained on videos too: a CPU's first choice",
    ),
    Backbone(
        "pe-core-s-16",
        "PE-Core-S-16-384",
        "meta",
        "timm/PE-Core-S-16-384",
        "Apache-2.0",
        349,
        512,
        12.6,
        None,
        "between tiny and base, trained on videos too",
    ),
    Backbone(
        "pe-core-b-16",
        "PE-Core-B-16",
        "meta",
        "timm/PE-Core-B-16",
        "Apache-2.0",
        1791,
        1024,
        17.1,
        None,
        "strong on videos at the default's cost a frame",
    ),
    Backbone(
        "pe-core-l-14",
        "PE-Core-L-14-336",
        "meta",
        "timm/PE-Core-L-14-336",
        "Apache-2.0",
        2684,
        1024,
        191.0,
        None,
        "the best on videos here; wants a GPU",
    ),
    Backbone(
        "mobileclip2-s0",
        "MobileCLIP2-S0",
        "dfndr2b",
        "timm/MobileCLIP2-S0-OpenCLIP",
        "Apple ML research",
        299,
        512,
        2.4,
        None,
        "fast on a CPU at the default's quality; for research only",
    ),
    Backbone(
        "mobileclip2-s2",
        "MobileCLIP2-S2",
        "dfndr2b",
        "timm/MobileCLIP2-S2-OpenCLIP",
        "Apple ML research",
        397,
        512,
        7.8,
        None,
        "better than the default and faster; for research only",
    ),
    Backbone(
        "mobileclip2-b",
        "MobileCLIP2-B",
        "dfndr2b",
        "timm/MobileCLIP2-B-OpenCLIP",
        "Apple ML research",
        599,
        512,
        17.0,
        None,
        "a stronger ViT-B/16; for research only",
    ),
)


def find_backbone(name: str) -> Backbone | None:
    """The entry of the table under this name."""
    return next((backbone for backbone in BACKBONES if backbone.name == name), None)
