"""Motion photos: pictures with a short film behind them, as phones of Google, Samsung, Xiaomi and others take them.

The film is an MP4 file, and begins with a box named `ftyp`. Where it begins is written in many ways (XMP of Google in
two versions, a trailer of Samsung, a box in HEIC), so the box itself is sought.
"""

import re
from pathlib import Path, PurePath
from typing import BinaryIO

from vifi_cli.video.files.content import open_content

PICTURES_WITH_FILM = {".jpg", ".jpeg", ".jpe", ".jfif", ".heic", ".heif", ".avif"}
MOTION_PHOTO_NAME = re.compile(r"^MVIMG_|\.MP\.(jpe?g|heic)$|_MP\.(jpe?g|heic)$|\.MV\.jpe?g$", re.IGNORECASE)
"""Names that phones give to nothing else; others are only looked into if you name them."""

FIRST_BOX, FIRST_BOX_BYTES = b"ftyp", range(16, 129)  # the box's size, in the four bytes before its name
BOX_START_BYTES = 8  # its size and its name
CHUNK_BYTES = 2**20
PICTURE_BYTES = 64  # of a picture at least, which may begin with such a box itself


def film_start(path: Path) -> int | None:
    """Where the film in a motion photo begins, in bytes; None if the file is not one, by its suffix or its content.

    Reads the complete picture, a few megabytes. Raises OSError.
    """
    if PurePath(path.name).suffix.lower() not in PICTURES_WITH_FILM:
        return None
    with open_content(path) as file:
        return _film_start(file)


def _film_start(file: BinaryIO) -> int | None:
    content, begins = file.read(CHUNK_BYTES), 0
    place = content.find(FIRST_BOX, PICTURE_BYTES)
    while content:
        while place >= 0:
            if int.from_bytes(content[place - 4 : place], "big") in FIRST_BOX_BYTES:
                return begins + place - 4
            place = content.find(FIRST_BOX, place + 1)
        rest = content[-BOX_START_BYTES:]
        begins += len(content) - len(rest)
        following = file.read(CHUNK_BYTES)
        content = rest + following if following else b""
        place = content.find(FIRST_BOX, 4)
    return None
