"""Times as people write them: places in a video, lengths, dates and ages."""

from __future__ import annotations

import re

NUMBER = r"\d+(?:\.\d+)?"
CLOCK = re.compile(r"(?:(?P<hours>\d+):(?=\d\d:))?(?P<minutes>\d+):(?P<seconds>[0-5]\d(?:\.\d+)?)")
IN_UNITS = re.compile(rf"(?:(?P<hours>{NUMBER})h)?(?:(?P<minutes>{NUMBER})m)?(?:(?P<seconds>{NUMBER})s?)?")


def seconds_of(text: str) -> float | None:
    """Seconds, from `90`, `90s`, `1:30`, `1:02:03.5`, `2h` or `1h30m`; None if it is no such time."""
    match = CLOCK.fullmatch(text) or IN_UNITS.fullmatch(text)
    if not match or not text:
        return None
    hours, minutes, seconds = (float(match[name] or 0) for name in ("hours", "minutes", "seconds"))
    return hours * 3600 + minutes * 60 + seconds
