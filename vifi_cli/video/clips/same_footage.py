"""Whether two videos show the same footage, although one was encoded again, scaled, cropped or cut shorter.

The mean picture over time shows at which scale and place one video is in the other: where they correlate most. Movement
decides: the difference of each frame from that mean, at the best shift in time. Other takes in front of the same
background have equal means and other movements.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli.video.clips.full_frames import picture_size
from vifi_cli.video.decode.decoder import decode_range
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.moment import WHOLE_VIDEO
from vifi_cli.video.pictures.bilinear import short_side_size
from vifi_cli.video.pictures.frames import FrameGeometry

FRAMES_PER_SECOND = 25.0
MOST_SECONDS = 60.0
SHORT_SIDE, COMPARED_SIDE = 48, 24  # pixels
SCALES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6)  # of one picture in the other
LEAST_SIDE = 12
LEAST_PLACED = 0.5  # correlation of the means below which pictures do not show the same place
LEAST_MOTION = 1.0  # gray levels; in stiller videos, noise would decide
FEWEST_FRAMES = 8

Pictures = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """The first minute of a video as gray frames, float32 (N, H, W), 25 a second, with a short side of 48 pixels."""

    frames: Pictures

    @property
    def mean(self) -> Pictures:
        """The mean over time (H, W)."""
        mean: Pictures = self.frames.mean(0)
        return mean


def read_footage(path: Path) -> Footage:
    """Read the frames of a video that are compared; UnreadableVideo if there are none."""
    geometry = FrameGeometry(*short_side_size(*picture_size(path), SHORT_SIDE), "squash", "bilinear")
    frames, seconds = [], []
    for chunk in decode_range(path, FrameSampling(FRAMES_PER_SECOND, FEWEST_FRAMES), geometry, WHOLE_VIDEO):
        frames.append(chunk.pixels.mean(-1, dtype=np.float32))
        seconds.append(chunk.seconds)
        if chunk.seconds[-1] - seconds[0][0] >= MOST_SECONDS:
            break
    times = np.concatenate(seconds)
    times -= times[0]
    # as a player shows them, so that neither the file's rate nor dropped frames matter
    steady = np.arange(0, times[-1] + 0.5 / FRAMES_PER_SECOND, 1 / FRAMES_PER_SECOND)
    on_screen = np.searchsorted(times, steady + 0.5 / FRAMES_PER_SECOND, side="right") - 1
    return Footage(np.concatenate(frames)[on_screen.clip(0)])


def same_footage(one: Footage, other: Footage) -> float:
    """How well the movements of two videos agree at the best scale, place and shift in time: -1 to 1, 0 if unknown."""
    return max(_agreement(one, other), _agreement(other, one))


def _agreement(outer: Footage, inner: Footage) -> float:
    """The same where the picture of `inner` is a part of that of `outer`."""
    place = _best_place(outer.mean, inner.mean)
    if place is None:
        return 0.0
    rows, columns = place
    width = max(COMPARED_SIDE // 3, round(COMPARED_SIDE * inner.mean.shape[1] / inner.mean.shape[0]))
    shown = [_scaled(outer.frames[:, rows, columns], width), _scaled(inner.frames, width)]
    shorter, longer = sorted(shown, key=len)
    return _best_shift(shorter, longer)


def _best_place(outer: Pictures, inner: Pictures) -> tuple[slice, slice] | None:
    """Where a picture correlates most with a part of another; None where it does nowhere."""
    found: tuple[float, tuple[slice, slice] | None] = (LEAST_PLACED, None)
    fit = min(outer.shape[0] / inner.shape[0], outer.shape[1] / inner.shape[1])
    for scale in SCALES:
        height, width = (round(side * fit * scale) for side in inner.shape)
        if min(height, width) < LEAST_SIDE:
            continue
        correlations = _correlations(outer, _resized(inner, height, width))
        top, left = divmod(int(correlations.argmax()), correlations.shape[1])
        if correlations[top, left] > found[0]:
            found = float(correlations[top, left]), (slice(top, top + height), slice(left, left + width))
    return found[1]


def _correlations(outer: Pictures, inner: Pictures) -> Pictures:
    """Pearson's correlation of a picture (h, w) with each part of another of its size: (H - h + 1, W - w + 1)."""
    height, width = inner.shape
    centered = inner - inner.mean()
    transformed = np.fft.rfft2(outer) * np.conj(np.fft.rfft2(centered, outer.shape))
    sums, squares = _sums_of_parts(outer, height, width), _sums_of_parts(outer**2, height, width)
    products = np.fft.irfft2(transformed, outer.shape)[: sums.shape[0], : sums.shape[1]]
    variances = squares - sums**2 / (height * width)
    result: Pictures = products / np.sqrt(np.maximum(variances * (centered**2).sum(), 1e-6))
    return result


