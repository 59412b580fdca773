"""What a player would make of a video file: which numbered frames it shows when, and what it sounds like."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from tests.made_videos import frame_number

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Played:
    """Frame numbers, when each appears, when the last is over; and samples with the time of the first."""

    numbers: list[int]
    seconds: list[float]
    end_seconds: float
    sound: Samples | None
    sound_start_seconds: float = 0.0


def play(path: Path) -> Played:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        unit = float(stream.time_base or 0)
        numbers = [frame_number(frame.to_ndarray(format="rgb24")) for frame in frames]
        seconds = [(frame.pts or 0) * unit for frame in frames]
        end = float((stream.duration or 0) * unit)
        has_sound = bool(container.streams.audio)
    sound, sound_start = sound_of(path) if has_sound else (None, 0.0)
    return Played(numbers, seconds, end, sound, sound_start)


def sound_of(path: Path) -> tuple[Samples, float]:
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        return np.concatenate([frame.to_ndarray() for frame in frames], axis=1), frames[0].time or 0.0


def lag(sound: Samples, original: Samples, rate: int = 44_100) -> int:
    """By how many samples a sound comes later than the original it is part of, found by correlation."""
    a, b = sound[0, :rate], original[0]
    size = len(a) + len(b)
    likeness = np.fft.irfft(np.conj(np.fft.rfft(a, size)) * np.fft.rfft(b, size), size)
    place = int(np.argmax(likeness))
    alike = b[place : place + len(a)]
    assert likeness[place] > 0.8 * np.linalg.norm(a[: len(alike)]) * np.linalg.norm(alike)
    return place
