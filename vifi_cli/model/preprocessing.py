"""The preprocessing of an image tower, as open_clip configures it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from vifi_cli.errors import InvalidInput
from vifi_cli.video.pictures.frames import FrameGeometry

# ViFi-CLIP normalizes with these, whatever CLIP itself was trained with (datasets/build.py)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a picture is cropped and normalized; mean and std of each color are for pixels scaled to 0..1."""

    geometry: FrameGeometry  # size and crop, which the decoder does
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a fingerprint or a configuration file."""
        return asdict(self)

    def with_imagenet_statistics(self) -> Self:
        """The same with ImageNet's mean and std, as the published code has them for every model."""
        return replace(self, mean=IMAGENET_MEAN, std=IMAGENET_STD)

    def with_statistics_of(self, other: "Preprocessing") -> Self:
        """The same crop with mean and std of another."""
        return replace(self, mean=other.mean, std=other.std)

    def normalizes_like(self, other: "Preprocessing") -> bool:
        """Whether mean and std are those of another."""
        return (self.mean, self.std) == (other.mean, other.std)


# the training pipeline of EfficientNet-Lite scales bytes to (x - 127) / 128
PIXEL_MEAN, PIXEL_STD = 127 / 255, 128 / 255
STARTER_PREPROCESSING = Preprocessing(
    FrameGeometry(224, 224, "shortest", "bicubic"), (PIXEL_MEAN,) * 3, (PIXEL_STD,) * 3
)


def preprocessing_from_open_clip(config: Mapping[str, Any]) -> Preprocessing:
    """Read open_clip's `transform.PreprocessCfg`; InvalidInput if vifi's decoder cannot make such a picture."""
    size = config["size"]
    height, width = (size, size) if isinstance(size, int) else size
    mean, std = (
        (value,) * 3 if isinstance(value, float) else tuple(value)
        for value in (config["mean"], config["std"])
    )
    resize, interpolation = config.get("resize_mode", "shortest"), config.get("interpolation", "bicubic")
    if resize not in ("shortest", "squash", "longest") or interpolation not in ("bicubic", "bilinear"):
        raise InvalidInput(
            f"this model takes frames resized by {resize}/{interpolation}, which vifi cannot do"
        )
    fill = config.get("fill_color", 0)
    geometry = FrameGeometry(height, width, resize, interpolation, fill if isinstance(fill, int) else fill[0])
    return Preprocessing(geometry, mean, std)
