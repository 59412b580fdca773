"""Draws splits, which depend only on the order of the videos and the seed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

import numpy as np

from vifi_cli.data.formats.listing import SPLITS, Split
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, class_counts, with_remark
from vifi_cli.data.splits.overlaps import joined_groups
from vifi_cli.errors import InvalidInput
from vifi_cli.video.files.digests import equal_files
from vifi_cli.wording import as_argument, counted, first_of

HELD_OUT_SHARE = 0.2
USUAL_SEED = 1024
"""Of what is drawn from data and in training, where nobody asks for another one."""
NONE_TO_HOLD_OUT = "no class has two videos to hold one out"
FIRST_WORD = "^([^_]+)_"
"""The group pattern of names such as `daria_bend`."""
FEWEST_GROUPS = 3  # first words of names that may be groups
EACH_ITS_OWN = ".+"
"""The group pattern by which every video is independent of the others."""
MOST_NAMED = 8
Videos = tuple[LabeledVideo, ...]


class GroupsTooFew(InvalidInput):
    """Videos show too few scenes or persons to hold some of these out."""


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of the videos that are held out, 0 to 1 each; the rest is for training."""

    val: float = HELD_OUT_SHARE
    test: float = HELD_OUT_SHARE

    def __post_init__(self) -> None:
        if not (0 <= self.val < 1 and 0 <= self.test < 1 and self.val + self.test < 1):
            raise InvalidInput(
                f"val {self.val:g} and test {self.test:g} leave nothing to train on: their sum must be below 1"
            )

    def of(self, split: Split) -> float:
        """The share of a split, 0 to 1."""
        return {"train": 1 - self.val - self.test, "val": self.val, "test": self.test}[split]


def split_by_class(videos: Sequence[LabeledVideo], shares: Shares, seed: int) -> dict[Split, Videos]:
    """Divides the videos of every class in the same shares, rounded.

    Training keeps at least one video of each class. A held-out split with a share above 0 gets at least one video of
    each class that has enough for every split.
    """
    generator = np.random.default_rng(seed)
    chosen: dict[Split, list[int]] = {split: [] for split in SPLITS}
    for members in _by_class(videos):
        shuffled = generator.permutation(members).tolist()
        val, test = _held_out(len(shuffled), shares)
        chosen["test"] += shuffled[:test]
        chosen["val"] += shuffled[test : test + val]
        chosen["train"] += shuffled[test + val :]
    return _in_order(videos, chosen)


def _held_out(count: int, shares: Shares) -> tuple[int, int]:
    """How many of `count` videos of a class go to val and to test."""
    least = 1 if count >= sum(shares.of(split) > 0 for split in SPLITS) else 0
    least_val, least_test = least * (shares.val > 0), least * (shares.test > 0)
    test = max(least_test, min(round(count * shares.test), count - 1 - least_val))
    return max(least_val, min(round(count * shares.val), count - 1 - test)), test


