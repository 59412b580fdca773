"""The files under a folder, and the tree in which lists find their videos by name."""

import os
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path

from vifi_cli.data.class_names import class_key
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import unicode_form
from vifi_cli.video.files.recognition import VIDEO_SUFFIXES, is_system_folder
from vifi_cli.video.files.virtual.frame_names import are_names_of_frames, is_picture_name

TEXT_SUFFIXES = (".txt", ".csv", ".json")


class VideoTree:
    """The videos and text files under a folder, listed once; it follows links and skips hidden files.

    Datasets have hundreds of thousands of files, so paths stay plain text until one is found. Folders that cannot be
    read are skipped: a data root may be a disk with protected system folders.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._videos: dict[str, list[str]] = {}  # by stem, without case
        folders = set()
        texts = []
        for path in files_below(str(root), skip_unreadable=True):
            name = _name(path)
            stem = _stem(name)
            if stem != name:
                self._videos.setdefault(_key(stem), []).append(path)
                folders.add(path.rpartition("/")[0])
            elif name.lower().endswith(TEXT_SUFFIXES):
                texts.append(Path(path))
        self.texts = tuple(sorted(texts))  # may hold lists and labels
        self._folder_keys = frozenset(class_key(_name(folder)) for folder in folders)  # those with videos

    @property
    def has_videos(self) -> bool:
        """Whether there are any videos."""
        return bool(self._videos)

    def video_names(self) -> Iterator[str]:
        """The names of all video files."""
        return (_name(path) for paths in self._videos.values() for path in paths)

    def has_folder(self, key: str) -> bool:
        """Whether a folder with videos has a name, given by its `class_key`."""
        return key in self._folder_keys

    def find(self, file: str, class_name: str, *, ignore_case: bool = True) -> Path | None:
        """The video that a list means by a file, in any folder.

        The file name decides; Unicode form, case and suffix may differ if no other file fits better, but YouTube's ids
        may not differ in case. Of several files with the same name, the one at the listed path wins, else the one in a
        folder named after the class.

        Raises:
            InvalidInput: two files fit equally well.
        """
        stem = _stem(_name(file))
        fitting = self._videos.get(_key(stem), [])
        if not ignore_case:
            fitting = [path for path in fitting if unicode_form(_stem(_name(path))) == unicode_form(stem)]
        if len(fitting) > 1:
            fitting = _fitting_best(fitting, file, class_name)
        if len(fitting) > 1:
            raise InvalidInput(f"{file} could be {fitting[0]} or {fitting[1]}: keep one under {self.root}")
        return Path(fitting[0]) if fitting else None


def _fitting_best(paths: list[str], file: str, class_name: str) -> list[str]:
    """Asks each question in turn, and keeps the paths that fit it, if any do."""
    folder = class_key(_name(file.rpartition("/")[0]))
    questions: tuple[Callable[[str], bool], ...] = (
        lambda path: path.endswith(f"/{file}"),
        lambda path: unicode_form(path).endswith(f"/{unicode_form(file)}"),
        lambda path: bool(folder) and class_key(_name(path.rpartition("/")[0])) == folder,
        lambda path: _name(path) == _name(file),
        lambda path: _stem(_name(path)) == _stem(_name(file)),
        lambda path: class_key(Path(path).parent.name) == class_key(class_name),
    )
    for fits in questions:
        paths = [path for path in paths if fits(path)] or paths
    return paths


def _key(stem: str) -> str:
    return unicode_form(stem).casefold()


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _stem(name: str) -> str:
    """A file name without a video's suffix; YouTube's ids may contain dots."""
    stem, dot, suffix = name.rpartition(".")
    return stem if dot + suffix.lower() in VIDEO_SUFFIXES else name


def files_below(
    folder: str,
    *,
    skip_unreadable: bool = False,
    frame_folders: bool = False,
    above: frozenset[tuple[int, int]] = frozenset(),
) -> Iterator[str]:
    """The files under a folder, sorted by path; it follows links, except into a loop, and skips hidden files.

    With `frame_folders`, a folder whose names show the frames of a video comes in the place of its pictures.

    Unlike `vifi_cli.video.files.discovery.find_videos`, it yields a file with two links twice: a leak between two
    folders of links must stay visible. `above` holds device and inode of the parent folders, to detect loops.

    Raises:
        OSError: a folder cannot be read, without `skip_unreadable`.
    """
    try:
        status = os.stat(folder)  # noqa: PTH116  a Path for every file takes longer than all else
        with os.scandir(folder) as listed:
            entries = sorted(
                (entry for entry in listed if not is_left_out(entry.name)), key=attrgetter("name")
            )
    except OSError:
        if skip_unreadable:
            return
        raise
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    if frame_folders and are_names_of_frames(entry.name for entry in entries):
        yield folder
        entries = [entry for entry in entries if not is_picture_name(entry.name)]
    for entry in entries:
        if _is(entry.is_dir):
            yield from files_below(
                entry.path,
                skip_unreadable=skip_unreadable,
                frame_folders=frame_folders,
                above=above | {identity},
            )
        elif _is(entry.is_file):
            yield entry.path


def is_left_out(name: str) -> bool:
    """Whether a file or folder is hidden, or holds thumbnails or trash, as on network storage."""
    return name.startswith(".") or is_system_folder(name)


def _is(kind: Callable[[], bool]) -> bool:
    """Whether an entry is of a kind; links in a circle are of none."""
    try:
        return kind()
    except OSError:
        return False
