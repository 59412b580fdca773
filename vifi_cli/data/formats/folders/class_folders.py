"""Videos in class folders, with or without folders of splits."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from vifi_cli.data.formats.folders.layout import Parts, SplitDepth, depth_of_splits, split_of_folder
from vifi_cli.data.formats.folders.own_output import drawn_and_cut, is_output_folder
from vifi_cli.data.formats.folders.video_tree import files_below, is_left_out
from vifi_cli.data.formats.label_file import LabelFile
from vifi_cli.data.formats.listing import SPLITS, Split
from vifi_cli.data.formats.refused_files import refuse_other_folders
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, ucf101_group
from vifi_cli.errors import InvalidInput
from vifi_cli.video.files.recognition import may_be_video
from vifi_cli.wording import counted, first_of

MOST_NAMED = 3


def read_class_folders(folder: Path, labels: LabelFile | None = None) -> LabeledVideos:
    """Reads the videos under class folders at any depth.

    The class folders may be under train/, val/ and test/, or have these inside; else all videos are in `train`. The
    classes are those of a label file, whose folders may also be deeper, as in `body/run`, or have ids as names; else
    they are the sorted names of the folders with videos. Films and clips that vifi made are left out.

    Raises:
        InvalidInput: there are no videos in class folders, the folders can be read in two ways, they are numbers
            without a label file, or one is not a class of the label file.
    """
    parts_of, unused_frames = _videos_below(folder)
    own = drawn_and_cut(list(parts_of))
    parts_of = {path: parts for path, parts in parts_of.items() if path not in own}
    is_class = None
    if labels is not None:
        labels = _numbered(labels, folder, parts_of.values())
        is_class = cache(partial(_is_class, labels))
    depth = depth_of_splits(folder, list(parts_of.values()), is_class)
    classed = {path: parts for path, parts in parts_of.items() if len(parts) > (1 if depth is None else 2)}
    if not classed:
        refuse_other_folders(folder)
        raise InvalidInput(f"{folder} has no videos in class folders: put them in {folder}/CLASS/VIDEO.mp4")
    folders_of = {path: _without_split(parts[:-1], depth) for path, parts in classed.items()}
    if labels is None:
        labels = LabelFile(_names_of(folder, folders_of.values()))
    label_of = cache(partial(_label_of, labels, folder))
    splits: dict[Split, list[LabeledVideo]] = {split: [] for split in SPLITS}
    for path, parts in classed.items():
        split = "train" if depth is None else split_of_folder(parts[depth]) or "train"
        splits[split].append(LabeledVideo(path, label_of(folders_of[path]), ucf101_group(path)))
    train, val, test = (tuple(splits[split]) for split in SPLITS)
    made = sorted({path.relative_to(folder).parts[0] for path in own})
    remarks = [f"left out {counted(len(own), 'video')} that vifi made, in {', '.join(made)}"] if own else []
    if unused_frames:
        remarks.append(f"left out {counted(unused_frames, 'folder')} of frames beside video files")
    remarks += _remarks(list(parts_of.values()), depth, is_class)
    if empty := _empty_folders(folder, {parts[0] for parts in classed.values()} | set(made)):
        remarks.append(
            f"left out {counted(len(empty), 'folder')} without videos in class folders: {first_of(empty, MOST_NAMED)}"
        )
    return LabeledVideos(str(folder), labels.names, train, val, test, remarks=tuple(remarks))


def _videos_below(folder: Path) -> tuple[dict[Path, Parts], int]:
    """The videos under a folder, outside vifi's own output: files, or folders of frames if there are no files.

    Also returns how many folders of frames are not used.
    """
    found = list(map(Path, files_below(str(folder), frame_folders=True)))
    videos = [path for path in found if may_be_video(path)]
    frames = [path for path in found if path != folder and path.is_dir()]
    unused_frames = len(frames) if videos else 0
    videos = videos or frames
    parts_of = {path: path.relative_to(folder).parts for path in videos}
    own = {top for top in {parts[0] for parts in parts_of.values()} if is_output_folder(folder / top)}
    return {path: parts for path, parts in parts_of.items() if parts[0] not in own}, unused_frames


def _without_split(folders: Parts, depth: SplitDepth | None) -> Parts:
    return folders if depth is None else (*folders[:depth], *folders[depth + 1 :])


def _names_of(folder: Path, below: Iterable[Parts]) -> tuple[str, ...]:
    """The names of the class folders, the first of each path."""
    paths = set(below)
    names = tuple(sorted({folders[0] for folders in paths}))
    if all(name.isdecimal() for name in names):
        raise InvalidInput(
            f"{folder}: its class folders are numbers; name the classes as in {folder},labels.csv"
        )
    deeper = sorted({folders[1] for folders in paths if len(folders) > 1})
    if len(names) == 1 and len(deeper) > 1:
        raise InvalidInput(
            f"{folder} has only one class folder, {names[0]}, with {first_of(deeper, MOST_NAMED)} in it: if these are "
            f"the classes, name {folder / names[0]}"
        )
    return names


def _numbered(labels: LabelFile, folder: Path, videos: Iterable[Parts]) -> LabelFile:
    """The label file with ids where folders are numbers and it has only names: they count from 0 or from 1."""
    numbers = {int(name) for parts in videos for name in parts[:-1] if name.isdecimal()}
    if labels.first_id is not None or not numbers or any(name.isdecimal() for name in labels.names):
        return labels
    if 0 not in numbers and len(labels.names) not in numbers:
        raise InvalidInput(
            f"{folder}: its folders may be numbered from 0 or from 1; give each class its id in {labels.source}"
        )
    return replace(labels, first_id=0 if 0 in numbers else 1)


def _is_class(labels: LabelFile, name: str) -> bool:
    return labels.find_folder(name) is not None


def _label_of(labels: LabelFile, folder: Path, below: Parts) -> int:
    """The class in the label file that a path of folders leads to."""
    if (top := labels.find_folder(below[0])) is not None:
        return top
    paths = ["/".join(below[: depth + 1]) for depth in range(1, len(below))]
    found = [*map(labels.find_folder, below), *map(labels.find, paths)]
    known = sorted({label for label in found if label is not None})
    if not known:
        raise InvalidInput(f"{folder / below[0]}: the label file has no class {below[0]!r}")
    if len(known) > 1:
        both = " and ".join(repr(labels.names[label]) for label in known[:2])
        raise InvalidInput(f"{folder.joinpath(*below)} is in folders of the classes {both}: move it")
    return known[0]


def _empty_folders(folder: Path, tops: set[str]) -> list[str]:
    """The folders that are neither among those with videos, nor hidden or vifi's own output."""
    others = [path for path in folder.iterdir() if path.name not in tops and not is_left_out(path.name)]
    return sorted(path.name for path in others if path.is_dir() and not is_output_folder(path))


