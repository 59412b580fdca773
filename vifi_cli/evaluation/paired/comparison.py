"""Two methods compared on the videos that both have predicted."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.paired.pairing import PairedVideos, pair_tests, pair_videos, part_without_trial
from vifi_cli.evaluation.paired.predicted_tests import PredictedTest, PredictedVideo
from vifi_cli.evaluation.scoring.confidence_intervals import (
    Estimate,
    estimated_share,
    independent_groups,
    sole_group,
)
from vifi_cli.evaluation.scoring.paired_difference import (
    McNemar,
    PairedCounts,
    PairedHits,
    estimated_difference,
    mcnemar,
    paired_counts,
)
from vifi_cli.video.moment import WHOLE_VIDEO, TimeRange
from vifi_cli.wording import counted

LEAST_P = 0.001
FORMAT = 1
"""Raise it when a key of the document changes its meaning."""


@dataclass(frozen=True, slots=True)
class ClassDifference:
    """How many of the videos of a class each method gets right."""

    name: str
    videos: int
    first: int
    second: int


@dataclass(frozen=True, slots=True)
class PairedTest:
    """One part of a comparison, or the mean over several, which has no counts and no test of McNemar.

    `first` and `second` are the top-1 of the methods, and `difference` that of the second less that of the first.
    `groups` counts the groups that intervals are drawn over, 0 for videos. `classes` are those with a difference, the
    largest first.
    """

    part: str
    first: Estimate
    second: Estimate
    difference: Estimate
    groups: int
    sole_group: str = ""
    counts: PairedCounts | None = None
    mcnemar: McNemar | None = None
    unpaired: tuple[int, int] = (0, 0)
    unreadable: int = 0
    path_parts: int = 0
    classes: tuple[ClassDifference, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ComparedMethod:
    """A method of a report, with the frames and views it was tested with, if they are known."""

    name: str
    report: str
    conditions: str = ""

    @property
    def in_words(self) -> str:
        """Such as `ViFi-CLIP (reports/x), 8 frames, 1x1 views`."""
        named = f"{self.name} ({self.report})" if self.name else self.report
        return f"{named}, {self.conditions}" if self.conditions else named


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two methods on the same videos; `pandas.DataFrame(comparison.rows)` takes a row per part.

    `stamps` are reasons not to trust the numbers, and `notes` what limits them.
    """

    first: ComparedMethod
    second: ComparedMethod
    tests: tuple[PairedTest, ...]
    notes: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()

    @property
    def rows(self) -> list[dict[str, object]]:
        """A flat row per part."""
        return [_flat(test) for test in self.tests]

    def __repr__(self) -> str:
        lines = [f"Comparison: {self.second.in_words} against {self.first.in_words}", *self.stamps]
        for test in self.tests:
            p = f", exact p {p_text(test.mcnemar.exact)}" if test.mcnemar else ""
            lines.append(
                f"  {f'{test.part}: ' if test.part else ''}top-1 {difference_text(test.difference)}{p}"
            )
        return "\n".join(lines)


def difference_text(estimate: Estimate) -> str:
    """A difference in percent, such as `+2.5 [-1.0, 6.0]`."""
    spread = "" if estimate.spread is None else f" ± {100 * estimate.spread:.1f}"
    low, high = (100 * (end or 0) for end in (estimate.low, estimate.high))
    return f"{100 * estimate.value:+z.1f}{spread} [{low:z.1f}, {high:z.1f}]"


def p_text(value: float) -> str:
    """A p value: `0.037`, `<0.001`."""
    return f"{value:.3f}" if value >= LEAST_P else f"<{LEAST_P}"


def compare_tests(
    methods: tuple[ComparedMethod, ComparedMethod],
    tests: tuple[Sequence[PredictedTest], Sequence[PredictedTest]],
) -> Comparison:
    """Compares the parts that both methods have, and their means over seeds and splits.

    Raises:
        InvalidInput: no part is in both, or videos do not pair.
    """
    paired: list[PairedTest] = []
    of_list: dict[str, list[PairedHits]] = {}
    refused: dict[str, InvalidInput] = {}
    for part, one, other in pair_tests(*tests):
        try:
            _require_comparable(one, other)
            videos = pair_videos(one, other)
        except InvalidInput as error:
            if one.part == other.part:
                raise
            refused[part] = error  # a test without a name may be of any part of the other report
            continue
        hits = _hits(videos)
        paired.append(_paired_test(part, videos, hits))
        of_list.setdefault(part_without_trial(part), []).append(hits)
    if not paired:
        raise next(iter(refused.values()), InvalidInput("the methods have no test in common"))
    means = [_mean(name, hits) for name, hits in of_list.items() if len(hits) > 1]
    left_out = (f"{part} is not compared: {error}" for part, error in refused.items())
    return Comparison(*methods, (*paired, *means), (*left_out, *_notes(paired)))


def _require_comparable(first: PredictedTest, second: PredictedTest) -> None:
    if first.shows_several_classes or second.shows_several_classes:
        raise InvalidInput(
            "some videos show several classes, so no prediction is right or wrong: compare the mAP of the reports"
        )
    if first.classes and second.classes and first.classes != second.classes:
        raise InvalidInput(
            f"the first model chose among {first.classes} classes and the second among {second.classes}: test both "
            "with the same --classes"
        )


