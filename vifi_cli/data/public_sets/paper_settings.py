"""The settings of the ViFi-CLIP paper on a named set: supervised, few-shot, base to novel, zero-shot."""

import re
from dataclasses import replace
from pathlib import Path

from vifi_cli.data.class_names import class_names_of, class_part
from vifi_cli.data.forms.list_file import Setting, find_list, list_names, read_list
from vifi_cli.data.forms.listing import ListedVideo, Listing, Split, locate
from vifi_cli.data.forms.video_tree import VideoTree
from vifi_cli.data.labeled_videos import LabeledVideos, restrict_to_classes, with_remark
from vifi_cli.data.public_sets.named_sets import NAMED_SETS, NamedSet, data_root, how_to_get, places
from vifi_cli.data.splits.drawing import draw_shots
from vifi_cli.errors import InvalidInput

PAPER_BASE_SHOTS = 16
PAPER_SEEDS = 3
_KINETICS_CLIP = re.compile(r"(.{11})_\d{6}_\d{6}\.\w+")


def load_named_set(
    name: str, root: Path | None, setting: Setting, number: int, shots: int | None, seed: int
) -> LabeledVideos:
    """The videos of a named set in one of the paper's settings.

    The official split files are read from below the root. ViFi-CLIP's lists are taken where they lie there and the
    setting has such: few-shot training (drawn from split 1), base classes and novel classes, Kinetics-600's zero-shot
    splits. Where a list is not there, the same kind of split is drawn, and a remark says so.

    Args:
        name: of the set.
        root: where to look; see `data_root`.
        setting: what is to be learnt or tested.
        number: of the split, from 1.
        shots: videos a class for few-shot training and for base classes; 16 if None, as in the paper.
        seed: of what is drawn.

    Raises:
        InvalidInput: the set, or what the setting needs, is not there.
    """
    named = NAMED_SETS[name]
    numbers = PAPER_SEEDS if setting == "base2novel" else named.splits
    if not 1 <= number <= numbers:
        raise InvalidInput(f"{named.title} has no split {number} for {setting}: they are 1 to {numbers}")
    source = _find_source(named, data_root(root, name), number)
    shots = shots or PAPER_BASE_SHOTS
    if setting == "supervised":
        return source.supervised()
    if setting == "few-shot":
        return _few_shot(source, shots, seed)
    if setting == "base2novel":
        return _base(source, shots, seed)
    return _novel(source) if setting == "novel" else _zero_shot(source)


class _Source:
    """The lists and videos of a named set below one folder."""

    def __init__(self, named: NamedSet, tree: VideoTree, number: int) -> None:
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
            (*(train or self.published("supervised", "train")), *self.held_out()), self.class_names
        )

    def held_out(self) -> tuple[ListedVideo, ...]:
        """The official held-out list, or ViFi-CLIP's, as val.

        Raises:
            InvalidInput: there is neither.
        """
        for split in ("val", "test"):
            if official := [video for video in self.official if video.split == split]:
                return tuple(replace(video, split="val") for video in official)
        if published := self.published("supervised", "val"):
            return published
        raise InvalidInput(
            f"no held-out list of {self.named.title}. {how_to_get(self.named, self.tree.root)}"
        )

    def published(
        self, setting: Setting, split: Split, shots: int | None = None, classes: int | None = None
    ) -> tuple[ListedVideo, ...]:
        """The videos of ViFi-CLIP's list for this, or nothing if it is not here."""
        names = list_names(setting, split, self.number, shots)
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


def _find_source(named: NamedSet, root: Path, number: int) -> _Source:
    has_videos = False
    for place in places(named, root):
        source = _Source(named, VideoTree.below(place), number)
        if source.has_lists:
            return source
        has_videos = has_videos or source.tree.has_videos
    seen = ", though there are videos" if has_videos else ""
    raise InvalidInput(f"no split files of {named.title} below {root}{seen}. {how_to_get(named, root)}")


def _few_shot(source: _Source, shots: int, seed: int) -> LabeledVideos:
    # the published lists are drawn from split 1 and overlap the held-out lists of splits 2 and 3
    train = source.published("few-shot", "train", shots) if source.number == 1 else ()
    if train:
        return source.located((*train, *source.held_out()), source.class_names)
    full = source.supervised()
    drawn = replace(full, train=draw_shots(full.train, shots, seed))
    return with_remark(
        drawn, f"{shots} training videos a class are drawn with seed {seed}: not the paper's list"
    )


def _base(source: _Source, shots: int, seed: int) -> LabeledVideos:
    classes = source.part("base")
    train = source.published("base2novel", "train", classes=len(classes)) if shots == PAPER_BASE_SHOTS else ()
    held_out = source.published("base2novel", "val", classes=len(classes))
    if train and held_out:
        return source.located((*train, *held_out), source.names_of(classes))
    full = restrict_to_classes(source.supervised(), classes)
    drawn = replace(full, train=draw_shots(full.train, shots, seed))
    return with_remark(
        drawn, f"{shots} training videos a base class are drawn with seed {seed}: not the paper's list"
    )


def _novel(source: _Source) -> LabeledVideos:
    classes = source.part("novel")
    if listed := source.published("novel", "test", classes=len(classes)):
        return source.located(listed, source.names_of(classes))
    return _only_test(restrict_to_classes(source.located(source.held_out(), source.class_names), classes))


def _zero_shot(source: _Source) -> LabeledVideos:
    classes = class_part(source.named.name, f"zero_shot_{source.number}")
    if not classes:
        return _only_test(source.located(source.held_out(), source.class_names))
    if listed := source.published("zero-shot", "test", classes=len(classes)):
        return source.located(listed, source.names_of(classes))
    held_out = restrict_to_classes(source.located(source.held_out(), source.class_names), classes)
    remark = f"all held-out videos of the split's {len(classes)} classes are tested: not the paper's list"
    return with_remark(_only_test(held_out), remark)


def _only_test(videos: LabeledVideos) -> LabeledVideos:
    return replace(videos, train=(), val=())