def _remarks(
    videos: Sequence[Parts], depth: SplitDepth | None, is_class: Callable[[str], bool] | None
) -> Iterator[str]:
    """What was decided about the folders."""
    least = 2 if depth is None else 3
    if astray := sum(len(parts) < least for parts in videos):
        yield f"left out {counted(astray, 'video')} outside class folders"
    tops = {parts[0] for parts in videos if len(parts) >= least}
    if depth is None and is_class is None:
        yield from (
            f"{name} is read as a class, not as a split" for name in sorted(tops) if split_of_folder(name)
        )
    if depth != 1 and is_class is None:
        yield from _nesting({parts[least - 2 : -1] for parts in videos if len(parts) >= least})


def _nesting(below: set[Parts]) -> Iterator[str]:
    """Reports folders in class folders that may be the classes themselves."""
    tops_of: defaultdict[str, set[str]] = defaultdict(set)
    for folders in below:
        tops_of[folders[1] if len(folders) > 1 else ""].add(folders[0])
    tops = set().union(*tops_of.values())
    names = {name: above for name, above in tops_of.items() if name and not any(map(str.isdecimal, name))}
    are_own = len(tops_of) > len(tops) and len(names) == len(tops_of)
    are_own = are_own and all(len(each) == 1 for each in names.values())
    shared = [name for name, above in names.items() if len(above) > 1]
    are_shared = len(shared) > 1 and 2 * len(shared) > len(tops_of)
    if are_own or are_shared:
        example = "/".join(min(folders for folders in below if len(folders) > 1 and folders[1] in names)[:2])
        yield (
            f"the classes are the {len(tops)} upper folders; if they are the {len(names)} folders in them, such as "
            f"{example}, list these in a file and name it behind the folder, as in FOLDER,FILE.txt"
        )
