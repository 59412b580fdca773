"""Times, sizes, counts, scores and names as text."""

import math
from collections.abc import Sequence


def clock(seconds: float) -> str:
    """A time in a video: `0:07`, `12:34`, `1:02:03`."""
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def size(size_bytes: float) -> str:
    """A file size: `512 B`, `3.4 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} B" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun: `1 video`, `3 videos`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def first_of(names: Sequence[str], most: int) -> str:
    """The first names of a list: `run, walk and 3 more`."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def printable(text: str) -> str:
    """Text safe to show: invalid characters become question marks, control characters become escapes."""
    text = text.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def rounded_down(number: float) -> str:
    """Two decimals, rounded down, so that a hit passes a `--min-score` equal to its shown score."""
    return f"{math.floor(number * 100) / 100:.2f}"


def one_line(text: str) -> str:
    """A text as a line of valid UTF-8, whatever a file's name holds."""
    valid = text.encode("utf-8", "replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in valid).split())
