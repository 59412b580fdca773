import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.video_filter import VideoFilter
from vifi_cli.index.relevance.calibration import (
    NAME,
    NeutralTexts,
    Rater,
    calibration_of,
    lines_of,
    margins,
    measure_calibration,
    read_neutral_texts,
    text_rater,
)
from vifi_cli.index.relevance.curve import SHORTFALL_WEIGHT
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.video_index import VideoIndex
from vifi_cli.index.vectors import Vectors, empty_index

RED, GREEN, BLUE, GREY = (1.0, -1.0, -1.0), (-1.0, 1.0, -1.0), (-1.0, -1.0, 1.0), (0.4, 0.5, 0.6)


def ask(text: str) -> np.ndarray:
    return ColorEncoder().encode_texts([text])[0]


def neutral_colors(fingerprint: str = "colors") -> NeutralTexts:
    """Colours as neutral texts: mixed ones describe, and those near blue, which no video here has, are rarities."""
    encoder = ColorEncoder()
    descriptions = ["red green", "green blue", "red blue", "red green blue", "white", "black"]
    rarities = ["blue", "blue blue red", "blue blue green", "blue blue black", "blue blue blue white"]
    return NeutralTexts(fingerprint, encoder.encode_texts(descriptions), encoder.encode_texts(rarities))


@pytest.fixture
def index(catalog: Catalog) -> VideoIndex:
    catalog.store(encoded_video("/v/red.mp4", [RED] * 20, "1"))
    catalog.store(encoded_video("/v/green.mp4", [GREEN] * 30, "2"))
    catalog.store(encoded_video("/v/grey.mp4", [GREY] * 9, "3"))
    return VideoIndex(catalog.path.parent)


@pytest.fixture
def rate(catalog: Catalog) -> Rater:
    return text_rater(catalog.path.parent, neutral_colors())


def test_what_is_there_is_relevant_and_what_is_not_is_not(index: VideoIndex, rate: Rater) -> None:
    best = index.search(ask("green"), rate=rate)[0]
    assert best.path.name == "green.mp4"
    absent = index.search(ask("blue"), rate=rate)[0]
    assert best.relevance is not None
    assert absent.relevance is not None
    assert best.relevance > 0.7
    assert absent.relevance < 0.5


def test_relevance_leaves_the_order_as_it_is(index: VideoIndex, rate: Rater) -> None:
    for color in ("red", "green", "blue", "white"):
        hits = index.search(ask(color), RankingOptions(top=0), rate=rate)
        relevances = [hit.relevance or 0.0 for hit in hits]
        assert relevances == sorted(relevances, reverse=True)
        unrated = index.search(ask(color), RankingOptions(top=0))
        assert [(hit.path, hit.cosine) for hit in hits] == [(hit.path, hit.cosine) for hit in unrated]
        assert index.search(ask(color), RankingOptions(top=1), rate=rate) == hits[:1]


def test_hits_that_are_not_rated_have_no_relevance(index: VideoIndex) -> None:
    assert [hit.relevance for hit in index.search(ask("red"))] == [None] * 3


def test_a_search_below_a_folder_is_judged_by_the_whole_index(index: VideoIndex, rate: Rater) -> None:
    best = index.search(ask("green"), rate=rate)[0]
    assert index.search(
        ask("green"), RankingOptions(among=VideoFilter(path_pattern="/v/green.mp4")), rate=rate
    ) == [best]
    assert (
        index.search(ask("green"), RankingOptions(among=VideoFilter(path_pattern="nowhere")), rate=rate) == []
    )


def test_a_calibration_is_measured_once_a_revision(index: VideoIndex, catalog: Catalog) -> None:
    folder, neutral = catalog.path.parent, neutral_colors()
    first = calibration_of(folder, index.vectors, neutral)
    kept = next(folder.glob(f"{NAME}*.json"))
    kept.write_text('{"center": 7.0, "spread": 2.0}')
    assert calibration_of(folder, index.vectors, neutral).center == 7.0

    other = calibration_of(folder, index.vectors, neutral_colors("another text side"))
    assert other == first
    assert len(list(folder.glob(f"{NAME}*.json"))) == 2

    catalog.store(encoded_video("/v/blue.mp4", [BLUE] * 9, "4"))
    assert calibration_of(folder, index.vectors, neutral).center != 7.0
    assert [path.name for path in folder.glob(f"{NAME}*.json")] != [kept.name]
    assert len(list(folder.glob(f"{NAME}*.json"))) == 1


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"center": 1.0}', '"text"'])
def test_a_damaged_calibration_is_measured_again(index: VideoIndex, catalog: Catalog, content: str) -> None:
    folder, neutral = catalog.path.parent, neutral_colors()
    sound = calibration_of(folder, index.vectors, neutral)
    next(folder.glob(f"{NAME}*.json")).write_text(content)
    assert calibration_of(folder, index.vectors, neutral) == sound


def test_a_query_that_is_a_neutral_description_is_compared_with_the_others(index: VideoIndex) -> None:
    random = np.random.default_rng(0)
    others = random.normal(size=(30, 3))
    others = (others / np.linalg.norm(others, axis=1, keepdims=True)).astype(np.float32)
    green = ask("green")
    rarities = neutral_colors().rarities
    alone = NeutralTexts("a", others, rarities)
    among = NeutralTexts("b", np.concatenate([others, green[None]]), rarities)
    cosines = np.array([1.0], np.float32)
    assert margins(index.vectors, green, cosines, among) >= margins(index.vectors, green, cosines, alone)


