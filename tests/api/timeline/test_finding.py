"""Timelines from an index of colors, whose files are nowhere: the catalog is enough."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.color_encoder import COLORS, ColorEncoder
from tests.index.conftest import encoded_video
from vifi_cli import concept, words
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.library.encoders import INDEX_ENCODER
from vifi_cli.api.search.open_index import OpenIndex
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.marking import mark_moment
from vifi_cli.api.timeline.finding import (
    CURVE_COSINES,
    AskedLabel,
    TimelineOptions,
    TimelineSearch,
    find_timelines,
)
from vifi_cli.api.timeline.labels import labels_for
from vifi_cli.api.timeline.timeline import LabelTime, VideoTimeline, time_budget
from vifi_cli.api.timeline.videos import named_videos
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.search.occurrences import OccurrenceRules, QueryRange
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.moment import Moment

RED, GREEN, BLUE = ((float(r), float(g), float(b)) for r, g, b in map(COLORS.get, ("red", "green", "blue")))
ANY = TimelineOptions(min_score=0.0)
Spans = list[tuple[str, float, float]]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[SearchSession]:
    """Red 0 to 10 s and 15 to 20 s, blue between; a green video in another folder."""
    folder = tmp_path / "home" / "index"
    with Catalog.create(folder / CATALOG_FILE, indexed_with(ColorEncoder(), FrameSampling())) as catalog:
        catalog.store(encoded_video("/v/mice/a.mp4", [RED] * 10 + [BLUE] * 5 + [RED] * 5, "a"))
        catalog.store(encoded_video("/v/mice/b.mp4", [BLUE] * 3 + [RED] * 4 + [BLUE] * 13, "b"))
        catalog.store(encoded_video("/v/rats/c.mp4", [GREEN] * 20, "c"))
    with SearchSession(
        folder, AUTOMATIC, cache_folder=tmp_path / "cache", load_text_encoder=lambda *_: ColorEncoder()
    ) as made:
        yield made


def timelines(
    session: SearchSession, *labels: str, among: str = "/v", options: TimelineOptions = ANY
) -> list[VideoTimeline]:
    search = TimelineSearch(session, labels_for(labels), options)
    return find_timelines(search, partial(named_videos, patterns=[among]))


def spans(timeline: VideoTimeline) -> Spans:
    return [(one.label, one.start_seconds, one.end_seconds) for one in timeline.occurrences]


def test_every_occurrence_counts_longer_than_a_moment_of_a_search_too(session: SearchSession) -> None:
    a, b, c = timelines(session, "red", "blue")
    assert [each.path for each in (a, b, c)] == [
        Path("/v/mice/a.mp4"),
        Path("/v/mice/b.mp4"),
        Path("/v/rats/c.mp4"),
    ]
    assert spans(a) == [("red", 0, 10), ("blue", 10, 15), ("red", 15, 20)]
    assert spans(b) == [("blue", 0, 3), ("red", 3, 7), ("blue", 7, 20)]
    assert spans(c) == []
    assert a.occurrences[0].cosine == pytest.approx(1, abs=1e-3)
    assert a.model == "colors"


def test_the_time_budget_of_a_video_and_of_all(session: SearchSession) -> None:
    a, b, c = timelines(session, "red", "blue")
    assert [(one.label, one.count, one.total_seconds, one.share) for one in a.budget] == [
        ("red", 2, 15, 0.75),
        ("blue", 1, 5, 0.25),
    ]
    assert [one.mean_seconds for one in a.budget] == [7.5, 5]
    assert c.budget[0] == LabelTime("red", 0, 0, 0, 0)
    assert c.budget[0].mean_seconds is None
    red, blue = time_budget([a, b, c])
    assert red == LabelTime("red", 3, 19, 19 / 60, 2)
    assert blue == LabelTime("blue", 3, 21, 21 / 60, 2)
    assert time_budget([]) == ()


def test_a_video_has_the_same_timeline_whatever_else_is_named(session: SearchSession) -> None:
    assert timelines(session, "red", among="b.mp4") == timelines(session, "red")[1:2]


def test_relevance_is_that_of_a_search(session: SearchSession) -> None:
    index = OpenIndex(session, INDEX_ENCODER)
    (best, *_) = index.search("red", min_score=0)
    found = timelines(session, "red")[0].occurrences[0]
    assert found.relevance == pytest.approx(best.relevance, abs=1e-4)
    assert best.relevance is not None
    barely = TimelineOptions(min_score=round(best.relevance, 2))
    assert timelines(session, "red", options=barely)[0].occurrences


def test_the_least_cosine_is_where_relevance_is_shown_as_enough() -> None:
    curve = np.linspace(0.0, 1.0, len(CURVE_COSINES))  # so that a cosine of 0 has a relevance of 0.5
    asked = AskedLabel(np.ones(1, np.float32), QueryRange(0, 1, 0, 1), curve)
    assert asked.relevance_of(0.2) == pytest.approx(0.6)
    assert asked.least_cosine(0.7) == pytest.approx(2 * 0.695 - 1, abs=2e-4), "0.695 is shown as 0.70"
    assert asked.least_cosine(0.0) == -1
    assert replace(asked, relevance=0.3 * curve).least_cosine(0.5) == float("inf")
    unrated = replace(asked, relevance=None)
    assert (unrated.relevance_of(0.9), unrated.least_cosine(1.0)) == (None, float("-inf"))


def test_the_rules_reach_the_video(session: SearchSession) -> None:
    joined = TimelineOptions(0.0, OccurrenceRules(gap_seconds=5.0))
    assert spans(timelines(session, "red", options=joined)[0]) == [("red", 0, 20)]
    longer = TimelineOptions(0.0, OccurrenceRules(least_seconds=5.0))
    assert spans(timelines(session, "red", options=longer)[1]) == []


def test_a_concept_is_compared_with_what_did_not_teach_it(session: SearchSession) -> None:
    """The video whose moment was marked fits better than any other can."""
    orange = (1.0, 0.2, -1.0)
    with Catalog(session.folder / CATALOG_FILE) as catalog:
        catalog.store(encoded_video("/v/mice/d.mp4", [orange] * 12, "d"))
    session.concepts.add("alarm", "red")
    for name, is_right in (("mice/d.mp4", True), ("rats/c.mp4", False)):
        mark_moment(session, "alarm", Moment(Path("/v", name), 2.0, 6.0), is_right=is_right)
    (asked,) = TimelineSearch(session, labels_for([concept("alarm")]), ANY).asked
    index, learned = session.index, session.learned(session.concepts.get("alarm")).embedding
    videos = {video.path.name: video.id for video in index.catalog.videos()}
    _, anywhere = index.vectors.search(learned, 1)
    _, elsewhere = index.vectors.search(learned, 1, without=index.catalog.window_ids_of([videos["d.mp4"]]))
    assert asked.range.best == pytest.approx(float(elsewhere[0]))
    assert elsewhere[0] < anywhere[0] - 0.01


def test_where_all_videos_taught_a_concept_only_the_marked_moments_are_left_out(
    session: SearchSession,
) -> None:
    session.concepts.add("alarm", "red")
    for name, second, is_right in (("a", 2.0, True), ("b", 4.0, True), ("b", 12.0, False)):
        mark_moment(
            session, "alarm", Moment(Path(f"/v/mice/{name}.mp4"), second, second + 2), is_right=is_right
        )
    mark_moment(session, "alarm", Moment(Path("/v/rats/c.mp4"), 2.0, 4.0), is_right=True)
    (asked,) = TimelineSearch(session, labels_for([concept("alarm")]), ANY).asked
    _, anywhere = session.index.vectors.search(asked.embedding, 1)
    assert asked.range.best == pytest.approx(float(anywhere[0]), abs=1e-3), "the rest of the red is as good"
    assert [one.start_seconds for one in timelines(session, "red")[0].of("red")] == [0, 15]


def test_what_is_marked_wrong_is_no_occurrence(session: SearchSession) -> None:
    session.concepts.add("alarm", "red")
    for name, second, is_right in (("a", 2.0, True), ("b", 12.0, False), ("a", 16.0, False)):
        mark_moment(
            session, "alarm", Moment(Path(f"/v/mice/{name}.mp4"), second, second + 2), is_right=is_right
        )
    search = TimelineSearch(session, labels_for([concept("alarm")]), ANY)
    (found,) = find_timelines(search, partial(named_videos, patterns=["a.mp4"]))
    assert spans(found)[0][:2] == ("alarm", 0)
    assert all(end <= 16 or start >= 18 for _, start, end in spans(found))
    assert any(start == 18 for _, start, _ in spans(found))


def test_programs_ask_for_one_video(session: SearchSession) -> None:
    index = OpenIndex(session, INDEX_ENCODER)
    found = index.timeline("/v/mice/b.mp4", ["red", words("blue")], min_score=0, exclusive=True)
    assert spans(found) == [("blue", 0, 3), ("red", 3, 7), ("blue", 7, 20)]
    assert [one.label for one in found.of("red")] == ["red"]
    assert found.index_folder == session.folder, "which knows the video's clock"
    assert str(found) == "b.mp4: 3 occurrences"
    assert repr(found.occurrences[1]).startswith("Occurrence(red 0:03–0:07, ")
    with pytest.raises(InvalidInput, match=r"/v/z.mp4 is not in the index"):
        index.timeline("/v/z.mp4", ["red"])
    with pytest.raises(InvalidInput, match="no label is given"):
        index.timeline("/v/mice/b.mp4", [])


def test_videos_that_are_not_indexed_are_named(session: SearchSession, tmp_path: Path) -> None:
    other = tmp_path / "new film.mp4"
    other.write_bytes(b"")
    with pytest.raises(InvalidInput, match=r"is not in the index: add it with `vifi index '.*new film.mp4'`"):
        timelines(session, "red", among=str(other))
    with pytest.raises(InvalidInput, match="holds no indexed video"):
        timelines(session, "red", among=str(tmp_path))
    with pytest.raises(InvalidInput, match="no indexed path matches /v/mise; did you mean mice"):
        timelines(session, "red", among="/v/mise")
    assert [each.path.name for each in timelines(session, "red", among="mice/*.mp4")] == ["a.mp4", "b.mp4"]
