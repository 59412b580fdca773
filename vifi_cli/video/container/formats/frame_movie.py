"""Shows FFmpeg a folder of frames as a QuickTime movie: a header made in memory, then the pictures as they are.

The header says where each picture begins and how long it is on screen, so FFmpeg counts, seeks and decodes as in any
other movie. Its own readers of pictures know neither gaps nor failing disks, and do not seek.

    ftyp | moov: when, how large, where | mdat: img_00001.jpg img_00002.jpg …
"""

import io
import struct
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from itertools import groupby, islice
from pathlib import Path

from PIL import Image

from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.clock.file_clock import FileClock
from vifi_cli.video.files.content import picture_pieces
from vifi_cli.video.files.virtual.frame_folders import DAMAGED, FrameFolder
from vifi_cli.video.files.virtual.frame_rates import LARGEST_DENOMINATOR
from vifi_cli.video.files.virtual.virtual_files import JoinedPieces, Piece
from vifi_cli.video.pictures.frames import MOST_PIXELS
from vifi_cli.video.pictures.picture_files import opened_picture

TAGS = {"JPEG": b"jpeg", "MPO": b"jpeg", "PNG": b"png "}  # of formats that FFmpeg reads in a movie
UNPACKED_TAG = b"tiff"  # what pictures of other formats, such as WebP, are turned into when they are read
TAGS_BY_SUFFIX = {".png": b"png "}
PICTURES_TRIED = 3  # to learn the format and the size
NO_BYTES = 1, partial(bytes, 1)  # for an empty file, which is then refused as a damaged picture
LARGE_SIZE_BYTES = 16  # of the head of a box whose size takes 64 bits
MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
NO_COLOR_TABLE = -1


@dataclass(frozen=True, slots=True)
class _Look:
    tag: bytes
    width: int
    height: int


def frame_movie(frames: FrameFolder, frame_seconds: float | None = None) -> JoinedPieces:
    """The movie of a frame folder, at its own rate unless another is known from when it was indexed.

    Raises:
        UnreadableVideo: its rate is not a number.
        OSError: a picture cannot be read.
    """
    rate = frames.rate if frame_seconds is None else rate_of(frame_seconds)
    look = _look(frames)
    pieces = picture_pieces(frames)
    if look.tag == UNPACKED_TAG:
        pieces = [_unpacked_piece(picture) for picture in frames.pictures]
    pieces = [piece if piece[0] else NO_BYTES for piece in pieces]
    sizes = [size for size, _ in pieces]
    start = _box(b"ftyp", b"qt  ", bytes(4), b"qt  ")
    ticks = frames.ticks(rate)
    size = len(start) + len(_moov(look, rate, ticks, sizes, 0)) + LARGE_SIZE_BYTES
    content = struct.pack(">I4sQ", 1, b"mdat", LARGE_SIZE_BYTES + sum(sizes))
    head = start + _moov(look, rate, ticks, sizes, size) + content
    return JoinedPieces([(len(head), lambda: head), *pieces])


def frame_clock(frames: FrameFolder) -> FileClock:
    """The clock of a frame folder by the rate that applies now; the index keeps it."""
    rate = frames.rate
    seconds = float(sum(frames.ticks(rate)) / rate)
    return FileClock(frame_seconds=float(1 / rate), duration_seconds=seconds, warning=frames.remark)


def rate_of(frame_seconds: float) -> Fraction:
    """The rate that a clock was made with."""
    return Fraction(1 / frame_seconds).limit_denominator(LARGEST_DENOMINATOR)


def _look(frames: FrameFolder) -> _Look:
    """The format and the size of the first pictures that can be read."""
    for picture in islice(frames.pictures, PICTURES_TRIED):
        try:
            with opened_picture(picture) as image:
                return _Look(TAGS.get(image.format or "", UNPACKED_TAG), *image.size)
        except Image.DecompressionBombError as error:
            raise UnreadableVideo(f"{picture.name} is larger than vifi reads") from error
        except DAMAGED:
            continue
    suffix = frames.pictures[0].suffix.lower()
    return _Look(TAGS_BY_SUFFIX.get(suffix, TAGS["JPEG"]), 0, 0)


def _unpacked_piece(picture: Path) -> Piece:
    try:
        with opened_picture(picture) as image:
            size = _unpacked_bytes(*image.size) if image.width * image.height <= MOST_PIXELS else 0
    except (*DAMAGED, Image.DecompressionBombError):
        return NO_BYTES
    return size, partial(_unpacked, picture, size)


def _unpacked(picture: Path, size_bytes: int) -> bytes:
    """A picture as an uncompressed TIFF; zeros if it is damaged, so that the decoder refuses it and the rest stays."""
    content = picture.read_bytes()  # a failing disk is not damage
    try:
        with opened_picture(io.BytesIO(content)) as image:
            unpacked = _as_tiff(image.convert("RGB"))
    except (*DAMAGED, Image.DecompressionBombError):
        unpacked = b""
    return unpacked if len(unpacked) == size_bytes else bytes(size_bytes)


def _as_tiff(image: Image.Image) -> bytes:
    plain = Image.new("RGB", image.size)
    plain.paste(image)  # without the profiles and notes of the file, which make its size unpredictable
    content = io.BytesIO()
    plain.save(content, "TIFF")
    return content.getvalue()


@cache
def _unpacked_bytes(width: int, height: int) -> int:
    return len(_as_tiff(Image.new("RGB", (width, height))))


def _moov(look: _Look, rate: Fraction, ticks: list[int], sizes: list[int], first: int) -> bytes:
    """The header of pictures that follow each other from the position `first` on."""
    unit, per_tick = rate.numerator, rate.denominator
    length = sum(ticks) * per_tick
    times = struct.pack(">QQIQ", 0, 0, unit, length)
    of_movie = _full(
        b"mvhd",
        times,
        struct.pack(">IH10x", 0x10000, 0x100),
        MATRIX,
        bytes(24),
        struct.pack(">I", 2),
        version=1,
    )
    size = struct.pack(">II", look.width << 16, look.height << 16)
    of_track = _full(b"tkhd", struct.pack(">QQI4xQ16x", 0, 0, 1, length), MATRIX, size, version=1, flags=7)
    of_media = _full(b"mdhd", times, bytes(4), version=1)
    kind = _full(b"hdlr", b"mhlrvide", bytes(13))
    here = _box(b"dinf", _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1)))
    shown = [(len(list(run)), tick * per_tick) for tick, run in groupby(ticks)]
    table = _box(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1), _sample_entry(look)),
        _full(b"stts", struct.pack(">I", len(shown)), *(struct.pack(">II", *run) for run in shown)),
        _full(b"stsc", struct.pack(">4I", 1, 1, len(sizes), 1)),
        _full(b"stsz", struct.pack(f">II{len(sizes)}I", 0, len(sizes), *sizes)),
        _full(b"co64", struct.pack(">IQ", 1, first)),
    )
    media = _box(b"minf", _full(b"vmhd", bytes(8), flags=1), here, table)
    return _box(b"moov", of_movie, _box(b"trak", of_track, _box(b"mdia", of_media, kind, media)))


def _sample_entry(look: _Look) -> bytes:
    """The description of the pictures, at 72 dots an inch and 24 bits a pixel."""
    size = struct.pack(">HH", look.width & 0xFFFF, look.height & 0xFFFF)
    rest = struct.pack(">III H32x HH", 0x480000, 0x480000, 0, 1, 24, NO_COLOR_TABLE & 0xFFFF)
    return _box(look.tag, struct.pack(">6xH16x", 1), size, rest)


def _full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), *parts)


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content
