"""Finds the videos that annotation files refer to, on the machine that made them or on another."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from urllib.parse import unquote, urlsplit

from vifi_cli.data.formats.annotation_files.moments import LabeledMoment, Omission
from vifi_cli.data.formats.finding import VideoFinder
from vifi_cli.data.formats.listing import Listing
from vifi_cli.errors import InvalidInput

NOTHING_LISTED = Listing((), ())


class MediaFinder:
    """Finds videos by path, and else by name, below some folders, the first of which is that of the annotation file.

    Two listed videos of one name in different folders are not the same file. The `listing` shows which folders are
    meant.
    """

    def __init__(self, folders: Sequence[Path], listing: Listing = NOTHING_LISTED) -> None:
        self.folders = tuple(folders)
        self.beside: set[str] = set()  # videos that annotation files in subfolders have beside them
        self._finder = VideoFinder(folders, replace(listing, class_names=()), by_name=True)
        self._is_complete = bool(listing.videos)  # else others may follow that show which folders are meant
        self._found: dict[str, Path | None] = {}
        self._listed: dict[Path, str] = {}  # a reference of each video that was found

    def find(self, file: str, class_name: str = "") -> Path | None:
        """The video, whatever its class, or None if it is not on disk.

        Raises:
            InvalidInput: two files fit equally well, or one fits two references.
        """
        if file not in self._found:
            self._found[file] = self._find(file)
        return self._found[file]

    def _find(self, file: str) -> Path | None:
        path = self._finder.find(path_in(file), "")
        if path is None:
            return None
        other = self._listed.setdefault(path, file) if self._is_complete else file
        if _folder(file) != _folder(other) and _folder(file) and _folder(other):
            raise InvalidInput(
                f"{other} and {file} could both be {path}: keep them in folders with the listed names"
            )
        return path


class FinderBeside(MediaFinder):
    """Finds the videos of an annotation file that is in a subfolder: beside it, and else wherever others find them."""

    def __init__(self, folder: Path, everywhere: MediaFinder) -> None:
        super().__init__([folder])
        self._everywhere = everywhere

    def find(self, file: str, class_name: str = "") -> Path | None:
        """As in `MediaFinder`."""
        return super().find(file) or self._everywhere.find(file)

    def located(self, each: LabeledMoment | Omission) -> LabeledMoment | Omission:
        """A moment with the path of its video if that is beside the annotation file: others may be called alike."""
        if isinstance(each, Omission) or not (path := super().find(each.file)):
            return each
        file = os.path.normpath(path)
        self._everywhere.beside.add(file)
        return replace(each, file=file)


def path_in(reference: str) -> str:
    """The path in a `file:` or web address, else the reference itself: `file:///C:/a%20b.mp4` gives `/C:/a b.mp4`."""
    scheme, separator, _ = reference.partition("://")
    return unquote(urlsplit(reference).path) if separator and scheme.isalpha() else reference


def _folder(reference: str) -> str:
    """The name of the folder that holds a listed video; empty if none is named."""
    return PureWindowsPath(path_in(reference)).parent.name  # it takes both kinds of slashes
