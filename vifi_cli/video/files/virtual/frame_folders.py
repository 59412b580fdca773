"""Folders of numbered pictures that are the frames of one video, such as `img_00001.jpg, img_00002.jpg, …`.

Such a folder is a video like any other: its path is the folder's. Pictures come in the order of their numbers. A
missing number keeps its time, so the picture before it stays on screen.
"""

import os
import stat
import struct
import warnings
import zlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from vifi_cli.errors import UnreadableVideo
from vifi_cli.paths import LEADS_NOWHERE, root_of
from vifi_cli.settings.settings import load_settings
from vifi_cli.video.files.virtual.frame_names import NumberedNames, numbered_names
from vifi_cli.video.files.virtual.frame_rates import USUAL_RATE, as_rate, rate_file_of, rate_in
from vifi_cli.video.files.virtual.virtual_files import virtual_status

PICTURE_CODECS = frozenset({"mjpeg", "png", "tiff"})  # as which frames are decoded
CLOSED_GAP_SECONDS = 10.0  # a longer gap between two numbers is no pause, as in clocks of files
MOST_NAMED = 3
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000")  # Pillow's names
DAMAGED = OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error  # what Pillow raises


@dataclass(frozen=True, slots=True)
class FrameFolder:
    """The pictures of a frame folder, and what the file system says about all of them together."""

    path: Path
    sequence: NumberedNames
    sizes_bytes: tuple[int, ...]  # of the pictures
    status: os.stat_result  # as of one file that holds them all
    rate_file: Path | None  # says how many pictures a second; None where nothing does

    @property
    def pictures(self) -> list[Path]:
        """The files, in order."""
        return [self.path / name for name in self.sequence.names]

    @property
    def rate(self) -> Fraction:
        """Pictures a second: as a file beside or above the pictures says, else the setting, else the usual rate.

        Raises:
            UnreadableVideo: the file says nothing that can be a rate.
        """
        if self.rate_file is not None:
            return rate_in(self.rate_file)
        own = load_settings().frame_rate
        return USUAL_RATE if own is None else as_rate(own)

    @property
    def content_head(self) -> bytes:
        """What belongs to the content besides the pictures: a rate in a file, which changes what is shown when."""
        if self.rate_file is None:
            return b""
        try:
            return f"{rate_in(self.rate_file)}\n".encode()
        except UnreadableVideo:
            return b"?\n"

    def ticks(self, rate: Fraction) -> list[int]:
        """For how many units of the rate each picture is on screen: until the next number."""
        step = self.sequence.step
        longest = max(int(CLOSED_GAP_SECONDS * rate), 1)
        shown = [max(round(gap / step), 1) for gap in self.sequence.gaps]
        return [*(ticks if ticks <= longest else 1 for ticks in shown), 1]

    @property
    def remark(self) -> str | None:
        """Which numbers are missing, in words; None if none is."""
        numbers, step = self.sequence.numbers, self.sequence.step
        gaps = [
            (before + step, after - step)
            for before, after in pairwise(numbers)
            if after - before > 1.5 * step
        ]
        if not gaps:
            return None
        missing = sum((last - first) // step + 1 for first, last in gaps)
        named = ", ".join(
            f"{first}" if first >= last else f"{first} to {last}" for first, last in gaps[:MOST_NAMED]
        )
        more = ", …" if len(gaps) > MOST_NAMED else ""
        what = "picture is" if missing == 1 else "pictures are"
        return f"{missing:,} {what} missing among its {len(numbers):,} (number {named}{more})"


@dataclass(frozen=True, slots=True)
class WantedFrameFolders:
    """Which folders of numbered pictures a search takes for videos."""

    are_wanted: bool = False  # all that hold frames by their looks, and those that are named
    below: Collection[Path] = ()  # folders under which they are wanted
    known: Collection[Path] = ()  # these, whatever they look like

    def are_wanted_under(self, folder: Path) -> bool:
        """Whether frame folders are wanted at and under a folder."""
        return self.are_wanted or root_of(folder, self.below) is not None


NO_FRAME_FOLDERS = WantedFrameFolders()


def read_frame_folder(folder: Path) -> FrameFolder | None:
    """The frame folder at a path; None if it holds no numbered pictures. Raises OSError if it cannot be seen."""
    with os.scandir(folder) as entries:
        by_name = {entry.name: entry for entry in entries}
    found = numbered_names(by_name)
    if found is None:
        return None
    there: list[tuple[str, int, os.stat_result]] = []
    for name, number in zip(found.names, found.numbers, strict=True):
        try:
            status = by_name[name].stat()
        except OSError as error:
            if error.errno in LEADS_NOWHERE:
                continue
            raise
        if stat.S_ISREG(status.st_mode):  # reading a pipe would wait for ever
            there.append((name, number, status))
    if not there:
        return None
    names, numbers, states = zip(*there, strict=True)
    sizes = tuple(state.st_size for state in states)
    base, rate_file = folder.stat(), rate_file_of(folder)
    marks = [*states, rate_file.stat()] if rate_file else states
    modified = max(state.st_mtime_ns for state in marks)
    changed = max(base.st_ctime_ns, *(state.st_ctime_ns for state in marks))
    sequence = replace(found, names=names, numbers=numbers)
    plain = FrameFolder(folder, sequence, sizes, base, rate_file)
    size = sum(sizes) + len(plain.content_head)
    status = virtual_status(base, base.st_ino, size, (modified, changed))
    return replace(plain, status=status)


def holds_frames(folder: Path | str) -> bool:
    """Whether a folder that somebody names as a video holds numbered pictures, few or many; False if it cannot be seen.

    It looks at names alone, up to the first that fits.
    """
    try:
        with os.scandir(folder) as entries:
            return any(numbered_names((entry.name,)) is not None for entry in entries)
    except OSError:
        return False


def are_frames(folder: Path, found: NumberedNames) -> bool:
    """Whether a clear sequence of pictures in a folder are frames, and not the photographs of a camera or scans.

    Frames have one size, and no camera or scanner has named or signed them.
    """
    if found.are_of_photographs:
        return False
    sample = (found.names[0], found.names[len(found.names) // 2], found.names[-1])
    looks = [_look(folder / name) for name in sample]
    known = [look for look in looks if look is not None]
    return bool(known) and len({size for size, _ in known}) == 1 and not any(signed for _, signed in known)


def _look(picture: Path) -> tuple[tuple[int, int], bool] | None:
    """The size of a picture, and whether a camera or scanner has signed it; None if it cannot be read."""
    from PIL import ExifTags, Image  # not for every search of an index, which looks at no pictures

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sizes and odd metadata
            with Image.open(picture, formats=FORMATS) as image:
                signs = image.getexif()
                return image.size, ExifTags.Base.Make in signs or ExifTags.Base.Model in signs
    except (*DAMAGED, Image.DecompressionBombError):
        return None
