"""The models that vifi knows by name; `vifi model list` and `vifi doctor` read this table without heavy imports."""

from dataclasses import dataclass
from typing import Literal

DEFAULT_MODEL = "clip-vit-b-16"
STARTER = "starter"
STARTER_DIMENSION = 384


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model known by name.

    Attributes:
        name: for `--model`.
        architecture: open_clip's name of the architecture.
        tag: open_clip's name of the weights.
        repository: of the weights on the Hugging Face hub.
        licence: of the weights.
        size_mb: of both towers' weights as float32, in megabytes.
        dimension: D, the length of an embedding.
        gmacs: billions of multiply-adds to embed one frame.
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
    good_for: str

    @property
    def speed(self) -> Literal["fastest", "fast", "medium", "slow", "slowest"]:
        """The speed of embedding frames: on two cores, from about 100 frames a second to less than one."""
        steps: tuple[tuple[float, Literal["fastest", "fast", "medium", "slow"]], ...] = (
            (1, "fastest"),
            (6, "fast"),
            (15, "medium"),
            (25, "slow"),
        )
        return next((speed for limit, speed in steps if self.gmacs < limit), "slowest")


KNOWN_MODELS = (
    KnownModel(
        name="starter",
        architecture="starter",
        tag="",
        repository="",
        licence="Apache-2.0",
        size_mb=110,
        dimension=STARTER_DIMENSION,
        gmacs=0.4,
        good_for="trying vifi, no network, a CPU: things, animals, scenes, sports; weaker than any CLIP",
    ),
    KnownModel(
        name=DEFAULT_MODEL,
        architecture="ViT-B-16-quickgelu",
        tag="openai",
        repository="timm/vit_base_patch16_clip_224.openai",
        licence="MIT",
        size_mb=598,
        dimension=512,
        gmacs=16.8,
        good_for="the default and the ViFi-CLIP paper's backbone; best to fine-tune on actions",
    ),
    KnownModel(
        name="clip-vit-b-32",
        architecture="ViT-B-32-quickgelu",
        tag="openai",
        repository="timm/vit_base_patch32_clip_224.openai",
        licence="MIT",
        size_mb=605,
        dimension=512,
        gmacs=4.4,
        good_for="4 times faster than the default, less detail",
    ),
    KnownModel(
        name="clip-vit-l-14",
        architecture="ViT-L-14-quickgelu",
        tag="openai",
        repository="timm/vit_large_patch14_clip_224.openai",
        licence="MIT",
        size_mb=1711,
        dimension=768,
        gmacs=77.8,
        good_for="better than the default where there is a GPU",
    ),
    KnownModel(
        name="siglip2-b-16",
        architecture="ViT-B-16-SigLIP2",
        tag="webli",
        repository="timm/ViT-B-16-SigLIP2",
        licence="Apache-2.0",
        size_mb=1501,
        dimension=768,
        gmacs=17.0,
        good_for="many languages and stronger retrieval; needs `pip install transformers`",
    ),
    KnownModel(
        name="siglip2-b-32",
        architecture="ViT-B-32-SigLIP2-256",
        tag="webli",
        repository="timm/ViT-B-32-SigLIP2-256",
        licence="Apache-2.0",
        size_mb=1508,
        dimension=768,
        gmacs=5.7,
        good_for="many languages on a CPU; needs `pip install transformers`",
    ),
    KnownModel(
        name="pe-core-t-16",
        architecture="PE-Core-T-16-384",
        tag="meta",
        repository="timm/PE-Core-T-16-384",
        licence="Apache-2.0",
        size_mb=278,
        dimension=512,
        gmacs=3.2,
        good_for="small, trained on videos too: a CPU's first choice",
    ),
    KnownModel(
        name="pe-core-s-16",
        architecture="PE-Core-S-16-384",
        tag="meta",
        repository="timm/PE-Core-S-16-384",
        licence="Apache-2.0",
        size_mb=349,
        dimension=512,
        gmacs=12.6,
        good_for="between tiny and base, trained on videos too",
    ),
    KnownModel(
        name="pe-core-b-16",
        architecture="PE-Core-B-16",
        tag="meta",
        repository="timm/PE-Core-B-16",
        licence="Apache-2.0",
        size_mb=1791,
        dimension=1024,
        gmacs=17.1,
        good_for="strong on videos at the default's cost a frame",
    ),
    KnownModel(
        name="pe-core-l-14",
        architecture="PE-Core-L-14-336",
        tag="meta",
        repository="timm/PE-Core-L-14-336",
        licence="Apache-2.0",
        size_mb=2684,
        dimension=1024,
        gmacs=176,
        good_for="the best on videos here; needs a GPU",
    ),
    KnownModel(
        name="mobileclip2-s0",
        architecture="MobileCLIP2-S0",
        tag="dfndr2b",
        repository="timm/MobileCLIP2-S0-OpenCLIP",
        licence="Apple ML research",
        size_mb=299,
        dimension=512,
        gmacs=2.4,
        good_for="fast on a CPU at the default's quality; for research only",
    ),
    KnownModel(
        name="mobileclip2-s2",
        architecture="MobileCLIP2-S2",
        tag="dfndr2b",
        repository="timm/MobileCLIP2-S2-OpenCLIP",
        licence="Apple ML research",
        size_mb=397,
        dimension=512,
        gmacs=7.8,
        good_for="better than the default and faster; for research only",
    ),
    KnownModel(
        name="mobileclip2-b",
        architecture="MobileCLIP2-B",
        tag="dfndr2b",
        repository="timm/MobileCLIP2-B-OpenCLIP",
        licence="Apple ML research",
        size_mb=599,
        dimension=512,
        gmacs=17.0,
        good_for="a stronger ViT-B/16; for research only",
    ),
)


def find_known_model(name: str) -> KnownModel | None:
    """The known model of this name."""
    return next((backbone for backbone in KNOWN_MODELS if backbone.name == name), None)
