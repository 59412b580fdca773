"""Tells folders of splits from folders of classes, or refuses to guess."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal

from vifi_cli.data.class_names import clean_class_name
from vifi_cli.data.formats.listing import SPLIT_NAMES, Split
from vifi_cli.errors import InvalidInput
from vifi_cli.wording import first_of

MOST_NAMED = 3
_WORD = re.compile(r"[^\W\d_]+")
_SET_WORDS = frozenset(
    """clip clips data dataset file files film films fold footage frames movies part rgb set split splits subset video
    videos""".split()  # noqa: SIM905  a column reads worse
)
"""Words beside that of a split in the name of its folder, as in `videos_train` and `test_set`."""

Parts = tuple[str, ...]
"""The path of a video below the data folder, the file name last."""

SplitDepth = Literal[0, 1]
"""0: splits contain classes, SPLIT/CLASS/VIDEO; 1: classes contain splits, CLASS/SPLIT/VIDEO."""


def split_of_folder(name: str) -> Split | None:
    """The split that a folder is named after: `val`, `Validation`, `videos_train`, `train_256`, `testset`."""
    words = [word.removesuffix("set") or word for word in _WORD.findall(clean_class_name(name).casefold())]
    splits = {SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES}
    others = [word for word in words if word not in SPLIT_NAMES and word not in _SET_WORDS]
    if others or not splits:
        return None
    if splits == {"train", "val"}:  # train_val, as trainval
        return "train"
    return splits.pop() if len(splits) == 1 else None


def depth_of_splits(
    folder: Path, videos: Sequence[Parts], is_class: Callable[[str], bool] | None = None
) -> SplitDepth | None:
    """Where splits are among the folders above videos; None if there are none, and the top folders are the classes.

    `is_class` says whether a label file has a class. It decides where the folders alone fit two readings.

    Raises:
        InvalidInput: the folders fit two readings, or look like splits only in part.
    """
    inside: defaultdict[str, set[str]] = defaultdict(set)  # by top folder; "" for videos directly in it
    for parts in videos:
        if len(parts) > 1:
            inside[parts[0]].add(parts[1] if len(parts) > 2 else "")
    if is_class is None:
        _refuse_splits_in_names(folder, sorted(inside))
    above, within = _can_be_above(inside), _can_be_within(inside)
    if is_class and all(map(is_class, inside)):
        above = above and all(is_class(sub) for subs in inside.values() for sub in subs if sub)
    elif above and is_class:
        within = False
    elif not above and not within:
        _refuse_splits_beside_classes(folder, inside)
    if above and within:
        raise InvalidInput(
            f"{folder} can be read as SPLIT/CLASS/VIDEO and as CLASS/SPLIT/VIDEO: write a table of path,label,split"
        )
    if not above and not within:
        _refuse_half_split_classes(folder, inside)
    return 0 if above else 1 if within else None


def _can_be_above(inside: Mapping[str, set[str]]) -> bool:
    """Whether each top folder is a split and some have class folders."""
    return all(map(split_of_folder, inside)) and any(sub for subs in inside.values() for sub in subs)


def _can_be_within(inside: Mapping[str, set[str]]) -> bool:
    """Whether each class has all of its videos in splits."""
    subs = sorted(set().union(*inside.values()))
    return all(map(split_of_folder, subs)) and (_has_train(subs) or all(map(_is_plain, subs)))


def _has_train(names: Collection[str]) -> bool:
    return any(split_of_folder(name) == "train" for name in names)


def _is_plain(name: str) -> bool:
    """Whether a folder has the bare name of a split; `test1` and `test2` may be trials of a class."""
    return name.casefold() in SPLIT_NAMES


def _refuse_splits_beside_classes(folder: Path, inside: Mapping[str, set[str]]) -> None:
    """Refuses top folders of which some look like splits; a class may be called `train` alone, as the vehicle."""
    splits = [name for name in sorted(inside) if split_of_folder(name)]
    others = [name for name in sorted(inside) if name not in splits]
    if splits and not others:
        raise InvalidInput(
            f"{folder}: the splits {', '.join(splits)} have no class folders: sort the videos as "
            f"SPLIT/CLASS/VIDEO.mp4; {_if_classes(folder, 'they are classes')}"
        )
    held_out = [name for name in splits if split_of_folder(name) != "train"]
    has_classes = any(
        len([sub for sub in inside[name] if sub]) > 1 or inside[name] & inside.keys() for name in splits
    )
    if held_out or has_classes:
        raise InvalidInput(
            f"{folder} holds splits ({', '.join(splits)}) beside {first_of(others, MOST_NAMED)}, or all of them are "
            f"classes: for splits, sort all videos as SPLIT/CLASS/VIDEO.mp4; {_if_classes(folder, 'for classes')}"
        )


def _refuse_splits_in_names(folder: Path, names: Sequence[str]) -> None:
    """Refuses folders such as `run_train` and `run_test`, which are not two classes."""
    splits_of: defaultdict[str, dict[Split, str]] = defaultdict(dict)
    for name in names:
        words = _WORD.findall(clean_class_name(name).casefold())
        splits = [SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES]
        rest = " ".join(word for word in words if word not in SPLIT_NAMES)
        if len(splits) == 1 and rest and split_of_folder(name) is None:
            splits_of[rest][splits[0]] = name
    for of_class in splits_of.values():
        if "train" in of_class and len(of_class) > 1:
            both = " and ".join(sorted(of_class.values()))
            raise InvalidInput(
                f"{folder}: {both} look like splits of one class, or are classes: for splits, sort all videos as "
                f"SPLIT/CLASS/VIDEO.mp4; {_if_classes(folder, 'for classes')}"
            )


def _refuse_half_split_classes(folder: Path, inside: Mapping[str, set[str]]) -> None:
    """Refuses class folders of which some hold splits, and some hold other folders or videos."""
    subs = sorted({f"{top}/{sub}" if sub else top for top, names in inside.items() for sub in names})
    splits = [sub for sub in subs if "/" in sub and split_of_folder(sub.partition("/")[2])]
    others = [sub for sub in subs if sub not in splits]
    names = [split.partition("/")[2] for split in splits]
    held_out = [name for name in names if split_of_folder(name) != "train"]
    if others and held_out and (_has_train(names) or any(map(_is_plain, held_out))):
        raise InvalidInput(
            f"{folder} holds splits ({first_of(splits, MOST_NAMED)}) beside {first_of(others, MOST_NAMED)}, or these "
            "are only parts of classes: for splits, sort all videos as CLASS/SPLIT/VIDEO.mp4; for parts, rename the "
            "folders, or write a table of path,label"
        )


def _if_classes(folder: Path, condition: str) -> str:
    return f"{condition}, list the classes in a file, a name on each line, and name {folder},FILE.txt"
