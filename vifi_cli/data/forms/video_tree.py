"""The files below a folder, looked up by name, however they are nested.

Data sets have hundreds of thousands of files, so paths are plain text here until one is asked for.
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
    """The videos and text files below a folder, listed once; links are followed, hidden files passed over.

    Attributes:
        root: the folder.
        texts: files that may hold lists and labels, in order of path.
    """

    def __init__(self, root: Path, videos: dict[str, list[str]], texts: tuple[Path, ...]) -> None:
        self.root = root
        self.texts = texts
        self._videos = videos  # by stem, without case

    @classmethod
    def below(cls, root: Path) -> Self:
        """Lists what is below a folder."""
        videos: dict[str, list[str]] = {}
        texts = []
        for path in files_below(str(root), on_error=_pass_over):
            name = _name(path)
            stem = _stem(name)
            if stem != name:
                videos.setdefault(stem.casefold(), []).append(path)
            elif name.lower().endswith(TEXT_SUFFIXES):
                texts.append(Path(path))
        return cls(root, videos, tuple(sorted(texts)))

    @property
    def has_videos(self) -> bool:
        """Whether there is any video."""
        return bool(self._videos)

    def find(self, file: str, class_name: str, *, ignore_case: bool = True) -> Path | None:
        """The video that a list means, whatever folder it lies in.

        Its file name decides; case and suffix may differ if no other fits better. Of several files of one name, that
        at the listed path is taken, else that in a folder named for the class.

        Args:
            file: as the list spells it.
            class_name: of the video.
            ignore_case: whether a name that differs by case may be meant; YouTube's ids tell videos apart by it.

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
                f"{file} could be {fitting[0]} or {fitting[1]}: keep one of them below {self.root}"
            )
        return Path(fitting[0]) if fitting else None


def _fitting_best(paths: list[str], file: str, class_name: str) -> list[str]:
    """The paths left when each question keeps those that answer it with yes, if any does."""
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
    """A file name without the suffix of a video; YouTube's ids may end in anything."""
    stem, dot, suffix = name.rpartition(".")
    return stem if dot + suffix.lower() in VIDEO_SUFFIXES else name


def files_below(
    folder: str,
    *,
    on_error: Callable[[OSError], None],
    above: frozenset[tuple[int, int]] = frozenset(),
) -> Iterator[str]:
    """The files below a folder in order of path; links are followed but for loops, hidden files passed over.

    Unlike `vifi_cli.video.files.discovery.find_videos`, a file that two links lead to comes twice: a leak between two
    folders of links must stay visible.

    Args:
        folder: where to begin.
        on_error: told of a folder that cannot be read; if it returns, the folder is passed over.
        above: device and number of the folders on the way, which links must not lead back to.
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
    """Whether an entry is of a kind; a link that leads round in a circle is of none."""
    try:
        return kind()
    except OSError:
        return False


def refuse_unreadable(error: OSError) -> None:
    """For `files_below`: raises what was met."""
    raise error


def _pass_over(_: OSError) -> None:
    """For a data root, which may be a disk with folders of the system's own; listed videos in them are missing."""
