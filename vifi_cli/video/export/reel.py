"""Joins moments into one video: a common size and frame rate, black where shapes differ, sound or silence."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.export.clip import sound_track
from vifi_cli.video.export.movie import Movie, PictureTiming
from vifi_cli.video.export.open_moment import at_even_times, open_moment
from vifi_cli.video.export.picture_fitting import Canvas, PictureFitter
from vifi_cli.video.export.probe import VideoFacts, nearest_rate
from vifi_cli.video.export.sound import STEREO, SoundTrack, open_sound
from vifi_cli.video.moment import Moment


@dataclass(frozen=True, slots=True)
class ReelForm:
    """What all pictures of a reel have in common."""

    canvas: Canvas
    frame_rate: Fraction
    has_sound: bool


@dataclass(frozen=True, slots=True)
class Reel:
    """A reel that was written."""

    seconds: float  # its length
    starts_seconds: tuple[float | None, ...]  # where in it each moment begins; None if it could not be read
    reasons: tuple[tuple[int, str], ...]  # why not, by the moment's place

    def is_of(self, moments: int) -> bool:
        """Whether it can be a reel of that many moments."""
        places = [place for place, _ in self.reasons]
        return len(self.starts_seconds) == moments and all(0 <= place < moments for place in places)


def reel_form(facts: Sequence[VideoFacts]) -> ReelForm:
    """The most frequent size and frame rate of at least one video, of equals the greater; sound if any has it."""
    sizes = Counter((one.height, one.width) for one in facts)
    height, width = max(sizes, key=lambda size: (sizes[size], size[0] * size[1]))
    rates = Counter(nearest_rate(one.frame_rate) or one.frame_rate for one in facts)
    rate = max(rates, key=lambda rate: (rates[rate], rate))
    return ReelForm(Canvas(height, width), rate, any(one.has_sound for one in facts))


def write_reel(
    moments: Sequence[Moment], form: ReelForm, target: Path, report: Callable[[int, float], None]
) -> Reel:
    """Writes the moments one after the other as one MP4; calls `report` often with a moment's place and seconds done.

    Raises:
        UnreadableVideo: no moment can be read; the text is the first one's reason.
    """
    starts: list[float | None] = []
    reasons: list[tuple[int, str]] = []
    writing = _ReelWriting(target, form)
    with writing.movie:
        for position, moment in enumerate(moments):
            begins = writing.seconds
            report(position, 0.0)
            try:
                writing.add(moment, partial(report, position))
            except UnreadableVideo as error:
                reasons.append((position, str(error)))
            starts.append(begins if writing.seconds > begins else None)
        if not writing.pictures:
            raise UnreadableVideo(reasons[0][1] if reasons else "there is nothing to join")
    return Reel(writing.seconds, tuple(starts), tuple(reasons))


class _ReelWriting:
    """A reel being written; its sound is always as long as its pictures, so that nothing drifts."""

    def __init__(self, path: Path, form: ReelForm) -> None:
        self.pictures = 0
        self._form = form
        sound = STEREO if form.has_sound else None
        timing = PictureTiming(form.frame_rate, 1 / form.frame_rate)
        self.movie = Movie(path, form.canvas, timing, sound)

    @property
    def seconds(self) -> float:
        """The length so far."""
        return float(self.pictures / self._form.frame_rate)

    def add(self, moment: Moment, report: Callable[[float], None]) -> None:
        """Adds a moment; raises UnreadableVideo if it has no frame."""
        begins, samples = self.seconds, self.movie.samples
        opening = open_moment(moment, lambda: report(self.seconds - begins))
        with opening as opened, open_sound(moment.path, opened.clock) as sound:
            fit = PictureFitter(self._form.canvas, opened.video.stream.sample_aspect_ratio, bt709=True)
            track = sound_track(opened, sound, STEREO) if self._form.has_sound else None
            step_seconds = float(1 / self._form.frame_rate)
            for frame in at_even_times(opened.frames(), opened.start_seconds, step_seconds):
                start, self.pictures = self.seconds, self.pictures + 1
                self.movie.add_picture(fit(frame), start, self.seconds)
                if self._form.has_sound:
                    self._add_sound(track, samples)

    def _add_sound(self, track: SoundTrack | None, begins: int) -> None:
        """Adds sound up to where the pictures end: the moment's, which begins at this sample, or silence."""
        end = round(self.seconds * STEREO.rate)
        if track is not None:
            self.movie.add_sound(track.until((end - begins) / STEREO.rate))
        missing = end - self.movie.samples
        if missing:
            self.movie.add_sound([np.zeros((STEREO.channels, missing), np.float32)])
