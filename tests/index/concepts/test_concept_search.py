"""A search for a concept alone finds what is not marked, and lists what is marked right after it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.index.conftest import encoded_video
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.video_filter import VideoFilter
from vifi_cli.index.concepts.concept import Mark
from vifi_cli.index.concepts.concept_search import search_concept
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.video_index import SearchHit, VideoIndex

RED, BLUE, VIOLET = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.8, 0.0, 0.6)
LONG, SHORT, OTHER = Path("/v/long.mp4"), Path("/v/short.mp4"), Path("/v/sub/other.mp4")
LOOKS_RED = np.array(RED, np.float32)


@pytest.fixture
def index(catalog: Catalog) -> Iterator[VideoIndex]:
    """A long video that is red three times, a short red one, and a violet one."""
    frames = ([RED] * 4 + [BLUE] * 8) * 3
    catalog.store(encoded_video(LONG, frames, "long"))
    catalog.store(encoded_video(SHORT, [RED] * 2, "short"))
    catalog.store(encoded_video(OTHER, [VIOLET] * 2, "other"))
    with VideoIndex(catalog.path.parent) as opened:
        yield opened


def mark(path: Path, start: float, end: float, *, is_right: bool) -> Mark:
    return Mark(path, start, end, is_right, path.stem)


def found(index: VideoIndex, marks: list[Mark], options: RankingOptions) -> list[SearchHit]:
    return search_concept(index, LOOKS_RED, marks, options, None)


def places(hits: list[SearchHit]) -> list[tuple[str, float, float]]:
    return [(hit.path.stem, hit.start_seconds, hit.end_seconds) for hit in hits]


def test_marked_moments_are_no_finds_and_those_marked_right_follow(index: VideoIndex) -> None:
    marks = [
        mark(LONG, 0, 4, is_right=True),
        mark(LONG, 12, 16, is_right=False),
        mark(SHORT, 0, 2, is_right=True),
        Mark(Path("/v/absent.mp4"), 0, 2, is_right=True, fingerprint="absent"),
    ]
    hits = found(index, marks, RankingOptions(per_video=1, top=2))
    assert places(hits) == [("long", 24, 28), ("other", 0, 2), ("long", 0, 4), ("short", 0, 2)]
    assert [hit.marked for hit in hits] == [None, None, "right", "right"]
    assert [round(hit.cosine, 3) for hit in hits] == [1, 0.8, 1, 1]


def test_a_list_has_as_many_marked_moments_as_finds_at_most(index: VideoIndex) -> None:
    marks = [mark(OTHER, 0, 2, is_right=True), mark(SHORT, 0, 2, is_right=True)]
    assert places(found(index, marks, RankingOptions(top=1)))[1:] == [("short", 0, 2)], "the best of them"
    assert len([hit for hit in found(index, marks, RankingOptions(top=0)) if hit.marked]) == 2


def test_no_window_that_mostly_shows_a_marked_moment_is_found(index: VideoIndex) -> None:
    marks = [mark(LONG, 1, 3, is_right=False), mark(SHORT, 0, 2, is_right=False)]
    for hit in found(index, marks, RankingOptions(top=0, per_video=0)):
        inside = min(hit.end_seconds, 3) - max(hit.start_seconds, 1)
        assert hit.path != SHORT
        assert hit.path != LONG or inside <= 1


def test_a_video_with_a_moment_marked_right_is_no_find_where_hits_are_videos(index: VideoIndex) -> None:
    marks = [
        mark(LONG, 0, 4, is_right=True),
        mark(LONG, 24, 28, is_right=True),
        mark(SHORT, 0, 2, is_right=False),
    ]
    hits = found(index, marks, RankingOptions(by="video"))
    assert places(hits) == [("other", 0, 2), ("long", 0, 4)]
    some_wrong = found(index, [mark(LONG, 0, 4, is_right=False)], RankingOptions(by="video"))
    assert places(some_wrong)[0] == ("long", 12, 14)


def test_what_is_marked_meets_the_same_conditions(index: VideoIndex) -> None:
    marks = [mark(OTHER, 0, 2, is_right=True), mark(SHORT, 0, 2, is_right=True)]
    among = VideoFilter(path_pattern="/v/sub")
    assert places(found(index, marks, RankingOptions(among=among))) == [("other", 0, 2)]


def test_marked_moments_are_rated_as_the_others(index: VideoIndex) -> None:
    hits = search_concept(
        index,
        LOOKS_RED,
        [mark(OTHER, 0, 2, is_right=True)],
        RankingOptions(),
        lambda _, __, cosines: cosines / 2,
    )
    assert [round(hit.relevance or 0, 3) for hit in hits if hit.marked] == [0.4]
