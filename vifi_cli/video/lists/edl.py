"""Edit decision lists (CMX 3600), which any editing program reads: one track, a cut an event, times as timecode."""

from collections.abc import Sequence
from fractions import Fraction

from vifi_cli.errors import InvalidInput
from vifi_cli.video.export.timecode import RATES, TimecodeRate
from vifi_cli.video.lists.listed_moment import ListedMoment, one_line, usual_count

MOST_EVENTS = 999  # an event's number has three digits
FIRST_HOUR = "01:00:00:00"  # where programmes begin
OTHERWISE = Fraction(30)
REEL = "AX"  # of what is on no tape; editors go by the clip's name


def edl_text(title: str, listed: Sequence[ListedMoment]) -> str:
    """The list. Source times are told at each video's own rate, the row of all at that of most.

    Args:
        title: of the list.
        listed: at least one moment.

    Raises:
        InvalidInput: there are more moments than an EDL can hold.
    """
    if len(listed) > MOST_EVENTS:
        raise InvalidInput(f"an EDL holds {MOST_EVENTS} moments, not {len(listed):,}: make an .otio instead")
    counts = [told_rate(one) for one in listed]
    programme = usual_count(counts)
    record = programme.frame(FIRST_HOUR)
    mode = "DROP FRAME" if programme.drop_frame else "NON-DROP FRAME"
    lines = [f"TITLE: {one_line(title)}", f"FCM: {mode}", ""]
    for number, (one, counted) in enumerate(zip(listed, counts, strict=True), start=1):
        first, end = one.frames(counted)
        length = max(1, round((end - first) * programme.rate / counted.rate))
        times = (
            counted.timecode(one.video_first_frame + first),
            counted.timecode(one.video_first_frame + end),
            programme.timecode(record),
            programme.timecode(record + length),
        )
        lines += _event(number, one, times)
        record += length
    return "\n".join(lines)


def told_rate(one: ListedMoment) -> TimecodeRate:
    """How an EDL counts a moment's frames: as its video does, or at 30 where timecode does not know that rate."""
    return one.counted if one.counted.rate in RATES else TimecodeRate(OTHERWISE)


def _event(number: int, one: ListedMoment, times: Sequence[str]) -> list[str]:
    channels = "B" if one.facts.has_sound else "V"
    lines = [
        f"{number:03}  {REEL:8} {channels:5} C        {' '.join(times)}",
        f"* FROM CLIP NAME: {one.name}",
        f"* FROM CLIP: {one.moment.path.as_uri()}",
    ]
    return [*lines, f"* COMMENT: {one_line(one.note)}", ""] if one.note else [*lines, ""]
