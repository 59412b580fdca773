import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.video_filter import VideoFilter
from vifi_cli.index.search.folding import NEARLY_EQUAL, ScoredWindow, fold_near_duplicates
from vifi_cli.index.search.ranking import Place, RankingOptions
from vifi_cli.index.search.video_index import VideoIndex

RED, GREEN, BLUE = (1.0, -1.0, -1.0), (-1.0, 1.0, -1.0), (-1.0, -1.0, 1.0)
YELLOW = (1.0, 1.0, -1.0)


def at_angle(window: ScoredWindow) -> np.ndarray:
    """An embedding whose angle is the window's start."""
    return np.array([np.cos(window.start_seconds), np.sin(window.start_seconds)], np.float32)


def ranked(angles: list[float]) -> list[ScoredWindow]:
    return [ScoredWindow(number, angle, angle, -number) for number, angle in enumerate(angles)]


@given(st.lists(st.floats(0, 2 * np.pi), max_size=200), st.integers(1, 20) | st.none())
def test_every_hit_is_kept_or_folded_into_one_that_looks_alike(angles: list[float], most: int | None) -> None:
    hits = ranked(angles)
    folded = fold_near_duplicates(hits, at_angle, most=most)
    taken = [hit for group in folded for hit in (group, *group.duplicates)]
    assert sorted(hit.video_id for hit in taken) == list(range(len(taken))), "from the best on, none twice"
    assert len(taken) == len(hits) or len(folded) == most
    kept = np.array([at_angle(group) for group in folded]).reshape(-1, 2)
    likeness = kept @ kept.T - np.eye(len(kept))
    assert (likeness < NEARLY_EQUAL).all()
    for group in folded:
        for duplicate in group.duplicates:
            assert at_angle(group) @ at_angle(duplicate) >= NEARLY_EQUAL - 1e-6
            assert duplicate.score < group.score


@pytest.fixture
def index(catalog: Catalog) -> VideoIndex:
    for name in ("a", "copy of a", "second copy of a"):
        catalog.store(encoded_video(f"/v/{name}.mp4", [RED] * 20 + [BLUE] * 20, name))
    catalog.store(encoded_video("/v/other.mp4", [YELLOW] * 20, "other"))
    catalog.store(encoded_video("/v/green.mp4", [GREEN] * 20, "green"))
    return VideoIndex(catalog.path.parent)


def ask(text: str) -> np.ndarray:
    return ColorEncoder().encode_texts([text])[0]


def test_copies_are_folded_into_the_first(index: VideoIndex) -> None:
    hits = index.search(ask("red"), RankingOptions(top=3, per_video=1, fold_duplicates=True))
    assert [hit.path.stem for hit in hits] == ["a", "other", "green"]
    assert [hit.duplicates for hit in hits] == [2, 0, 0]
    plain = index.search(ask("red"), RankingOptions(top=3, per_video=1))
    assert [hit.path.stem for hit in plain] == ["a", "copy of a", "second copy of a"]
    assert {hit.duplicates for hit in plain} == {None}


def test_no_hits_have_no_duplicates(index: VideoIndex) -> None:
    among = VideoFilter(path_pattern="nowhere")
    assert index.search(ask("red"), RankingOptions(among=among, fold_duplicates=True)) == []
    everything = Place(1, -np.inf, np.inf)
    alone = VideoFilter(path_pattern="/v/a.mp4")
    asked = RankingOptions(among=alone, without=everything, fold_duplicates=True)
    assert index.search(ask("red"), asked) == []


def test_the_list_is_filled_however_many_are_folded(catalog: Catalog) -> None:
    for number in range(60):
        catalog.store(encoded_video(f"/v/{number}.mp4", [RED] * 40, str(number)))
    for name, colour in (("yellow", YELLOW), ("green", GREEN), ("blue", BLUE)):
        catalog.store(encoded_video(f"/v/{name}.mp4", [colour] * 4, name))
    with VideoIndex(catalog.path.parent) as index:
        hits = index.search(ask("red"), RankingOptions(top=3, per_video=1, fold_duplicates=True))
        videos = index.search(ask("red"), RankingOptions(top=3, by="video", fold_duplicates=True))
        everything = index.search(ask("red"), RankingOptions(top=0, fold_duplicates=True))
    assert [hit.path.stem for hit in hits] == [hit.path.stem for hit in videos]
    assert [hit.path.stem for hit in hits[1:]] == ["yellow", "green"]
    assert hits[0].duplicates == videos[0].duplicates == 59
    assert len(everything) == 4


def test_what_was_shown_is_left_out(index: VideoIndex) -> None:
    (a,) = [video for video in index.catalog.videos() if video.path.stem == "a"]
    hits = index.search(ask("red"), RankingOptions(top=0, per_video=0, without=Place(a.id, 0.0, 20.0)))
    own = [hit for hit in hits if hit.path.stem == "a"]
    assert own, "the rest of the video may match"
    assert all(hit.start_seconds >= 20.0 for hit in own)
    assert hits[0].path.stem == "copy of a", "a copy of it is no less a hit"
    videos = index.search(ask("red"), RankingOptions(top=0, by="video", without=Place(a.id, 0.0, 20.0)))
    assert sorted(hit.path.stem for hit in videos) == ["copy of a", "green", "other", "second copy of a"]
    whole = index.search(ask("red"), RankingOptions(top=0, per_video=0, without=Place(a.id, -np.inf, np.inf)))
    assert "a" not in {hit.path.stem for hit in whole}


def test_the_list_is_filled_however_much_is_left_out(catalog: Catalog) -> None:
    catalog.store(encoded_video("/v/long.mp4", [RED] * 4000, "long"))
    catalog.store(encoded_video("/v/other.mp4", [YELLOW] * 10, "other"))
    with VideoIndex(catalog.path.parent) as index:
        hits = index.search(ask("red"), RankingOptions(top=2, per_video=1, without=Place(1, 0.0, 3990.0)))
    assert [hit.path.stem for hit in hits] == ["long", "other"]
    assert hits[0].start_seconds >= 3990.0
