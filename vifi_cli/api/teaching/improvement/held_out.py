"""Held-out marks: which groups are held out, and how well queries rank the moments in them. Arithmetic only."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vifi_cli.api.teaching.labeled_marks import MarkedMoment, MarkedMoments
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.data.splits.random_splits import Shares, groups_of, split_by_group
from vifi_cli.evaluation.scoring.confidence_intervals import student_quantile
from vifi_cli.index.arrays import BoolArray, Float64Array
from vifi_cli.index.concepts.concept import Concept, Mark

SHARE = 0.3
"""Of the marked moments, held out in complete groups."""
DRAWS = 1000
LEAST_GROUPS = 3
"""Of right and of wrong marks, below which nothing is certain."""

Scores = tuple[Float64Array, ...]
"""For each tested concept, the scores (M,) of its held-out moments."""


def average_precision(scores: Float64Array, is_right: BoolArray, counts: Float64Array | None = None) -> float:
    """The average precision of a ranking, for scores (M,) with at least one right; `counts` (M,) repeats each.

    Of equal scores, the wrong ones come first.
    """
    counts = np.ones(len(scores)) if counts is None else counts
    order = np.lexsort((is_right, -scores))
    rights = counts[order] * is_right[order]
    precision = np.cumsum(rights) / np.maximum(np.cumsum(counts[order]), 1)
    return float((precision * rights).sum() / rights.sum())


@dataclass(frozen=True, slots=True)
class Gain:
    """What a model adds to the mean average precision, with its 95 % interval over groups."""

    value: float
    low: float
    high: float


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
        return tuple(map(average_precision, scores, self.is_right))

    def gain(self, before: Scores, after: Scores) -> Gain:
        """How much better the second ranking is, bootstrapped over groups, with Student's quantile for their number."""
        value = float(np.mean(self.precisions(after)) - np.mean(self.precisions(before)))
        units = self._units()
        names = sorted({unit for of_concept in units for unit in of_concept})
        members = [np.searchsorted(names, of_concept) for of_concept in units]
        fewest = min(self._groups(is_right=kind) for kind in (True, False))
        if fewest < LEAST_GROUPS:
            return Gain(value, -1.0, 1.0)
        random = np.random.default_rng(0)
        gains = []
        for _ in range(DRAWS):
            drawn = np.bincount(random.integers(len(names), size=len(names)), minlength=len(names))
            if (difference := self._difference(before, after, [drawn[of] for of in members])) is not None:
                gains.append(difference)
        half = student_quantile(fewest - 1) * float(np.std(gains))
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

    def _difference(
        self, before: Scores, after: Scores, counts: Sequence[np.ndarray[tuple[int], np.dtype[np.int64]]]
    ) -> float | None:
        """The difference if moments are there so many times; None if no concept has both kinds."""
        gains = []
        for old, new, is_right, times in zip(before, after, self.is_right, counts, strict=True):
            if (times * is_right).any() and (times * ~is_right).any():
                repeated = times.astype(float)
                gains.append(
                    average_precision(new, is_right, repeated) - average_precision(old, is_right, repeated)
                )
        return float(np.mean(gains)) if gains else None


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
