"""Which frames of a video make a clip, for testing and for training, from their numbers alone.

A video of N frames is divided into T spans of equal length, and each span yields one frame: its center in testing,
any of its frames in training (temporal segment sampling: Wang et al., Temporal Segment Networks, 2016).
"""

import numpy as np
import numpy.typing as npt

FrameNumbers = npt.NDArray[np.int64]


def test_frame_indices(total_frames: int, frames: int) -> FrameNumbers:
    """The center of each span, int64 (T,), ascending; a video with fewer frames than the clip yields some repeatedly.

    Source: ViFi-CLIP's `datasets/pipeline.py`, SampleFrames in test mode: int(i * N/T + N/T / 2). Where that is
    an integer its rounding decides, so keep the terms in this order.
    """
    _check(total_frames, frames)
    span = total_frames / frames
    return (np.arange(frames) * span + span / 2).astype(np.int64)


def training_frame_indices(total_frames: int, frames: int, generator: np.random.Generator) -> FrameNumbers:
    """A random frame from each of T spans of N // T frames, int64 (T,), ascending unless N < T.

    The remaining tail, fewer than T frames, is never drawn. A video with fewer frames than the clip yields them evenly
    and starts again where they end.

    Source: ViFi-CLIP's `datasets/pipeline.py`, SampleFrames in training mode.
    """
    _check(total_frames, frames)
    span = total_frames // frames
    if span:
        return np.arange(frames) * span + generator.integers(span, size=frames)
    return np.around(np.arange(frames) * total_frames / frames).astype(np.int64) % total_frames


def _check(total_frames: int, frames: int) -> None:
    if total_frames < 1 or frames < 1:
        raise ValueError(f"cannot take {frames} frames from {total_frames}")
