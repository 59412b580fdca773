"""The style of pictures: colors, text, and the marks of classes."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from vifi_cli.evaluation.figures.lettering import Face, first_face, lettered, stretches

PAGE, TEXT, SOFT = (20, 24, 28), (230, 233, 236), (154, 165, 175)

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666")
"""After Okabe and Ito, Color Universal Design, 2008: they differ for every kind of color vision, on white and black."""
SHAPES = ("circle", "square", "triangle", "diamond", "cross", "plus", "down", "star")
MARKS = len(COLORS) * len(SHAPES)  # of filled shapes, and as many again of outlines


@cache
def font(size: int, face: Face | None = None) -> ImageFont.FreeTypeFont:
    """A font, by default DejaVu Sans, at a size in pixels."""
    face = face or first_face()
    return ImageFont.truetype(str(face.path), size, index=face.number)


def broken_into_lines(text: str, size: int, width: int, most: int = 2) -> tuple[str, ...]:
    """Breaks a text into lines of a width in pixels; an ellipsis ends what does not fit into so many lines."""
    lines = list(_filled_lines(text, size, width))
    if len(lines) > most:
        lines[most - 1 :] = [" ".join(lines[most - 1 :])]
    return tuple(cut_to_fit(line, size, width) for line in lines)


def cut_to_fit(text: str, size: int, width: int, *, keeps_end: bool = False) -> str:
    """Shortens a text to a width in pixels; an ellipsis replaces its end, or with `keeps_end` its start."""
    short = text
    while text and length_of(short, size) > width:
        text = text[1:] if keeps_end else text[:-1]
        short = f"…{text}" if keeps_end else f"{text.rstrip()}…"
    return short


def write(
    image: Image.Image, place: tuple[float, float], text: str, size: int, color: tuple[int, int, int] = TEXT
) -> None:
    """Writes a line of text with its upper left corner at `place`; letters of all fonts stand on one baseline."""
    draw, (left, top) = ImageDraw.Draw(image), place
    baseline = top + font(size).getmetrics()[0]
    for face, part in stretches(lettered(text)):
        draw.text((left, baseline), part, fill=color, font=font(size, face), anchor="ls")
        left += font(size, face).getlength(part)


def _filled_lines(text: str, size: int, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and length_of(longer, size) > width:
            yield line
            longer = word
        line = longer
    yield line


def length_of(text: str, size: int) -> float:
    """The width of a line of text in pixels."""
    return sum(font(size, face).getlength(part) for face, part in stretches(lettered(text)))


@dataclass(frozen=True, slots=True)
class Mark:
    """The color of a class, for CSS and matplotlib, and its shape, one of `SHAPES`, filled or as an outline."""

    color: str
    shape: str
    is_filled: bool = True


def mark_of(label: int) -> Mark:
    """The mark of a class; the first 112 differ, and neighbors in color and shape."""
    # 7 colors and 8 shapes have no common divisor, so each pair comes once before the first comes again
    return Mark(COLORS[label % len(COLORS)], SHAPES[label % len(SHAPES)], label // MARKS % 2 == 0)
