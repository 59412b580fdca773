"""The views of a video that a test averages over: several clips in time, one or three crops in space."""

import re
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import torch
from torch import Tensor

from vifi_cli.errors import InvalidInput
from vifi_cli.model.towers.clip_transform import Pixels, center_crop, test_short_side, three_crops
from vifi_cli.video.clips.clip_sampling import FrameNumbers, test_frame_indices, training_frame_indices
from vifi_cli.wording import counted


@dataclass(frozen=True, slots=True)
class Views:
    """The views of a video in a test; one clip and one crop are the published test of a single view.

    `crops` is 1, the center of frames scaled to a slightly larger short side, or 3 along the long side of frames scaled
    to the side of the crop. `drawn` draws the frames of several clips at random in their spans, as the published code
    does, instead of at even positions; `seed` and the numbers of the video and the clip determine the draw.

    Source: ViFi-CLIP's `datasets/build.py`: four clips and three crops in the fully supervised setting.
    """

    clips: int = 1
    crops: Literal[1, 3] = 1
    drawn: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.clips < 1 or self.crops not in (1, 3):
            raise ValueError(
                f"{self.clips} clips x {self.crops} crops: a test has 1 clip or more, and 1 or 3 crops"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `4x3`, clips in time x crops in space.

        Raises:
            InvalidInput: it is something else, or the crops are not 1 or 3.
        """
        match = re.fullmatch(r"\s*(\d{1,4})\s*[xX×*]\s*([13])\s*", text)
        if not match or not int(match[1]):
            raise InvalidInput(
                f"--views {text}: write clips in time x crops in space, such as 4x3; crops are 1 or 3"
            )
        return cls(int(match[1]), 3 if match[2] == "3" else 1)

    def __str__(self) -> str:
        """Clips and crops, as `--views` takes them: `4x3`."""
        return f"{self.clips}x{self.crops}"

    @property
    def count(self) -> int:
        """Views per video."""
        return self.clips * self.crops

    def short_side(self, size: int) -> int:
        """Short side of frames before crops of `size` are cut: 256 for one crop of 224, 224 for three."""
        return size if self.crops == 3 else test_short_side(size)

    def frame_indices(self, total_frames: int, frames: int, video: int) -> FrameNumbers:
        """The frame numbers of all clips of a video, clip by clip: int64 (clips x T,)."""
        return np.concatenate(
            [self._clip_indices(total_frames, frames, video, clip) for clip in range(self.clips)]
        )

    def _clip_indices(self, total_frames: int, frames: int, video: int, clip: int) -> FrameNumbers:
        if self.drawn and self.clips > 1:
            generator = np.random.default_rng((self.seed, video, clip))
            return training_frame_indices(total_frames, frames, generator)
        return clip_frame_indices(total_frames, frames, clip, self.clips)

    def cut(self, pixels: Pixels, size: int) -> Tensor:
        """Cuts the views out of frames (clips x T, H, W, 3) scaled to `short_side`: uint8 (count, T, 3, S, S).

        All clips of the first crop come before those of the second, as published.
        """
        crops = three_crops(pixels, size) if self.crops == 3 else (center_crop(pixels, size),)
        return torch.cat([crop.view(self.clips, -1, *crop.shape[1:]) for crop in crops])


ONE_VIEW = Views()
"""The published test: one clip, its center."""


@dataclass(frozen=True, slots=True)
class ScoreConditions:
    """How the videos behind a score were tested. Scores under different conditions are not comparable."""

    frames: int  # of a clip
    views: Views = ONE_VIEW
    protocol: Literal["default", "paper"] = "default"

    def __str__(self) -> str:
        """Such as `8 frames, 1x1 views` or `16 frames, 4x3 views, drawn, paper protocol`."""
        parts = [counted(self.frames, "frame"), f"{self.views} views"]
        parts += ["drawn"] if self.views.drawn and self.views.clips > 1 else []
        parts += ["paper protocol"] if self.protocol == "paper" else []
        return ", ".join(parts)


def clip_frame_indices(total_frames: int, frames: int, clip: int, clips: int) -> FrameNumbers:
    """The frames of clip j, from 0, of C clips at even positions, ascending: int64 (T,).

    Each of T equal spans of the video gives the frame at position (j + 1/2)/C; a single clip is the published test
    clip.
    """
    if clips == 1:
        return test_frame_indices(total_frames, frames)
    span = total_frames / frames
    return (np.arange(frames) * span + span * (clip + 0.5) / clips).astype(np.int64)
