"""How a folder of transformers wants pictures: the part of its processor that prepares images.

It is in `preprocessor_config.json`, or, since release 5, in `processor_config.json` with the other parts.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vifi_cli.errors import InvalidInput

IMAGE_PROCESSOR_FILE, PROCESSOR_FILE = "preprocessor_config.json", "processor_config.json"
_RESAMPLING = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers
_BYTE = 1 / 255


@dataclass(frozen=True, slots=True)
class PictureSettings:
    """How pictures are prepared."""

    values: Mapping[str, Any]  # what differs from OpenAI's CLIP, in open_clip's words
    remark: str = ""  # a sentence: what vifi does differently; or empty


def read_preprocessing(folder: Path, image_size: int, *, squashes: bool) -> PictureSettings:
    """How a folder wants pictures; without a file as the published SigLIPs, if the model `squashes`, else as CLIP.

    Raises InvalidInput if vifi cannot prepare pictures so.
    """
    found = _content(folder)
    if found is None:
        half = (0.5, 0.5, 0.5)
        return PictureSettings({"resize_mode": "squash", "mean": half, "std": half} if squashes else {})
    file, content = found
    try:
        values = {
            "interpolation": _interpolation(file, content.get("resample")),
            "resize_mode": _resize_mode(file, content, image_size, squashes=squashes),
            **_statistics(content),
        }
        side = image_size if values["resize_mode"] == "squash" else _short_side(content, image_size)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise InvalidInput(f"{file} does not say how pictures are prepared ({error}): correct it") from error
    return PictureSettings(values, _short_side_remark(file, side, image_size))


def read_json_object(file: Path) -> dict[str, Any]:
    """The content of a JSON file that holds an object; InvalidInput if it does not."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{file} cannot be read as JSON: copy the folder again") from error
    if not isinstance(content, dict):
        raise InvalidInput(f"{file} is not a configuration: copy the folder again")
    return content


def _content(folder: Path) -> tuple[Path, Mapping[str, Any]] | None:
    if (file := folder / PROCESSOR_FILE).is_file() and isinstance(
        part := read_json_object(file).get("image_processor"), dict
    ):
        return file, part
    file = folder / IMAGE_PROCESSOR_FILE
    return (file, read_json_object(file)) if file.is_file() else None


def _resize_mode(file: Path, content: Mapping[str, Any], image_size: int, *, squashes: bool) -> str:
    """`squash` where pictures get both sides of the input, else `shortest` and the center."""
    if not content.get("do_resize", True):
        raise InvalidInput(
            f"{file} does not resize pictures (do_resize), and frames have any size: correct it"
        )
    size = content.get("size", image_size)
    is_squashed = isinstance(size, dict) and "height" in size
    if isinstance(size, dict) and not {"height", "shortest_edge"} & size.keys():
        raise InvalidInput(
            f"{file} resizes pictures by {', '.join(size)}: vifi takes shortest_edge, or height and width"
        )
    if content.get("do_center_crop", not squashes):
        _require_side(file, "crops", content.get("crop_size", image_size), image_size)
    elif not is_squashed and not squashes:
        raise InvalidInput(
            f"{file} keeps the form of pictures without cropping them: set do_center_crop to true"
        )
    if is_squashed or (squashes and not isinstance(size, dict)):
        _require_side(file, "resizes", size or image_size, image_size)
        return "squash"
    return "shortest"


def _require_side(file: Path, does: str, size: object, image_size: int) -> None:
    sides = {size.get("height"), size.get("width")} if isinstance(size, dict) else {size}
    if sides != {image_size}:
        given = " x ".join(str(side) for side in sorted(sides, key=str))
        raise InvalidInput(
            f"{file} {does} pictures to {given} pixels, and the model takes {image_size}: correct it"
        )


def _short_side(content: Mapping[str, Any], image_size: int) -> int:
    """The side before the crop, in pixels; older files have the number alone."""
    size = content.get("size")
    side = size.get("shortest_edge", image_size) if isinstance(size, dict) else size or image_size
    if not (type(side) is int and side > 0):
        raise ValueError(f"the size is {side!r}")
    return side


def _short_side_remark(file: Path, side: int, image_size: int) -> str:
    if side == image_size:
        return ""
    return (
        f"{file} scales the short side of pictures to {side} pixels before it crops {image_size}; vifi scales it to "
        f"{image_size}, so that embeddings differ a little from those of transformers"
    )


def _interpolation(file: Path, number: object) -> str:
    if number is None:
        return "bicubic"
    if number not in _RESAMPLING:
        raise InvalidInput(
            f"{file} resamples by Pillow's filter {number}, and vifi has 2 and 3, bilinear and bicubic"
        )
    return _RESAMPLING[number]


def _statistics(content: Mapping[str, Any]) -> dict[str, tuple[float, ...]]:
    """Mean and std for pixels scaled to 0..1, whatever the processor scales them to; ValueError for others."""
    scale = content.get("rescale_factor", _BYTE) if content.get("do_rescale", True) else 1.0
    factor = 1.0 if abs(scale * 255 - 1) < 1e-6 else 1 / (scale * 255)
    if not content.get("do_normalize", True):
        return {"mean": (0.0,) * 3, "std": (factor,) * 3}
    given = {"mean": content.get("image_mean"), "std": content.get("image_std")}
    found = {
        name: tuple(float(value) * factor for value in values) for name, values in given.items() if values
    }
    finite = all(len(values) == 3 and all(map(math.isfinite, values)) for values in found.values())
    if not finite or min(found.get("std", (1.0,))) <= 0:
        raise ValueError("mean and std are three numbers each, and std is not 0 or less")
    return found
