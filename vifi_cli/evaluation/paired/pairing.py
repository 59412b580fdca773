"""Which videos, and which tests, of two reports are the same."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from vifi_cli.data.class_names import class_key
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.paired.predicted_tests import PredictedTest, PredictedVideo, VideoKey
from vifi_cli.wording import counted

FEWEST_SHARE = 0.5
"""Of the smaller test that must pair: fewer are chance finds of tests on different videos."""
TRIAL = re.compile(r"(seed|split) \d+")


@dataclass(frozen=True, slots=True, eq=False)
class PairedVideos:
    """The videos of two tests that are the same and that both models could read.

    `path_parts` is how many last parts of paths they were found by, 0 for complete paths. `unpaired` counts the videos
    that only the first and only the second test has, and `unreadable` those that a model could not read. `unknown` are
    the predicted classes of each test that are not known to be classes.
    """

    first: tuple[PredictedVideo, ...]
    second: tuple[PredictedVideo, ...]
    path_parts: int
    unpaired: tuple[int, int]
    unreadable: int
    unknown: tuple[tuple[str, ...], tuple[str, ...]]


def pair_videos(first: PredictedTest, second: PredictedTest) -> PairedVideos:
    """Pairs the videos of two tests: by their paths, or where none agrees by the last parts, as of moved folders.

    Raises:
        InvalidInput: too few are in both, or the true classes differ.
    """
    keys, path_parts = _common_keys(first.videos, second.videos)
    fewest = min(len(first.videos), len(second.videos))
    if not keys or len(keys) < FEWEST_SHARE * fewest:
        raise InvalidInput(
            f"only {len(keys)} of {counted(fewest, 'video')} are in both tests: compare tests of the same videos"
        )
    pairs = [(first.videos[one], second.videos[other]) for one, other in keys]
    for one, other in pairs:
        if one.true != other.true:
            raise InvalidInput(
                f"the true class of {one.path} is {one.true!r} in the first test and {other.true!r} in the second: "
                "compare tests with the same labels"
            )
    unknown = _unknown_classes(first, second, "first"), _unknown_classes(second, first, "second")
    read = [(one, other) for one, other in pairs if one.predicted and other.predicted]
    if not read:
        raise InvalidInput("no video of both tests could be read by both models")
    return PairedVideos(
        tuple(one for one, _ in read),
        tuple(other for _, other in read),
        path_parts,
        (len(first.videos) - len(keys), len(second.videos) - len(keys)),
        len(pairs) - len(read),
        unknown,
    )


def _unknown_classes(test: PredictedTest, other: PredictedTest, which: str) -> tuple[str, ...]:
    """The classes that a table of another program predicts and nothing else names; those of other spellings first.

    Raises:
        InvalidInput: all are unknown, such as numbers for names.
    """
    predicted = {video.predicted for video in test.videos.values() if video.predicted}
    true = {video.true for video in (*test.videos.values(), *other.videos.values())}
    by_other = {video.predicted for video in other.videos.values()}
    if test.classes or not predicted:
        return ()
    if predicted.isdisjoint(true | by_other):
        raise InvalidInput(
            f"the {which} test predicts classes such as {min(predicted)!r}, and the true ones are such as "
            f"{min(true)!r}: write both alike"
        )
    spelled = set(map(class_key, true))
    unknown = predicted - true - (by_other if other.classes else set())
    return tuple(sorted(unknown, key=lambda name: (class_key(name) not in spelled, name)))


def _common_keys(
    first: Mapping[VideoKey, PredictedVideo], second: Mapping[VideoKey, PredictedVideo]
) -> tuple[list[tuple[VideoKey, VideoKey]], int]:
    """The keys of the same videos in both, and by how many last parts of their paths they were found."""
    if same := [(key, key) for key in first if key in second]:
        return same, 0
    best: tuple[list[tuple[VideoKey, VideoKey]], int] = ([], 0)
    for parts in range(_longest(first), 0, -1):
        ends = _by_end(second, parts)
        found = [(one, ends[end]) for end, one in _by_end(first, parts).items() if end in ends]
        if len(found) > len(best[0]):
            best = found, parts
    return best


def _longest(videos: Mapping[VideoKey, PredictedVideo]) -> int:
    return max(len(_parts(path)) for path, _, _ in videos)


def _parts(path: str) -> tuple[str, ...]:
    """The parts of a path, also of one that another program wrote on Windows."""
    return PurePosixPath(path.replace("\\", "/")).parts


def _by_end(videos: Mapping[VideoKey, PredictedVideo], parts: int) -> dict[object, VideoKey]:
    """The keys by the last parts of their paths; ends that several videos share are left out."""
    ends: dict[object, list[VideoKey]] = {}
    for path, start, end in videos:
        last = _parts(path)[-parts:]
        ends.setdefault((last, start, end), []).append((path, start, end))
    return {end: keys[0] for end, keys in ends.items() if len(keys) == 1}


def pair_tests(
    first: Sequence[PredictedTest], second: Sequence[PredictedTest]
) -> Iterator[tuple[str, PredictedTest, PredictedTest]]:
    """The tests of two methods that belong together, with the name of the part.

    A model that is not trained has one test for all seeds, such as `novel`; it goes with `novel, seed 1` and so on.
    """
    for one in first:
        for other in second:
            parts = _pieces(one.part), _pieces(other.part)
            is_other = any(each.part == other.part for each in first) or any(
                each.part == one.part for each in second
            )
            if one.part == other.part or (
                not is_other and (set(parts[0]) <= set(parts[1]) or set(parts[1]) <= set(parts[0]))
            ):
                yield max(one.part, other.part, key=len), one, other


def part_without_trial(part: str) -> str:
    """The name of a part without its seed or split: `novel` of `novel, seed 2`."""
    return ", ".join(piece for piece in _pieces(part) if not TRIAL.fullmatch(piece))


def _pieces(part: str) -> list[str]:
    return part.split(", ") if part else []