def _sums_of_parts(picture: Pictures, height: int, width: int) -> npt.NDArray[np.float64]:
    """The sum of each part of this size: (H - h + 1, W - w + 1)."""
    sums = np.pad(picture.astype(np.float64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    rows = sums[height:] - sums[:-height]
    parts: npt.NDArray[np.float64] = rows[:, width:] - rows[:, :-width]
    return parts


def _best_shift(shorter: Pictures, longer: Pictures) -> float:
    """The correlation of movements (n, P) with those of a longer video (m, P) at the best shift of it.

    Every second frame of the shorter video is compared, less a tenth at either end, so that a cut between two frames
    and ends that differ do not matter.
    """
    cut = len(shorter) // 10
    moving = shorter[cut : len(shorter) - cut : 2]
    moving = moving - moving.mean(0)
    energy, count = float((moving**2).sum()), len(moving)
    if count < FEWEST_FRAMES // 2 or np.sqrt(energy / moving.size) < LEAST_MOTION:
        return 0.0
    starts = np.arange(len(longer) - 2 * (count - 1))
    matches = (moving @ longer.T)[np.arange(count), starts[:, None] + 2 * np.arange(count)].sum(1)
    sums, squares = (
        _sums_of_windows(longer, count),
        _sums_of_windows((longer**2).sum(1, keepdims=True), count),
    )
    energies = squares[:, 0] - (sums**2).sum(1) / count
    return float((matches / np.sqrt(np.maximum(energy * energies, 1e-6))).max())


def _sums_of_windows(values: Pictures, count: int) -> npt.NDArray[np.float64]:
    """The sum of so many rows, every second one, from each row on: (m - 2 (count - 1), P)."""
    sums = np.concatenate([np.zeros((2, values.shape[1])), values])
    for parity in (0, 1):
        sums[parity::2] = sums[parity::2].cumsum(0)
    windows: npt.NDArray[np.float64] = sums[2 * count :] - sums[: len(sums) - 2 * count]
    return windows


def _scaled(frames: Pictures, width: int) -> Pictures:
    """Frames (N, H, W) as rows of few pixels: (N, P)."""
    return _resized(frames, COMPARED_SIDE, width).reshape(len(frames), -1)


def _resized(pictures: Pictures, height: int, width: int) -> Pictures:
    """Gray pictures (..., H, W) at another size, each pixel the mean of what it covers."""
    rows, columns = _cover(pictures.shape[-2], height), _cover(pictures.shape[-1], width)
    resized: Pictures = np.matmul(np.matmul(rows, pictures), columns.T, dtype=np.float32)
    return resized


@cache
def _cover(old: int, new: int) -> Pictures:
    """How much each of the new pixels of a line is made of the old ones: (new, old), rows summing to 1."""
    edges = np.linspace(0, old, new + 1)
    ends = np.minimum(edges[1:, None], np.arange(1, old + 1))
    covered = (ends - np.maximum(edges[:-1, None], np.arange(old))).clip(0)
    share: Pictures = (covered / covered.sum(1, keepdims=True)).astype(np.float32)
    return share
