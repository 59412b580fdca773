"""Hits of ordered queries in an index of colors."""

from dataclasses import replace

import numpy as np
import pytest

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from vifi_cli.index.arrays import Float32Array, Float64Array
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.video_filter import VideoFilter
from vifi_cli.index.search.order import ordered_ranking
from vifi_cli.index.search.order.step_moments import SoughtStep
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.video_index import SearchHit, VideoIndex
from vifi_cli.index.vectors import Vectors

RED, GREEN, BLUE = (1.0, -1.0, -1.0), (-1.0, 1.0, -1.0), (-1.0, -1.0, 1.0)


def half_above(_: Vectors, __: Float32Array, cosines: Float32Array) -> Float64Array:
    """A relevance that is easy to compute: 0 for the opposite, 1 for the same."""
    return (1 + cosines.astype(np.float64)) / 2


def step(color: str, **more: object) -> SoughtStep:
    return SoughtStep(color, ColorEncoder().encode_texts([color])[0], **{"rate": half_above, **more})  # type: ignore[arg-type]


def shown(hit: SearchHit) -> tuple[str, list[tuple[str, float, float]]]:
    return hit.path.name, [(each.query, each.start_seconds, each.end_seconds) for each in hit.steps]


@pytest.fixture
def index(catalog: Catalog) -> VideoIndex:
    catalog.store(encoded_video("/v/a/red_blue.mp4", [RED] * 10 + [GREEN] * 10 + [BLUE] * 10, "1"))
    catalog.store(encoded_video("/v/b/blue_red.mp4", [BLUE] * 10 + [GREEN] * 10 + [RED] * 10, "2"))
    return VideoIndex(catalog.path.parent)


def test_only_the_order_tells_two_recordings_apart(index: VideoIndex) -> None:
    hits = index.search_in_order([step("red"), step("blue")])
    assert shown(hits[0]) == ("red_blue.mp4", [("red", 0, 10), ("blue", 20, 30)])
    assert (hits[0].start_seconds, hits[0].end_seconds) == (0, 30)
    assert hits[0].cosine == pytest.approx(1, abs=1e-3)
    assert [each.cosine for each in hits[0].steps] == pytest.approx([1, 1], abs=1e-3)
    back = index.search_in_order([step("blue"), step("red")])
    assert shown(back[0]) == ("blue_red.mp4", [("blue", 0, 10), ("red", 20, 30)])
    three = index.search_in_order([step("red"), step("green"), step("blue")])
    assert shown(three[0]) == ("red_blue.mp4", [("red", 0, 10), ("green", 10, 20), ("blue", 20, 30)])


def test_relevance_is_the_geometric_mean_less_what_distance_costs(index: VideoIndex) -> None:
    right, wrong = index.search_in_order([step("red"), step("blue")], RankingOptions(per_video=1))
    # the windows are 2 s long: the last red one ends at 10, the first blue one begins at 20
    assert right.relevance == pytest.approx(0.9 ** (10 / 300 / 2), abs=5e-4)
    assert right.steps[0].relevance == pytest.approx(1, abs=1e-3)
    assert wrong.relevance is not None
    mean = float(np.prod([each.relevance or 0 for each in wrong.steps])) ** 0.5
    assert 0.9**0.5 * mean <= wrong.relevance <= mean < 0.75


def test_steps_without_relevance_are_ranked_by_the_mean_of_their_cosines(index: VideoIndex) -> None:
    hits = index.search_in_order([step("red", rate=None), step("blue")])
    assert hits[0].path.name == "red_blue.mp4"
    assert hits[0].relevance is None
    assert {each.relevance for each in hits[0].steps} == {None}
    assert hits[0].cosine == pytest.approx(np.mean([each.cosine for each in hits[0].steps]))


def test_steps_that_are_too_far_apart_are_no_hit(index: VideoIndex) -> None:
    def best(seconds: float) -> SearchHit:
        return index.search_in_order([step("red"), step("blue", within_seconds=seconds)])[0]

    assert shown(best(10)) == ("red_blue.mp4", [("red", 0, 10), ("blue", 20, 30)])
    assert (best(9).relevance or 1) < (best(10).relevance or 0) - 0.01
    for hit in index.search_in_order([step("red"), step("blue", within_seconds=3)]):
        assert hit.steps[1].start_seconds - hit.steps[0].end_seconds <= 3


