"""SMPTE timecode: hours, minutes, seconds and frames, with drop-frame where the rate is a little below an integer.

At 29.97 frames a second, counting 30 to the second loses 3.6 s an hour. Drop-frame timecode (SMPTE ST 12-1) skips the
frame numbers 0 and 1 of every minute but each tenth, and so stays with the clock.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from vifi_cli.video.decode.container import SAME_INSTANT_SECONDS
from vifi_cli.video.export.probe import VideoFacts, nearest_rate

DROP_FRAME_RATES = Fraction(30000, 1001), Fraction(60000, 1001)
SECONDS_PER_DAY = 24 * 3600
TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")


@dataclass(frozen=True, slots=True)
class TimecodeRate:
    """How frames are counted."""

    rate: Fraction  # frames per second
    drop_frame: bool = False  # whether numbers are skipped to stay with the clock

    @property
    def base(self) -> int:
        """Frame numbers per second."""
        return round(self.rate)

    def timecode(self, frame: int) -> str:
        """The timecode of a frame, counted from 00:00:00:00; it starts again after a day."""
        if self.drop_frame:
            tens, rest = divmod(frame, 600 * self.base - 9 * self._dropped)
            later_minutes = max(rest - self._dropped, 0) // (60 * self.base - self._dropped)
            frame += self._dropped * (9 * tens + later_minutes)
        seconds, frames = divmod(frame % (SECONDS_PER_DAY * self.base), self.base)
        hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
        return f"{hours:02}:{minutes:02}:{seconds:02}{';' if self.drop_frame else ':'}{frames:02}"

    def frame(self, timecode: str) -> int:
        """The frame that has a timecode; raises ValueError if the text is not a timecode."""
        match = TIMECODE.fullmatch(timecode)
        if match is None:
            raise ValueError(f"not a timecode: {timecode!r}")
        hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
        minutes += 60 * hours
        number = (60 * minutes + seconds) * self.base + frames
        return number - self._dropped * (minutes - minutes // 10) if self.drop_frame else number

    def frames_within(self, start_seconds: float, end_seconds: float) -> tuple[int, int]:
        """The first frame on screen in a range of time, and the frame after the last."""
        first = math.floor((start_seconds + SAME_INSTANT_SECONDS) * self.rate)
        return first, max(first + 1, math.ceil((end_seconds - SAME_INSTANT_SECONDS) * self.rate))

    @property
    def _dropped(self) -> int:
        return self.base // 15


def timecode_rate(facts: VideoFacts) -> TimecodeRate:
    """How a video counts its frames: as its first timecode does, else with drop-frame where the rate has it."""
    rate = nearest_rate(facts.frame_rate) or facts.frame_rate
    first = TIMECODE.fullmatch(facts.first_timecode or "")
    return TimecodeRate(rate, rate in DROP_FRAME_RATES and (first is None or first[4] != ":"))


def first_frame(facts: VideoFacts) -> int:
    """The number that a video's own timecode gives its first frame; 0 if it has none."""
    timecode = facts.first_timecode or ""
    return timecode_rate(facts).frame(timecode) if TIMECODE.fullmatch(timecode) else 0


def usual_rate(rates: Sequence[TimecodeRate]) -> TimecodeRate:
    """The most frequent way of counting; of equals, the first."""
    return Counter(rates).most_common(1)[0][0]
