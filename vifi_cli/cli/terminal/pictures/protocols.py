"""How terminals are told to show a picture in a box of cells; each sequence may leave the cursor anywhere."""

import io
from base64 import b64encode
from typing import Literal

from PIL import Image

from vifi_cli.cli.terminal.pictures.sixel import sixels

Protocol = Literal["kitty", "iterm2", "sixel"]
CHUNK_CHARACTERS = 4096  # of one kitty sequence
JPEG_QUALITY = 85


def picture_sequence(
    protocol: Protocol, picture: Image.Image, columns: int, rows: int, cell: tuple[int, int]
) -> str:
    """The escape sequence that shows a picture from the cursor on, in so many cells of width and height in pixels."""
    if protocol == "kitty":
        return _kitty(picture, columns, rows)
    if protocol == "iterm2":
        return _iterm2(picture, columns, rows)
    return sixels(picture.resize((columns * cell[0], rows * cell[1]), Image.Resampling.LANCZOS))


def _kitty(picture: Image.Image, columns: int, rows: int) -> str:
    """The terminal graphics protocol of kitty, Ghostty and others: a PNG in pieces, scaled by the terminal."""
    content = _encoded(picture, "PNG")
    pieces = [content[at : at + CHUNK_CHARACTERS] for at in range(0, len(content), CHUNK_CHARACTERS)]
    sequence = []
    for number, piece in enumerate(pieces):
        keys = f"a=T,f=100,q=2,C=1,c={columns},r={rows}," if number == 0 else ""
        sequence.append(f"\x1b_G{keys}m={int(number < len(pieces) - 1)};{piece}\x1b\\")
    return "".join(sequence)


def _iterm2(picture: Image.Image, columns: int, rows: int) -> str:
    """The inline pictures of iTerm2 and WezTerm: a file, scaled by the terminal."""
    content = _encoded(picture, "JPEG", quality=JPEG_QUALITY)
    size = f"width={columns};height={rows};preserveAspectRatio=0"
    return f"\x1b]1337;File=inline=1;{size}:{content}\x07"


def _encoded(picture: Image.Image, form: str, **options: int) -> str:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return b64encode(stream.getvalue()).decode("ascii")
