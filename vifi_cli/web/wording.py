"""How the page writes times, sizes, counts and names."""

from pathlib import Path

from vifi_cli.wording import clock as clock
from vifi_cli.wording import counted as counted
from vifi_cli.wording import rounded_down as rounded_down
from vifi_cli.wording import size as size


def length(seconds: float) -> str:
    """How long all videos are together: `40 seconds`, `12 minutes`, `45 hours`."""
    for unit, unit_seconds in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * unit_seconds:
            return counted(round(seconds / unit_seconds), unit)
    return counted(round(seconds), "second")


def shown(text: str) -> str:
    """Text that can be written as UTF-8 and seen: other bytes of a name, and invisible characters, become a mark."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def place_of(path: Path, root: Path) -> str:
    """The folder of a video, as it is called from the folder that was indexed: `holiday/day 2`."""
    return shown(str(path.parent.relative_to(root.parent)))
