"""SMPTE timecode: frames told as hours, minutes, seconds and frames, with drop-frame where the rate is a little less.

At 29.97 frames a second, counting 30 to the second loses 3.6 s an hour. Drop-frame timecode (SMPTE ST 12-1) passes
over the numbers of frames 0 and 1 of every minute that is not a tenth one, so that it stays with the clock.
"""

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from vifi_cli.video.decode.container import SAME_INSTANT_SECONDS

RATES = tuple(
    Fraction(*rate)
    for rate in (
        (24000, 1001),
        (24, 1),
        (25, 1),
        (30000, 1001),
        (30, 1),
        (48, 1),
        (50, 1),
        (60000, 1001),
        (60, 1),
    )
)
NEAR_SHARE = 0.02  # files tell a mean, which trembling times put off a little
HOURS_A_DAY = 24
TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")


@dataclass(frozen=True, slots=True)
class TimecodeRate:
    """How frames are counted.

    Attributes:
        rate: frames a second.
        drop_frame: numbers are passed over to keep with the clock.
    """

    rate: Fraction
    drop_frame: bool = False

    @property
    def base(self) -> int:
        """Numbers in a second."""
        return round(self.rate)

    def timecode(self, frame: int) -> str:
        """The timecode of a frame, counted from 00:00:00:00; it begins anew after a day."""
        if self.drop_frame:
            tens, rest = divmod(frame, self._frames_in_ten_minutes())
            later_minutes = max(rest - self._dropped, 0) // (60 * self.base - self._dropped)
            frame += self._dropped * (9 * tens + later_minutes)
        seconds, frames = divmod(frame % (HOURS_A_DAY * 3600 * self.base), self.base)
        hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
        return f"{hours:02}:{minutes:02}:{seconds:02}{';' if self.drop_frame else ':'}{frames:02}"

    def frame(self, timecode: str) -> int:
        """The frame that has a timecode; raises ValueError if it is none."""
        match = TIMECODE.fullmatch(timecode)
        if match is None:
            raise ValueError(f"not a timecode: {timecode!r}")
        hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
        minutes += 60 * hours
        number = (60 * minutes + seconds) * self.base + frames
        return number - self._dropped * (minutes - minutes // 10) if self.drop_frame else number

    def frames_within(self, start_seconds: float, end_seconds: float) -> tuple[int, int]:
        """The first frame on screen in a stretch, and the one after the last."""
        first = math.floor((start_seconds + SAME_INSTANT_SECONDS) * self.rate)
        return first, max(first + 1, math.ceil((end_seconds - SAME_INSTANT_SECONDS) * self.rate))

    @property
    def _dropped(self) -> int:
        return self.base // 15

    def _frames_in_ten_minutes(self) -> int:
        return 600 * self.base - 9 * self._dropped


def nearest_rate(frame_rate: Fraction) -> Fraction | None:
    """The rate timecode knows that a file's is meant to be; None if there is none."""
    nearest = min(RATES, key=lambda rate: abs(rate - frame_rate))
    return nearest if abs(nearest - frame_rate) <= NEAR_SHARE * nearest else None


def timecode_rate(frame_rate: Fraction, first_timecode: str | None) -> TimecodeRate:
    """How the frames of a file are counted: as its own first timecode has it, else drop-frame where there is such."""
    rate = nearest_rate(frame_rate) or frame_rate
    has_drop_frame = rate in (Fraction(30000, 1001), Fraction(60000, 1001))
    told = TIMECODE.fullmatch(first_timecode) if first_timecode else None
    return TimecodeRate(rate, has_drop_frame and (told is None or told[4] != ":"))
