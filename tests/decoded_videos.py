"""Decoded videos as tests and benchmarks compare them: all frames at once, and the times wanted of a video."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli.video.decode.decoder import decode_frames
from vifi_cli.video.decode.frame_sampling import FrameSampling, slot_seconds
from vifi_cli.video.pictures.frames import FrameGeometry, Frames, VideoInfo


def read_video(path: Path, sampling: FrameSampling, geometry: FrameGeometry) -> tuple[Frames, VideoInfo]:
    """All frames of a video at once."""
    *chunks, info = decode_frames(path, sampling, geometry)
    frames = [chunk for chunk in chunks if isinstance(chunk, Frames)]
    assert isinstance(info, VideoInfo)
    return Frames(
        np.concatenate([chunk.pixels for chunk in frames]),
        np.concatenate([chunk.seconds for chunk in frames]),
    ), info


def sample_times(duration_seconds: float, sampling: FrameSampling) -> npt.NDArray[np.float64]:
    """The centres of a video's slots, float64 (n,), in seconds from its start."""
    width = slot_seconds(duration_seconds, sampling)
    count = max(math.ceil(duration_seconds * sampling.frames_per_second - 0.5), sampling.minimum_frames)
    return np.asarray((np.arange(count if duration_seconds > 0 else 1) + 0.5) * width, np.float64)
