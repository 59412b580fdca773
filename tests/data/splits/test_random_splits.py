"""Splits part the videos, share every class out, keep groups whole, and come out the same each time."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.data.formats.listing import SPLITS
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.data.splits.holding_out import shared_beginning
from vifi_cli.data.splits.random_splits import (
    Shares,
    base_and_novel,
    draw_shots,
    groups_of,
    split_by_class,
    split_by_group,
)
from vifi_cli.errors import InvalidInput

Videos = tuple[LabeledVideo, ...]

seeds = st.integers(0, 2**32)
shares = (
    st.tuples(st.floats(0, 0.95), st.floats(0, 0.95))
    .filter(lambda both: sum(both) < 1)
    .map(lambda both: Shares(*both))
)
labels = st.lists(st.integers(0, 4), min_size=1, max_size=120)
grouped = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=120)


def made(numbers: list[int]) -> Videos:
    return tuple(LabeledVideo(Path(f"/{place}.mp4"), label) for place, label in enumerate(numbers))


@given(labels, shares, seeds)
def test_classes_are_parted_in_their_shares(numbers: list[int], share: Shares, seed: int) -> None:
    videos = made(numbers)
    parts = split_by_class(videos, share, seed)
    assert sorted((video for split in SPLITS for video in parts[split]), key=videos.index) == list(videos)
    assert parts == split_by_class(videos, share, seed)
    for label, count in Counter(numbers).items():
        sizes = {split: sum(video.label == label for video in parts[split]) for split in SPLITS}
        assert sizes["train"] >= 1
        for split in ("val", "test"):
            exact = count * share.of(split)
            assert sizes[split] <= max(exact + 0.5, 1)
            assert sizes[split] >= (exact > 0 and count >= sum(share.of(one) > 0 for one in SPLITS))
            assert sizes[split] >= exact - 0.5 or sizes["train"] == 1, (
                "only for training's sake a share is cut"
            )


def test_another_seed_draws_another_split() -> None:
    videos = made([0, 1] * 50)
    assert split_by_class(videos, Shares(), 0) != split_by_class(videos, Shares(), 1)
    assert draw_shots(videos, 4, 0) != draw_shots(videos, 4, 1)


@given(grouped, seeds)
def test_groups_stay_whole_and_every_split_gets_some(pairs: list[tuple[int, int]], seed: int) -> None:
    videos, groups = made([label for label, _ in pairs]), [str(group) for _, group in pairs]
    if len(set(groups)) < 3:
        with pytest.raises(InvalidInput, match="cannot fill"):
            split_by_group(videos, groups, Shares(), seed)
        return
    parts = split_by_group(videos, groups, Shares(), seed)
    assert parts == split_by_group(videos, groups, Shares(), seed)
    group_of = dict(zip(videos, groups, strict=True))
    of_split = [{group_of[video] for video in parts[split]} for split in SPLITS]
    assert all(of_split)
    assert sum(map(len, of_split)) == len(set(groups))
    assert sum(len(parts[split]) for split in SPLITS) == len(videos)


def test_groups_that_are_alike_are_shared_out_evenly() -> None:
    videos = made([label for _ in range(10) for label in range(5)])
    parts = split_by_group(videos, [str(place // 5) for place in range(50)], Shares(0.2, 0.2), 0)
    assert [len(parts[split]) for split in SPLITS] == [30, 10, 10]


@given(grouped, seeds)
def test_groups_held_out_by_name_are_the_test(pairs: list[tuple[int, int]], seed: int) -> None:
    groups = [f"person{group}" for _, group in pairs]
    videos = made([label for label, _ in pairs])
    if len(set(groups)) < 2:
        return
    parts = split_by_group(videos, groups, Shares(0, 0), seed, hold_out=(groups[0],))
    assert parts["test"] == tuple(
        video for video, group in zip(videos, groups, strict=True) if group == groups[0]
    )
    assert not parts["val"]


def test_groups_come_from_names() -> None:
    videos = tuple(LabeledVideo(Path(f"/x/{name}.avi"), 0) for name in ("daria_walk", "ido_walk"))
    assert groups_of(videos, "^([a-z]+)_") == ["daria", "ido"]
    assert groups_of(videos, "^[a-z]+_") == ["daria_", "ido_"]
    assert groups_of(videos, ".+") == ["daria_walk.avi", "ido_walk.avi"]
    alike = [LabeledVideo(Path(f"/x/{folder}/1.avi"), 0) for folder in ("run", "walk")]
    assert groups_of(alike, ".+") == [
        "/x/run/1.avi",
        "/x/walk/1.avi",
    ]  # they are independent, as `.+` promises
    for pattern, said in (
        ("^([0-9]+)", "finds no group in daria_walk.avi"),
        ("(", "not a regular expression"),
    ):
        with pytest.raises(InvalidInput, match=said):
            groups_of(videos, pattern)
    with pytest.raises(InvalidInput, match="the groups are daria, ido"):
        split_by_group(videos, ["daria", "ido"], Shares(), 0, hold_out=("dario",))


@given(labels, st.integers(1, 20), st.integers(0, 20), seeds)
def test_shots_are_so_many_a_class_and_nested_on_request(
    numbers: list[int], shots: int, more: int, seed: int
) -> None:
    videos = made(numbers)
    for nested in (False, True):
        drawn = draw_shots(videos, shots, seed, nested=nested)
        counts = Counter(video.label for video in drawn)
        assert counts == {label: min(shots, count) for label, count in Counter(numbers).items()}
        assert len(set(drawn)) == len(drawn)
        assert drawn == draw_shots(videos, shots, seed, nested=nested)
    assert set(drawn) <= set(draw_shots(videos, shots + more, seed, nested=True))


def test_shots_are_not_nested_unless_asked() -> None:
    videos = made([0] * 200)
    assert not set(draw_shots(videos, 20, 0)) <= set(draw_shots(videos, 40, 0))


@given(labels)
def test_base_classes_are_the_frequent_half(numbers: list[int]) -> None:
    videos, counts = made(numbers), Counter(numbers)
    base, novel = base_and_novel(videos, 5)
    assert sorted(base + novel) == [0, 1, 2, 3, 4]
    assert len(base) == 3
    ranked = [(-counts[label], label) for label in base + novel]
    assert ranked == sorted(ranked)


def test_shares_must_leave_something() -> None:
    for val, test in ((0.5, 0.5), (-0.1, 0), (1, 0)):
        with pytest.raises(InvalidInput):
            Shares(val, test)


@pytest.mark.parametrize(
    ("names", "word"),
    [
        (("ann_{}", "ben_{}", "cleo_{}"), "ann"),
        (("ann_{}", "ben_{}", "cleo_{}", "{}"), ""),
        (("ann_{}", "ben_{}"), ""),
        (("v_{}_1", "v_{}_2", "v_{}_3"), ""),
        (("{}_1", "{}_2", "{}_3"), ""),
    ],
)
def test_first_words_of_names_may_be_persons(names: tuple[str, ...], word: str) -> None:
    videos = [
        LabeledVideo(Path(f"{name.format(of_class)}.mp4"), label)
        for label, of_class in enumerate(("bend", "jack", "run"))
        for name in names
    ]
    assert shared_beginning(videos) == word
