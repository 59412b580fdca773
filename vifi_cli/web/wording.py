"""How the page writes times, sizes, counts and names."""

from pathlib import Path


def clock(seconds: float) -> str:
    """A time in a video: `0:07`, `12:34`, `1:02:03`."""
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def length(seconds: float) -> str:
    """How long all videos are together: `40 seconds`, `12 minutes`, `45 hours`."""
    for unit, unit_seconds in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * unit_seconds:
            return counted(round(seconds / unit_seconds), unit)
    return counted(round(seconds), "second")


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 video`, `3,512 videos`."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def size(size_bytes: float) -> str:
    """A file size: `512 B`, `3.4 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} B" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


def shown(text: str) -> str:
    """Text that can be written as UTF-8 and seen: other bytes of a name, and invisible characters, become a mark."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def place_of(path: Path, root: Path) -> str:
    """The folder of a video, as it is called from the folder that was indexed: `holiday/day 2`."""
    return shown(str(path.parent.relative_to(root.parent)))
