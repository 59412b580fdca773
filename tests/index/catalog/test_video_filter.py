import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.video_filter import VideoFilter
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.video_index import VideoIndex
from vifi_cli.video.files.video_file import storable_ns

RED = (1.0, -1.0, -1.0)
DAY_NS = 86_400 * 10**9


@pytest.fixture
def index(catalog: Catalog) -> VideoIndex:
    """Videos that grow longer and newer: 1 to 5 times 10 s, changed on the days 1 to 5."""
    for number in range(1, 6):
        video = encoded_video(f"/v/{number}.mp4", [RED] * 10 * number, str(number))
        file = replace(video.file, modified_ns=number * DAY_NS)
        catalog.store(replace(video, file=file))
    return VideoIndex(catalog.path.parent)


@pytest.mark.parametrize(
    ("among", "below", "found"),
    [
        (VideoFilter(), None, "12345"),
        (VideoFilter(shortest_seconds=30), None, "345"),
        (VideoFilter(longest_seconds=30), None, "123"),
        (VideoFilter(shortest_seconds=15, longest_seconds=35), None, "23"),
        (VideoFilter(changed_from_ns=3 * DAY_NS), None, "345"),
        (VideoFilter(changed_before_ns=3 * DAY_NS), None, "12"),
        (VideoFilter(changed_from_ns=2 * DAY_NS, changed_before_ns=4 * DAY_NS), None, "23"),
        (VideoFilter(changed_from_ns=2 * DAY_NS, longest_seconds=40), "[145].mp4", "4"),
        (VideoFilter(changed_from_ns=6 * DAY_NS), None, ""),
        (VideoFilter(changed_from_ns=-(2**62), longest_seconds=math.inf), None, "12345"),
    ],
    ids=str,
)
def test_which_videos_are_searched(
    index: VideoIndex, among: VideoFilter, below: str | None, found: str
) -> None:
    red = ColorEncoder().encode_texts(["red"])[0]
    hits = index.search(red, RankingOptions(top=0, by="video", among=replace(among, path_pattern=below)))
    assert sorted(hit.path.stem for hit in hits) == list(found)


def test_filters_come_before_ranking(catalog: Catalog) -> None:
    for number in range(60):  # all of them match better than the one that is asked for
        catalog.store(encoded_video(f"/v/best{number}.mp4", [RED] * 40, str(number)))
    catalog.store(encoded_video("/v/worse.mp4", [(1.0, 1.0, -1.0)] * 200, "worse"))
    red = ColorEncoder().encode_texts(["red"])[0]
    with VideoIndex(catalog.path.parent) as index:
        hits = index.search(red, RankingOptions(top=3, per_video=0, among=VideoFilter(shortest_seconds=100)))
    assert [hit.path for hit in hits] == [Path("/v/worse.mp4")] * 3


def test_files_and_bounds_outside_the_years_of_sqlite_are_compared(catalog: Catalog) -> None:
    for name, modified_ns in (
        ("1600", -(12 * 10**18)),
        ("2026", 1_780_000_000 * 10**9),
        ("2350", 12 * 10**18),
    ):
        video = encoded_video(f"/v/{name}.mp4", [RED] * 10, name)
        catalog.store(replace(video, file=replace(video.file, modified_ns=storable_ns(modified_ns))))
    red = ColorEncoder().encode_texts(["red"])[0]

    def found(**bounds: int) -> list[str]:
        with VideoIndex(catalog.path.parent) as index:
            hits = index.search(red, RankingOptions(top=0, by="video", among=VideoFilter(**bounds)))
        return sorted(hit.path.stem for hit in hits)

    assert found(changed_from_ns=10**18) == ["2026", "2350"]
    assert found(changed_before_ns=10**18) == ["1600"]
    assert found(changed_from_ns=11 * 10**18) == ["2350"]
    assert found(changed_before_ns=13 * 10**18) == ["1600", "2026", "2350"]
    assert found(changed_from_ns=-(10**30), changed_before_ns=10**30) == ["1600", "2026", "2350"]
