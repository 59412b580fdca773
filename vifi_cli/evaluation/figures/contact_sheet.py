"""A contact sheet: rows of small pictures, each row with a title and each picture with a caption."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from vifi_cli.evaluation.figures.style import PAGE, SOFT, broken_into_lines, cut_to_fit, write
from vifi_cli.video.pictures.picture import Picture

CELL_WIDTH, CELL_HEIGHT, COLUMNS = 224, 400, 8
NARROWEST = 3 * CELL_WIDTH  # room for the heading
MARGIN, GAP = 16, 6
HEADING_SIZE, HEADING_LINE = 28, 40
TEXT_SIZE, TEXT_LINE = 20, 28


@dataclass(frozen=True, slots=True, eq=False)
class SheetRow:
    """Pictures of one size, as `fitted` makes them, below a title; all of them have captions, or none."""

    title: str
    pictures: Sequence[Picture]
    captions: Sequence[str] = ()


def fitted(picture: Picture, most_wide: float = CELL_WIDTH, most_high: float = CELL_HEIGHT) -> Picture:
    """Scales a picture, uint8 (H, W, 3), to fit a space, by default a cell of a sheet."""
    height, width = picture.shape[:2]
    scale = min(most_wide / width, most_high / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))


def contact_sheet(
    heading: str, rows: Sequence[SheetRow], notes: Sequence[str], legend: Image.Image | None = None
) -> bytes:
    """Draws a sheet as PNG: the heading, rows with the same number of pictures each, a legend, and notes.

    With more than `COLUMNS` pictures, the sheet repeats the block of rows.
    """
    count = len(rows[0].pictures)
    columns = math.ceil(count / math.ceil(count / COLUMNS))
    width = max(columns * (CELL_WIDTH + GAP) - GAP, NARROWEST)
    parts = [text_block([heading], HEADING_SIZE, HEADING_LINE, width)]
    for start in range(0, count, columns):
        parts += [_strip(row, slice(start, start + columns), width) for row in rows]
    parts += [legend] if legend else []
    parts.append(text_block(notes, TEXT_SIZE, TEXT_LINE, width))
    return stacked_png(parts)


def stacked_png(parts: Sequence[Image.Image]) -> bytes:
    """Stacks pictures of one width on a page, as PNG."""
    height = sum(part.height + GAP for part in parts) - GAP
    sheet = Image.new("RGB", (parts[0].width + 2 * MARGIN, height + 2 * MARGIN), PAGE)
    top = MARGIN
    for part in parts:
        sheet.paste(part, (MARGIN, top))
        top += part.height + GAP
    stream = BytesIO()
    sheet.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _strip(row: SheetRow, some: slice, width: int) -> Image.Image:
    """The title, some pictures side by side, and their captions."""
    height = row.pictures[0].shape[0]
    lines = 2 if row.captions else 1
    strip = Image.new("RGB", (width, height + lines * TEXT_LINE), PAGE)
    write(strip, (0, 0), cut_to_fit(row.title, TEXT_SIZE, width), TEXT_SIZE)
    for column, picture in enumerate(row.pictures[some]):
        strip.paste(Image.fromarray(picture), (column * (CELL_WIDTH + GAP), TEXT_LINE))
    for column, caption in enumerate(row.captions[some]):
        place = column * (CELL_WIDTH + GAP), TEXT_LINE + height + 1
        write(strip, place, cut_to_fit(caption, TEXT_SIZE, CELL_WIDTH), TEXT_SIZE, SOFT)
    return strip


def text_block(paragraphs: Sequence[str], size: int, line: int, width: int) -> Image.Image:
    """Paragraphs of at most two lines; sizes of letters and lines in pixels."""
    lines = [text for paragraph in paragraphs for text in broken_into_lines(paragraph, size, width)]
    image = Image.new("RGB", (width, max(1, line * len(lines))), PAGE)
    for number, text in enumerate(lines):
        write(image, (0, number * line), text, size)
    return image
