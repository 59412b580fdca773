"""Rows and notes of reports: ± only over tests that differ, and what limits the numbers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vifi_cli.api.evaluation.plan import TestPlan as Plan
from vifi_cli.api.evaluation.reporting.facts import _lists, _recipes
from vifi_cli.api.evaluation.reporting.report import _details_shown, _notes, _other_numbers, _row, _title
from vifi_cli.api.evaluation.request import Subject
from vifi_cli.api.evaluation.testing import Candidate
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.data.paper_setting import Setting
from vifi_cli.data.source import DataSource
from vifi_cli.evaluation.report.report import detail_of_test
from vifi_cli.evaluation.report.table import ResultRow
from vifi_cli.evaluation.scoring.predictions import Predictions
from vifi_cli.evaluation.testing.paper_settings import plan_trials
from vifi_cli.evaluation.testing.views import ScoreConditions
from vifi_cli.model.registry.source import ModelSource, resolve_model
from vifi_cli.training.recipe.changes import make_recipe
from vifi_cli.training.run.folder import RunConfig, RunFolder
from vifi_cli.training.run.reports import EpochReport, Scores

NAMES = ("run", "walk")


def videos_of(kind: str, groups: str = "", seed: int = 0) -> tuple[LabeledVideo, ...]:
    """Four videos, two of each class, perhaps of people with these initials."""
    return tuple(
        LabeledVideo(Path(f"/{kind}-{seed}-{place}.mp4"), place % 2, groups[place : place + 1])
        for place in range(4)
    )


def plan_of(setting: str, seeds_of_training: tuple[int, ...], groups: str = "") -> Plan:
    """Base-to-novel with three seeds, whose training lists are drawn with these."""
    data = DataSource("/data/few_$clips$.csv")
    trials = plan_trials(Setting(setting), data, trains=bool(seeds_of_training))  # type: ignore[arg-type]
    lists = tuple(
        tuple(
            LabeledVideos(wanted.name, NAMES, (), (), videos_of(wanted.name, groups))
            for wanted in trial.lists
        )
        for trial in trials
    )
    training = tuple(
        LabeledVideos("few", NAMES, videos_of("train", seed=seed), (), ()) for seed in seeds_of_training
    )
    recipe = make_recipe("small")
    subject = Subject(Setting(setting), data, (resolve_model("starter"),), "default", (), recipe, 1)  # type: ignore[arg-type]
    return Plan(subject, trials, lists, training, {}, {})


def row_of(plan: Plan, models: tuple[ModelSource, ...], right: tuple[int, ...]) -> ResultRow:
    """The row of a candidate that is right for so many of the four videos of each list, by trial."""
    tests = []
    for lists, count in zip(plan.lists, right, strict=True):
        details = []
        for videos in lists:
            shares = np.full((4, 2), 0.1, np.float32)
            for place, video in enumerate(videos.test):
                shares[place, video.label if place < count else 1 - video.label] = 0.9
            details.append(detail_of_test("m", "", NAMES, Predictions(np.arange(4), shares), videos.test))
        tests.append(tuple(details))
    return _row(plan, Candidate("m", models), tuple(tests), 3)


def spreads(row: ResultRow) -> list[float | None]:
    return [estimate and estimate.spread for estimate in row.estimates]


STARTER = resolve_model("starter")
SHARES = np.array([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.9, 0.1]], np.float32)


@pytest.fixture
def three_models() -> tuple[ModelSource, ...]:
    """Models of three seeds."""
    return tuple(ModelSource(f"/runs/seed{seed}/best", "vifi") for seed in (1, 2, 3))


def test_seeds_that_draw_different_training_videos_have_a_spread(
    three_models: tuple[ModelSource, ...],
) -> None:
    plan = plan_of("base2novel", (1, 2, 3))
    row = row_of(plan, three_models, (4, 2, 3))
    assert spreads(row)[:2] == pytest.approx([0.25, 0.25])
    assert list(_notes(plan, [])) == []


def test_seeds_that_share_one_training_list_have_none(three_models: tuple[ModelSource, ...]) -> None:
    plan = plan_of("base2novel", (1, 1, 1))
    row = row_of(plan, three_models, (4, 2, 3))
    assert spreads(row) == [None] * 3
    assert [estimate and estimate.value for estimate in row.estimates] == pytest.approx([0.75] * 3)
    (note,) = _notes(plan, [])
    assert note.startswith("Seeds 1, 2, 3 train on the same videos")


def test_seeds_that_somebody_names_have_a_spread_and_say_of_what(
    three_models: tuple[ModelSource, ...],
) -> None:
    plan = plan_of("base2novel", (1, 1, 1))
    plan = replace(plan, subject=replace(plan.subject, seeds=(1, 2, 3)))
    assert spreads(row_of(plan, three_models, (4, 2, 3)))[:2] == pytest.approx([0.25, 0.25])
    (note,) = _notes(plan, [])
    assert note.endswith(
        "shows how much order and augmentation change a result, not what other videos would."
    )


def test_shots_are_repeated_if_one_of_them_has_several_seeds(three_models: tuple[ModelSource, ...]) -> None:
    plan = plan_of("base2novel", (1, 2, 3))
    (one, two, three) = plan.trials
    trials = (replace(one, shots=2), replace(two, shots=2), replace(three, shots=4))
    assert not replace(plan, trials=trials).shares_one_training_list, "seeds 1 and 2 draw different videos"
    assert not replace(plan_of("base2novel", (1, 2)), trials=(trials[0], trials[2])).shares_one_training_list
    assert replace(plan_of("base2novel", (1, 1, 2)), trials=trials).shares_one_training_list


def test_a_model_that_is_not_trained_has_no_spread_over_seeds() -> None:
    plan = plan_of("base2novel", (1, 2, 3))
    assert spreads(row_of(plan, (STARTER,) * 3, (3, 3, 3))) == [None] * 3


def test_a_model_that_is_not_trained_is_tested_once_for_all_seeds(
    three_models: tuple[ModelSource, ...],
) -> None:
    plan = plan_of("base2novel", (1, 2, 3))
    vanilla, tuned = Candidate("vanilla", (STARTER,) * 3), Candidate("vifi", three_models)
    tests = tuple(
        tuple(
            detail_of_test(
                "m", plan.part(trial, place), NAMES, Predictions(np.arange(4), SHARES), videos.test
            )
            for place, videos in enumerate(lists)
        )
        for trial, lists in enumerate(plan.lists)
    )
    shown = [detail.part for detail in _details_shown(plan, [(vanilla, tests), (tuned, tests)])]
    seeds = [f"{name}, seed {seed}" for seed in (1, 2, 3) for name in ("base", "novel")]
    assert shown == ["base", "novel", *seeds]
    (facts_of_lists := dict(_lists(plan))).pop("Test list base")
    assert list(facts_of_lists) == ["Test list novel", *(f"Training list seed {seed}" for seed in (1, 2, 3))]
    assert "Training list" in dict(_lists(plan_of("base2novel", (1, 1, 1))))
    row = _row(plan, vanilla, tests, 3)
    assert row.estimates[0] == tests[0][0].scores.top1, "the interval of one test, not of three"


def test_novel_videos_that_all_seeds_share_are_tested_once(three_models: tuple[ModelSource, ...]) -> None:
    plan = plan_of("base2novel", (1, 2, 3))
    lists = tuple(
        (replace(base, test=videos_of("base", seed=seed)), novel)
        for seed, (base, novel) in enumerate(plan.lists)
    )
    plan = replace(plan, lists=lists)
    row = row_of(plan, (STARTER,) * 3, (3, 3, 3))
    assert spreads(row) == [0, None, 0], "base lists differ, the novel one does not"
    assert row.estimates[1] == row_of(plan_of("base2novel", ()), (STARTER,), (3,)).estimates[1]
    assert None not in spreads(row_of(plan, three_models, (3, 3, 3))), "models differ"


def test_own_data_is_trained_by_the_small_recipes() -> None:
    subject = plan_of("base2novel", (1, 2, 3)).subject
    assert (
        _recipes(replace(subject, changes=("epochs=2",))) == "small, and prompt-small for prompts, epochs=2"
    )
    with_lora = replace(subject, methods=("vifi", "lora"))
    assert _recipes(with_lora) == "small, and prompt-small for prompts, lora-small for LoRA"
    assert _recipes(replace(subject, protocol="paper")) == "base2novel of the paper"
    assert _recipes(replace(subject, data=DataSource("ucf101"))) == "base2novel of the paper"
    assert _recipes(replace(subject, setting=Setting("zero-shot"))) == "zero-shot of the paper", "on k400"


@pytest.mark.parametrize(("groups", "noted"), [("aaaa", True), ("aabb", False), ("", False)])
def test_one_person_is_noted(groups: str, noted: bool) -> None:
    plan = plan_of("supervised", (), groups)
    ((videos,),) = plan.lists
    shares = np.full((4, 2), 0.5, np.float32)
    detail = detail_of_test("m", "", NAMES, Predictions(np.arange(4), shares), videos.test)
    notes = list(_notes(plan, [(Candidate("m", (STARTER,)), ((detail,),))]))
    assert [note.split(":")[0] for note in notes] == ["All test videos are of one group, a"] * noted


def test_titles_are_readable() -> None:
    assert _title(plan_of("supervised", ())) == "Supervised accuracy on few_$clips$.csv"
    assert _title(plan_of("base2novel", ())) == "Base-to-novel accuracy on few_$clips$.csv"


def test_what_training_reported_is_the_score_of_the_best_model_alone(tmp_path: Path) -> None:
    plan, run = plan_of("supervised", ()), RunFolder(tmp_path / "run")
    run.begin(RunConfig("starter", str(plan.subject.data), "", "supervised", "default", make_recipe("small")))
    run.add(EpochReport(1, 0.1, Scores("test", 0.5, None, 4, frames=8), is_best=True))
    ((videos,),) = plan.lists
    detail = detail_of_test("m", "", NAMES, Predictions(np.arange(4), SHARES), videos.test)
    tested = replace(detail, conditions=ScoreConditions(16))
    for folder, count in ((run.best, 1), (run.last, 0)):
        folder.mkdir()
        candidate = Candidate("m", (ModelSource(str(folder), "vifi"),))
        notes = list(_other_numbers(plan, [(candidate, ((tested,),))]))
        assert [note[:28] for note in notes] == ["Training reported top-1 50.0"] * count