def groups_of(videos: Sequence[LabeledVideo], pattern: str) -> list[str]:
    """The group of each video, which the first group of the pattern, or all of it, matches in the file name.

    A pattern that matches the complete name gives every moment of a file a group of its own.

    Raises:
        InvalidInput: the pattern is not a regular expression, or does not match a name.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise InvalidInput(f"the group pattern {pattern!r} is not a regular expression: {error}") from error
    groups = []
    for video in videos:
        found = expression.search(video.path.name)
        group = found and found.group(min(1, expression.groups))
        if not group:
            raise InvalidInput(f"the group pattern {pattern!r} finds no group in {video.path.name}")
        groups.append(video.name if group == video.path.name else group)
    return groups


def split_by_group(
    videos: Sequence[LabeledVideo],
    groups: Sequence[str],
    shares: Shares,
    seed: int,
    *,
    hold_out: Sequence[str] = (),
) -> dict[Split, Videos]:
    """Divides the videos by whole groups, as close to the shares of each class as groups allow.

    `groups` has the group of each video, such as the person in it. Groups in `hold_out` go to test and do not count
    towards the shares. The seed decides between groups of equal size.

    Raises:
        InvalidInput: a group to hold out does not exist, or there are fewer groups than splits.
    """
    names = sorted(set(groups))
    if stranger := next((name for name in hold_out if name not in names), None):
        raise InvalidInput(f"no group {stranger!r} to hold out: the groups are {first_of(names, MOST_NAMED)}")
    placed: dict[str, Split] = dict.fromkeys(hold_out, "test")
    free = [name for name in names if name not in placed]
    wanted = [split for split in SPLITS if shares.of(split) > 0]
    if len(free) < len(wanted):
        raise InvalidInput(
            f"{len(free)} groups cannot fill {' and '.join(wanted)}: the groups are {first_of(names, MOST_NAMED)}"
        )
    placed |= _place(free, _group_counts(videos, groups, free), wanted, shares, seed)
    chosen: dict[Split, list[int]] = {split: [] for split in SPLITS}
    for index, group in enumerate(groups):
        chosen[placed[group]].append(index)
    return _in_order(videos, chosen)


def _place(
    names: Sequence[str], counts: Mapping[str, np.ndarray], wanted: Sequence[Split], shares: Shares, seed: int
) -> dict[str, Split]:
    """Assigns the largest groups first, each to the split that lacks most of what the group holds.

    A group that holds all that is left of a class to learn from goes to training, if another one can fill its place.
    """
    total = sum(counts.values(), np.zeros(1))
    to_learn_from = total.copy()  # of each class, what is not held out yet
    lacking = {split: shares.of(split) * total for split in wanted}
    shuffled = np.random.default_rng(seed).permutation(len(names))
    order = sorted((names[place] for place in shuffled), key=lambda name: -int(counts[name].sum()))
    placed: dict[str, Split] = {}
    for position, name in enumerate(order):
        empty = [split for split in wanted if split not in placed.values()]
        holds_all_of_a_class = bool(((to_learn_from == counts[name]) & (counts[name] > 0)).any())
        if len(order) - position == len(empty):
            choice: Sequence[Split] = empty
        else:
            choice = ["train"] if holds_all_of_a_class and "train" in wanted else wanted
        placed[name] = max(choice, key=lambda split: float(lacking[split] @ counts[name]))
        lacking[placed[name]] -= counts[name]
        to_learn_from -= counts[name] * (placed[name] != "train")
    return placed


def _group_counts(
    videos: Sequence[LabeledVideo], groups: Sequence[str], names: Sequence[str]
) -> dict[str, np.ndarray]:
    classes = max(video.label for video in videos) + 1
    counts = {name: np.zeros(classes, np.int64) for name in names}
    for video, group in zip(videos, groups, strict=True):
        if group in counts:
            counts[group][video.label] += 1
    return counts


def draw_shots(videos: Sequence[LabeledVideo], shots: int, seed: int, *, nested: bool = False) -> Videos:
    """Draws `shots` videos of each class, or all of a class that has fewer.

    With `nested`, more shots with the same seed contain fewer; the paper's few-shot lists are not nested.

    Raises:
        InvalidInput: there are no shots, or some videos show several classes.
    """
    if shots < 1:
        raise InvalidInput(f"{shots} shots leave nothing to train on: use 1 video per class or more")
    _require_one_class_each(videos, "a number of shots")
    generator = np.random.default_rng(seed if nested else (seed, shots))
    drawn = [
        index for members in _by_class(videos) for index in generator.permutation(members)[:shots].tolist()
    ]
    return tuple(videos[index] for index in sorted(drawn))


def with_held_out(videos: LabeledVideos, seed: int) -> LabeledVideos:
    """Makes sure that val and test have videos; a single held-out list is both."""
    if not videos.train:
        return videos
    if not videos.val and not videos.test:
        videos = _hold_out(videos, seed)
    elif not videos.val:
        videos = with_remark(videos, "no val split: the test split also monitors training")
    elif not videos.test:
        videos = with_remark(videos, "no test split: the val split also gives the results")
    return replace(videos, val=videos.val or videos.test, test=videos.test or videos.val)


def _hold_out(videos: LabeledVideos, seed: int) -> LabeledVideos:
    """Moves a fifth of the training videos to val: complete groups if groups are known, else of each class."""
    parts = split_fairly(videos.train, Shares(val=HELD_OUT_SHARE, test=0), seed, videos.name)
    if not parts["val"]:
        return with_remark(videos, f"{NONE_TO_HOLD_OUT}: nothing can be tested")
    how = ", in complete groups" if has_groups(videos.train) else ""
    held_out = f"{len(parts['val'])} of {len(videos.train)} videos are held out as both{how}, seed {seed}"
    drawn = with_remark(
        replace(videos, train=parts["train"], val=parts["val"]), f"no val and no test split: {held_out}"
    )
    shared = "" if has_groups(videos.train) else shared_beginning(videos.train)
    if not shared:
        return drawn
    return with_remark(
        drawn,
        f"file names begin alike in several classes, such as {shared}_: if these are persons or scenes, keep each in "
        f"one split with `vifi data split {as_argument(PurePath(videos.name))} -o split.csv --group-by "
        f"'{FIRST_WORD}'`",
    )


def shared_beginning(videos: Sequence[LabeledVideo]) -> str:
    """A first word of file names that may be a person or a scene, as `daria` in `daria_bend`; else empty.

    Each of three words or more begins names in at least half of the classes, and no name lacks one.
    """
    classes_of: dict[str, set[int]] = {}
    for video in videos:
        word, mark, _ = video.path.stem.partition("_")
        classes_of.setdefault(word if mark else "", set()).add(video.label)
    classes = {video.label for video in videos}
    is_shared = all(2 * len(each) >= len(classes) and len(each) > 1 for each in classes_of.values())
    return min(classes_of) if is_shared and "" not in classes_of and len(classes_of) >= FEWEST_GROUPS else ""


def how_to_hold_out(videos: LabeledVideos) -> str:
    """What gives these videos, of which none is held out, some to test with."""
    if max(class_counts(videos.train, len(videos.class_names))) < 2:
        return f"{NONE_TO_HOLD_OUT}, so add videos"
    return "`vifi data split` holds some out"


def has_groups(videos: Sequence[LabeledVideo]) -> bool:
    """Whether it is known of any video which scene or person it shows, or of which file it is a moment."""
    return any(video.scene for video in videos)


def split_fairly(videos: Sequence[LabeledVideo], shares: Shares, seed: int, name: str) -> dict[Split, Videos]:
    """Divides the videos of every class so that no held-out one is given away: known groups and copies stay together.

    `name` is that of the data.

    Raises:
        GroupsTooFew: the groups do not allow it.
    """
    if has_groups(videos):
        return _split_known_groups(videos, shares, seed, name)
    copies = [files for files in equal_files(video.path for video in videos) if files[0].stat().st_size]
    original = {path: files[0] for files in copies for path in files}
    distinct = [video for video in videos if original.get(video.path, video.path) == video.path]
    parts = split_by_class(distinct, shares, seed)
    split_of = {video.path: split for split, members in parts.items() for video in members}
    chosen: dict[Split, list[int]] = {split: [] for split in SPLITS}
    for index, video in enumerate(videos):
        chosen[split_of[original.get(video.path, video.path)]].append(index)
    return _in_order(videos, chosen)


def _split_known_groups(
    videos: Sequence[LabeledVideo], shares: Shares, seed: int, name: str
) -> dict[Split, Videos]:
    groups = joined_groups(videos, [video.unit for video in videos])
    try:
        parts = split_by_group(videos, groups, shares, seed)
    except InvalidInput:
        parts = dict.fromkeys(SPLITS, ())
    if not _is_usable(parts, shares, len(videos)):
        scenes = f"show {counted(len(set(groups)), 'scene or person', 'scenes or persons')}"
        if not any(video.group for video in videos):
            scenes = f"come from {counted(len(set(groups)), 'file')}"
        raise GroupsTooFew(
            f"the {counted(len(videos), 'video')} of {name} {scenes}, too few to hold some out: add videos of "
            f"others, or count each video as independent with `vifi data split {as_argument(PurePath(name))} -o "
            f"split.csv --group-by '{EACH_ITS_OWN}'`, and name split.csv"
        )
    return parts


def _is_usable(parts: Mapping[Split, Videos], shares: Shares, videos: int) -> bool:
    """Whether training has all classes, and each held-out split at least half of its share."""
    train, every = (
        {video.label for video in members} for members in (parts["train"], sum(parts.values(), ()))
    )
    held_out: tuple[Split, ...] = ("val", "test")
    return (
        bool(every)
        and train == every
        and all(2 * len(parts[split]) >= shares.of(split) * videos for split in held_out)
    )


def base_and_novel(videos: Sequence[LabeledVideo], classes: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The labels of the frequent half of the classes (base) and of the others (novel), in order of frequency.

    Equally frequent classes keep the order of their labels. Of an odd number, base gets one more. This is the
    base-to-novel setting of the ViFi-CLIP paper.

    Raises:
        InvalidInput: some videos show several classes, which could be in both halves.
    """
    _require_one_class_each(videos, "base2novel")
    counts = class_counts(videos, classes)
    ranked = sorted(range(classes), key=lambda label: -counts[label])
    half = (classes + 1) // 2
    return tuple(ranked[:half]), tuple(ranked[half:])


def _require_one_class_each(videos: Sequence[LabeledVideo], what: str) -> None:
    if any(video.more_labels for video in videos):
        raise InvalidInput(
            f"{what} needs one class for each video, and some of these show several: train on all"
        )


def _by_class(videos: Sequence[LabeledVideo]) -> list[list[int]]:
    members: dict[int, list[int]] = {}
    for index, video in enumerate(videos):
        members.setdefault(video.label, []).append(index)
    return [members[label] for label in sorted(members)]


def _in_order(videos: Sequence[LabeledVideo], chosen: Mapping[Split, list[int]]) -> dict[Split, Videos]:
    return {split: tuple(videos[index] for index in sorted(chosen[split])) for split in SPLITS}
