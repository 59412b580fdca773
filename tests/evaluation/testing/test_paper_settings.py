"""What is tested in each setting, and how scores become a row: against hand-computed cases."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.data.paper_setting import Setting
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.scoring.predictions import Predictions
from vifi_cli.evaluation.scoring.scores import ClassificationScores, named_scores, score, score_test
from vifi_cli.evaluation.testing.paper_settings import (
    columns_of,
    paper_frames,
    paper_views,
    plan_trials,
    read_seeds,
    read_setting,
    row_of,
)

UCF101, OWN = DataSource("ucf101"), DataSource("clips")
"""A public set with three official splits, and the user's own data without."""


def scores_of(right: Sequence[bool], name: str = "v") -> ClassificationScores:
    """Scores of videos of the first of six classes, some predicted correctly; the second class comes second."""
    shares = np.tile(np.array([0.3, 0.25, 0.2, 0.15, 0.1, 0.0], np.float32), (len(right), 1))
    for place, is_right in enumerate(right):
        if not is_right:
            shares[place] = shares[place][::-1]
    videos = [LabeledVideo(Path(f"/{name}{number}.mp4"), 0) for number in range(len(right))]
    return score(Predictions(np.arange(len(right)), shares), videos, 6)


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("zero-shot", Setting("zero-shot")),
        ("few-shot", Setting("few-shot")),
        ("few-shot-4", Setting("few-shot", 4)),
        ("base2novel", Setting("base2novel")),
    ],
)
def test_settings_are_read(text: str, setting: Setting) -> None:
    assert read_setting(text) == setting


@pytest.mark.parametrize("text", ["", "fewshot", "few-shot-0", "few-shot-x", "zero_shot"])
def test_other_settings_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="--setting"):
        read_setting(text)


def test_zero_shot_tests_every_official_split() -> None:
    (trial,) = plan_trials(read_setting("zero-shot"), UCF101, trains=False)
    assert [(str(tested.setting), tested.split) for tested in trial.lists] == [
        ("zero-shot", n) for n in (1, 2, 3)
    ]
    assert columns_of(read_setting("zero-shot"), [trial]) == ("split 1", "split 2", "split 3", "mean")
    (second,) = plan_trials(read_setting("zero-shot"), DataSource("ucf101", 2), trains=False)
    assert columns_of(read_setting("zero-shot"), [second]) == ("split 2",)
    (own,) = plan_trials(read_setting("zero-shot"), OWN, trains=False)
    assert columns_of(read_setting("zero-shot"), [own]) == ("top-1",)


def test_base_to_novel_trains_thrice() -> None:
    setting = read_setting("base2novel")
    named = plan_trials(setting, UCF101, trains=True)
    assert [(trial.name, trial.seed, trial.split) for trial in named] == [
        ("seed1", 1, 1), ("seed2", 2, 2), ("seed3", 3, 3),
    ]  # fmt: skip
    own = plan_trials(setting, OWN, trains=True)
    assert [(trial.seed, trial.split) for trial in own] == [(1, 1), (2, 1), (3, 1)]
    (once,) = plan_trials(setting, UCF101, trains=False)
    assert [str(tested.setting) for tested in once.lists] == ["base2novel", "novel"]
    assert once.seed is None
    (second,) = plan_trials(setting, DataSource("ucf101", 2), trains=True)
    assert second.split == 2


def test_few_shot_trains_on_each_number_of_shots() -> None:
    trials = plan_trials(read_setting("few-shot"), UCF101, trains=True)
    assert [(trial.shots, trial.split) for trial in trials] == [(2, 1), (4, 1), (8, 1), (16, 1)]
    assert columns_of(read_setting("few-shot"), trials) == ("2 shots", "4 shots", "8 shots", "16 shots")
    (only,) = plan_trials(read_setting("few-shot-5"), DataSource("ucf101", 3), trains=True)
    assert (only.shots, only.split) == (5, 3)
    (tested,) = plan_trials(read_setting("few-shot"), UCF101, trains=False)
    assert columns_of(read_setting("few-shot"), [tested]) == ("top-1",)


def test_only_the_supervised_setting_has_several_views() -> None:
    assert str(paper_views(read_setting("supervised"))) == "4x3"
    assert [str(paper_views(read_setting(name))) for name in ("zero-shot", "few-shot-2")] == ["1x1", "1x1"]
    assert [paper_frames(read_setting(name)) for name in ("supervised", "base2novel")] == [16, 32]


def test_splits_are_averaged_alike_whatever_their_size() -> None:
    lists = [scores_of([True, False]), scores_of([True] * 3 + [False], "w"), scores_of([True], "x")]
    *alone, mean = row_of(read_setting("zero-shot"), [lists])
    assert [figure.value for figure in alone if figure] == [0.5, 0.75, 1.0]
    assert mean is not None
    assert mean.value == pytest.approx(0.75)
    assert mean.spread == pytest.approx(0.25)  # deviations -1/4, 0, 1/4; divisor 2
    assert mean.low is not None
    assert mean.high is not None
    assert mean.low <= 0.75 <= mean.high


