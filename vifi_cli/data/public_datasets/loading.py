"""Loads public sets in the settings of the paper, from official split files and from ViFi-CLIP's lists."""

import re
from dataclasses import replace
from pathlib import Path

from vifi_cli.data.class_names import class_key, class_names_of, class_part, has_class_list
from vifi_cli.data.formats.folders.video_tree import VideoTree
from vifi_cli.data.formats.listing import ListedVideo, Split, locate
from vifi_cli.data.formats.lists.published_lists import find_list, list_names, read_list
from vifi_cli.data.labeled_videos import LabeledVideos, restrict_to_classes, with_remark
from vifi_cli.data.paper_setting import PAPER_BASE_SHOTS, PAPER_SEEDS, SUPERVISED, Setting
from vifi_cli.data.public_datasets.datasets import PUBLIC_SETS, PublicSet, data_root, how_to_get, places
from vifi_cli.data.public_datasets.reading import read_official
from vifi_cli.data.splits.random_splits import draw_shots
from vifi_cli.errors import InvalidInput
from vifi_cli.wording import counted

_KINETICS_CLIP = re.compile(r"(.{11})_\d{6}_\d{6}\.\w+")


def load_public_set(name: str, number: int, root: Path | None, setting: Setting, seed: int) -> LabeledVideos:
    """The videos of a public set in one of the paper's settings; `number` is that of the split, from 1.

    vifi reads the official split files under the data root. It prefers ViFi-CLIP's own lists where they are there too:
    few-shot training (drawn from split 1), base and novel classes, Kinetics-600's zero-shot splits. Where a list is
    absent, it draws the same kind of split, and a remark says so.

    Raises:
        InvalidInput: the set, or what the setting needs, is not on disk.
    """
    named = PUBLIC_SETS[name]
    numbers = len(PAPER_SEEDS) if setting.name == "base2novel" else named.splits
    if number > numbers:
        raise InvalidInput(f"{named.title} has no split {number} for {setting.name}: choose 1 to {numbers}")
    found = _find_set(named, data_root(root, name), number)
    shots = setting.shots or PAPER_BASE_SHOTS
    match setting.name:
        case "supervised":
            return found.supervised()
        case "few-shot":
            return _few_shot(found, shots, seed)
        case "base2novel":
            return _base(found, shots, seed)
        case "novel":
            return _only_test(found, setting, found.require_part("novel"))
        case "zero-shot":
            return _zero_shot(found)


def class_names_of_set(name: str) -> tuple[str, ...]:
    """The class names of a public set: those that vifi has, or else those of its annotation files on disk.

    Raises:
        InvalidInput: it needs the annotation files, and they are absent.
    """
    if has_class_list(name):
        return class_names_of(name)
    return _find_set(PUBLIC_SETS[name], data_root(None, name), 1).class_names


