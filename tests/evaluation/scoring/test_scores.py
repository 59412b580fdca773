"""Scores and their intervals, against hand-computed cases and what must hold of any."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.scoring import scores
from vifi_cli.evaluation.scoring.confidence_intervals import (
    Estimate,
    bootstrap_means,
    interval_of,
    wilson_interval,
)
from vifi_cli.evaluation.scoring.multi_label import MultiLabelScores
from vifi_cli.evaluation.scoring.predictions import (
    Predictions,
    macro_f1,
    mean_class_accuracy,
    predicted_classes,
    top_k_hits,
)
from vifi_cli.evaluation.scoring.scores import (
    ClassificationScores,
    harmonic_mean,
    harmonic_over_tests,
    main_score,
    mean_and_spread,
    mean_over_tests,
    named_scores,
    score,
    score_test,
)

HITS = st.lists(st.booleans(), min_size=1, max_size=40)


def scores_of(
    guesses: Sequence[int],
    labels: Sequence[int],
    classes: int = 3,
    groups: Sequence[str] = (),
    name: str = "v",
) -> scores.ClassificationScores:
    """Scores of videos with these predictions."""
    videos = [
        LabeledVideo(Path(f"/{name}{place}.mp4"), label, groups[place] if groups else "")
        for place, label in enumerate(labels)
    ]
    shares = np.full((len(labels), classes), 0.1, np.float32)
    shares[np.arange(len(labels)), guesses] = 0.8
    return score(Predictions(np.arange(len(labels)), shares), videos, classes)


def test_top_k_by_hand() -> None:
    probabilities = np.array([[0.1, 0.2, 0.3, 0.15, 0.05, 0.2], [0.5, 0.1, 0.1, 0.1, 0.1, 0.1]], np.float32)
    assert top_k_hits(probabilities, [2, 5], 1).tolist() == [True, False]
    assert top_k_hits(probabilities, [4, 5], 5).tolist() == [False, False]
    # five others are as probable as the second video's class: of equal ones, the true one comes last
    assert top_k_hits(probabilities, [0, 4], 5).tolist() == [True, False]
    assert top_k_hits(probabilities, [0, 0], 5).tolist() == [True, True]
    assert top_k_hits(probabilities[:, :2], [0, 1], 5).tolist() == [True, True]


@pytest.mark.parametrize("value", [0.5, 0.0, float("nan")])
@pytest.mark.parametrize("k", [1, 5])
def test_a_model_that_tells_nothing_apart_gets_nothing(value: float, k: int) -> None:
    constant = np.full((8, 8), value, np.float32)
    assert not top_k_hits(constant, range(8), k).any()
    assert not top_k_hits(constant, [0] * 8, k).any(), "though it is the class listed first"
    assert (predicted_classes(constant, [0] * 8) == 1).all(), "a wrong one, as the confusion matrix shows it"


@given(st.data())
def test_the_predicted_class_is_the_true_one_exactly_for_hits(data: st.DataObject) -> None:
    classes = data.draw(st.integers(2, 6))
    few_values = st.sampled_from([0.1, 0.2, 0.3])
    shares = np.array(
        data.draw(st.lists(st.lists(few_values, min_size=classes, max_size=classes), min_size=1, max_size=9)),
        np.float32,
    )
    labels = data.draw(st.lists(st.integers(0, classes - 1), min_size=len(shares), max_size=len(shares)))
    predicted = predicted_classes(shares, labels)
    assert ((predicted == labels) == top_k_hits(shares, labels, 1)).all()
    assert (shares[np.arange(len(shares)), predicted] == shares.max(axis=1)).all()


def test_mean_class_accuracy_by_hand() -> None:
    # class 0: 3 of 4, class 2: 0 of 1, class 1 has no video
    assert mean_class_accuracy(np.array([1, 1, 1, 0, 0], np.bool_), [0, 0, 0, 0, 2]) == pytest.approx(0.375)
    assert mean_class_accuracy(np.zeros(0, np.bool_), []) == 0


def test_scores_by_hand() -> None:
    found = scores_of([0, 1, 1, 2, 0], [0, 0, 1, 2, 2], classes=4)
    assert found.top1.value == pytest.approx(0.6)
    assert found.top5 is None  # four classes only
    assert found.mean_class.value == pytest.approx((0.5 + 1 + 0.5) / 3)
    assert list(named_scores(found)) == ["top-1", "mean class", "macro F1", "ECE"]
    assert list(named_scores(scores_of([0, 1], [0, 0], classes=6))) == [
        "top-1", "mean class", "top-5", "macro F1", "ECE",
    ]  # fmt: skip
    # class 0: TP 1, FP 1, FN 1; class 1: TP 1, FP 1; class 2: TP 1, FN 1; class 3 is neither true nor predicted
    assert found.macro_f1.value == pytest.approx((1 / 2 + 2 / 3 + 2 / 3) / 3)
    assert found.calibration is not None
    assert found.calibration.error == pytest.approx(abs(0.6 - 0.8))
    assert found.hits.tolist() == [True, False, True, True, False]
    assert found.class_accuracy == (0.5, 1.0, 0.5, None)
    assert found.confusion.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    assert (found.videos, found.groups, found.unreadable) == (5, 0, 0)


@settings(max_examples=20)  # scikit-learn takes a while
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_macro_f1_and_mean_class_accuracy_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    labels, guesses = (np.array(each) for each in zip(*pairs, strict=True))
    expected = metrics.f1_score(labels, guesses, average="macro", zero_division=0)
    assert macro_f1(labels, guesses) == pytest.approx(expected)
    assert macro_f1(labels, guesses, np.ones(len(labels))) == pytest.approx(expected)
    recall = metrics.recall_score(labels, guesses, labels=np.unique(labels), average="macro", zero_division=0)
    assert mean_class_accuracy(labels == guesses, labels) == pytest.approx(recall)


def test_macro_f1_has_an_interval_over_groups() -> None:
    labels, guesses = [0, 0, 1, 1] * 4, [0, 0, 1, 1] * 2 + [0, 1, 1, 0] * 2
    by_video = scores_of(guesses, labels, classes=2).macro_f1
    by_group = scores_of(guesses, labels, classes=2, groups=["ann"] * 8 + ["ben"] * 8).macro_f1
    assert by_video.value == by_group.value == 0.75
    assert by_video.low is not None
    assert by_group.low is not None
    assert 0 <= by_group.low < 0.1 < 0.4 < by_video.low < 0.75, "two people say little of others"
    # all are right: worth as many videos as mean class accuracy
    perfect = scores_of([0] * 9 + [1], [0] * 9 + [1], classes=2)
    assert perfect.macro_f1 == perfect.mean_class
    nothing = score(Predictions(np.zeros(0, np.int64), np.zeros((0, 3), np.float32)), [], 3)
    assert (nothing.macro_f1, nothing.calibration, named_scores(nothing)["ECE"]) == (
        Estimate(0.0),
        None,
        None,
    )


def test_of_equal_classes_mean_class_accuracy_is_top_1_with_its_interval() -> None:
    found = scores_of([0, 1, 1, 1, 2, 0], [0, 0, 1, 1, 2, 2])
    assert found.mean_class == found.top1


def test_a_class_of_few_videos_makes_mean_class_accuracy_uncertain() -> None:
    # 99 of 100 videos of class 0 are right, 1 of 2 of class 1
    found = scores_of([0] * 99 + [1] + [0, 1], [0] * 100 + [1] * 2)
    assert found.top1.value == pytest.approx(100 / 102)
    assert found.mean_class.value == pytest.approx((0.99 + 0.5) / 2)
    variance = (0.99 * 0.01 / 100 + 0.5 * 0.5 / 2) / 4
    value = found.mean_class.value
    assert (found.mean_class.low, found.mean_class.high) == pytest.approx(
        wilson_interval(value, value * (1 - value) / variance)
    )
    perfect = scores_of([0] * 100 + [1] * 2, [0] * 100 + [1] * 2).mean_class
    # all are right, which is worth 4 / (1/100 + 1/2) videos
    assert (perfect.low, perfect.high) == pytest.approx(wilson_interval(1, 4 / 0.51))


def test_mean_class_accuracy_covers_the_truth_of_other_people() -> None:
    """In simulated tests of eight people with unequal classes, 95 % intervals hold the truth nearly always."""
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        labels, hits, groups = [], [], []
        for person in range(8):
            skill = generator.beta(3, 1.5)
            for label, count in ((0, 12), (1, 3)):
                labels += [label] * count
                hits += (generator.random(count) < skill).tolist()
                groups += [f"p{person}"] * count
        guesses = [label if hit else 1 - label for label, hit in zip(labels, hits, strict=True)]
        figure = scores_of(guesses, labels, groups=groups).mean_class
        assert figure.low is not None
        assert figure.high is not None
        held += figure.low <= 3 / 4.5 <= figure.high
    assert held >= 90


def test_videos_of_several_classes_are_scored_by_map() -> None:
    videos = [LabeledVideo(Path("/a"), 0, more_labels=(1,)), LabeledVideo(Path("/b"), 1)]
    shares = np.array([[0.9, 0.1, 0.0], [0.5, 0.4, 0.1]], np.float32)
    found = score_test(Predictions(np.arange(2), shares, ((2, "broken"),)), [*videos, videos[0]], 3)
    assert isinstance(found, MultiLabelScores)
    assert main_score(found).value == 1.0
    assert (found.class_precision, found.class_videos) == ((1.0, 1.0, None), (1, 2, 0))
    assert (found.videos, found.unreadable) == (2, 1)
    assert isinstance(score_test(Predictions(np.arange(1), shares[1:]), videos[1:], 3), ClassificationScores)
    both = mean_over_tests([found, found])
    assert (both.value, both.low, both.spread) == (1.0, None, 0.0)
    assert harmonic_over_tests([found], [found]).value == 1.0


def test_unreadable_videos_count_nowhere() -> None:
    videos = [LabeledVideo(Path(f"/{place}.mp4"), place) for place in range(3)]
    shares = np.array([[0.9, 0.05, 0.05], [0.9, 0.05, 0.05]], np.float32)
    found = score(Predictions(np.array([0, 2]), shares, ((1, "broken"),)), videos, 3)
    assert (found.top1.value, found.videos, found.unreadable) == (0.5, 2, 1)
    nothing = score(Predictions(np.zeros(0, np.int64), np.zeros((0, 3), np.float32), ((0, "x"),)), videos, 3)
    assert (nothing.top1, nothing.videos) == (Estimate(0.0), 0)
    assert nothing.class_accuracy == (None, None, None)


def test_intervals_are_over_groups_where_two_are_known() -> None:
    labels = [0] * 8
    guesses = [0, 0, 0, 0, 1, 1, 1, 1]
    by_video = scores_of(guesses, labels)
    by_group = scores_of(guesses, labels, groups=["ann"] * 4 + ["ben"] * 4)
    assert (by_video.groups, by_group.groups) == (0, 2)
    # two groups, all right and all wrong, say nothing about a third one
    assert by_group.top1.low == pytest.approx(0.0, abs=2e-3)
    assert by_group.top1.high == pytest.approx(1.0, abs=2e-3)
    assert by_video.top1 == Estimate(0.5, *wilson_interval(0.5, 8))
    assert scores_of(guesses, labels, groups=["ann"] * 8).groups == 0
    assert scores_of(guesses, labels, groups=["ann", "ben", *[""] * 6]).groups == 8


def test_draws_of_groups_by_hand() -> None:
    hits, groups = np.array([True, False, True]), ["a", "a", "b"]
    means = bootstrap_means(hits, groups, draws=500, seed=1)
    drawn = np.random.default_rng(1)
    for mean in means:
        first, second = drawn.integers(2, size=2).tolist()
        right, size = (1, 1), (2, 1)
        assert mean == (right[first] + right[second]) / (size[first] + size[second])
    assert set(np.round(means, 6)) == {0.5, round(2 / 3, 6), 1.0}


def test_the_bootstrap_has_the_standard_error_that_it_should() -> None:
    hits = np.arange(400) % 4 > 0
    means = bootstrap_means(hits, draws=4000)
    assert means.std() == pytest.approx((0.75 * 0.25 / 400) ** 0.5, rel=0.05)
    low, high = interval_of(means)
    assert (low, high) == pytest.approx((0.75 - 1.96 * 0.02165, 0.75 + 1.96 * 0.02165), abs=0.005)


@given(hits=HITS, seed=st.integers(0, 5))
def test_intervals_lie_in_the_range_of_the_values(hits: list[bool], seed: int) -> None:
    means = bootstrap_means(np.array(hits), draws=200, seed=seed)
    low, high = interval_of(means)
    assert 0 <= low <= high <= 1
    assert np.array_equal(means, bootstrap_means(np.array(hits), draws=200, seed=seed))
    if len(set(hits)) == 1:
        assert low == high == hits[0]


@given(hits=HITS)
def test_groups_of_one_video_are_as_videos(hits: list[bool]) -> None:
    names = [f"{place:03}" for place in range(len(hits))]
    assert np.array_equal(bootstrap_means(np.array(hits), names, 50), bootstrap_means(np.array(hits), (), 50))


def test_percentiles_are_interpolated() -> None:
    assert interval_of(np.arange(101.0)) == (2.5, 97.5)


@given(base=st.floats(0, 1), novel=st.floats(0, 1))
def test_the_harmonic_mean_lies_between_and_is_zero_at_zero(base: float, novel: float) -> None:
    mean = harmonic_mean(base, novel)
    assert min(base, novel) - 1e-9 <= mean <= max(base, novel) + 1e-9
    assert mean == pytest.approx(harmonic_mean(novel, base))


def test_harmonic_means_of_the_paper() -> None:
    assert harmonic_mean(0.738, 0.533) == pytest.approx(0.619, abs=5e-4)  # HMDB-51
    assert harmonic_mean(0.929, 0.677) == pytest.approx(0.783, abs=5e-4)  # UCF-101
    assert (harmonic_mean(0, 0), harmonic_mean(0, 1)) == (0, 0)


def test_mean_and_sample_deviation() -> None:
    assert mean_and_spread([0.5, 0.6, 0.7]) == pytest.approx((0.6, 0.1))
    assert mean_and_spread([0.5]) == (0.5, 0.0)


def test_the_mean_over_seeds_does_not_take_a_video_for_three() -> None:
    once = scores_of([0] * 10 + [1] * 10, [0] * 20)
    thrice = mean_over_tests([once, once, once])
    others = mean_over_tests([scores_of([0] * 10 + [1] * 10, [0] * 20, name=name) for name in "abc"])
    assert mean_over_tests([once]) == once.top1
    assert (thrice.value, thrice.spread) == (0.5, 0.0)
    for figure in (thrice, others, once.top1):
        assert figure.low is not None
        assert figure.high is not None
    width = once.top1.high - once.top1.low
    assert thrice.high - thrice.low == pytest.approx(width, rel=0.15)
    assert others.high - others.low < 0.75 * width


def test_the_harmonic_over_tests_averages_first() -> None:
    base = [scores_of([0, 0, 0, 1], [0, 0, 0, 0], name="b"), scores_of([0, 1, 1, 1], [0, 0, 0, 0], name="b")]
    novel = [scores_of([0, 1], [0, 0], name="n"), scores_of([0, 0], [0, 0], name="n")]
    figure = harmonic_over_tests(base, novel)
    assert figure.value == pytest.approx(harmonic_mean(0.5, 0.75))
    assert figure.spread == pytest.approx(np.std([harmonic_mean(0.75, 0.5), harmonic_mean(0.25, 1)], ddof=1))
    assert figure.low is not None
    assert figure.high is not None
    assert 0 <= figure.low < figure.value < figure.high <= 1


def test_one_persons_base_and_novel_videos_are_drawn_together() -> None:
    """Ann fails in both, Ben in neither: with both of them drawn at once the mean is 0, a half or 1."""
    groups = ["ann", "ann", "ben", "ben"]
    base = [scores_of([1, 1, 0, 0], [0] * 4, groups=groups, name="b")]
    novel = [scores_of([1, 1, 0, 0], [0] * 4, groups=groups, name="n")]
    figure = harmonic_over_tests(base, novel)
    assert figure.value == 0.5
    assert (figure.low, figure.high) == pytest.approx((0.0, 1.0), abs=2e-3)
    assert figure.spread is None
    wrong = scores_of([1, 1], [0, 0])
    assert harmonic_over_tests([wrong], [wrong]).low == 0.0
    # two videos, the same in both tests: one degree of freedom
    assert harmonic_over_tests([wrong], [wrong]).high == pytest.approx(
        wilson_interval(0, 2, 12.7062)[1], abs=1e-4
    )
