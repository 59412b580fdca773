"""The files below a folder, looked up by name, however they are nested."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Self

from vifi_cli.data.class_names import class_key
from vifi_cli.errors import InvalidInput
from vifi_cli.video.recognition import VIDEO_SUFFIXES

TEXT_SUFFIXES = frozenset({".txt", ".csv", ".json"})


class VideoTree:
    """The videos and text files below a folder, listed once; links are followed, hidden files passed over.

    Attributes:
        root: the folder.
        texts: files that may hold lists and labels, in order of path.
    """

    def __init__(self, root: Path, videos: dict[str, list[Path]], texts: tuple[Path, ...]) -> None:
        self.root = root
        self.texts = texts
        self._videos = videos  # by stem, without case

    @classmethod
    def below(cls, root: Path) -> Self:
        """Lists what is below a folder."""
        videos: dict[str, list[Path]] = {}
        texts = []
        for path in files_below(root, on_error=_pass_over):
            suffix = path.suffix.lower()
            if suffix in VIDEO_SUFFIXES:
                videos.setdefault(_stem(path.name).casefold(), []).append(path)
            elif suffix in TEXT_SUFFIXES:
                texts.append(path)
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
        listed = PurePosixPath(file)
        fitting = self._videos.get(_stem(listed.name).casefold(), [])
        if not ignore_case:
            fitting = [path for path in fitting if _stem(path.name) == _stem(listed.name)]
        if not fitting:
            return None
        for fits_better in (
            lambda path: path.as_posix().endswith(f"/{listed}"),
            lambda path: path.name == listed.name,
            lambda path: _stem(path.name) == _stem(listed.name),
            lambda path: class_key(path.parent.name) == class_key(class_name),
        ):
            fitting = [path for path in fitting if fits_better(path)] or fitting
        if len(fitting) > 1:
            raise InvalidInput(
                f"{file} could be {fitting[0]} or {fitting[1]}: keep one of them below {self.root}"
            )
        return fitting[0]


def _stem(name: str) -> str:
    """A file name without the suffix of a video; YouTube's ids may end in anything."""
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in VIDEO_SUFFIXES else name


def files_below(
    folder: Path,
    *,
    on_error: Callable[[OSError], None],
    above: frozenset[tuple[int, int]] = frozenset(),
) -> Iterator[Path]:
    """The files below a folder in order of path; links are followed but for loops, hidden files passed over.

    Unlike `vifi_cli.video.discovery.find_videos`, a file that two links lead to comes twice: a leak between two
    folders of links must stay visible.

    Args:
        folder: where to begin.
        on_error: told of a folder that cannot be read; if it returns, the folder is passed over.
        above: device and number of the folders on the way, which links must not lead back to.
    """
    try:
        status = folder.stat()
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))  # noqa: PTH208  names only
    except OSError as error:
        on_error(error)
        return
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    for path in (folder / name for name in names):
        if path.is_dir():
            yield from files_below(path, on_error=on_error, above=above | {identity})
        elif path.is_file():
            yield path


def refuse_unreadable(error: OSError) -> None:
    """For `files_below`: raises what was met."""
    raise error


def _pass_over(_: OSError) -> None:
    """For a data root, which may be a disk with folders of the system's own; listed videos in them are missing."""
