"""Compares two methods on the videos that both have predicted."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.paired.comparison import ClassDifference, ComparedMethod, Comparison, PairedTest
from vifi_cli.evaluation.paired.pairing import PairedVideos, pair_tests, pair_videos, part_without_trial
from vifi_cli.evaluation.paired.predicted_tests import PredictedTest, PredictedVideo
from vifi_cli.evaluation.scoring.confidence_intervals import (
    Estimate,
    estimated_share,
    independent_groups,
    sole_group,
)
from vifi_cli.evaluation.scoring.paired_difference import (
    PairedHits,
    estimated_difference,
    mcnemar,
    paired_counts,
)
from vifi_cli.video.moment import WHOLE_VIDEO, TimeRange
from vifi_cli.wording import counted


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
        unknown=videos.unknown,
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
        for which, unknown in zip("AB", test.unknown, strict=True):
            if unknown:
                yield (
                    f"{where}{which} predicts {counted(len(unknown), 'class', 'classes')} that no video shows, such as "
                    f"{unknown[0]!r}, which count as wrong: if the spelling differs, write all alike"
                )
    if groups := max(test.groups for test in tests):
        yield (
            f"McNemar's test takes videos as independent, and these belong to {groups} groups: trust the interval, "
            "which draws complete groups"
        )
    for group in dict.fromkeys(test.sole_group for test in tests):
        if group:
            yield f"all videos are of one group, {group}: neither interval nor test covers other people or scenes"
