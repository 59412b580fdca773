"""What is written in place of characters that the encoding of a stream lacks, as Latin-1 lacks a dash or Chinese."""

import codecs
import os
import unicodedata
from contextlib import suppress

from vifi_cli.wording import escape

ESCAPE = "vifi.escape"
"""Name of the error handler for programs: escapes, as in `wording.escaped`, so that no two names become equal."""
LOOK_ALIKE = "vifi.look-alike"
"""Name of the error handler for people: the nearest ASCII, and escapes where there is none."""

SIMILAR = str.maketrans(
    {
        **dict.fromkeys("\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}", "-"),
        **dict.fromkeys("\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}", "'"),
        **dict.fromkeys("\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}", '"'),
        "\N{HORIZONTAL ELLIPSIS}": "...",
        "\N{MULTIPLICATION SIGN}": "x",
        "\N{PLUS-MINUS SIGN}": "+-",
        "\N{MIDDLE DOT}": ".",
        "\N{CHECK MARK}": "+",
        "\N{BALLOT X}": "x",
        **{chr(code): "-" for code in range(0x2500, 0x2580)},  # lines of boxes and bars
        **{chr(code): "#" for code in range(0x2580, 0x25A0)},  # blocks of bars
        **{chr(code): "*" for code in range(0x2800, 0x2900)},  # Braille patterns of spinners
    }
)


def from_pipe(content: bytes, encoding: str) -> str:
    """What a program has written to a pipe: in UTF-8, as most do, or in the encoding of this process's streams.

    Bytes of neither are kept as file names keep them.
    """
    for each in ("utf-8", encoding):
        with suppress(UnicodeDecodeError, LookupError):
            return content.decode(each)
    return os.fsdecode(content)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(escape, error.object[error.start : error.end])), error.end


def _looking_alike(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_similar, error.object[error.start : error.end])), error.end


def _similar(letter: str) -> str:
    plain = letter.translate(SIMILAR)
    if not plain.isascii():
        plain = unicodedata.normalize("NFKC", plain)  # such as unbroken spaces
    return plain if plain.isascii() else escape(letter)


codecs.register_error(ESCAPE, _escaped)
codecs.register_error(LOOK_ALIKE, _looking_alike)
