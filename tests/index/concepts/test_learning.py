"""From a text and marks to a query: what is learned, what must not matter, and what is too little."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.background import Background, background_of
from vifi_cli.index.concepts.learning import BLEND, TEXT, MarkedWindows, learn_query


def unit(rows: np.ndarray) -> Float32Array:
    found: Float32Array = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
    return found


def index_of(dimension: int, seed: int = 0) -> tuple[Background, Float32Array]:
    """An index in which windows differ most along the first axis, which says nothing about the concept."""
    random = np.random.default_rng(seed)
    windows = random.normal(size=(60, dimension)) * np.append(3.0, np.full(dimension - 1, 0.5))
    windows = unit(windows + 2.0)
    return background_of(windows), windows


def marked(windows: Float32Array, is_right: np.ndarray, groups: np.ndarray | None = None) -> MarkedWindows:
    return MarkedWindows(
        windows, np.asarray(is_right, bool), np.arange(len(windows)) if groups is None else groups
    )


def test_the_background_is_the_mean_and_the_covariance() -> None:
    background = background_of(np.array([[3.0, 1.0], [1.0, 1.0]], np.float32))
    assert background.mean.tolist() == [2, 1]
    assert (background.axes * background.variances) @ background.axes.T == pytest.approx(
        np.array([[1.0, 0.0], [0.0, 0.0]])
    )
    assert np.abs(background.coordinates(np.array([[2.5, 1.0]], np.float32))).max() == pytest.approx(0.5)


def test_marks_outrank_a_text_that_is_wrong() -> None:
    background, windows = index_of(8)
    shows = windows[:, 1] > np.quantile(windows[:, 1], 0.8)
    text = unit(np.eye(8)[2])
    places = np.concatenate([np.flatnonzero(shows)[:4], np.flatnonzero(~shows)[:8]])
    lesson = learn_query(text, marked(windows[places], shows[places]), background)
    assert lesson
    assert lesson.form == BLEND
    assert np.linalg.norm(lesson.query) == pytest.approx(1, abs=1e-6)
    rest = np.setdiff1d(np.arange(60), places)
    for query, least, most in ((text, 0.0, 0.85), (lesson.query, 0.9, 1.0)):
        scores = windows[rest] @ query
        ranked = (scores[shows[rest]][:, None] > scores[~shows[rest]]).mean()
        assert least <= ranked <= most


def test_a_text_that_ranks_marks_clearly_better_is_kept() -> None:
    random = np.random.default_rng(1)
    background = background_of(unit(random.normal(size=(200, 30))))
    text = np.eye(30, dtype=np.float32)[0]
    is_right = np.arange(12) < 6
    marks = random.normal(size=(12, 30))  # what the marks of a kind have in common is chance
    marks[:, 0] = np.where(is_right, 0.01, -0.01)
    lesson = learn_query(text, marked(unit(marks), is_right), background)
    assert lesson
    assert lesson.form == TEXT
    assert lesson.query == pytest.approx(text, abs=1e-6)
    assert lesson.validation
    assert (lesson.validation.text_precision, lesson.validation.gain) == (1, 0)


@pytest.mark.parametrize("is_right", [[], [True], [True, True], [False, False, False]])
def test_marks_of_one_kind_alone_teach_nothing(is_right: list[bool]) -> None:
    background, windows = index_of(4)
    assert (
        learn_query(windows[0], marked(windows[: len(is_right)], np.array(is_right, bool)), background)
        is None
    )


def test_one_mark_of_each_kind_is_learned_but_not_tested() -> None:
    background, windows = index_of(4)
    lesson = learn_query(windows[5], marked(windows[:2], np.array([True, False])), background)
    assert lesson
    assert lesson.validation is None
    assert windows[0] @ lesson.query > windows[1] @ lesson.query


def test_marks_of_one_video_are_not_tested_on_each_other() -> None:
    background, windows = index_of(4)
    lesson = learn_query(windows[9], marked(windows[:8], np.arange(8) < 3, np.zeros(8, np.int64)), background)
    assert lesson
    assert lesson.validation is None


@settings(max_examples=25, deadline=None)
@given(
    dimension=st.sampled_from([2, 3, 17]),
    right=st.integers(1, 5),
    wrong=st.integers(1, 6),
    videos=st.integers(1, 11),
    seed=st.integers(0, 1000),
    zeros=st.booleans(),
)
def test_any_marks_give_a_query_of_length_1_in_any_order(
    dimension: int, right: int, wrong: int, videos: int, seed: int, zeros: bool
) -> None:
    random = np.random.default_rng(seed)
    background, _ = index_of(dimension, seed)
    embeddings = unit(random.normal(size=(right + wrong, dimension)))
    embeddings[0] *= not zeros  # frames of nothing
    is_right = np.arange(right + wrong) < right
    groups = random.integers(videos, size=right + wrong)
    text = unit(random.normal(size=dimension))
    lesson = learn_query(text, marked(embeddings, is_right, groups), background)
    assert lesson
    assert np.linalg.norm(lesson.query) == pytest.approx(1, abs=1e-5)
    order = random.permutation(right + wrong)
    other = learn_query(text, marked(embeddings[order], is_right[order], groups[order]), background)
    assert other
    assert other.query == pytest.approx(lesson.query, abs=1e-4)
    assert (other.validation is None) == (lesson.validation is None)
    if lesson.validation and other.validation:
        for name in ("right", "wrong", "text_precision", "learned_precision"):
            assert getattr(other.validation, name) == pytest.approx(getattr(lesson.validation, name))
        assert -1 <= lesson.validation.gain_low <= lesson.validation.gain <= lesson.validation.gain_high <= 1


def test_an_index_whose_windows_are_all_alike_can_be_taught() -> None:
    windows = np.eye(3, dtype=np.float32)
    background = background_of(np.repeat(windows[:1], 5, axis=0))
    lesson = learn_query(windows[0], marked(windows, np.array([False, True, False])), background)
    assert lesson
    assert windows[1] @ lesson.query > windows[2] @ lesson.query


def test_a_text_that_says_nothing_leaves_the_marks_to_decide() -> None:
    background, windows = index_of(768)
    lesson = learn_query(np.zeros(768, np.float32), marked(windows[:4], np.arange(4) < 2), background)
    assert lesson
    assert min(windows[:2] @ lesson.query) > max(windows[2:4] @ lesson.query)


def test_more_marks_than_folds_are_left_out_in_groups() -> None:
    background, windows = index_of(8)
    shows = windows[:, 1] > np.quantile(windows[:, 1], 0.8)
    lesson = learn_query(windows[0], marked(windows, shows), background)
    assert lesson
    assert lesson.validation
    assert (lesson.validation.right, lesson.validation.wrong) == (12, 48)
    assert lesson.validation.gain_low > 0
