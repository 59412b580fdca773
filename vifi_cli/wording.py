"""Times, sizes, counts, scores and names as text."""

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Literal

BYTES = "bytes"
"""The unit of counts that are shown as sizes, such as 3.4 MB."""


def clock(seconds: float) -> str:
    """A time in a video: `0:07`, `12:34`, `1:02:03`."""
    whole = int(round(seconds, 3))  # the last of 150 frames ends at 4.9999 s
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def timecode(seconds: float) -> str:
    """A time in a video to the millisecond, which `seconds_of` reads: `0:07`, `1:02:03.5`."""
    milliseconds = round(seconds * 1000)
    fraction = f".{milliseconds % 1000:03}".rstrip("0").rstrip(".")
    return clock(milliseconds // 1000) + fraction


def seconds_of(text: str) -> float | None:
    """Seconds, from `90`, `90s`, `1:30`, `1:02:03.5`, `2h` or `1h30m`; None for anything else."""
    match = _CLOCK.fullmatch(text) or _IN_UNITS.fullmatch(text)
    if not match or not text:
        return None
    hours, minutes, seconds = (float(match[name] or 0) for name in ("hours", "minutes", "seconds"))
    return hours * 3600 + minutes * 60 + seconds


def duration(seconds: float) -> str:
    """How long something takes: `4.5 s`, `42 s`, `3 min 5 s`, `1 h 2 min`, `2 d 3 h`."""
    if seconds < _SECONDS_WITH_TENTHS:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours = minutes // 60
    if hours >= _HOURS_OF_TWO_DAYS:
        return f"{hours // 24} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


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


def scientific(value: float) -> str:
    """A small number such as a learning rate, as people write it: `1e-4`, `2.2e-5`, `0`."""
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}" if value else "0"


def first_of(names: Sequence[str], most: int) -> str:
    """The first names of a list: `run, walk and 3 more`."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def as_argument(path: PurePath) -> str:
    """A path as part of a command that a message proposes, quoted where a shell needs it."""
    return shlex.quote(str(path))


def printable(text: str) -> str:
    """Text safe to show: control characters, and bytes that are not text, become escapes."""
    return "".join(c if c.isprintable() else escape(c) for c in text)


def escaped(text: str) -> str:
    r"""A text as part of a line that programs read: what could end the line, or command a terminal, becomes an escape.

    These are control characters, line separators, characters that turn the direction of text, and bytes that are not
    text: `\t`, `\n`, `\r`, `\x1b` for a byte, `\u202e` for a character. Backslashes are doubled, so that `unescaped`
    gives the same text again.
    """
    return _UNSAFE.sub(lambda found: escape(found[0]), text)


def escape(letter: str) -> str:
    """The escape of one character, in ASCII."""
    code = ord(letter)
    if letter in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[letter]
    if code in _BYTES or code <= _LAST_ASCII:  # a byte that is not text, as Python reads file names
        return f"\\x{code & 0xFF:02x}"
    return f"\\u{code:04x}" if code <= _LAST_OF_FOUR_DIGITS else f"\\U{code:08x}"


def unescaped(text: str) -> str:
    """The inverse of `escaped`; escapes of any characters are read."""
    return _ESCAPE.sub(lambda found: _meaning(found[0]), text)


def _meaning(escape: str) -> str:
    if escape in _LONG_FORMS:
        return _LONG_FORMS[escape]
    code = int(escape[2:], 16)
    if escape[1] == "x":
        return chr(code if code <= _LAST_ASCII else _BYTES[code - _LAST_ASCII - 1])
    return chr(code) if code <= sys.maxunicode else escape


NUMBER = r"\d+(?:\.\d+)?"
_CLOCK = re.compile(r"(?:(?P<hours>\d+):(?=\d\d:))?(?P<minutes>\d+):(?P<seconds>[0-5]\d(?:\.\d+)?)")
_IN_UNITS = re.compile(rf"(?:(?P<hours>{NUMBER})h)?(?:(?P<minutes>{NUMBER})m)?(?:(?P<seconds>{NUMBER})s?)?")
_SECONDS_WITH_TENTHS, _HOURS_OF_TWO_DAYS = 9.95, 48
_LAST_ASCII, _LAST_OF_FOUR_DIGITS = 0x7F, 0xFFFF
_BYTES = range(0xDC80, 0xDD00)  # the characters by which Python keeps bytes that are not text
_SHORT_ESCAPES = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}
_LONG_FORMS = {escape: letter for letter, escape in _SHORT_ESCAPES.items()}
_UNSAFE = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(?:[\\tnr]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


ScoreName = Literal["Relevance", "Cosine"]
LEGENDS: Mapping[ScoreName, str] = {
    "Relevance": "Relevance estimates how probable it is that a hit shows what you asked for, from 0 to 1.",
    "Cosine": "Cosine says how much a hit is like what you asked for, up to 1; compare it within one search only.",
}
"""What the number of a hit means, in the same words wherever it is explained."""


def score_text(number: float, decimals: int = 2) -> str:
    """A relevance or cosine, rounded; never `-0.00`."""
    return f"{number:z.{decimals}f}"


def signed_text(number: float) -> str:
    """A difference of scores with its sign: `+0.06`, `−0.02`."""
    return f"{number:+z.2f}".replace("-", "−")


def gain_text(gain: float, low: float, high: float) -> str:
    """A difference of scores with its interval: `+0.06, 95% interval −0.02 to +0.14`."""
    return f"{signed_text(gain)}, 95% interval {signed_text(low)} to {signed_text(high)}"


def one_line(text: str) -> str:
    """A text as a line of valid UTF-8, whatever a file's name holds."""
    valid = text.encode("utf-8", "replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in valid).split())
