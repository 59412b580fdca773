"""The architecture of a file that holds weights alone: what they show, what is assumed, and what the user named."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from vifi_cli.disk.file_version import FileVersion, version_of
from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.architectures.openai_naming import architecture_of_shapes
from vifi_cli.model.architectures.released import (
    Shapes,
    config_of,
    fitting_architectures,
    is_of_openai,
    narrowest_image_tower,
    of_towers,
    released_preprocessing,
    resized,
    without_gelu,
)
from vifi_cli.model.registry.source import ModelSource
from vifi_cli.model.weights.weights_file import weight_shapes

_WITH_CONFIGURATION = "give a folder with open_clip_config.json beside open_clip_model.safetensors"
_NAMED_SHOWN = 4


@dataclass(frozen=True, slots=True)
class FileArchitecture:
    """How vifi runs a file of weights."""

    config: Mapping[str, Any]  # open_clip's `model_cfg`
    assumed: str = ""  # a sentence: what the weights do not show, and how to say otherwise; or empty
    preprocessing: Mapping[str, Any] = field(default_factory=dict)  # what differs from OpenAI's CLIP


def architecture_of_file(source: ModelSource) -> FileArchitecture:
    """The architecture of a `file`.

    Raises ModelUnavailable if the file is no CLIP's, is damaged, or its weights fit none or several architectures of
    open_clip. `FILE#ARCHITECTURE` names one. CLIPs smaller than any released one are read by OpenAI's rule.
    """
    if source.kind != "file" or source.path is None:
        raise ValueError(f"{source.name} is not a file of weights")
    try:
        version = version_of(source.path.stat())
    except OSError as error:
        raise ModelUnavailable(f"{source.path} cannot be read ({error.strerror})") from error
    return _architecture(source.path, version, source.architecture, source.activation)


@lru_cache(maxsize=8)
def _architecture(path: Path, _: FileVersion, named: str, activation: str | None) -> FileArchitecture:
    shapes = weight_shapes(path)
    _refuse_other_names(path, shapes)
    towers = of_towers(shapes)
    if named:
        config = resized(config_of(named), towers)
        return FileArchitecture(config, preprocessing=released_preprocessing(named) or {})
    try:
        names = fitting_architectures(towers)
        if not names:
            return _small(path, shapes, activation)
    except KeyError as error:
        raise ModelUnavailable(
            f"{path} does not name its weights as OpenAI's CLIP does ({error} is missing); {_WITH_CONFIGURATION}"
        ) from error
    except (IndexError, ValueError) as error:
        raise ModelUnavailable(
            f"{path} is not a CLIP that vifi knows ({error}); {_WITH_CONFIGURATION}"
        ) from error
    kinds = {str(without_gelu(resized(config_of(name), towers))) for name in names}
    if len(kinds) > 1:
        choices = ", ".join(f"{path}#{name}" for name in names[:_NAMED_SHOWN])
        raise ModelUnavailable(f"{path} has the weights of {len(names)} architectures; name one: {choices}")
    return _fitting(path, towers, names, activation)


def _fitting(path: Path, shapes: Shapes, names: list[str], activation: str | None) -> FileArchitecture:
    """The architecture where all that fit differ in their GELU alone: OpenAI's is quick, others' plain."""
    is_quick = {name: bool(config_of(name).get("quick_gelu")) for name in names}
    wanted = activation == "quickgelu" if activation else any(is_of_openai(name) for name in names)
    name = next((name for name in names if is_quick[name] == wanted), names[0])
    quick = wanted if activation else is_quick[name]
    config, preprocessing = resized(config_of(name), shapes), released_preprocessing(name)
    if "visual.proj" in shapes or "visual.attnpool.positional_embedding" in shapes:
        config = _spelled_out(shapes, config, quick_gelu=quick)
        assumed = "" if activation else _assumed_gelu(path, f"as {name}", quick=quick)
    else:
        assumed = f"{path} is read as {name}; append #ARCHITECTURE for another architecture of open_clip"
    if preprocessing is None and assumed:
        assumed += "; pictures are normalized as for OpenAI's CLIP"
    return FileArchitecture(config, assumed, preprocessing or {})


def _spelled_out(shapes: Shapes, config: Mapping[str, Any], *, quick_gelu: bool) -> dict[str, Any]:
    """A configuration with everything that shapes show; indexes of older files go by fingerprints of such ones."""
    if (
        "text_projection" not in shapes
        or "hf_tokenizer_name" in config["text_cfg"]
        or "custom_text" in config
    ):
        return {**config, "quick_gelu": quick_gelu}
    plain = architecture_of_shapes(shapes, quick_gelu=quick_gelu)
    return {
        **config,
        **plain,
        "vision_cfg": {**plain["vision_cfg"], **config["vision_cfg"]},
        "text_cfg": {**plain["text_cfg"], **config["text_cfg"]},
    }


def _small(path: Path, shapes: Shapes, activation: str | None) -> FileArchitecture:
    """A CLIP smaller than any released one, by OpenAI's rule; KeyError, IndexError, ValueError if it is none."""
    config = architecture_of_shapes(shapes, quick_gelu=activation != "gelu")
    if any(0 in shape for shape in shapes.values()):
        raise ValueError("some of its weights are empty")
    vision, text = config["vision_cfg"], config["text_cfg"]
    if isinstance(vision["layers"], list) or vision["width"] >= narrowest_image_tower():
        raise ModelUnavailable(
            f"{path} does not fit any architecture of open_clip (image tower: {vision['layers']} layers, "
            f"{vision['width']} wide, {vision['image_size']} pixels; text tower: {text['layers']} layers, "
            f"{text['width']} wide), so its heads are unknown: {_WITH_CONFIGURATION}"
        )
    how = "as a small CLIP with heads 64 wide"
    assumed = "" if activation else _assumed_gelu(path, how, quick=True)
    return FileArchitecture(config, assumed)


def _assumed_gelu(path: Path, how: str, *, quick: bool) -> str:
    here, other = ("quick", "#gelu for plain GELU") if quick else ("plain", "#quickgelu for quick GELU")
    return f"{path} is read {how}, with {here} GELU assumed, which weights do not show; append {other}"


def _refuse_other_names(path: Path, shapes: Shapes) -> None:
    if any(name.startswith("image_encoder.") for name in shapes):
        raise ModelUnavailable(
            f"{path} is a checkpoint of ViFi-CLIP: make it a model folder with "
            f"`vifi model import {path} --output FOLDER`"
        )
    if any(".lora_" in name for name in shapes):
        raise ModelUnavailable(
            f"{path} holds LoRA adapters without the model they belong to: merge them into it, and save that"
        )
    if any(name.startswith("vision_model.") for name in shapes):
        raise ModelUnavailable(
            f"{path} has weights in the naming of transformers, whose configuration is in a file beside them: name "
            f"the folder {path.parent}, with its config.json"
        )
    if not any(name.startswith("visual.") for name in shapes):
        raise ModelUnavailable(
            f"{path} does not name its weights as OpenAI's CLIP does (visual.* is missing); {_WITH_CONFIGURATION}"
        )
