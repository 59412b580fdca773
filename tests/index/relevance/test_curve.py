import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vifi_cli.index.relevance.calibration import lines_of
from vifi_cli.index.relevance.curve import (
    INTERCEPT,
    NEAREST_DESCRIPTIONS,
    SLOPE,
    Calibration,
    calibrate,
    description_level,
    relevance,
    same_meaning,
)

Float64Array = npt.NDArray[np.float64]
cosines = st.floats(-1, 1, width=32)
some_cosines = arrays(np.float64, st.integers(2, 30), elements=cosines)


@given(some_cosines, st.floats(-1, 1), st.floats(0, 1))
def test_relevance_is_a_probability_that_rises_with_the_margin(
    margins: Float64Array, center: float, spread: float
) -> None:
    calibration = Calibration(center, spread)
    alone = np.array([relevance([margin], calibration)[0] for margin in np.sort(margins)])
    assert ((alone >= 0) & (alone <= 1)).all()
    assert (np.diff(alone) >= 0).all()


@given(some_cosines, st.integers(0, 29))
def test_relevance_does_not_depend_on_other_hits(margins: Float64Array, chosen: int) -> None:
    calibration = Calibration(0.1, 0.2)
    together = relevance(margins, calibration)
    by_themselves = [relevance([margin], calibration)[0] for margin in margins]
    np.testing.assert_array_equal(together, by_themselves)
    np.testing.assert_array_equal(relevance(margins[::-1], calibration), together[::-1])
    np.testing.assert_array_equal(relevance(margins[chosen:], calibration), together[chosen:])
    assert (np.diff(together[np.argsort(-margins)]) <= 0).all()


@given(some_cosines, some_cosines, st.floats(0.1, 10), st.floats(-2, 2))
def test_the_range_of_a_models_cosines_does_not_matter(
    rarities: Float64Array, margins: Float64Array, scale: float, shift: float
) -> None:
    rarities[:2] = 0.5, -0.5  # or all are alike, and what is above them is infinitely so
    before = relevance(margins, calibrate(rarities))
    after = relevance(margins * scale + shift, calibrate(rarities * scale + shift))
    np.testing.assert_allclose(after, before, atol=1e-9)


def test_what_reaches_no_more_than_rarities_do_is_unlikely() -> None:
    calibration = calibrate([0.1, 0.2, 0.3, 0.2])
    at_the_median = relevance([0.2], calibration)[0]
    assert at_the_median == pytest.approx(1 / (1 + np.exp(-INTERCEPT)))
    assert at_the_median < 0.2
    deviations_above = relevance([0.2 + 2 * calibration.spread], calibration)[0]
    assert deviations_above == pytest.approx(1 / (1 + np.exp(-(INTERCEPT + 2 * SLOPE))))


@given(arrays(np.float32, (4, 3), elements=cosines), arrays(np.float32, (7, 3), elements=cosines), cosines)
def test_a_picture_that_is_nearer_to_every_text_is_no_more_relevant(
    windows: npt.NDArray[np.float32], descriptions: npt.NDArray[np.float32], nearer: float
) -> None:
    # every text has 1 in a further dimension, and the windows differ there
    texts = np.column_stack([descriptions, np.ones(len(descriptions), np.float32)])
    before = np.column_stack([windows, np.zeros(len(windows), np.float32)])
    after = np.column_stack([windows, np.full(len(windows), nearer, np.float32)])
    query = texts[0]
    margins = [each @ query - description_level(each, texts) for each in (before, after)]
    np.testing.assert_allclose(margins[0], margins[1], atol=1e-5)


def test_the_level_is_the_mean_of_the_nearest_descriptions() -> None:
    descriptions = np.array([[0.1]] * 8 + [[0.9], [0.5], [-0.3]], np.float32)
    level = description_level(np.array([[1.0], [-1.0]], np.float32), descriptions)
    assert len(descriptions) - 1 == NEAREST_DESCRIPTIONS
    np.testing.assert_allclose(level, [(0.8 + 0.9 + 0.5) / 10, (-0.8 - 0.5 + 0.3) / 10], atol=1e-6)
    np.testing.assert_allclose(description_level(descriptions, descriptions[:1])[0], 0.01, atol=1e-6)


def unit(rows: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_a_description_that_means_the_query_does_not_count_against_it() -> None:
    descriptions = unit(np.random.default_rng(0).normal(size=(40, 16)))
    query = descriptions[3:4]
    window = unit(query + 0.2)
    same = same_meaning(query, descriptions)
    assert same[0].nonzero()[0].tolist() == [3]
    others = np.delete(descriptions, 3, axis=0)
    expected = np.sort(window @ others.T)[0, -NEAREST_DESCRIPTIONS:].mean()
    np.testing.assert_allclose(description_level(window, descriptions, same), [expected], atol=1e-6)
    assert description_level(window, descriptions)[0] > expected + 0.02


@given(st.floats(0, 0.9))
def test_what_is_close_depends_on_how_close_descriptions_are_to_each_other(shared: float) -> None:
    """CLIP's texts all have a high cosine, those of other encoders have not."""
    texts = unit(np.random.default_rng(1).normal(size=(60, 8)))
    pulled = np.column_stack([texts * np.sqrt(1 - shared), np.full(len(texts), np.sqrt(shared))]).astype(
        np.float32
    )
    before, after = (same_meaning(each[:20], each[20:]) for each in (texts, pulled))
    np.testing.assert_array_equal(before, after)
    assert 0 < before.sum() < before.size / 10


def test_enough_descriptions_remain_for_a_level() -> None:
    count = NEAREST_DESCRIPTIONS + 3
    alike = unit(np.column_stack([np.eye(count), np.ones(count)]))
    assert same_meaning(unit(alike.mean(axis=0, keepdims=True)), alike).sum() == 3
    assert not same_meaning(alike[:1], alike[:NEAREST_DESCRIPTIONS]).any()
    assert not same_meaning(alike[:1], alike[:1]).any()


def test_neutral_texts_say_different_things() -> None:
    texts = [*lines_of("descriptions"), *lines_of("rarities")]
    assert len(texts) == len(set(texts)) > 300
    assert all(text == text.strip() != "" for text in texts)
