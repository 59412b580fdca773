"""Draws splits, which depend only on the order of the videos and the seed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vifi_cli.data.formats.listing import SPLITS, Split
from vifi_cli.data.labeled_videos import LabeledVideo, class_counts, shows_several_classes
from vifi_cli.errors import InvalidInput
from vifi_cli.wording import first_of

HELD_OUT_SHARE = 0.2
USUAL_SEED = 1024
"""Of what is drawn from data and in training, where nobody asks for another one."""
MOST_NAMED = 8
Videos = tuple[LabeledVideo, ...]


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
    return in_order(videos, chosen)


def _held_out(count: int, shares: Shares) -> tuple[int, int]:
    """How many of `count` videos of a class go to val and to test."""
    least = 1 if count >= sum(shares.of(split) > 0 for split in SPLITS) else 0
    least_val, least_test = least * (shares.val > 0), least * (shares.test > 0)
    test = max(least_test, min(round(count * shares.test), count - 1 - least_val))
    return max(least_val, min(round(count * shares.val), count - 1 - test)), test


def groups_of(videos: Sequence[LabeledVideo], pattern: str) -> list[str]:
    """The group of each video, which the first group of the pattern, or all of it, matches in the file name.

    A pattern that matches the complete name gives every moment of a file a group of its own, also where files in
    several folders have one name.

    Raises:
        InvalidInput: the pattern is not a regular expression, or does not match a name.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise InvalidInput(f"the group pattern {pattern!r} is not a regular expression: {error}") from error
    paths_of: dict[str, set[Path]] = {}
    for video in videos:
        paths_of.setdefault(video.path.name, set()).add(video.path)
    groups = []
    for video in videos:
        name = video.path.name
        found = expression.search(name)
        group = found and found.group(min(1, expression.groups))
        if not group:
            raise InvalidInput(f"the group pattern {pattern!r} finds no group in {name}")
        own = video.name if len(paths_of[name]) == 1 else video.address
        groups.append(own if group == name else group)
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
    return in_order(videos, chosen)


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
    if shows_several_classes(videos):
        raise InvalidInput(
            f"{what} needs one class for each video, and some of these show several: train on all"
        )


def _by_class(videos: Sequence[LabeledVideo]) -> list[list[int]]:
    members: dict[int, list[int]] = {}
    for index, video in enumerate(videos):
        members.setdefault(video.label, []).append(index)
    return [members[label] for label in sorted(members)]


def in_order(videos: Sequence[LabeledVideo], chosen: Mapping[Split, list[int]]) -> dict[Split, Videos]:
    """The videos of each split, by their places in `videos`, in the order of these."""
    return {split: tuple(videos[index] for index in sorted(chosen[split])) for split in SPLITS}
