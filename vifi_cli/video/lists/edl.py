"""Edit decision lists (CMX 3600), which any editor reads: one track, one event per cut, times as timecode."""

from collections.abc import Sequence
from fractions import Fraction

from vifi_cli.errors import InvalidInput
from vifi_cli.video.export.probe import STANDARD_RATES, ProbedMoment
from vifi_cli.video.lists.timecode import TimecodeRate, first_frame, timecode_rate, usual_rate
from vifi_cli.wording import one_line

MOST_EVENTS = 999  # an event's number has three digits
FIRST_HOUR = "01:00:00:00"  # where timelines begin
FALLBACK_RATE = Fraction(30)
REEL = "AX"  # for anything not on tape; editors use the clip's name


def edl_text(title: str, moments: Sequence[ProbedMoment]) -> str:
    """The list; source times count at each video's own rate, record times at the most frequent one."""
    if len(moments) > MOST_EVENTS:
        raise InvalidInput(f"an EDL holds {MOST_EVENTS} moments, not {len(moments):,}: make an .otio instead")
    rates = [edl_rate(one) for one in moments]
    timeline = usual_rate(rates)
    record = timeline.frame(FIRST_HOUR)
    mode = "DROP FRAME" if timeline.drop_frame else "NON-DROP FRAME"
    lines = [f"TITLE: {one_line(title)}", f"FCM: {mode}", ""]
    for number, (one, rate) in enumerate(zip(moments, rates, strict=True), start=1):
        first, end = rate.frames_within(one.moment.start_seconds, one.moment.end_seconds)
        length = max(1, round((end - first) * timeline.rate / rate.rate))
        source = [rate.timecode(first_frame(one.facts) + frame) for frame in (first, end)]
        lines += _event(number, one, [*source, *map(timeline.timecode, (record, record + length))])
        record += length
    return "\n".join(lines)


def edl_rate(one: ProbedMoment) -> TimecodeRate:
    """How an EDL counts a moment's frames: as its video does, or at 30 if timecode does not know that rate."""
    own = timecode_rate(one.facts)
    return own if own.rate in STANDARD_RATES else TimecodeRate(FALLBACK_RATE)


def remarks_on_rates(moments: Sequence[ProbedMoment]) -> tuple[str, ...]:
    """What an editor may misread because an EDL has one frame rate, in words for the user."""
    usual = usual_rate([edl_rate(one) for one in moments]).rate
    others = [one for one in moments if timecode_rate(one.facts).rate != usual]
    if not others:
        return ()
    return (
        f"an EDL has one frame rate, here {float(usual):.5g}: {others[0].name} runs at "
        f"{float(others[0].facts.frame_rate):.5g}, so an editor may place it wrongly; .otio keeps each video's own",
    )


def _event(number: int, one: ProbedMoment, times: Sequence[str]) -> list[str]:
    channels = "B" if one.facts.has_sound else "V"
    lines = [
        f"{number:03}  {REEL:8} {channels:5} C        {' '.join(times)}",
        f"* FROM CLIP NAME: {one.name}",
        f"* FROM CLIP: {one.moment.path.as_uri()}",
    ]
    return [*lines, f"* COMMENT: {one.note}", ""] if one.note else [*lines, ""]
