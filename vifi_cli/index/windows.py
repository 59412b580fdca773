"""Which parts of a video get a vector, and how frames become that vector.

Windows of several lengths overlap by half, so that an event of any length up to the longest is well inside one of
them; a window over the complete video serves `vifi search --by video`. Pure arithmetic.

Where an encoder sees clips, a frame's embedding is that of a clip, and its time is when the clip begins: a window has
the clips that are completely in it. They are pooled as frames are.
"""

from dataclasses import dataclass

import numpy as np

from vifi_cli.index.arrays import Float16Array, Float32Array, Float64Array, Int64Array
from vifi_cli.video.clips.clip_cutting import overlapping_starts

WINDOW_SECONDS = (2.0, 8.0, 32.0)
LEAST_CLIPS = 1.5
"""Windows longer than a clip last this many clips at least, so that each has one completely in it."""
CLIP_TOLERANCE = 0.001  # seconds: the times of moments are rounded
SHORTEST_SECONDS = 0.001  # of a video whose only frame, by its file, lasts no time


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open part of a video and its frames."""

    start_seconds: float
    end_seconds: float
    first_frame: int  # index of its first sampled frame
    end_frame: int  # index one past its last sampled frame
    is_whole: bool = False  # it stands for the video, not for a moment


def windows_of(
    frame_seconds: Float64Array,
    duration_seconds: float,
    lengths_seconds: tuple[float, ...] = WINDOW_SECONDS,
    clip_seconds: float = 0.0,
) -> list[Window]:
    """Lays the windows of one video: windows that each hold a frame, then the window over the complete video.

    Of windows with the same frames, only the shortest remains. Lengths (ascending) that the video does not exceed give
    no window; a video shorter than all of them gets one moment over all of it. `frame_seconds` holds the ascending
    times (T,) of the sampled frames, T >= 1; those at or after the end of the video still count to the last window.
    Where it holds the starts of clips, the shortest windows last as long as these.
    """
    if clip_seconds:
        longer = (length for length in lengths_seconds if length >= LEAST_CLIPS * clip_seconds)
        lengths_seconds = (clip_seconds, *longer)
    end_seconds = max(duration_seconds, float(frame_seconds[-1]), SHORTEST_SECONDS)
    moments: dict[tuple[int, int], Window] = {}
    fitting = [length for length in lengths_seconds if length < end_seconds] or [end_seconds]
    for length in fitting:
        for window in _windows_of_one_length(frame_seconds, end_seconds, length, clip_seconds):
            moments.setdefault((window.first_frame, window.end_frame), window)
    whole = Window(0.0, end_seconds, 0, len(frame_seconds), is_whole=True)
    return [*moments.values(), whole]


def _windows_of_one_length(
    frame_seconds: Float64Array, end_seconds: float, length_seconds: float, clip_seconds: float
) -> list[Window]:
    """Windows that start every half length; the last one ends with the video."""
    starts = overlapping_starts(end_seconds, length_seconds)
    ends = starts + length_seconds
    first, end = _inside(frame_seconds, starts, ends, clip_seconds)
    first[0] = 0  # a frame just before 0 belongs to the first window
    end[-1] = len(frame_seconds)  # a frame that begins at the end of the video belongs to the last window
    return [
        Window(float(starts[i]), float(ends[i]), int(first[i]), int(end[i]))
        for i in np.flatnonzero(end > first)
    ]


def _inside(
    frame_seconds: Float64Array, starts: Float64Array, ends: Float64Array, clip_seconds: float
) -> tuple[Int64Array, Int64Array]:
    """The first frame and one past the last one in each part; of clips, those that begin and end in it."""
    if clip_seconds:
        starts, ends = starts - CLIP_TOLERANCE, ends - clip_seconds + CLIP_TOLERANCE
    first = np.searchsorted(frame_seconds, starts, side="left")
    return first, np.searchsorted(frame_seconds, ends, side="left")


def window_embeddings(frame_embeddings: Float16Array, frame_spans: Int64Array) -> Float32Array:
    """Averages frame embeddings (T, D) over windows, then scales each mean to length 1: float32 (W, D).

    The frames are averaged as the encoder gave them, not normalized one by one, as ViFi-CLIP does
    (`trainers/vificlip.py`: mean over time, then the norm). `frame_spans`, int64 (W, 2), holds the first frame and one
    past the last frame of each window, W >= 1. A row is zero where all frames are zero. Sums of float16 numbers are
    exact in float64, so that a window has the same embedding whatever else is averaged with it.
    """
    begin, stop = int(frame_spans[:, 0].min()), int(frame_spans[:, 1].max())
    running = np.zeros((stop - begin + 1, frame_embeddings.shape[1]), np.float64)
    np.cumsum(frame_embeddings[begin:stop], axis=0, dtype=np.float64, out=running[1:])
    first, end = frame_spans[:, 0] - begin, frame_spans[:, 1] - begin
    means = (running[end] - running[first]) / (end - first)[:, None]
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    unit: Float64Array = np.divide(means, lengths, out=np.zeros_like(means), where=lengths > 0)
    return unit.astype(np.float32)


def frames_within(
    frame_seconds: Float64Array, start_seconds: float, end_seconds: float, clip_seconds: float = 0.0
) -> tuple[int, int]:
    """The frames that show a part of a video: those in it or, if there are none, the last one before it.

    From the ascending times (T,) of its sampled frames, T >= 1, to the first frame and one past the last one. Of clips,
    those completely in the part or, if there are none, the one whose middle is nearest to that of the part.
    """
    firsts, ends = _inside(frame_seconds, np.array([start_seconds]), np.array([end_seconds]), clip_seconds)
    first, end = int(firsts[0]), int(ends[0])
    if end > first:
        return first, end
    if clip_seconds:
        first = int(np.abs(frame_seconds + (clip_seconds - start_seconds - end_seconds) / 2).argmin())
        return first, first + 1
    return max(first - 1, 0), max(first, 1)


def stretch_embedding(
    frame_seconds: Float64Array,
    frame_embeddings: Float16Array,
    start_seconds: float,
    end_seconds: float,
    clip_seconds: float = 0.0,
) -> Float32Array:
    """The embedding of any part of a video, float32 (D,), made like that of a window (see `frames_within`)."""
    first, end = frames_within(frame_seconds, start_seconds, end_seconds, clip_seconds)
    return mean_embedding(frame_embeddings[first:end])


def mean_embedding(frame_embeddings: Float16Array) -> Float32Array:
    """The embedding of all these frames (T, D), T >= 1, made like that of a window: float32 (D,)."""
    embedding: Float32Array = window_embeddings(frame_embeddings, np.array([[0, len(frame_embeddings)]]))[0]
    return embedding
