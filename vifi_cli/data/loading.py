"""One way in for labelled videos: a folder, a table, ViFi-CLIP's lists, or the name of a public set."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from vifi_cli.data.forms.class_folders import read_class_folders
from vifi_cli.data.forms.label_file import read_label_file
from vifi_cli.data.forms.list_file import Setting, find_list, list_names, read_list
from vifi_cli.data.forms.listing import SPLITS, Listing, Split, locate
from vifi_cli.data.forms.table_file import TABLE_SUFFIXES, read_table
from vifi_cli.data.forms.video_tree import VideoTree
from vifi_cli.data.labeled_videos import (
    LabeledVideo,
    LabeledVideos,
    class_counts,
    require_usable,
    restrict_to_classes,
    with_remark,
)
from vifi_cli.data.public_sets.named_sets import NAMED_SETS
from vifi_cli.data.public_sets.paper_settings import PAPER_BASE_SHOTS, load_named_set
from vifi_cli.data.splits.drawing import Shares, base_and_novel, draw_shots, split_by_class, split_by_group
from vifi_cli.errors import InvalidInput

HELD_OUT_SHARE = 0.2
TEST_ONLY: tuple[Setting, ...] = ("novel", "zero-shot")


def load_labeled_videos(
    data: str,
    *,
    root: Path | None = None,
    setting: Setting = "supervised",
    split: int = 1,
    shots: int | None = None,
    seed: int = 0,
    labels: Path | None = None,
) -> LabeledVideos:
    """Loads labelled videos ready for training or testing.

    Where the data has one held-out split, it is both val and test; where it has none, a fifth of the training videos
    of each class is held out. Remarks tell this, and whatever else was decided.

    Args:
        data: the name of a public set, or the path of a folder, table or list file.
        root: where a public set lies, else `$VIFI_DATA`; for other data a second folder to look for videos in.
        setting: `supervised`, `few-shot`, `base2novel` (the base classes), `novel` (the novel classes, test only) or
            `zero-shot` (test only).
        split: which of the published splits, from 1.
        shots: training videos a class; for few-shot needed, for base2novel 16 if None, as in the paper.
        seed: of whatever is drawn.
        labels: the label file of tables and lists that number their classes.

    Returns:
        The videos, with a training video of each class unless the setting is for testing only.

    Raises:
        InvalidInput: something is wrong with the data; the text names the file and the line.
    """
    videos = read_labeled_videos(
        data, root=root, setting=setting, split=split, shots=shots, seed=seed, labels=labels
    )
    require_usable(videos)
    if not videos.train and setting not in TEST_ONLY:
        raise InvalidInput(
            f"{videos.name} has no training video: its train split is empty; `--setting zero-shot` only tests"
        )
    return replace(videos, remarks=(*videos.remarks, *_odd(videos)))


def _odd(videos: LabeledVideos) -> Iterator[str]:
    """What does not keep from training, and yet should be known."""
    held_out = videos.val or videos.test
    untested = class_counts(held_out, len(videos.class_names)).count(0)
    if untested:
        yield f"{untested} of {len(videos.class_names)} classes have no held-out video"
    paths = {video.path for video in (*videos.val, *videos.test)}
    if leaked := sum(video.path in paths for video in videos.train):
        yield f"{leaked} of {len(videos.train)} training videos are held out too: `vifi data check` lists them"


def read_labeled_videos(
    data: str,
    *,
    root: Path | None = None,
    setting: Setting = "supervised",
    split: int = 1,
    shots: int | None = None,
    seed: int = 0,
    labels: Path | None = None,
) -> LabeledVideos:
    """Reads labelled videos as `load_labeled_videos` does, and lets pass what could not be trained on."""
    _check_request(setting, split, shots)
    if data in NAMED_SETS:
        _refuse_labels(data, labels)
        return load_named_set(data, root, setting, split, shots, seed)
    path = _existing(data)
    class_names = read_label_file(labels) if labels else None
    lists = _find_lists(path, setting, split, shots) if path.is_dir() else {}
    if ("test" if setting in TEST_ONLY else "train") in lists:
        return _with_held_out(_read_lists(path, lists, class_names, root), seed)
    return _in_setting(_read_as_it_is(path, root, class_names, split), setting, shots, seed)


def read_own_splits(
    data: str, *, root: Path | None = None, split: int = 1, labels: Path | None = None
) -> LabeledVideos:
    """Reads labelled videos in the splits that they come in; where they come in none, all are in `train`."""
    if data in NAMED_SETS:
        _refuse_labels(data, labels)
        return load_named_set(data, root, "supervised", split, None, 0)
    return _read_as_it_is(_existing(data), root, read_label_file(labels) if labels else None, split)


def _refuse_labels(name: str, labels: Path | None) -> None:
    if labels is not None:
        raise InvalidInput(f"--labels does not go with {name}: its class names are known")


def _existing(data: str) -> Path:
    path = Path(data).expanduser().absolute()
    if path.exists():
        return path
    raise InvalidInput(
        f"{data} is not there: name a folder, a table, a list file, or one of {', '.join(NAMED_SETS)}"
    )


def _read_as_it_is(
    path: Path, root: Path | None, class_names: tuple[str, ...] | None, number: int
) -> LabeledVideos:
    """Reads data of the user's own in the splits that it has; where it has none, all is in `train`."""
    if path.is_dir():
        lists = _find_lists(path, "supervised", number, None)
        return _read_lists(path, lists, class_names, root) if lists else read_class_folders(path, class_names)
    if path.suffix.lower() in TABLE_SUFFIXES:
        bases = (path.parent, root) if root else (path.parent,)
        return locate(read_table(path, class_names), lambda file, _: _beside(bases, file))
    return _read_lists(path.parent, {"train": path}, class_names, root)


