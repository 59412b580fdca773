"""Letters in pictures: which font has a character, and what replaces one that no font has.

DejaVu Sans, which comes with matplotlib, has Latin, Greek, Cyrillic, Hebrew and Arabic. Other scripts and emoji come
from the fonts of `vifi[fonts]`, or from those of the system. Without them a character is spelled in ASCII.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

from anyascii import anyascii

PACKAGED = ("noto_cjk_sans_jp_regular", "manimgx_fonts")
SYSTEM = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Source Han Sans", "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo",
    "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback",
    "Noto Emoji", "Segoe UI Emoji", "Symbola", "Noto Sans Devanagari", "Noto Sans Thai", "Nirmala UI", "Leelawadee UI",
    "Arial Unicode MS", "Unifont",
)  # fmt: skip
"""Families in order of preference. Fonts of colored bitmaps, such as Noto Color Emoji, cannot be drawn."""
SHAPES_NO_TEXT = {"\ufe0e", "\ufe0f", "\u200d", "\u200b", "\u2060", "\ufeff"}
"""They choose between forms of their neighbors; emoji joined by them are drawn side by side."""
TO_FONTS = "pip install 'vifi[fonts]'"


@dataclass(frozen=True, slots=True)
class Face:
    """A font file, or one font of a collection; `family` is its name for matplotlib."""

    family: str
    path: Path
    number: int = 0

    def has(self, letter: str) -> bool:
        """Whether the font can draw a character."""
        return ord(letter) in _characters(self)


@cache
def _characters(face: Face) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(face.path)).get_charmap())


@cache
def first_face() -> Face:
    """DejaVu Sans."""
    import matplotlib

    return Face("DejaVu Sans", Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")


@cache
def other_faces() -> tuple[Face, ...]:
    """The fonts for what DejaVu Sans lacks: those of packages, then those of the system."""
    return (*_packaged_faces(), *_system_faces())


def _packaged_faces() -> Iterator[Face]:
    from matplotlib.font_manager import fontManager
    from matplotlib.ft2font import FT2Font

    for package in PACKAGED:
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for path in sorted(Path(folder).glob("*.[ot]tf")):
                fontManager.addfont(path)  # matplotlib finds fonts by family
                yield Face(FT2Font(str(path)).family_name, path)


def _system_faces() -> Iterator[Face]:
    from matplotlib.font_manager import fontManager

    for family in SYSTEM:
        known = [font for font in fontManager.ttflist if font.name == family and font.style == "normal"]
        if known:
            regular = min(known, key=lambda font: (font.weight not in (400, "normal", "regular"), font.fname))
            yield Face(family, Path(regular.fname), getattr(regular, "index", 0))


@cache
def face_of(letter: str) -> Face | None:
    """The first font that has a character."""
    if first_face().has(letter):
        return first_face()
    return next((face for face in other_faces() if face.has(letter)), None)


def lettered(text: str) -> str:
    """The text as pictures show it, on one line: what no font can draw is spelled in ASCII.

    Control characters, and bytes of file names that are not UTF-8, become a mark.
    """
    text = unicodedata.normalize("NFC", text)
    letters = (letter if letter.isprintable() or letter in SHAPES_NO_TEXT else "\ufffd" for letter in text)
    return "".join(_spelled(letter) for letter in letters if letter not in SHAPES_NO_TEXT)


@cache
def _spelled(letter: str) -> str:
    return letter if face_of(letter) else anyascii(letter) or "\ufffd"


def spelling_note(names: Iterable[str]) -> str | None:
    """A sentence for people if pictures spell some of these names in ASCII; None if not."""
    for name in names:
        drawn = lettered(name)
        if any(
            letter.isprintable() and letter not in SHAPES_NO_TEXT and not face_of(letter) for letter in name
        ):
            return f"no font here has all letters of {name}: pictures show {drawn}; {TO_FONTS} adds fonts"
    return None


def families_of(names: Iterable[str]) -> list[str]:
    """The families that matplotlib needs for these names, DejaVu Sans first."""
    letters = dict.fromkeys("".join(map(lettered, names)))
    return list(
        dict.fromkeys([first_face().family, *(face.family for face in map(face_of, letters) if face)])
    )


def stretches(text: str) -> Iterator[tuple[Face, str]]:
    """The parts of a text, as `lettered` gives it, that one font draws; marks stay with their letters."""
    faces: list[Face] = []
    for letter in text:
        keeps_font = faces and faces[-1].has(letter) and (unicodedata.combining(letter) or letter == " ")
        faces.append(faces[-1] if keeps_font else face_of(letter) or first_face())
    for face, letters in groupby(zip(faces, text, strict=True), key=lambda pair: pair[0]):
        yield face, "".join(letter for _, letter in letters)


def shortened(text: str, most: int, *, keeps_end: bool = False) -> str:
    """At most so many characters; an ellipsis replaces the end, or with `keeps_end` the start."""
    if len(text) <= most:
        return text
    return f"…{text[len(text) - most + 1 :].lstrip()}" if keeps_end else f"{text[: most - 1].rstrip()}…"