class _FoundSet:
    """The lists and videos of a public set under one folder."""

    def __init__(self, named: PublicSet, tree: VideoTree, number: int) -> None:
        self.named, self.tree, self.number = named, tree, number
        official = read_official(named, tree, number)
        self.class_names, self.official, self.remarks = (
            official.class_names,
            official.videos,
            official.remarks,
        )
        self._class_keys = frozenset(map(class_key, self.class_names))

    @property
    def has_lists(self) -> bool:
        """Whether the folder has lists of the set."""
        if self.official or not (folder := self.named.list_folder):
            return bool(self.official)
        return any(folder in path.relative_to(self.tree.root).as_posix() for path in self.tree.texts)

    def supervised(self) -> LabeledVideos:
        """The official split, or ViFi-CLIP's full lists; val and test are both the held-out list, if it has one.

        Classes that are never trained, such as nouns of EPIC-KITCHENS, are left out.
        """
        train = tuple(video for video in self.official if video.split == "train")
        train = train or self.published(SUPERVISED, "train")
        videos = self.located((*train, *self.held_out()), self.class_names)
        trained = sorted({label for video in train for label in (video.label, *video.more_labels)})
        if not train or len(trained) == len(self.class_names):
            return videos
        absent = len(self.class_names) - len(trained)
        remark = f"left out {counted(absent, 'class', 'classes')} without a training video in the annotations"
        return with_remark(restrict_to_classes(videos, trained), remark)

    def held_out(self) -> tuple[ListedVideo, ...]:
        """The official held-out list, or ViFi-CLIP's, as val; raises InvalidInput if there is neither."""
        if self.named.has_val_and_test:
            return tuple(video for video in self.official if video.split != "train")
        for split in ("val", "test"):
            if official := [video for video in self.official if video.split == split]:
                return tuple(replace(video, split="val") for video in official)
        if published := self.published(SUPERVISED, "val"):
            return published
        how = how_to_get(self.named, self.tree.root)
        raise InvalidInput(f"no held-out list of {self.named.title}. {how}")

    def published(self, setting: Setting, split: Split, classes: int = 0) -> tuple[ListedVideo, ...]:
        """The videos of ViFi-CLIP's list; empty if it is absent."""
        if not self.named.list_folder:
            return ()
        names = list_names(setting, split, self.number)
        path = find_list(self.tree.texts, self.tree.root, names, self.named.list_folder)
        return read_list(path, classes or len(self.class_names), split) if path else ()

    def located(self, videos: tuple[ListedVideo, ...], class_names: tuple[str, ...]) -> LabeledVideos:
        """The listed videos on disk; held-out ones are both val and test."""
        found = locate(self.named.name, class_names, videos, self._find)
        return replace(found, test=found.test or found.val, remarks=(*found.remarks, *self.remarks))

    def require_part(self, part: str) -> tuple[int, ...]:
        """The labels of the base or novel classes; raises InvalidInput if the paper has none of this set."""
        if classes := class_part(self.named.name, part):
            return classes
        raise InvalidInput(
            f"{self.named.title} has no {part} classes in the paper: use k400, hmdb51, ucf101 or ssv2"
        )

    def names_of(self, classes: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(self.class_names[label] for label in classes)

    def _find(self, file: str, class_name: str) -> Path | None:
        """A listed file, with or without the times or the `v_` that some tools add to an id of YouTube."""
        name = file.rpartition("/")[2]
        clip = _KINETICS_CLIP.fullmatch(name)
        others = [f"{clip[1]}.mp4"] if clip else [name.removeprefix("v_")] if name.startswith("v_") else []
        ignore_case = not self.named.case_matters
        found = (self.tree.find(each, class_name, ignore_case=ignore_case) for each in (file, *others))
        return next((path for path in found if path and self._may_be_of(path, class_name)), None)

    def _may_be_of(self, path: Path, class_name: str) -> bool:
        """Whether a file is not in the folder of another class."""
        folder = class_key(path.parent.name)
        return folder == class_key(class_name) or folder not in self._class_keys


def _find_set(named: PublicSet, root: Path, number: int) -> _FoundSet:
    has_videos = False
    for place in places(named, root):
        found = _FoundSet(named, VideoTree(place), number)
        if found.has_lists:
            return found
        has_videos = has_videos or found.tree.has_videos
    seen = ", though there are videos" if has_videos else ""
    raise InvalidInput(f"no split files of {named.title} under {root}{seen}. {how_to_get(named, root)}")


def _few_shot(found: _FoundSet, shots: int, seed: int) -> LabeledVideos:
    # the published lists are drawn from split 1 and overlap the held-out lists of splits 2 and 3
    train = found.published(Setting("few-shot", shots), "train") if found.number == 1 else ()
    if train:
        return found.located((*train, *found.held_out()), found.class_names)
    return _drawn(found.supervised(), shots, seed)


def _base(found: _FoundSet, shots: int, seed: int) -> LabeledVideos:
    setting, classes = Setting("base2novel"), found.require_part("base")
    if shots == PAPER_BASE_SHOTS:
        train, val = (found.published(setting, split, len(classes)) for split in ("train", "val"))
        if train and val:
            return found.located((*train, *val), found.names_of(classes))
    return _drawn(restrict_to_classes(found.supervised(), classes), shots, seed)


def _drawn(videos: LabeledVideos, shots: int, seed: int) -> LabeledVideos:
    drawn = replace(videos, train=draw_shots(videos.train, shots, seed))
    has_lists = bool(PUBLIC_SETS[videos.name].list_folder)
    remark = f"{shots} training videos per class are drawn with seed {seed}"
    return with_remark(drawn, f"{remark}: not the paper's list" if has_lists else remark)


def _zero_shot(found: _FoundSet) -> LabeledVideos:
    classes = class_part(found.named.name, f"zero_shot_{found.number}")
    if not classes:
        every = found.located(found.held_out(), found.class_names)
        return replace(every, train=(), val=())
    remark = f"the test has all held-out videos of the split's {len(classes)} classes: not the paper's list"
    return _only_test(found, Setting("zero-shot"), classes, remark)


def _only_test(
    found: _FoundSet, setting: Setting, classes: tuple[int, ...], remark_if_unlisted: str = ""
) -> LabeledVideos:
    """The published test list of some classes, else all their held-out videos."""
    if listed := found.published(setting, "test", len(classes)):
        return found.located(listed, found.names_of(classes))
    held_out = restrict_to_classes(found.located(found.held_out(), found.class_names), classes)
    tested = replace(held_out, train=(), val=())
    return with_remark(tested, remark_if_unlisted) if remark_if_unlisted else tested