def _find_lists(folder: Path, setting: Setting, number: int, shots: int | None) -> dict[Split, Path]:
    """ViFi-CLIP's list files in a folder, as a setting needs them."""
    texts = [path for depth in ("*", "*/*", "*/*/*") for path in sorted(folder.glob(f"{depth}.txt"))]
    found = {split: find_list(texts, folder, list_names(setting, split, number, shots)) for split in SPLITS}
    return {split: path for split, path in found.items() if path}


def _read_lists(
    folder: Path, lists: dict[Split, Path], class_names: tuple[str, ...] | None, root: Path | None
) -> LabeledVideos:
    """Reads list files; videos are at their listed path below the root or the folder, else anywhere below by name."""
    first = next(iter(lists.values()))
    if class_names is None:
        raise InvalidInput(f"{first} numbers its classes: name them with --labels FILE")
    videos = tuple(
        video for split, path in lists.items() for video in read_list(path, len(class_names), split)
    )
    bases = (root, folder) if root else (folder,)
    trees: list[VideoTree] = []

    def find(file: str, class_name: str) -> Path | None:
        if path := _beside(bases, file):
            return path
        if not trees:
            trees.extend(VideoTree.below(base.absolute()) for base in bases)
        return next((found for tree in trees if (found := tree.find(file, class_name))), None)

    return locate(Listing(str(folder if len(lists) > 1 else first), class_names, videos), find)


def _beside(bases: tuple[Path, ...], file: str) -> Path | None:
    candidates = (base.absolute() / file for base in bases)
    return next((path for path in candidates if path.is_file()), None)


def _check_request(setting: Setting, split: int, shots: int | None) -> None:
    if setting not in get_args(Setting):
        raise InvalidInput(
            f"there is no setting {setting!r}: the settings are {', '.join(get_args(Setting))}"
        )
    if split < 1:
        raise InvalidInput(f"there is no split {split}: they are numbered from 1")
    if setting == "few-shot" and shots is None:
        raise InvalidInput(
            "few-shot needs the number of training videos a class: --shots 2, 4, 8 or 16 in the paper"
        )
    if shots is not None and setting not in ("few-shot", "base2novel"):
        raise InvalidInput(
            f"--shots does not go with the setting {setting}: it is for few-shot and base2novel"
        )
    if shots is not None and shots < 1:
        raise InvalidInput(f"--shots {shots} leaves nothing to train on: 1 or more are needed")


def _in_setting(videos: LabeledVideos, setting: Setting, shots: int | None, seed: int) -> LabeledVideos:
    """A setting of the paper drawn from the user's own data, base classes being the frequent half."""
    if setting in ("base2novel", "novel"):
        base, novel = base_and_novel(videos.train, len(videos.class_names))
        if any(video.group for video in videos.train):
            # or base classes would be learned from people whose novel clips are tested
            videos = _with_held_out(videos, seed)
        videos = restrict_to_classes(videos, base if setting == "base2novel" else novel)
        shots = shots or PAPER_BASE_SHOTS
    if setting in TEST_ONLY:
        return replace(videos, train=(), val=(), test=videos.test or videos.val or videos.train)
    videos = _with_held_out(videos, seed)
    return replace(videos, train=draw_shots(videos.train, shots, seed)) if shots else videos


def _hold_out(videos: LabeledVideos, seed: int) -> LabeledVideos:
    """The same with a fifth of the training videos in val: whole groups where groups are known, else of each class."""
    shares = Shares(val=HELD_OUT_SHARE, test=0)
    parts, how = split_by_class(videos.train, shares, seed), ""
    groups = [video.group or str(video.path) for video in videos.train]
    if any(video.group for video in videos.train):
        how = ", but groups are torn apart: there are too few of them"
        by_group = split_by_group(videos.train, groups, shares, seed) if len(set(groups)) > 1 else parts
        if _is_usable(by_group, len(videos.train)):
            parts, how = by_group, " in whole groups"
    remark = f"there is no val split: {len(parts['val'])} of {len(videos.train)} videos are held out{how}, seed {seed}"
    return with_remark(replace(videos, train=parts["train"], val=parts["val"]), remark)


def _is_usable(parts: Mapping[Split, Sequence[LabeledVideo]], videos: int) -> bool:
    """Whether all classes can be learned, and at least half of the share that is wanted is held out."""
    train, val = ({video.label for video in parts[split]} for split in ("train", "val"))
    return val <= train and 2 * len(parts["val"]) >= HELD_OUT_SHARE * videos


def _with_held_out(videos: LabeledVideos, seed: int) -> LabeledVideos:
    """The same with something in val and test; a list that is the only one is both."""
    if not videos.train:
        return videos
    if not videos.val and not videos.test:
        videos = _hold_out(videos, seed)
    elif not videos.val:
        videos = with_remark(videos, "there is no val split: training is watched with the test split")
    return replace(videos, val=videos.val or videos.test, test=videos.test or videos.val)
