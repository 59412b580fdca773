"""How unequal classes are, and how long videos are."""

from pathlib import Path

import pytest

from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.data.overview import class_balance, durations
from vifi_cli.video.moment import TimeRange


def videos_of(*labels: int) -> tuple[LabeledVideo, ...]:
    return tuple(LabeledVideo(Path(f"/{place}.mp4"), label) for place, label in enumerate(labels))


@pytest.mark.parametrize(
    ("train", "test", "expected"),
    [
        ((0, 0, 0, 0, 0, 0, 1, 1, 2), (1,) * 50, ("run", 6, "walk", 1)),
        ((), (0, 0, 1), ("run", 2, "jump", 1)),
        ((0, 0, 1, 1, 2, 2), (), ("run", 2, "run", 2)),
    ],
)
def test_training_videos_count_or_else_all(
    train: tuple[int, ...], test: tuple[int, ...], expected: tuple[object, ...]
) -> None:
    found = class_balance(
        LabeledVideos("d", ("run", "jump", "walk"), videos_of(*train), (), videos_of(*test))
    )
    assert found
    assert (found.largest, found.most, found.smallest, found.fewest) == expected
    assert found.is_unequal == (found.ratio >= 3)


def test_a_single_class_has_no_balance() -> None:
    assert class_balance(LabeledVideos("d", ("run", "jump"), videos_of(0, 0))) is None


def test_videos_and_moments_are_measured_by_what_they_show() -> None:
    short, usual, long = (Path(f"/{name}.mp4") for name in ("short", "usual", "long"))
    moments = [LabeledVideo(long, 0, part=TimeRange(start, end)) for start, end in ((0.0, 3.0), (58.0, 70.0))]
    every = (LabeledVideo(short, 0), LabeledVideo(usual, 1), LabeledVideo(long, 1), *moments)
    data = LabeledVideos("d", ("run", "jump"), every, every[:1], every[:1])
    found = durations(data, {short: 0.3, usual: 2.0, long: 60.0})
    assert found
    assert (found.shortest, found.median, found.longest) == (0.3, 2.0, 60.0)
    assert [(each.video.path, each.seconds) for each in found.short] == [(short, 0.3)]
    assert [(each.video, each.seconds) for each in found.long] == [(every[2], 60.0)]
    assert durations(data, {}) is None, "nothing was decoded"
