"""The models that vifi knows by name, and what else `--model` accepts.

Nothing heavy is imported here: `vifi model list` and `vifi doctor` read this table.
"""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vifi_cli.errors import InvalidInput

DEFAULT_MODEL = "clip-vit-b-16"
STARTER = "starter"
FOLDER_PREFIX = "local-dir:"
FOLDER_CONFIGURATION = "open_clip_config.json"
WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")

Activation = Literal["gelu", "quickgelu"]


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


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model comes from.

    Attributes:
        name: what gives this source again; paths are absolute.
        kind: `starter`; `pretrained`, an architecture and a tag of open_clip; `folder`, with
            `open_clip_config.json`; `file`, weights alone.
        architecture: open_clip's name of it; of a `pretrained` one only.
        tag: open_clip's name of the weights; of a `pretrained` one only.
        path: of a `folder` or `file`.
        activation: of a `file`, where the user said it; weights do not show it.
    """

    name: str
    kind: Literal["starter", "pretrained", "folder", "file"]
    architecture: str = ""
    tag: str = ""
    path: Path | None = None
    activation: Activation | None = None


def find_backbone(name: str) -> Backbone | None:
    """The entry of the table under this name."""
    return next((backbone for backbone in BACKBONES if backbone.name == name), None)


def resolve_model(name: str) -> ModelSource:
    """Say what a model's name means.

    Args:
        name: a name of the table; `ARCH/TAG` of open_clip; a folder that holds `open_clip_config.json`, with or
            without `local-dir:`; a file of weights (.safetensors, .pt, .pth, .bin) in the naming of OpenAI's CLIP,
            taken to use quick GELU as OpenAI's do unless `#gelu` is appended.

    Raises:
        InvalidInput: no such model; the text names the nearest ones.
    """
    backbone = find_backbone(name)
    if name == STARTER:
        return ModelSource(name, "starter")
    if backbone:
        return ModelSource(name, "pretrained", backbone.architecture, backbone.tag)
    return _local(name) or _of_open_clip(name)


def _local(name: str) -> ModelSource | None:
    text, _, activation = name.removeprefix(FOLDER_PREFIX).partition("#")
    path = Path(text).expanduser().absolute()
    if path.is_dir():
        if not (path / FOLDER_CONFIGURATION).is_file():
            raise InvalidInput(f"{path} is no model folder: it holds no {FOLDER_CONFIGURATION}")
        return ModelSource(str(path), "folder", path=path)
    if path.is_file():
        return _weights_file(path, activation)
    if name.startswith(FOLDER_PREFIX) or path.suffix in WEIGHT_SUFFIXES or name.startswith((".", "~", "/")):
        raise InvalidInput(f"there is no model at {path}")
    return None


def _weights_file(path: Path, activation: str) -> ModelSource:
    if path.suffix not in WEIGHT_SUFFIXES:
        raise InvalidInput(f"{path} is no file of weights: those end in {', '.join(WEIGHT_SUFFIXES)}")
    if activation == "gelu":
        return ModelSource(f"{path}#gelu", "file", path=path, activation="gelu")
    if activation == "quickgelu":
        return ModelSource(f"{path}#quickgelu", "file", path=path, activation="quickgelu")
    if activation:
        raise InvalidInput(f"after the # of {path} stands gelu or quickgelu, not {activation!r}")
    return ModelSource(str(path), "file", path=path)


def _of_open_clip(name: str) -> ModelSource:
    """Look among open_clip's own architectures and tags, which takes its import."""
    from vifi_cli.model.torchvision_operators import declare_missing_operators

    declare_missing_operators()
    import open_clip

    architecture, _, tag = name.rpartition("/")
    if not open_clip.get_pretrained_cfg(architecture, tag):
        raise InvalidInput(
            _unknown(name, [f"{known}/{its_tag}" for known, its_tag in open_clip.list_pretrained()])
        )
    # Weights trained with quick GELU give wrong embeddings with plain GELU, and the other way round.
    quick = open_clip.get_pretrained_cfg(architecture, tag).get("quick_gelu", False)
    if quick != open_clip.get_model_config(architecture).get("quick_gelu", False):
        twin = architecture.removesuffix("-quickgelu") + ("-quickgelu" if quick else "")
        if not open_clip.get_pretrained_cfg(twin, tag):
            raise InvalidInput(
                f"{name} would run its weights with the wrong activation; see `vifi model list`"
            )
        architecture = twin
    return ModelSource(f"{architecture}/{tag}", "pretrained", architecture, tag)


def _unknown(name: str, pretrained: list[str]) -> str:
    known = [backbone.name for backbone in BACKBONES]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    near += difflib.get_close_matches(name, pretrained, n=3, cutoff=0.7)
    meant = f"did you mean {', '.join(near[:3])}? " if near else ""
    return f"there is no model {name!r}; {meant}`vifi model list` shows the choices"
