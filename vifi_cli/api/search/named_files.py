"""The files that a query may name: any on this machine, or the videos of an index alone."""

from functools import cached_property
from pathlib import Path
from typing import Protocol

from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.paths import given_path, is_given_file, unicode_form
from vifi_cli.video.files.content import is_there
from vifi_cli.video.files.recognition import VIDEO_SUFFIXES, suffix_of


class NamedFiles(Protocol):
    """Finds the files that the terms of a query name."""

    def exists(self, text: str) -> bool:
        """Whether a text names a file."""

    def path(self, text: str) -> Path:
        """The absolute path of the file that a text names; raises InvalidInput if no file may be meant."""


class FilesOnDisk:
    """The files of this machine, for the user who sits at it."""

    def exists(self, text: str) -> bool:
        """Whether there is such a file; a folder of frames or a member of a shard counts if it is named as a path."""
        return is_given_file(text) or ("/" in text and is_there(given_path(text)))

    def path(self, text: str) -> Path:
        """Its absolute path, though the file may be missing."""
        return given_path(text)


FILES_ON_DISK = FilesOnDisk()


class IndexedFiles:
    """The videos of an index, named by a path or by the end of one. The disk is not asked about any name.

    For viewers of a server, who must neither read its other files nor find out which there are.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def exists(self, text: str) -> bool:
        """Whether the index has such a video."""
        return bool(self._found(text))

    def path(self, text: str) -> Path:
        """The path of the one video that a text names; raises InvalidInput if there is none, or more than one."""
        found = self._found(text)
        if len(found) == 1:
            return found[0]
        if found:
            raise InvalidInput(f"{text} names {len(found):,} indexed videos: give more of its path")
        raise InvalidInput(
            f"{text} is not an indexed video, and only those can be named here: for other files, run `vifi search` in "
            "a terminal; for words that look like a file's name, put text: before them"
        )

    def _found(self, text: str) -> list[Path]:
        path = Path(text).expanduser() if text.startswith("~/") else Path(text)
        if path.is_absolute():
            video = self._catalog.video_at(path)
            return [video.path] if video else []
        if suffix_of(path) not in VIDEO_SUFFIXES:
            return []
        wanted = _comparable(path)
        return [found for found, parts in self._indexed if parts[-len(wanted) :] == wanted]

    @cached_property
    def _indexed(self) -> list[tuple[Path, tuple[str, ...]]]:
        """All paths, read once for all names in a query, with their parts to compare."""
        return [(path, _comparable(path)) for path in self._catalog.paths()]


def _comparable(path: Path) -> tuple[str, ...]:
    return Path(unicode_form(path)).parts
