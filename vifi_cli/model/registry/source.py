"""What `--model` accepts, and where it says that a model comes from."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.backbones import BACKBONES, STARTER, find_backbone

FOLDER_PREFIX = "local-dir:"
FOLDER_CONFIGURATION = "open_clip_config.json"
CARD_FILE, WEIGHTS_FILE, PROMPTS_FILE = "config.json", "weights.safetensors", "prompts.safetensors"
WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")

Activation = Literal["gelu", "quickgelu"]


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model comes from.

    Attributes:
        name: what gives this source again; paths are absolute.
        kind: `starter`; `pretrained`, an architecture and a tag of open_clip; `folder`, with
            `open_clip_config.json`; `vifi`, a model folder of vifi's own; `file`, weights alone.
        architecture: open_clip's name of it; of a `pretrained` one only.
        tag: open_clip's name of the weights; of a `pretrained` one only.
        path: of a `folder`, `vifi` or `file`.
        activation: of a `file`, where the user said it; weights do not show it.
    """

    name: str
    kind: Literal["starter", "pretrained", "folder", "vifi", "file"]
    architecture: str = ""
    tag: str = ""
    path: Path | None = None
    activation: Activation | None = None


def resolve_model(name: str) -> ModelSource:
    """Say what a model's name means.

    Args:
        name: a name of the table; `ARCH/TAG` of open_clip; a folder that holds `open_clip_config.json`, with or
            without `local-dir:`; a model folder of vifi (`config.json`, `weights.safetensors` or
            `prompts.safetensors`); a file of weights
            (.safetensors, .pt, .pth, .bin) in the naming of OpenAI's CLIP, taken to use quick GELU as OpenAI's do
            unless `#gelu` is appended.

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
        return _folder(path)
    if path.is_file():
        return _weights_file(path, activation)
    if name.startswith(FOLDER_PREFIX) or path.suffix in WEIGHT_SUFFIXES or name.startswith((".", "~", "/")):
        raise InvalidInput(f"there is no model at {path}")
    return None


def _folder(path: Path) -> ModelSource:
    if (path / FOLDER_CONFIGURATION).is_file():
        return ModelSource(str(path), "folder", path=path)
    if is_model_folder(path):
        return ModelSource(str(path), "vifi", path=path)
    inside = next((path / name for name in ("best", "last") if is_model_folder(path / name)), None)
    hint = f"; did you mean {inside}?" if inside else ""
    raise InvalidInput(
        f"{path} is no model folder: it holds no {FOLDER_CONFIGURATION}, "
        f"nor {CARD_FILE} and {WEIGHTS_FILE} or {PROMPTS_FILE}{hint}"
    )


def is_model_folder(folder: Path) -> bool:
    """Whether a folder holds what `model_folder.write_model_folder` writes."""
    has_tensors = any((folder / name).is_file() for name in (WEIGHTS_FILE, PROMPTS_FILE))
    return has_tensors and (folder / CARD_FILE).is_file()


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
    from vifi_cli.model.towers.torchvision_operators import declare_missing_operators

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