def _hits(videos: PairedVideos) -> PairedHits:
    groups = independent_groups(_labeled(videos))
    first, second = (np.array([video.is_correct for video in each]) for each in (videos.first, videos.second))
    units = groups or tuple("\0".join(video.key) for video in videos.first)
    return PairedHits(first, second, units, has_groups=bool(groups))


def _labeled(videos: PairedVideos) -> list[LabeledVideo]:
    """The pairs as videos, with the group that either test names."""
    return [
        LabeledVideo(Path(one.path), 0, one.group or other.group, _part(one))
        for one, other in zip(videos.first, videos.second, strict=True)
    ]


def _part(video: PredictedVideo) -> TimeRange:
    if not video.start and not video.end:
        return WHOLE_VIDEO
    try:
        return TimeRange(float(video.start or 0), float(video.end or math.inf))
    except ValueError as error:
        raise InvalidInput(
            f"{video.path}: start and end are seconds, not {video.start} and {video.end}"
        ) from error


def _paired_test(part: str, videos: PairedVideos, hits: PairedHits) -> PairedTest:
    groups = hits.units if hits.has_groups else ()
    counts = paired_counts(hits.first, hits.second)
    return PairedTest(
        part,
        estimated_share(hits.first, groups),
        estimated_share(hits.second, groups),
        estimated_difference([hits]),
        groups=len(set(groups)),
        sole_group=sole_group(_labeled(videos)),
        counts=counts,
        mcnemar=mcnemar(counts),
        unpaired=videos.unpaired,
        unreadable=videos.unreadable,
        path_parts=videos.path_parts,
        classes=tuple(_class_differences(videos)),
    )


def _class_differences(videos: PairedVideos) -> list[ClassDifference]:
    by_class: dict[str, list[tuple[bool, bool]]] = {}
    for one, other in zip(videos.first, videos.second, strict=True):
        by_class.setdefault(one.true, []).append((one.is_correct, other.is_correct))
    classes = [
        ClassDifference(name, len(pairs), sum(one for one, _ in pairs), sum(other for _, other in pairs))
        for name, pairs in by_class.items()
    ]
    differing = [each for each in classes if each.first != each.second]
    return sorted(differing, key=lambda each: -abs(each.second - each.first))


def _mean(name: str, tests: Sequence[PairedHits]) -> PairedTest:
    has_groups = all(test.has_groups for test in tests)
    return PairedTest(
        ", ".join(filter(None, (name, f"mean of {len(tests)}"))),
        Estimate(float(np.mean([test.first.mean() for test in tests]))),
        Estimate(float(np.mean([test.second.mean() for test in tests]))),
        estimated_difference(tests),
        groups=len({unit for test in tests for unit in test.units}) if has_groups else 0,
    )


def _notes(tests: Sequence[PairedTest]) -> Iterator[str]:
    """What limits the numbers."""
    for test in tests:
        where = f"{test.part}: " if test.part else ""
        pairs = test.counts.videos if test.counts else 0
        if any(test.unpaired) or test.unreadable:
            left_out = [
                f"{counted(number, 'video')} {which}"
                for number, which in zip(
                    (*test.unpaired, test.unreadable),
                    ("of A alone", "of B alone", "that a model could not read"),
                    strict=True,
                )
                if number
            ]
            yield f"{where}{counted(pairs, 'video')} compared, without {', '.join(left_out)}"
        if test.path_parts:
            yield f"{where}paths differ, so videos are paired by the last {counted(test.path_parts, 'part')} of them"
    if groups := max(test.groups for test in tests):
        yield (
            f"McNemar's test takes videos as independent, and these belong to {groups} groups: trust the interval, "
            "which draws complete groups"
        )
    for group in dict.fromkeys(test.sole_group for test in tests):
        if group:
            yield f"all videos are of one group, {group}: neither interval nor test covers other people or scenes"


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """The content of `--json`: shares from 0 to 1, null where there is nothing."""
    return {
        "format": FORMAT,
        "first": asdict(comparison.first),
        "second": asdict(comparison.second),
        "stamps": list(comparison.stamps),
        "notes": list(comparison.notes),
        "tests": [_document(test) for test in comparison.tests],
    }


def _document(test: PairedTest) -> dict[str, Any]:
    counts, p = test.counts, test.mcnemar
    return {
        "part": test.part,
        "videos": counts and counts.videos,
        "groups": test.groups,
        "first": asdict(test.first),
        "second": asdict(test.second),
        "difference": asdict(test.difference),
        **{
            name: counts and getattr(counts, name)
            for name in ("both", "only_first", "only_second", "neither")
        },
        "mcnemar_exact_p": p and p.exact,
        "mcnemar_mid_p": p and p.mid,
        "unpaired": list(test.unpaired),
        "unreadable": test.unreadable,
        "classes": [asdict(each) for each in test.classes],
    }


def _flat(test: PairedTest) -> dict[str, object]:
    document = _document(test)
    low_high = {f"difference {name}": getattr(test.difference, name) for name in ("low", "high", "spread")}
    values = {name: getattr(test, name).value for name in ("first", "second", "difference")}
    return (
        {key: value for key, value in document.items() if key not in ("classes", "unpaired")}
        | values
        | low_high
    )
