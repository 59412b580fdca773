"""The settings of the ViFi-CLIP paper on a named set: supervised, few-shot, base to novel, zero-shot."""

import re
from dataclasses import replace
from pathlib import Path

from vifi_cli.data.class_names import class_names_of, class_part
from vifi_cli.data.forms.list_file import find_list, list_names, read_list
from vifi_cli.data.forms.listing import ListedVideo, Listing, Split, locate
from vifi_cli.data.forms.video_tree import VideoTree
from vifi_cli.data.labeled_videos import LabeledVideos, restrict_to_classes, with_remark
from vifi_cli.data.public_sets.sets import PUBLIC_SETS, PublicSet, data_root, how_to_get, places
from vifi_cli.data.setting import SUPERVISED, Setting
from vifi_cli.data.splits.drawing import draw_shots
from vifi_cli.errors import InvalidInput

PAPER_BASE_SHOTS = 16
PAPER_SEEDS = (1, 2, 3)
_KINETICS_CLIP = re.compile(r"(.{11})_\d{6}_\d{6}\.\w+")


def load_public_set(name: str, number: int, root: Path | None, setting: Setting, seed: int) -> LabeledVideos:
    """The videos of a public set in one of the paper's settings.

    vifi reads the official split files under the data root. Where ViFi-CLIP's own lists are there too and the setting
    has some, it uses those: few-shot training (drawn from split 1), base and novel classes, Kinetics-600's zero-shot
    splits. Where a list is absent, it draws the same kind of split, and a remark says so.

    Args:
        name: of the set.
        number: of the split, from 1.
        root: where to look; see `data_root`.
        setting: what is trained or tested; few-shot and base2novel have 16 videos per class by default.
        seed: of every random draw.

    Raises:
        InvalidInput: the set, or what the setting needs, is not on disk.
    """
    named = PUBLIC_SETS[name]
    numbers = len(PAPER_SEEDS) if setting.name == "base2novel" else named.splits
    if number > numbers:
        raise InvalidInput(
            f"{named.title} has no split {number} for {setting.name}: choose one from 1 to {numbers}"
        )
    lists = _find_lists(named, data_root(root, name), number)
    shots = setting.shots or PAPER_BASE_SHOTS
    match setting.name:
        case "supervised":
            return lists.supervised()
        case "few-shot":
            return _few_shot(lists, shots, seed)
        case "base2novel":
            return _base(lists, shots, seed)
        case "novel":
            return _novel(lists)
        case "zero-shot":
            return _zero_shot(lists)


class _Lists:
    """The lists and videos of a named set below one folder."""

    def __init__(self, named: PublicSet, tree: VideoTree, number: int) -> None:
        self.named, self.tree, self.number = named, tree, number
        self.class_names = class_names_of(named.name)
        self.official = named.read_official(tree.texts, self.class_names, number)

    @property
    def has_lists(self) -> bool:
        """Whether anything here says how the set is split."""
        folder = self.named.list_folder
        return bool(self.official) or any(
            folder in path.relative_to(self.tree.root).as_posix() for path in self.tree.texts
        )

    def supervised(self) -> LabeledVideos:
        """The official split, or ViFi-CLIP's full lists; val and test are both the held-out list."""
        train = tuple(video for video in self.official if video.split == "train")
        return self.located(
            (*(train or self.published(SUPERVISED, "train")), *self.held_out()), self.class_names
        )

    def held_out(self) -> tuple[ListedVideo, ...]:
        """The official held-out list, or ViFi-CLIP's, as val.

        Raises:
            InvalidInput: there is neither.
        """
        for split in ("val", "test"):
            if official := [video for video in self.official if video.split == split]:
                return tuple(replace(video, split="val") for video in official)
        if published := self.published(SUPERVISED, "val"):
            return published
        raise InvalidInput(
            f"no held-out list of {self.named.title}. {how_to_get(self.named, self.tree.root)}"
        )

    def published(
        self, setting: Setting, split: Split, classes: int | None = None
    ) -> tuple[ListedVideo, ...]:
        """The videos of ViFi-CLIP's list for this, or nothing if it is not here."""
        names = list_names(setting, split, self.number)
        path = find_list(self.tree.texts, self.tree.root, names, self.named.list_folder)
        return read_list(path, classes or len(self.class_names), split) if path else ()

    def located(self, videos: tuple[ListedVideo, ...], class_names: tuple[str, ...]) -> LabeledVideos:
        """The listed videos with their files; what is held out is both val and test."""
        found = locate(Listing(self.named.name, class_names, videos), self._find)
        return replace(found, test=found.test or found.val)

    def part(self, part: str) -> tuple[int, ...]:
        """The labels of the base or novel classes; raises InvalidInput if the paper has none of this set."""
        if classes := class_part(self.named.name, part):
            return classes
        raise InvalidInput(
            f"{self.named.title} has no {part} classes in the paper: k400, hmdb51, ucf101 and ssv2 have"
        )

    def names_of(self, classes: tuple[int, ...]) -> tuple[str, ...]:
        """The names of some classes."""
        return tuple(self.class_names[label] for label in classes)

    def _find(self, file: str, class_name: str) -> Path | None:
        clip = _KINETICS_CLIP.fullmatch(file.rpartition("/")[2])
        if clip is None:
            return self.tree.find(file, class_name)
        by_time = self.tree.find(file, class_name, ignore_case=False)
        return by_time or self.tree.find(f"{clip[1]}.mp4", class_name, ignore_case=False)


