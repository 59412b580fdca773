"""Sound to the sample: pieces put where their times say, and handed out in step with the pictures."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import av
import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

USUAL_RATE = 48_000
TREMBLE_SECONDS = 0.02  # times may be rounded; a gap or an overlap is longer


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """How sound is written: samples a second, and FFmpeg's name of where its channels come from."""

    rate: int
    layout: str

    @property
    def channels(self) -> int:
        """How many channels the layout has."""
        return av.AudioLayout(self.layout).nb_channels


STEREO = SoundFormat(USUAL_RATE, "stereo")


def samples_on_grid(
    timed: Iterable[tuple[float | None, Samples]], start_seconds: float, wanted: SoundFormat
) -> Iterator[Samples]:
    """Puts samples where their times say, counted from the start: silence into gaps, one of two that overlap."""
    done = 0
    expected: int | None = None
    for seconds, samples in timed:
        if seconds is None:
            begin = done if expected is None else expected
        else:
            begin = round((seconds - start_seconds) * wanted.rate)
        if expected is not None and abs(begin - expected) <= TREMBLE_SECONDS * wanted.rate:
            begin = expected
        expected = begin + samples.shape[1]
        while done < begin:
            silence = np.zeros((wanted.channels, min(begin - done, wanted.rate)), np.float32)
            yield silence
            done += silence.shape[1]
        fresh = samples[:, done - begin :]
        if fresh.shape[1]:
            yield fresh
            done += fresh.shape[1]


class SoundTrack:
    """Sound that is handed out up to a time, and then up to the next, however it comes.

    Attributes:
        format: of the samples.
    """

    def __init__(self, samples: Iterator[Samples], format: SoundFormat) -> None:
        self.format = format
        self._samples = samples
        self._rest = next(samples, None)
        self._done = 0

    @property
    def is_over(self) -> bool:
        """Whether all sound has been handed out, or there never was any."""
        return self._rest is None

    def until(self, seconds: float) -> Iterator[Samples]:
        """What has not been handed out before a time from the start on; less where the sound ends."""
        position = round(seconds * self.format.rate)
        while self._done < position and self._rest is not None:
            now, rest = self._rest[:, : position - self._done], self._rest[:, position - self._done :]
            self._rest = rest if rest.shape[1] else next(self._samples, None)
            self._done += now.shape[1]
            yield now
