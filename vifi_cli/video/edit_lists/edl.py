"""Edit decision lists (CMX 3600), which any editor reads: one track, one event per cut, times as SMPTE timecode.

Timecode counts hours, minutes, seconds and frames. At 29.97 frames a second, counting 30 to the second loses 3.6 s an
hour. Drop-frame timecode (SMPTE ST 12-1) skips the frame numbers 0 and 1 of every minute but each tenth, and so stays
with the clock.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from vifi_cli.errors import InvalidInput
from vifi_cli.video.clock.file_clock import SAME_INSTANT_SECONDS
from vifi_cli.video.export.probe import STANDARD_RATES, ProbedMoment, VideoFacts, nearest_rate
from vifi_cli.wording import one_line

MOST_EVENTS = 999  # an event's number has three digits
FIRST_HOUR = "01:00:00:00"  # where timelines begin
FALLBACK_RATE = Fraction(30)
REEL = "AX"  # for anything not on tape; editors use the clip's name
DROP_FRAME_RATES = Fraction(30000, 1001), Fraction(60000, 1001)
SECONDS_PER_DAY = 24 * 3600
TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")


def edl_text(title: str, moments: Sequence[ProbedMoment]) -> str:
    """The list; source times count at each video's own rate, record times at the most frequent one."""
    if len(moments) > MOST_EVENTS:
        raise InvalidInput(f"an EDL holds {MOST_EVENTS} moments, not {len(moments):,}: make an .otio instead")
    rates = [edl_rate(one) for one in moments]
    timeline = usual_rate(rates)
    record = timeline.frame(FIRST_HOUR)
    lines = [f"TITLE: {one_line(title)}", _mode(timeline), ""]
    mode = timeline.drop_frame
    for number, (one, rate) in enumerate(zip(moments, rates, strict=True), start=1):
        first, end = rate.frames_within(one.moment.start_seconds, one.moment.end_seconds)
        length = max(1, round((end - first) * timeline.rate / rate.rate))
        source = [rate.timecode(first_frame(one.facts) + frame) for frame in (first, end)]
        if rate.drop_frame != mode:
            mode = rate.drop_frame
            lines.append(_mode(rate))
        lines += _event(number, one, [*source, *map(timeline.timecode, (record, record + length))])
        record += length
    return "\n".join(lines)


def edl_rate(one: ProbedMoment) -> "TimecodeRate":
    """How an EDL counts a moment's frames: as its video does, or at 30 if timecode does not know that rate."""
    own = timecode_rate(one.facts)
    return own if own.rate in STANDARD_RATES else TimecodeRate(FALLBACK_RATE)


def remarks_on_rates(moments: Sequence[ProbedMoment]) -> tuple[str, ...]:
    """What an editor may misread because an EDL has one frame rate, in words for the user."""
    usual = usual_rate([edl_rate(one) for one in moments]).rate
    others = [one for one in moments if timecode_rate(one.facts).rate != usual]
    if not others:
        return _remarks_on_modes(moments)
    return (
        *_remarks_on_modes(moments),
        f"an EDL has one frame rate, here {float(usual):.5g}: {others[0].name} runs at "
        f"{float(others[0].facts.frame_rate):.5g}, so an editor may place it incorrectly; .otio keeps each video's own",
    )


def _remarks_on_modes(moments: Sequence[ProbedMoment]) -> tuple[str, ...]:
    modes = {edl_rate(one).drop_frame: one.name for one in reversed(moments)}
    if len(modes) == 1:
        return ()
    return (
        f"{modes[True]} counts in drop frame and {modes[False]} in non-drop frame: events have FCM lines of their own, "
        "which some editors ignore; .otio keeps each video's own",
    )


def _mode(rate: "TimecodeRate") -> str:
    return f"FCM: {'DROP FRAME' if rate.drop_frame else 'NON-DROP FRAME'}"


def _event(number: int, one: ProbedMoment, times: Sequence[str]) -> list[str]:
    channels = "B" if one.facts.has_sound else "V"
    lines = [
        f"{number:03}  {REEL:8} {channels:5} C        {' '.join(times)}",
        f"* FROM CLIP NAME: {one.name}",
        f"* FROM CLIP: {one.moment.path.as_uri()}",
    ]
    return [*lines, f"* COMMENT: {one.note}", ""] if one.note else [*lines, ""]


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
