"""Videos in folders: a folder for each class, or any folders in which lists find their files by name."""

import os
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Literal, NoReturn

from vifi_cli.data.class_names import class_key
from vifi_cli.data.formats.listing import SPLIT_NAMES, SPLITS, Split
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, ucf101_scene
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import unicode_form
from vifi_cli.video.files.recognition import VIDEO_SUFFIXES, is_system_folder, may_be_video
from vifi_cli.wording import counted, first_of

OWN_OUTPUT = {
    "runs": ("*/config.toml", "*/*/config.toml"),
    "reports": ("*/report.json", "*/*/config.toml", "*/*/*/config.toml", "*/embed-map.html"),
}
"""Files by which a folder of vifi's own output is recognized, by the folder's name."""
MOST_NAMED = 3
TEXT_SUFFIXES = (".txt", ".csv", ".json")


def read_class_folders(folder: Path, class_names: tuple[str, ...] | None = None) -> LabeledVideos:
    """Reads the videos under class folders at any depth.

    The class folders may be under train/, val/ and test/, or have these inside; else all videos are in `train`. The
    class names are those of a label file, or the sorted names of the folders.

    Raises:
        InvalidInput: class folders have no videos, only some folders are splits, or a folder is not a class of the
            label file.
    """
    tops = _folders_in(folder)
    own = {path for path in folder.iterdir() if path.is_dir() and _is_own_output(path)}
    files = filter(may_be_video, map(Path, files_below(str(folder))))
    videos = [
        (path, parts) for path in files if folder / (parts := path.relative_to(folder).parts)[0] not in own
    ]
    split_at = _depth_of_splits(folder, [parts for _, parts in videos])
    class_folders = tops
    if split_at == 1:
        class_folders = [top for top in tops if any(top.name == parts[0] for _, parts in videos)]
    if split_at == 0:
        class_folders = [sub for top in tops if top.name.lower() in SPLIT_NAMES for sub in _folders_in(top)]
    names = class_names or tuple(sorted({sub.name for sub in class_folders}))
    label_of = {name: label for label, name in enumerate(names)}
    if stranger := next((sub for sub in class_folders if sub.name not in label_of), None):
        raise InvalidInput(f"{stranger}: the label file has no class {stranger.name!r}")
    splits: dict[Split, list[LabeledVideo]] = {split: [] for split in SPLITS}
    astray = 0
    for path, parts in videos:
        if len(parts) < (2 if split_at is None else 3):
            astray += 1
            continue
        split = "train" if split_at is None else SPLIT_NAMES[parts[split_at].lower()]
        class_name = parts[1 if split_at == 0 else 0]
        splits[split].append(LabeledVideo(path, label_of[class_name], ucf101_scene(path)))
    if not any(splits.values()):
        raise InvalidInput(f"{folder} has no videos in class folders: put them in {folder}/CLASS/VIDEO.mp4")
    remarks = (f"left out {counted(astray, 'video')} outside class folders",) if astray else ()
    train, val, test = (tuple(splits[split]) for split in SPLITS)
    return LabeledVideos(str(folder), names, train, val, test, remarks=remarks)


def _depth_of_splits(folder: Path, videos: Sequence[tuple[str, ...]]) -> Literal[0, 1] | None:
    """Whether the folders of splits are above (0) or in (1) those of classes; None if there are none.

    `videos` are paths below the folder. A folder without videos is neither a split nor a class.
    """
    classed = [parts for parts in videos if len(parts) > 1]
    tops = sorted({parts[0] for parts in classed})
    if tops and all(top.lower() in SPLIT_NAMES for top in tops):
        return 0
    if _has_splits(tops):
        _refuse_mixture(folder, tops)
    inside = sorted({parts[1] for parts in classed})  # folders in those of classes, and files
    if not _has_splits(inside):
        return None
    if not all(name.lower() in SPLIT_NAMES for name in inside):
        _refuse_mixture(folder, inside)
    return 1


def _has_splits(names: Sequence[str]) -> bool:
    """Whether folders have the names of a split to train on and of a held-out one."""
    splits = {SPLIT_NAMES.get(name.lower()) for name in names} - {None}
    return "train" in splits and len(splits) > 1


def _refuse_mixture(folder: Path, names: Sequence[str]) -> NoReturn:
    splits = [name for name in names if name.lower() in SPLIT_NAMES]
    others = [name for name in names if name not in splits]
    raise InvalidInput(
        f"{folder} holds splits ({', '.join(splits)}) beside {first_of(others, MOST_NAMED)}: sort all videos as "
        "SPLIT/CLASS/VIDEO.mp4 or CLASS/SPLIT/VIDEO.mp4, or rename folders that only look like splits"
    )


def _folders_in(folder: Path) -> list[Path]:
    folders = (path for path in folder.iterdir() if path.is_dir() and not _is_left_out(path.name))
    return sorted(path for path in folders if not _is_own_output(path))


def _is_own_output(folder: Path) -> bool:
    """Whether a folder holds runs or reports, which vifi writes into the present folder."""
    return any(any(folder.glob(pattern)) for pattern in OWN_OUTPUT.get(folder.name, ()))


class VideoTree:
    """The videos and text files under a folder, listed once; it follows links and skips hidden files.

    Datasets have hundreds of thousands of files, so paths stay plain text until one is found. Folders that cannot be
    read are skipped: a data root may be a disk with protected system folders.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._videos: dict[str, list[str]] = {}  # by stem, without case
        texts = []
        for path in files_below(str(root), skip_unreadable=True):
            name = _name(path)
            stem = _stem(name)
            if stem != name:
                self._videos.setdefault(_key(stem), []).append(path)
            elif name.lower().endswith(TEXT_SUFFIXES):
                texts.append(Path(path))
        self.texts = tuple(sorted(texts))  # may hold lists and labels

    @property
    def has_videos(self) -> bool:
        """Whether there are any videos."""
        return bool(self._videos)

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
    questions: tuple[Callable[[str], bool], ...] = (
        lambda path: path.endswith(f"/{file}"),
        lambda path: unicode_form(path).endswith(f"/{unicode_form(file)}"),
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
    folder: str, *, skip_unreadable: bool = False, above: frozenset[tuple[int, int]] = frozenset()
) -> Iterator[str]:
    """The files under a folder, sorted by path; it follows links, except into a loop, and skips hidden files.

    Unlike `vifi_cli.video.files.discovery.find_videos`, it yields a file with two links twice: a leak between two
    folders of links must stay visible. `above` holds device and inode of the parent folders, to detect loops.

    Raises:
        OSError: a folder cannot be read, without `skip_unreadable`.
    """
    try:
        status = os.stat(folder)  # noqa: PTH116  a Path for every file takes longer than all else
        with os.scandir(folder) as listed:
            entries = sorted(
                (entry for entry in listed if not _is_left_out(entry.name)), key=attrgetter("name")
            )
    except OSError:
        if skip_unreadable:
            return
        raise
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    for entry in entries:
        if _is(entry.is_dir):
            yield from files_below(entry.path, skip_unreadable=skip_unreadable, above=above | {identity})
        elif _is(entry.is_file):
            yield entry.path


def _is_left_out(name: str) -> bool:
    """Whether a file or folder is hidden, or holds thumbnails or trash, as on network storage."""
    return name.startswith(".") or is_system_folder(name)


def _is(kind: Callable[[], bool]) -> bool:
    """Whether an entry is of a kind; links in a circle are of none."""
    try:
        return kind()
    except OSError:
        return False