def test_what_is_far_below_the_best_match_is_less_relevant_than_its_cosine_alone_says(
    index: VideoIndex,
) -> None:
    best = float(index.search(ask("green"), RankingOptions(top=1))[0].cosine)
    cosines = np.array([best, best - 0.1, best - 0.2], np.float32)
    at_best, below, far_below = margins(index.vectors, ask("green"), cosines, neutral_colors())
    assert at_best - below == pytest.approx(0.1 * (1 + SHORTFALL_WEIGHT), abs=1e-6)
    assert below - far_below == pytest.approx(0.1 * (1 + SHORTFALL_WEIGHT), abs=1e-6)
    assert at_best == pytest.approx(margins(index.vectors, ask("green"), cosines[:1], neutral_colors())[0])


def test_an_index_that_cannot_be_written_is_rated_all_the_same(index: VideoIndex, tmp_path: Path) -> None:
    neutral = neutral_colors()
    unwritable = calibration_of(tmp_path / "no such folder", index.vectors, neutral)
    assert unwritable == measure_calibration(index.vectors, neutral)


def test_a_picture_of_nothing_is_rated_too(catalog: Catalog, rate: Rater) -> None:
    catalog.store(encoded_video("/v/nothing.mp4", [(0.0, 0.0, 0.0)] * 3))
    with VideoIndex(catalog.path.parent) as index:
        hits = index.search(ask("red"), rate=rate)
    assert [0 < (hit.relevance or 0) < 0.3 for hit in hits] == [True]


def test_embeddings_are_found_by_their_ids(index: VideoIndex, catalog: Catalog) -> None:
    catalog.forget([Path("/v/red.mp4")])
    vectors = index.vectors
    ids, cosines = vectors.search(ask("green"), len(vectors))
    shuffled = np.random.default_rng(0).permutation(len(ids))
    np.testing.assert_allclose(vectors.embeddings(ids[shuffled]) @ ask("green"), cosines[shuffled], atol=1e-3)


def test_a_sample_is_spread_over_the_whole_index(index: VideoIndex) -> None:
    vectors: Vectors = index.vectors
    everything = vectors.spread_sample(10**6)
    assert len(everything) == len(vectors)
    some = vectors.spread_sample(5)
    assert len(some) == 5
    np.testing.assert_array_equal(some[[0, -1]], everything[[0, -1]])


def test_every_window_counts_however_many_there_are() -> None:
    count, most_before = 300_000, 262_144
    sampled = np.unique(np.linspace(0, count - 1, most_before).astype(np.int64))
    missed = np.setdiff1d(np.arange(count), sampled)[1000]
    embeddings = np.tile(np.array([[0.0, 1.0, 0.0]], np.float32), (count, 1))
    embeddings[missed] = ask("blue")
    faiss_index = empty_index(3)
    faiss_index.add_with_ids(embeddings, np.arange(count))
    neutral = neutral_colors()
    found = measure_calibration(Vectors(faiss_index, "made"), neutral)
    alone = empty_index(3)
    alone.add_with_ids(embeddings[[0, missed]], np.arange(2))
    assert found == measure_calibration(Vectors(alone, "made"), neutral)
    without = empty_index(3)
    without.add_with_ids(embeddings[:1], np.arange(1))
    assert found.center > measure_calibration(Vectors(without, "made"), neutral).center + 0.1


def test_a_calibration_that_an_older_vifi_kept_is_not_used(
    index: VideoIndex, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, neutral = catalog.path.parent, neutral_colors()
    with monkeypatch.context() as older:
        older.setattr("vifi_cli.index.relevance.calibration._RECIPE", 1)
        calibration_of(folder, index.vectors, neutral)
    next(folder.glob(f"{NAME}*.json")).write_text('{"center": 7.0, "spread": 2.0}')
    assert calibration_of(folder, index.vectors, neutral) == measure_calibration(index.vectors, neutral)


def test_all_windows_are_read_in_parts(index: VideoIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = measure_calibration(index.vectors, neutral_colors())
    monkeypatch.setattr("vifi_cli.index.vectors.READ_AT_ONCE", 7)
    sizes = [len(part) for part in index.vectors.in_parts()]
    assert len(sizes) > 1
    assert set(sizes[:-1]) == {7}
    assert sum(sizes) == len(index.vectors)
    assert measure_calibration(index.vectors, neutral_colors()) == whole


def test_neutral_texts_are_embedded_once(tmp_path: Path) -> None:
    def no_encoder() -> ColorEncoder:
        raise AssertionError("they were embedded before")

    first = read_neutral_texts(tmp_path, "print", ColorEncoder)
    again = read_neutral_texts(tmp_path, "print", no_encoder)
    assert first.descriptions.shape == (len(lines_of("descriptions")), 3)
    np.testing.assert_array_equal(first.rarities, again.rarities)
    red = lines_of("descriptions").index("something red")
    np.testing.assert_array_equal(first.descriptions[red], ask("red"))
    shutil.rmtree(tmp_path)