def test_the_harmonic_mean_is_of_the_averages_over_seeds() -> None:
    base = [scores_of([True, True]), scores_of([True, False])]
    novel = [scores_of([True, False, False, False], "n"), scores_of([True] * 3 + [False], "n")]
    row = row_of(read_setting("base2novel"), list(zip(base, novel, strict=True)))
    # 2 * 0.75 * 0.5 / 1.25; of the single seeds it would be 0.4 and 0.6, 0.5 on average
    assert [figure.value for figure in row if figure] == pytest.approx([0.75, 0.5, 0.6])


def test_supervised_rows_have_top_1_and_top_5() -> None:
    # the right class of wrong ones comes sixth
    scores = scores_of([True, False, True, True])
    row = row_of(read_setting("supervised"), [[scores]])
    assert [figure and figure.value for figure in row[:3]] == [0.75, 0.75, 0.75]
    columns = columns_of(read_setting("supervised"), [], tuple(named_scores(scores)))
    assert columns == ("top-1", "mean class", "top-5", "macro F1", "ECE")
    assert len(row) == len(columns)


@pytest.mark.parametrize("name", ["zero-shot", "few-shot", "base2novel", "supervised"])
@pytest.mark.parametrize("trains", [False, True])
def test_rows_fit_their_columns(name: str, trains: bool) -> None:
    trials = plan_trials(read_setting(name), UCF101, trains=trains)
    tested = [[scores_of([True, False]) for _ in trial.lists] for trial in trials]
    videos = [LabeledVideo(Path("/a"), 0, more_labels=(1,))]
    several = score_test(Predictions(np.arange(1), np.ones((1, 6), np.float32)), videos, 6)
    for scores in (tested, [[several] * len(trial) for trial in tested]):
        measures = tuple(named_scores(scores[0][0]))
        columns = columns_of(read_setting(name), trials, measures)
        assert len(row_of(read_setting(name), scores)) == len(columns)


@pytest.mark.parametrize(
    ("given", "seeds"),
    [(None, ()), ("1,2,3", (1, 2, 3)), ("3", (1, 2, 3)), (2, (1, 2)), ([7], (7,)), ("4, 0", (4, 0))],
)
def test_seeds_are_listed_or_counted(given: str | int | list[int] | None, seeds: tuple[int, ...]) -> None:
    assert read_seeds(given) == seeds


@pytest.mark.parametrize(
    "given", ["", "0", "1,1", "1,", "-1", "a", "1-3", "1000000", 0, [], [-1], str(2**63)]
)
def test_other_seeds_are_refused(given: str | int | list[int]) -> None:
    with pytest.raises(InvalidInput, match=r"--seeds .*: write different whole numbers, such as 1,2,3"):
        read_seeds(given)


def test_each_seed_is_a_trial() -> None:
    supervised = plan_trials(read_setting("supervised"), OWN, trains=True, seeds=(0, 4))
    assert [(trial.name, trial.in_words) for trial in supervised] == [
        ("seed0", "seed 0"),
        ("seed4", "seed 4"),
    ]
    few = plan_trials(read_setting("few-shot"), OWN, trains=True, seeds=(1, 2))
    assert [trial.name for trial in few][:3] == ["K2-seed1", "K2-seed2", "K4-seed1"]
    assert columns_of(read_setting("few-shot"), few) == ("2 shots", "4 shots", "8 shots", "16 shots")
    with pytest.raises(InvalidInput, match=r"--seeds 4: public sets have base2novel lists for the seeds"):
        plan_trials(read_setting("base2novel"), UCF101, trains=True, seeds=(1, 4))
    named = plan_trials(read_setting("base2novel"), DataSource("ucf101", 2), trains=True, seeds=(1, 4))
    assert [(trial.seed, trial.split) for trial in named] == [(1, 2), (4, 2)]


def test_scores_are_averaged_over_seeds() -> None:
    setting = read_setting("supervised")
    trials = plan_trials(setting, OWN, trains=True, seeds=(1, 2))
    tested = [[scores_of([True] * 4)], [scores_of([True, False])]]
    top1, mean_class, top5, _, error = row_of(setting, tested, trials)
    assert top1
    assert mean_class
    assert top5
    assert (top1.value, mean_class.value, top5.value) == (0.75, 0.75, 0.75)
    assert (top1.spread, top5.spread) == pytest.approx(
        (0.5**0.5 / 2, 0.5**0.5 / 2)
    )  # of 1 and 1/2, divisor 1
    assert top1.low is not None
    assert (mean_class.low, top5.low) == (None, None)
    # all are right with a confidence of 0.3, and every second one
    assert error
    assert (error.value, error.unit) == (pytest.approx((0.7 + 0.2) / 2), "error")
    nothing = [[score(Predictions(np.zeros(0, np.int64), np.zeros((0, 6), np.float32)), [], 6)]]
    assert row_of(setting, tested[:1] + nothing, trials)[-1] is None
    few = [replace(trial, shots=shots) for shots in (2, 4) for trial in trials]
    tests = [[scores_of(right)] for right in ([True], [False], [True], [True])]
    assert [figure and figure.value for figure in row_of(read_setting("few-shot"), tests, few)] == [0.5, 1.0]
