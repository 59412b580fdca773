"""What is shown in the place of a picture that cannot be made: a quiet drawing that says why.

It is made of pixels: with a thousand SVG pictures, as where a disk is not plugged in, each step of scrolling takes
Chromium seconds.
"""

from functools import lru_cache
from io import BytesIO
from textwrap import wrap

from PIL import Image, ImageDraw, ImageFont
from starlette.responses import Response

LINE_LETTERS, MOST_LINES = 34, 3
WIDTH, HEIGHT = 426, 240
SCALE = 2  # for screens of fine pixels
LINES, LETTERS = "#857e73", "#757065"
REASONS_AT_HAND = 64


def placeholder(reason: str, status: int) -> Response:
    """A picture, with a status of failure, that browsers show all the same; it is not kept."""
    return Response(drawing(reason), status, {"Cache-Control": "no-store"}, "image/webp")


@lru_cache(REASONS_AT_HAND)
def drawing(reason: str) -> bytes:
    """The drawing as WebP, see-through, for light and dark pages."""
    picture = Image.new("RGBA", (WIDTH * SCALE, HEIGHT * SCALE))
    draw = ImageDraw.Draw(picture)

    def at(*numbers: int) -> list[int]:
        return [SCALE * number for number in numbers]

    # in the corner that nothing else on a hit covers
    draw.rounded_rectangle(at(22, 27, 62, 56), 5 * SCALE, outline=LINES, width=5)
    draw.line(at(17, 63, 67, 20), LINES, width=5)
    font = ImageFont.load_default(14 * SCALE)
    lines = wrap(reason, LINE_LETTERS, max_lines=MOST_LINES, placeholder=" …")
    for number, line in enumerate(lines):
        draw.text((78 * SCALE, (40 + 19 * number) * SCALE), line, LETTERS, font, anchor="ls")
    file = BytesIO()
    picture.save(file, "WEBP", lossless=True)
    return file.getvalue()