def test_what_must_not_be_between(index: VideoIndex) -> None:
    steps = [step("red"), step("green", is_absent=True), step("blue")]
    assert all((hit.relevance or 0) < 0.8 for hit in index.search_in_order(steps))
    assert [each.query for each in index.search_in_order(steps)[0].steps] == ["red", "blue"]
    assert index.search_in_order([steps[0], step("yellow", is_absent=True), steps[2]])[0].relevance


def test_what_must_not_follow(index: VideoIndex) -> None:
    relevant = [
        shown(hit)
        for hit in index.search_in_order([step("red"), step("blue", is_absent=True)])
        if (hit.relevance or 0) > 0.95
    ]
    assert relevant == [("blue_red.mp4", [("red", 20, 30)])]
    soon = index.search_in_order([step("red"), step("blue", is_absent=True, within_seconds=8)])
    assert {hit.path.name for hit in soon if (hit.relevance or 0) > 0.95} == {"blue_red.mp4", "red_blue.mp4"}


def test_events_that_recur_are_hits_of_their_own(catalog: Catalog) -> None:
    once = [RED] * 6 + [BLUE] * 6 + [GREEN] * 40
    catalog.store(encoded_video("/v/often.mp4", once * 4, "1"))
    with VideoIndex(catalog.path.parent) as index:
        steps = [step("red"), step("blue")]
        all_hits = index.search_in_order(steps, RankingOptions(per_video=0, top=4))
        spans = sorted((hit.start_seconds, hit.end_seconds) for hit in all_hits)
        assert spans == [(start, start + 12.0) for start in (0, 52, 104, 156)]
        assert len(index.search_in_order(steps, RankingOptions(per_video=2))) == 2
        assert len(index.search_in_order(steps, RankingOptions(by="video"))) == 1


def test_filters_top_and_near_duplicates(index: VideoIndex, catalog: Catalog) -> None:
    catalog.store(encoded_video("/v/copy.mp4", [RED] * 10 + [GREEN] * 10 + [BLUE] * 10, "3"))
    steps, first = [step("red"), step("blue")], RankingOptions(per_video=1)
    among = VideoFilter(path_pattern="b")
    assert [hit.path.name for hit in index.search_in_order(steps, replace(first, among=among))] == [
        "blue_red.mp4"
    ]
    assert [hit.path.name for hit in index.search_in_order(steps, first)[:2]] == ["red_blue.mp4", "copy.mp4"]
    assert len(index.search_in_order(steps, replace(first, top=1))) == 1
    folded = index.search_in_order(steps, replace(first, fold_duplicates=True, top=1))
    assert (folded[0].path.name, folded[0].duplicates) == ("red_blue.mp4", 1)
    assert index.search_in_order(steps, RankingOptions(among=VideoFilter(path_pattern="nowhere"))) == []


@pytest.mark.parametrize("rate", [half_above, None])
@pytest.mark.parametrize("per_video", [1, 3])
def test_looking_at_some_windows_finds_what_all_windows_give(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, rate: object, per_video: int
) -> None:
    random = np.random.default_rng(0)
    for number in range(12):
        walk = np.cumsum(random.standard_normal((40, 3)), axis=0)
        catalog.store(encoded_video(f"/v/{number}.mp4", [tuple(row) for row in walk], f"{number}"))
    looks: list[int] = []
    search = Vectors.search

    def counted(self: Vectors, query: Float32Array, count: int, *more: object) -> object:
        looks.append(count)
        return search(self, query, count, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Vectors, "search", counted)
    monkeypatch.setattr(ordered_ranking, "LEAST_WINDOWS", 8)
    monkeypatch.setattr(ordered_ranking, "WINDOWS_PER_HIT", 1)
    with VideoIndex(catalog.path.parent) as index:
        for colors in (("red", "blue"), ("yellow", "green", "white")):
            steps = [step(color, rate=rate) for color in colors]
            few = index.search_in_order(steps, RankingOptions(top=3, per_video=per_video))
            complete = index.search_in_order(steps, RankingOptions(top=0, per_video=per_video))
            assert few == complete[:3]
        assert min(looks) == 8
        assert len(set(looks)) > 2, "it looked at more and more"
