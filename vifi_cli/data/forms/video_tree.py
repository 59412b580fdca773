"""The files under a folder, found by name at any depth.

Datasets have hundreds of thousands of files, so paths stay plain text until one is found.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from vifi_cli.data.class_names import class_key
from vifi_cli.errors import InvalidInput
from vifi_cli.video.files.recognition import VIDEO_SUFFIXES

TEXT_SUFFIXES = (".txt", ".csv", ".json")


class VideoTree:
    """The videos and text files under a folder, listed once; it follows links and skips hidden files.

    Attributes:
        root: the folder.
        texts: files that may hold lists and labels, sorted.
    """

    def __init__(self, root: Path, videos: dict[str, list[str]], texts: tuple[Path, ...]) -> None:
        self.root = root
        self.texts = texts
        self._videos = videos  # by stem, without case

    @classmethod
    def below(cls, root: Path) -> Self:
        """Lists the files under a folder."""
        videos: dict[str, list[str]] = {}
        texts = []
        for path in files_below(str(root), on_error=_skip):
            name = _name(path)
            stem = _stem(name)
            if stem != name:
                videos.setdefault(stem.casefold(), []).append(path)
            elif name.lower().endswith(TEXT_SUFFIXES):
                texts.append(Path(path))
        return cls(root, videos, tuple(sorted(texts)))

    @property
    def has_videos(self) -> bool:
        """Whether there are any videos."""
        return bool(self._videos)

    def find(self, file: str, class_name: str, *, ignore_case: bool = True) -> Path | None:
        """The video that a list means, in any folder.

        The file name decides; case and suffix may differ if no other file fits better. Of several files with the same
        name, the one at the listed path wins, else the one in a folder named after the class.

        Args:
            file: as the list spells it.
            class_name: of the video.
            ignore_case: whether names may differ in case; YouTube's ids may not.

        Raises:
            InvalidInput: two files fit equally well.
        """
        stem = _stem(_name(file))
        fitting = self._videos.get(stem.casefold(), [])
        if not ignore_case:
            fitting = [path for path in fitting if _stem(_name(path)) == stem]
        if len(fitting) > 1:
            fitting = _fitting_best(fitting, file, class_name)
        if len(fitting) > 1:
            raise InvalidInput(
                f"{file} could be {fitting[0]} or {fitting[1]}: keep one of them under {self.root}"
            )
        return Path(fitting[0]) if fitting else None


def _fitting_best(paths: list[str], file: str, class_name: str) -> list[str]:
    """The paths that are left after each question has kept those that fit it, if any do."""
    questions: tuple[Callable[[str], bool], ...] = (
        lambda path: path.endswith(f"/{file}"),
        lambda path: _name(path) == _name(file),
        lambda path: _stem(_name(path)) == _stem(_name(file)),
        lambda path: class_key(Path(path).parent.name) == class_key(class_name),
    )
    for fits in questions:
        paths = [path for path in paths if fits(path)] or paths
    return paths


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _stem(name: str) -> str:
    """A file name without a video's suffix; YouTube's ids may contain dots."""
    stem, dot, suffix = name.rpartition(".")
    return stem if dot + suffix.lower() in VIDEO_SUFFIXES else name


def files_below(
    folder: str,
    *,
    on_error: Callable[[OSError], None],
    above: frozenset[tuple[int, int]] = frozenset(),
) -> Iterator[str]:
    """The files under a folder, sorted by path; it follows links, except into a loop, and skips hidden files.

    Unlike `vifi_cli.video.files.discovery.find_videos`, it yields a file with two links twice: a leak between two
    folders of links must stay visible.

    Args:
        folder: to list.
        on_error: receives the error of a folder that cannot be read; if it returns, that folder is skipped.
        above: device and inode of the parent folders, to detect loops.
    """
    try:
        status = os.stat(folder)  # noqa: PTH116  a Path for every file takes longer than all else
        with os.scandir(folder) as listed:
            entries = sorted(
                (entry for entry in listed if entry.name[0] != "."), key=lambda entry: entry.name
            )
    except OSError as error:
        on_error(error)
        return
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    for entry in entries:
        if _is(entry.is_dir):
            yield from files_below(entry.path, on_error=on_error, above=above | {identity})
        elif _is(entry.is_file):
            yield entry.path


def _is(kind: Callable[[], bool]) -> bool:
    """Whether an entry is of a kind; a link in a circle is of none."""
    try:
        return kind()
    except OSError:
        return False


def refuse_unreadable(error: OSError) -> None:
    """For `files_below`: raises the error."""
    raise error


def _skip(_: OSError) -> None:
    """For a data root, which may be a disk with protected system folders."""
