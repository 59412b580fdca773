"""What holds for every list of hits: it is the beginning of every longer one, and a moment keeps its numbers."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from tests.index.relevance.test_calibration import neutral_colors
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.video_filter import EVERY_VIDEO, VideoFilter
from vifi_cli.index.relevance.calibration import text_rater
from vifi_cli.index.search.query import combine
from vifi_cli.index.search.ranking import Place, RankingOptions
from vifi_cli.index.search.video_index import SearchHit, VideoIndex
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.index.vectors import Vectors
from vifi_cli.video.decode.frame_sampling import FrameSampling

FEW_COLORS = [(1.0, -1.0, -1.0), (1.0, -0.9, -1.0), (-1.0, 1.0, -1.0), (1.0, 1.0, -1.0), (0.0, 0.0, 0.0)]
QUERIES = ("red", "yellow", "red green", "white")


@st.composite
def video_frames(draw: st.DrawFn) -> list[tuple[float, float, float]]:
    """Frames of a still picture, of a few scenes that repeat, or that change a little all the time."""
    runs = draw(st.lists(st.tuples(st.sampled_from(FEW_COLORS), st.integers(1, 70)), min_size=1, max_size=5))
    frames = [color for color, length in runs for _ in range(length)]
    if draw(st.booleans()):
        random = np.random.default_rng(draw(st.integers(0, 99)))
        frames = (np.array(frames) + random.choice([0.0, 2**-10, 0.05], (len(frames), 3))).tolist()
    return frames


@st.composite
def libraries(draw: st.DrawFn) -> list[list[tuple[float, float, float]]]:
    """The frames of videos, some of them copies of others."""
    videos = draw(st.lists(video_frames(), min_size=1, max_size=5))
    copies = draw(st.lists(st.integers(0, len(videos) - 1), max_size=6))
    return draw(st.permutations([*videos, *(videos[number] for number in copies)]))


options = st.builds(
    RankingOptions,
    by=st.sampled_from(["moment", "video"]),
    per_video=st.sampled_from([0, 1, 3]),
    among=st.sampled_from(
        [EVERY_VIDEO, VideoFilter(path_pattern="/v/even"), VideoFilter(shortest_seconds=9)]
    ),
    without=st.none() | st.builds(Place, st.integers(1, 3), st.just(2.0), st.just(30.0)),
    fold_duplicates=st.booleans(),
)


@contextmanager
def indexed(videos: list[list[tuple[float, float, float]]]) -> Iterator[VideoIndex]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / CATALOG_FILE
        with Catalog.create(path, indexed_with(ColorEncoder(), FrameSampling())) as catalog:
            for number, frames in enumerate(videos):
                parity = "odd" if number % 2 else "even"
                catalog.store(encoded_video(f"/v/{parity}/{number}.mp4", frames, str(number)))
        with VideoIndex(Path(folder)) as index:
            yield index


def embedding_of(query: str) -> np.ndarray:
    embedding: np.ndarray = ColorEncoder().encode_texts([query])[0]
    return embedding


def search(index: VideoIndex, query: str, asked: RankingOptions) -> list[SearchHit]:
    rate = text_rater(index.catalog.path.parent, neutral_colors())
    return index.search(embedding_of(query), asked, rate)


@pytest.mark.parametrize("windows_at_first", [2, 500])
@given(videos=libraries(), asked=options, query=st.sampled_from(QUERIES))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_list_of_hits_is_the_beginning_of_every_longer_one(
    windows_at_first: int,
    monkeypatch: pytest.MonkeyPatch,
    videos: list[list[tuple[float, float, float]]],
    asked: RankingOptions,
    query: str,
) -> None:
    monkeypatch.setattr("vifi_cli.index.search.ranking.LEAST_WINDOWS", windows_at_first)
    monkeypatch.setattr("vifi_cli.index.search.ranking.WINDOWS_PER_HIT", 1)
    monkeypatch.setattr("vifi_cli.index.vectors.LIKELY_TIES", windows_at_first // 10)
    with indexed(videos) as index:
        everything = search(index, query, replace(asked, top=0))
        for top in (1, 2, 3, 5, 8, 13):
            assert search(index, query, replace(asked, top=top)) == everything[:top]


@given(videos=libraries(), query=st.sampled_from(QUERIES))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_moment_keeps_its_numbers_under_every_filter(
    videos: list[list[tuple[float, float, float]]], query: str
) -> None:
    with indexed(videos) as index:
        everything = search(index, query, RankingOptions(top=0))
        some = search(index, query, RankingOptions(top=0, among=VideoFilter(path_pattern="/v/even")))
        assert some == [hit for hit in everything if hit.path.parent.name == "even"]
        for folded in (True, False):
            by_video = search(index, query, RankingOptions(top=0, by="video", fold_duplicates=folded))
            relevance_of = {hit.cosine: hit.relevance for hit in (*everything, *by_video)}
            assert all(relevance_of[hit.cosine] == hit.relevance for hit in (*everything, *by_video))
            in_order = [relevance_of[cosine] for cosine in sorted(relevance_of)]
            assert in_order == sorted(in_order), "it rises with the cosine"


@dataclass
class NoisyFaiss:
    """An index whose cosines are wrong in the last digits, differently at each search, as with other blocks."""

    faiss_index: Any
    random: np.random.Generator

    def __getattr__(self, name: str) -> Any:
        return getattr(self.faiss_index, name)

    def search(self, queries: np.ndarray, count: int, params: Any = None) -> tuple[np.ndarray, np.ndarray]:
        scores, ids = self.faiss_index.search(queries, self.faiss_index.ntotal, params=params)
        scores = scores + self.random.uniform(-2e-7, 2e-7, scores.shape).astype(np.float32)
        scores[ids < 0] = -np.inf
        order = np.argsort(-scores[0], kind="stable")[:count]
        return scores[:, order], ids[:, order]


def test_order_and_numbers_do_not_depend_on_how_faiss_adds(catalog: Catalog) -> None:
    random = np.random.default_rng(1)
    for number in range(12):
        frames = (np.array([1.0, -1.0, -1.0]) + random.choice([0, 2**-10], (60, 3))).tolist()
        catalog.store(encoded_video(f"/v/{number}.mp4", frames, str(number)))
    with VideoIndex(catalog.path.parent) as index:
        exact = index.vectors
        noisy = Vectors(NoisyFaiss(exact._index, random), exact.revision)
        query = embedding_of("red")
        for among in (None, exact.search(query, 10**6)[0][::3].copy()):
            ids, cosines = exact.search(query, 10**6, among)
            for count in (1, 7, 50, 400):
                for vectors in (exact, noisy):
                    found_ids, found_cosines = vectors.search(query, count, among)
                    assert len(found_ids) >= min(count, len(ids))
                    assert found_ids.tolist() == ids[: len(found_ids)].tolist()
                    assert found_cosines.tolist() == cosines[: len(found_ids)].tolist()
                    assert vectors.nearest(query) == exact.search(query, 10**6)[0][0]


def test_cosines_are_those_of_the_embeddings(catalog: Catalog) -> None:
    random = np.random.default_rng(2)
    catalog.store(encoded_video("/v/a.mp4", random.normal(size=(90, 3)).tolist()))
    with VideoIndex(catalog.path.parent) as index:
        vectors, query = index.vectors, combine(np.eye(3, dtype=np.float32), [1.0, 2.0, -0.5])
        ids, cosines = vectors.search(query, len(vectors))
        expected = vectors.embeddings(ids).astype(np.float64) @ query.astype(np.float64)
        np.testing.assert_allclose(cosines, expected, atol=1e-7)
        faiss_cosines, faiss_ids = vectors._index.search(query[None], len(vectors))
        np.testing.assert_allclose(cosines, faiss_cosines[0], atol=1e-5)
        assert sorted(ids) == sorted(faiss_ids[0])


def test_of_equal_windows_a_video_is_shown_by_the_shortest_and_earliest(catalog: Catalog) -> None:
    for number in range(3):
        catalog.store(encoded_video(f"/v/{number}.mp4", [(1.0, -1.0, -1.0)] * 4000, str(number)))
    with VideoIndex(catalog.path.parent) as index:
        for top in (1, 2, 3, 0):
            hits = index.search(embedding_of("red"), RankingOptions(top=top, by="video"))
            assert [(hit.start_seconds, hit.end_seconds) for hit in hits] == [(0.0, 2.0)] * (top or 3)
            assert [hit.path.stem for hit in hits] == ["0", "1", "2"][: top or 3]
