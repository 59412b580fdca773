"""What is asked next: the most relevant, then what differs, then the top or the border, and nothing twice."""

import numpy as np
import pytest

from tests.index.conftest import encoded_video
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.concepts.candidates import LONGEST_SECONDS, Known, candidate_moments
from vifi_cli.index.concepts.learning import MarkedWindows
from vifi_cli.index.search.ranking import Place
from vifi_cli.index.vectors import vectors_in_memory

Color = tuple[float, float, float]
RED = np.array([1, 0, 0], np.float32)
NOTHING = Known(MarkedWindows(np.empty((0, 3), np.float32), np.empty(0, bool), np.empty(0, np.int64)))


def at(degrees: float) -> Color:
    """A color so many degrees from red, towards green."""
    angle = np.radians(degrees)
    return float(np.cos(angle)), float(np.sin(angle)), 0.0


def store(catalog: Catalog, *videos: list[Color]) -> None:
    for number, colors in enumerate(videos):
        catalog.store(encoded_video(f"/v/{number}.mp4", colors, str(number)))


def known(catalog: Catalog, **marks: bool) -> Known:
    """Marks of the first second of videos, by their numbers: `v0=True`."""
    videos = {f"v{video.path.stem}": video.id for video in catalog.videos()}
    places = [Place(videos[name], 0.0, 1.0) for name in marks]
    embeddings = [catalog.embedding_of(one.video_id, 0.0, 1.0) for one in places]
    groups = np.array([one.video_id for one in places], np.int64)
    return Known(MarkedWindows(np.stack(embeddings), np.array([*marks.values()]), groups), places)


def asked(catalog: Catalog, already: Known = NOTHING, count: int = 1) -> list[str]:
    found = candidate_moments(catalog, vectors_in_memory(catalog), RED, already, count)
    return [catalog.paths_of([one.video_id])[one.video_id].stem for one in found]


def test_the_most_relevant_moments_come_first_and_then_the_most_different(catalog: Catalog) -> None:
    store(catalog, *([at(degrees)] for degrees in (40, 20, 0, 60, 180)))
    assert asked(catalog, count=3) == ["2", "1", "0"]
    assert asked(catalog, count=4) == ["2", "1", "0", "4"]
    assert asked(catalog, known(catalog, v2=False, v1=False)) == ["0"]
    assert asked(catalog, known(catalog, v2=False, v1=False, v0=False)) == ["4"]
    assert asked(catalog, known(catalog, v2=True, v1=True, v0=True)) == ["4"]


def test_with_both_kinds_known_the_top_is_asked_until_most_of_it_is_right(catalog: Catalog) -> None:
    store(catalog, *([at(degrees)] for degrees in (0, 15, 50, 70, 100)))
    assert asked(catalog, known(catalog, v0=True, v4=False)) == ["1"]
    # the cosines of the marks are 1, 0.97 and -0.17: the border is at 0.40, and nearest to it is cos 70° = 0.34
    assert asked(catalog, known(catalog, v0=True, v1=True, v4=False)) == ["3"]


def test_nothing_is_asked_that_overlaps_or_looks_like_what_was_asked(catalog: Catalog) -> None:
    store(catalog, [at(0)], [at(0.1)], [at(80)], [at(180)])
    assert asked(catalog, known(catalog, v0=True), 9) == ["2", "3"]
    assert asked(catalog, known(catalog, v0=True, v2=False, v3=False), 9) == []
    skipped = Known(NOTHING.marked, [Place(video.id, 0.0, 1.0) for video in catalog.videos()])
    assert asked(catalog, skipped, 9) == []


def test_moments_of_a_long_video_are_short_and_leave_out_the_marked_part(catalog: Catalog) -> None:
    store(catalog, [at(second) for second in range(120)], [at(180)] * 20)
    vectors, video = vectors_in_memory(catalog), catalog.videos()[0].id
    already = Known(NOTHING.marked, [Place(video, 4.5, 30.0)])
    found = candidate_moments(catalog, vectors, RED, already, 99)
    assert len(found) >= 3
    for one in found:
        assert 0 < one.end_seconds - one.start_seconds <= LONGEST_SECONDS
        assert one.video_id != video or one.end_seconds <= 4.5 or one.start_seconds >= 30


def test_another_video_comes_before_a_second_moment_of_one(catalog: Catalog) -> None:
    store(catalog, [at(0)] * 2 + [at(8)] * 2, [at(10)] * 2, [at(90)] * 2, [at(180)] * 2)
    assert asked(catalog, count=2) == ["0", "1"]


def test_a_video_out_of_reach_is_left_out(catalog: Catalog) -> None:
    store(catalog, *([at(degrees)] for degrees in (0, 40, 90)))
    gone = catalog.videos()[0].id
    vectors = vectors_in_memory(catalog)
    found = candidate_moments(catalog, vectors, RED, NOTHING, 2, lambda video_id: video_id != gone)
    assert [one.score for one in found] == pytest.approx([np.cos(np.radians(40)), 0], abs=1e-3)


def test_an_empty_index_has_nothing_to_ask(catalog: Catalog) -> None:
    assert asked(catalog) == []
