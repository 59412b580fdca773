"""Times as people write them: places in a video, lengths, dates and ages."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from vifi_cli.errors import InvalidInput
from vifi_cli.wording import NUMBER, seconds_of

if TYPE_CHECKING:
    from vifi_cli.video.moment import TimeRange

AROUND_SECONDS = 2.0
"""A single time in a video stands for this much before and after it."""

AGE = re.compile(rf"(?P<number>{NUMBER})(?P<unit>[hdw])")
UNIT_SECONDS = {"h": 3600.0, "d": 86_400.0, "w": 604_800.0}
NANOSECONDS = 10**9
LARGEST_INTEGER = 2**63 - 1  # in SQLite; as in `discovery`, which loads more than this needs
LONGEST_AGE_SECONDS = 1e12


def time_range_of(text: str) -> TimeRange | None:
    """A part of a video, from `1:20-1:28`, or from `1:20`, which means a few seconds around.

    None for anything else, or if the end is not after the start.
    """
    from vifi_cli.video.moment import TimeRange

    start, dash, end = text.replace("–", "-").partition("-")
    first, last = seconds_of(start), seconds_of(end)
    if first is None:
        return None
    if not dash:
        return TimeRange(max(first - AROUND_SECONDS, 0.0), first + AROUND_SECONDS, first)
    return None if last is None or last <= first else TimeRange(first, last, first)


def length_option(flag: str, text: str) -> float:
    """The seconds that an option asks for; raises InvalidInput if it does not say any."""
    seconds = seconds_of(text)
    if seconds is None:
        raise InvalidInput(f"{flag} {text}: not a length of time: write 90, 1:30, 1:02:03 or 2h")
    return seconds


def instant_option(flag: str, text: str, now_ns: int) -> int:
    """The instant that an option names, in nanoseconds since 1970.

    A date means its first instant here, `7d` that long before now; anything else raises InvalidInput.
    """
    if age := AGE.fullmatch(text):
        seconds = min(float(age["number"]) * UNIT_SECONDS[age["unit"]], LONGEST_AGE_SECONDS)
        return max(now_ns - round(seconds * NANOSECONDS), -LARGEST_INTEGER)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{flag} {text}: neither a date such as 2026-01-31 nor an age such as 12h, 7d or 3w"
        ) from None
    return nanoseconds_of(moment)


def nanoseconds_of(moment: datetime) -> int:
    """An instant in nanoseconds since 1970: the nearest that the index can compare, in the years 1678 to 2262."""
    try:
        nanoseconds = round(moment.timestamp() * NANOSECONDS)
    except (ValueError, OverflowError, OSError):  # a year that the machine's clock does not know
        nanoseconds = LARGEST_INTEGER if moment.year > 1970 else -LARGEST_INTEGER
    return min(max(nanoseconds, -LARGEST_INTEGER), LARGEST_INTEGER)
