"""Writing on pictures, in any script that DejaVu Sans has; matplotlib carries it, so it looks alike everywhere."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

PAGE, TEXT, SOFT = (20, 24, 28), (230, 233, 236), (154, 165, 175)


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The letters, so many pixels high."""
    import matplotlib

    return ImageFont.truetype(
        str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size
    )


def broken_into_lines(text: str, size: int, width: int, most: int = 2) -> tuple[str, ...]:
    """A text in lines that fit a width in pixels; what does not fit into so many lines is cut off with an ellipsis."""
    lines = list(_filled_lines(text, size, width))
    if len(lines) > most:
        lines[most - 1 :] = [" ".join(lines[most - 1 :])]
    return tuple(cut_to_fit(line, size, width) for line in lines)


def cut_to_fit(text: str, size: int, width: int) -> str:
    """A text that fits a width in pixels, its end cut off with an ellipsis where it is longer."""
    if _length(text, size) <= width:
        return text
    while text and _length(f"{text}…", size) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def end_that_fits(text: str, size: int, width: int) -> str:
    """A text that fits a width in pixels, its beginning cut off with an ellipsis where it is longer."""
    if _length(text, size) <= width:
        return text
    while text and _length(f"…{text}", size) > width:
        text = text[1:]
    return f"…{text}"


def write(
    image: Image.Image, place: tuple[float, float], text: str, size: int, colour: tuple[int, int, int] = TEXT
) -> None:
    """Write a line of text, `place` its upper left corner."""
    ImageDraw.Draw(image).text(place, _writable(text), fill=colour, font=font(size))


def _filled_lines(text: str, size: int, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and _length(longer, size) > width:
            yield line
            longer = word
        line = longer
    yield line


def _length(text: str, size: int) -> float:
    return font(size).getlength(_writable(text))


def _writable(text: str) -> str:
    """The same with question marks for what is no text, as odd file names have it."""
    return text.encode("utf-8", "replace").decode()
