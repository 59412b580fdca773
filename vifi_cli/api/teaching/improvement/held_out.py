"""Held-out marks: which groups are held out, and how well queries rank the moments in them. Arithmetic only."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vifi_cli.api.teaching.labeled_marks import MarkedMoment, MarkedMoments
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.data.splits.random_splits import Shares, groups_of, split_by_group
from vifi_cli.index.arrays import BoolArray, Float64Array
from vifi_cli.index.concepts.concept import Concept, Mark
from vifi_cli.index.concepts.validation import average_precisions
from vifi_cli.resampling import draws_of_units, student_quantile
from vifi_cli.wording import gain_text

SHARE = 0.3
"""Of the marked moments, held out in complete groups."""
DRAWS = 1000
LEAST_GROUPS = 3
"""Of right and of wrong marks, below which nothing is certain."""

Scores = tuple[Float64Array, ...]
"""For each tested concept, the scores (M,) of its held-out moments."""


@dataclass(frozen=True, slots=True)
class Gain:
    """What a model adds to the mean average precision, with its 95 % interval over groups."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return gain_text(self.value, self.low, self.high)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The moments that test a model: those of held-out groups, for each concept that both kinds of marks test."""

    groups: frozenset[str]
    concepts: tuple[Concept, ...]  # that are tested
    moments: tuple[tuple[MarkedMoment, ...], ...]  # of each
    is_right: tuple[BoolArray, ...]  # of each, (M,)

    @property
    def marks(self) -> int:
        """How many marks test."""
        return sum(map(len, self.moments))

    def precisions(self, scores: Scores) -> tuple[float, ...]:
        """The average precision of each tested concept."""
        once = [np.ones((1, len(truth))) for truth in self.is_right]
        return tuple(_average_precisions(scores, self.is_right, once)[:, 0].tolist())

    def gain(self, before: Scores, after: Scores) -> Gain:
        """How much better the second ranking is, bootstrapped over groups, with Student's quantile for their number."""
        value = float(np.mean(self.precisions(after)) - np.mean(self.precisions(before)))
        units = self._units()
        names = sorted({unit for of_concept in units for unit in of_concept})
        members = [np.searchsorted(names, of_concept) for of_concept in units]
        fewest = min(self._groups(is_right=kind) for kind in (True, False))
        if fewest < LEAST_GROUPS:
            return Gain(value, -1.0, 1.0)
        drawn = draws_of_units(len(names), draws=DRAWS)
        counts = [drawn[:, of_concept] for of_concept in members]
        old, new = (_average_precisions(scores, self.is_right, counts) for scores in (before, after))
        gains = new - old
        with_a_concept = gains[:, ~np.isnan(gains).all(axis=0)]
        half = student_quantile(fewest - 1) * float(np.nanmean(with_a_concept, axis=0).std())
        return Gain(value, max(value - half, -1.0), min(value + half, 1.0))

    def _groups(self, *, is_right: bool) -> int:
        """How many units have a mark of a kind."""
        return len(
            {
                unit
                for units, truth in zip(self._units(), self.is_right, strict=True)
                for unit, is_it in zip(units, truth, strict=True)
                if is_it == is_right
            }
        )

    def _units(self) -> list[list[str]]:
        """What is drawn: groups, or videos where all moments are of one group."""
        if len({moment.group for of_concept in self.moments for moment in of_concept}) > 1:
            return [[moment.group for moment in of_concept] for of_concept in self.moments]
        return [[str(moment.path) for moment in of_concept] for of_concept in self.moments]


def _average_precisions(
    scores: Scores, is_right: Sequence[BoolArray], counts: Sequence[Float64Array]
) -> Float64Array:
    """The average precision of each concept (C, N) in draws that have its moments so many times, (N, M) each.

    It is NaN where a draw has moments of one kind alone. Of equal scores, wrong ones come first.
    """
    return np.array(
        [
            average_precisions(of[truth][:, None] - of[~truth], times[:, truth], times[:, ~truth])
            for of, truth, times in zip(scores, is_right, counts, strict=True)
        ]
    )


def regrouped(marked: MarkedMoments, pattern: str | None) -> MarkedMoments:
    """The moments in the groups that a pattern finds in file names, such as persons; without one, as they are."""
    if pattern is None:
        return marked
    groups = groups_of([LabeledVideo(each.path, 0, part=each.part) for each in marked.moments], pattern)
    # copies are one group, whatever their names
    name_of = {moment.group: group for moment, group in reversed([*zip(marked.moments, groups, strict=True)])}
    return replace(marked, moments=tuple(replace(each, group=name_of[each.group]) for each in marked.moments))


def hold_out(marked: MarkedMoments, seed: int) -> HeldOut:
    """Holds out complete groups, as close to the share of each concept's marks as groups allow; not a single one."""
    groups = [moment.group for moment in marked.moments]
    if len(set(groups)) < 2:
        return held_out_by(marked, ())
    # the classes whose shares count: right for each concept, wrong for all others
    others = len(marked.concepts)
    videos = [
        LabeledVideo(each.path, min(each.right, default=others), each.group, each.part)
        for each in marked.moments
    ]
    chosen = split_by_group(videos, groups, Shares(val=0, test=SHARE), seed)
    return held_out_by(marked, {video.group for video in chosen["test"]})


def held_out_by(marked: MarkedMoments, groups: Collection[str]) -> HeldOut:
    """What the moments of some groups test: each concept that is right for one of them and wrong for another."""
    concepts, moments, is_right = [], [], []
    for place, concept in enumerate(marked.concepts):
        tests = [each for each in marked.moments if each.group in groups and place in each.right | each.wrong]
        truth = np.array([place in each.right for each in tests], bool)
        if truth.any() and not truth.all():
            concepts.append(concept)
            moments.append(tuple(tests))
            is_right.append(truth)
    return HeldOut(frozenset(groups), tuple(concepts), tuple(moments), tuple(is_right))


def without_held_out(marked: MarkedMoments, concept: Concept, groups: Collection[str]) -> Concept:
    """A concept with the marks of the other groups alone."""
    place = [each.name for each in marked.concepts].index(concept.name)
    marks = tuple(
        Mark(each.path, each.part.start_seconds, each.part.end_seconds, place in each.right, each.fingerprint)
        for each in marked.moments
        if each.group not in groups and place in each.right | each.wrong
    )
    return replace(concept, marks=marks, learned=None)
