"""What an encoder of the index sees at once: a sampled frame, or a clip of several from a part of the video.

The clips of a clip encoder are parts of one length that overlap by half, as windows do; the last one ends with the
video. From each, T frames are taken at even times. Pure arithmetic.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vifi_cli.video.pictures.frames import Frames

Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClipLength:
    """How much of a video an encoder sees at once."""

    frames: int = 1  # T
    seconds: float = 0.0  # 0 for a frame encoder, whose clips are single frames

    def __post_init__(self) -> None:
        is_frame, is_clip = (self.frames, self.seconds) == (1, 0.0), self.seconds > 0 and self.frames >= 1
        if not (is_frame or is_clip) or not math.isfinite(self.seconds):
            raise ValueError(
                f"a clip has 1 frame or more in more than 0 s, not {self.frames} in {self.seconds} s"
            )

    @property
    def frames_per_second(self) -> float:
        """How densely a video is sampled at least: a clip's own rate; 0 for single frames, which go with any."""
        return self.frames / self.seconds if self.seconds else 0.0


SINGLE_FRAME = ClipLength()


@dataclass(frozen=True, slots=True, eq=False)
class Clips:
    """Clips of one video in order of time."""

    pixels: npt.NDArray[np.uint8]  # uint8 (N, T, H, W, 3)
    seconds: Seconds  # (N,), when each begins

    def __len__(self) -> int:
        return len(self.seconds)


def overlapping_starts(end_seconds: float, length_seconds: float) -> Seconds:
    """When parts of one length start that overlap by half; the last one ends with the video, or begins with it."""
    last_start = max(end_seconds - length_seconds, 0.0)
    return np.append(np.arange(0.0, last_start, length_seconds / 2), last_start)


def frames_at_even_times(
    frame_seconds: Seconds, start_seconds: float, length: ClipLength
) -> npt.NDArray[np.int64]:
    """Which of the frames of a clip, by their ascending times (F,), F >= 1, the encoder sees: int64 (T,).

    T times are spread evenly, half a step from both ends, and each takes the frame nearest to it. Where there are fewer
    frames than T, some come more than once.
    """
    wanted = start_seconds + (np.arange(length.frames) + 0.5) * (length.seconds / length.frames)
    return np.searchsorted((frame_seconds[1:] + frame_seconds[:-1]) / 2, wanted)


class ClipCutter:
    """Cuts the frames of one video into clips while they arrive; it keeps only those of one clip's length."""

    def __init__(self, length: ClipLength, first_seconds: float = 0.0) -> None:
        """`first_seconds` skips the clips that begin before it."""
        self._length, self._shift = length, length.seconds / 2
        self._number = math.ceil(first_seconds / self._shift) if length.seconds else 0  # of the next clip
        self._kept: Frames | None = None
        self._has_cut = False

    def add(self, frames: Frames) -> Clips:
        """Takes further frames, at least one, and returns the clips that are complete now."""
        if not self._length.seconds:
            return Clips(frames.pixels[:, None], frames.seconds)
        if self._kept is not None:
            pixels, seconds = (self._kept.pixels, frames.pixels), (self._kept.seconds, frames.seconds)
            frames = Frames(np.concatenate(pixels), np.concatenate(seconds))
        next_start = float(frames.seconds[-1]) - self._length.seconds
        clips = self._cut(frames, self._starts_before(next_start, frames.seconds))
        self._has_cut |= len(clips) > 0
        unneeded = int(np.searchsorted(frames.seconds, next_start)) if self._number else 0
        self._kept = Frames(frames.pixels[unneeded:].copy(), frames.seconds[unneeded:])
        return clips

    def finish(self, end_seconds: float) -> Clips | None:
        """The remaining clips of a video that ends here; None of single frames, and without any frame."""
        if self._kept is None:
            return None
        end_seconds = max(end_seconds, float(self._kept.seconds[-1]))
        last_start = max(end_seconds - self._length.seconds, 0.0)
        starts = self._starts_before(last_start, self._kept.seconds)
        clips = self._cut(self._kept, [*starts, last_start], end_seconds)
        if len(clips) or self._has_cut:
            return clips
        return self._cut(self._kept, [float(self._kept.seconds[0])])  # `first_seconds` is in a gap

    def _starts_before(self, limit_seconds: float, frame_seconds: Seconds) -> list[float]:
        """When the next clips start, as in `overlapping_starts`; those in a gap are skipped, however long it is."""
        starts: list[float] = []
        while (start := self._number * self._shift) < limit_seconds:
            starts.append(start)
            following = frame_seconds[np.searchsorted(frame_seconds, start + self._shift) :]
            if not len(following):
                break
            reached = math.floor((float(following[0]) - self._length.seconds) / self._shift)
            self._number = max(self._number + 1, reached)
        return starts

    def _cut(self, frames: Frames, starts: list[float], end_seconds: float = math.inf) -> Clips:
        """The clips that start here and hold a frame; times are spread over less in a video shorter than a clip."""
        length = replace(self._length, seconds=min(self._length.seconds, end_seconds or self._length.seconds))
        last_start = max(end_seconds - length.seconds, 0.0)
        cut, begun = [], []
        for start in starts:
            first = int(np.searchsorted(frames.seconds, start)) if start > 0 else 0
            end = int(np.searchsorted(frames.seconds, start + length.seconds))
            end = len(frames) if start >= last_start else end
            if end > first:
                seen = frames_at_even_times(frames.seconds[first:end], start, length)
                cut.append(frames.pixels[first:end][seen])
                begun.append(start)
        shape = (0, length.frames, *frames.pixels.shape[1:])
        return Clips(np.stack(cut) if cut else np.empty(shape, np.uint8), np.array(begun, np.float64))