def _find_lists(named: PublicSet, root: Path, number: int) -> _Lists:
    has_videos = False
    for place in places(named, root):
        lists = _Lists(named, VideoTree.below(place), number)
        if lists.has_lists:
            return lists
        has_videos = has_videos or lists.tree.has_videos
    seen = ", though there are videos" if has_videos else ""
    raise InvalidInput(f"no split files of {named.title} below {root}{seen}. {how_to_get(named, root)}")


def _few_shot(lists: _Lists, shots: int, seed: int) -> LabeledVideos:
    # the published lists are drawn from split 1 and overlap the held-out lists of splits 2 and 3
    train = lists.published(Setting("few-shot", shots), "train") if lists.number == 1 else ()
    if train:
        return lists.located((*train, *lists.held_out()), lists.class_names)
    full = lists.supervised()
    drawn = replace(full, train=draw_shots(full.train, shots, seed))
    return with_remark(
        drawn, f"{shots} training videos a class are drawn with seed {seed}: not the paper's list"
    )


def _base(lists: _Lists, shots: int, seed: int) -> LabeledVideos:
    classes = lists.part("base")
    train = (
        lists.published(Setting("base2novel"), "train", classes=len(classes))
        if shots == PAPER_BASE_SHOTS
        else ()
    )
    held_out = lists.published(Setting("base2novel"), "val", classes=len(classes))
    if train and held_out:
        return lists.located((*train, *held_out), lists.names_of(classes))
    full = restrict_to_classes(lists.supervised(), classes)
    drawn = replace(full, train=draw_shots(full.train, shots, seed))
    return with_remark(
        drawn, f"{shots} training videos a base class are drawn with seed {seed}: not the paper's list"
    )


def _novel(lists: _Lists) -> LabeledVideos:
    classes = lists.part("novel")
    if listed := lists.published(Setting("novel"), "test", classes=len(classes)):
        return lists.located(listed, lists.names_of(classes))
    return _only_test(restrict_to_classes(lists.located(lists.held_out(), lists.class_names), classes))


def _zero_shot(lists: _Lists) -> LabeledVideos:
    classes = class_part(lists.named.name, f"zero_shot_{lists.number}")
    if not classes:
        return _only_test(lists.located(lists.held_out(), lists.class_names))
    if listed := lists.published(Setting("zero-shot"), "test", classes=len(classes)):
        return lists.located(listed, lists.names_of(classes))
    held_out = restrict_to_classes(lists.located(lists.held_out(), lists.class_names), classes)
    remark = f"all held-out videos of the split's {len(classes)} classes are tested: not the paper's list"
    return with_remark(_only_test(held_out), remark)


def _only_test(videos: LabeledVideos) -> LabeledVideos:
    return replace(videos, train=(), val=())
