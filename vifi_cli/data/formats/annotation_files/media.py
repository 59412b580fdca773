"""Finds the videos that annotation files refer to, on the machine that made them or on another."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from vifi_cli.data.formats.finding import VideoFinder
from vifi_cli.data.formats.listing import Listing


class MediaFinder:
    """Finds videos by path, and else by name, below some folders, the first of which is that of the annotation file."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._finder = VideoFinder(folders, Listing((), ()), by_name=True)
        self._found: dict[str, Path | None] = {}

    def find(self, file: str, class_name: str = "") -> Path | None:
        """The video, whatever its class, or None if it is not on disk; raises InvalidInput if two fit equally well."""
        if file not in self._found:
            self._found[file] = self._finder.find(path_in(file), "")
        return self._found[file]


def path_in(reference: str) -> str:
    """The path in a `file:` or web address, else the reference itself: `file:///C:/a%20b.mp4` gives `/C:/a b.mp4`."""
    scheme, separator, _ = reference.partition("://")
    return unquote(urlsplit(reference).path) if separator and scheme.isalpha() else reference
