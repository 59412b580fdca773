"""Runs as `vifi runs` lists them, from folders that runs wrote."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.conftest import run_vifi
from vifi_cli.api.training.runs import draw_runs, list_runs
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import PromptShape
from vifi_cli.training.recipe.changes import make_recipe
from vifi_cli.training.run.folder import RunConfig, RunFolder
from vifi_cli.training.run.reports import EpochReport, Scores
from vifi_cli.training.run.summary import find_runs, in_order, summarize

EPOCHS = 4


def make_run(path: Path, done: int | None, *, best: float = 0.5, data: str = "/data/few.csv") -> RunFolder:
    """A run of four epochs, of which some are done, or None if it has not reported anything; two are the best."""
    folder = RunFolder(path)
    recipe = make_recipe("small", changes=[f"epochs={EPOCHS}", "frames=2", "learning_rate=2.2e-5"])
    folder.begin(RunConfig("starter", data, "", "supervised", "default", recipe))
    for epoch in range(0 if done is None else done + 1):
        top1 = best if epoch == 2 else 0.1
        folder.add(EpochReport(epoch, 1.0, Scores("val", top1, 0.9, 30, frames=2), is_best=epoch in (1, 2)))
    return folder


def test_a_run_in_a_few_facts(tmp_path: Path) -> None:
    run = summarize(make_run(tmp_path / "a", EPOCHS))
    assert (run.state, run.epochs_done, run.best_epoch, run.can_resume) == ("finished", 4, 2, False)
    assert run.before
    assert run.best
    assert (run.before.top1, run.best.top1, run.best.split, run.best.videos) == (0.1, 0.5, "val", 30)
    assert run.data_name == "few.csv"
    assert run.recipe_text == "both towers, 2 frames, 4 epochs, rate 2.2e-5"


def test_what_is_unfinished_is_marked(tmp_path: Path) -> None:
    stopped, begun = make_run(tmp_path / "stopped", 3), make_run(tmp_path / "begun", None)
    assert (summarize(stopped).state, summarize(stopped).can_resume) == ("unfinished", False)
    stopped.state.touch()
    assert summarize(stopped).can_resume
    facts = summarize(begun)
    assert (facts.state, facts.epochs_done, facts.best, facts.best_epoch) == ("not started", 0, None, None)


def test_recipes_are_told_apart(tmp_path: Path) -> None:
    run = summarize(make_run(tmp_path / "a", EPOCHS))

    def text(setting: str = "supervised", data: str = "ucf101:2", **changes: object) -> tuple[str, str]:
        recipe = replace(run.config.recipe, **changes)  # type: ignore[arg-type]
        changed = replace(run, config=replace(run.config, recipe=recipe, setting=setting, data=data))
        return changed.recipe_text, changed.data_name

    assert text(tune="text", epochs=1, frames=1)[0] == "text tower, 1 frame, 1 epoch, rate 2.2e-5"
    assert text("few-shot-4", fusion="decision") == (
        "few-shot-4, both towers, decision fusion, 2 frames, 4 epochs, rate 2.2e-5",
        "ucf101:2",
    )
    prompts = PromptShape(text_context=8, text_depth=1, image_context=8, image_depth=1)
    assert text(prompts=prompts)[0].startswith("text and image prompts, ")


def test_runs_are_found_one_and_two_levels_below(tmp_path: Path) -> None:
    for name in ("b", "a", "bridge/finetune", "bridge/prompt"):
        make_run(tmp_path / "runs" / name, EPOCHS)
    found = [str(run.path.relative_to(tmp_path / "runs")) for run in find_runs([tmp_path / "runs"])]
    assert sorted(found) == ["a", "b", "bridge/finetune", "bridge/prompt"]
    alone = tmp_path / "runs" / "b"
    assert [run.path for run in find_runs([alone, alone])] == [alone]
    (tmp_path / "empty").mkdir()
    for place, reason in (("none", "is not a folder"), ("empty", "has no run in it")):
        with pytest.raises(InvalidInput, match=f"{place} {reason}"):
            find_runs([tmp_path / place])


def test_orders(tmp_path: Path) -> None:
    runs = []
    for age, (name, best, data) in enumerate(
        (("b", 0.3, "/x.csv"), ("a", 0.4, "/y.csv"), ("c", 0.9, "/x.csv"))
    ):
        folder = make_run(tmp_path / name, EPOCHS, best=best, data=data)
        for file in folder.path.iterdir():
            os.utime(file, (1e9 - age, 1e9 - age))
        runs.append(summarize(folder))
    names = {
        order: [run.folder.path.name for run in in_order(runs, order)] for order in ("newest", "best", "name")
    }  # type: ignore[arg-type]
    assert names == {"newest": ["b", "a", "c"], "best": ["c", "b", "a"], "name": ["a", "b", "c"]}


def test_a_damaged_run_does_not_hide_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_run(Path("runs/good"), EPOCHS)
    Path("runs/bad").mkdir()
    Path("runs/bad/config.toml").write_text("recipe = [")
    result = run_vifi("runs")
    assert result.exit_code == 0
    (row,) = [line for line in result.stdout.splitlines() if line.startswith("runs/")]
    assert row.split("\t") == [
        "runs/good", "finished", "few.csv", "starter: both towers, 2 frames, 4 epochs, rate 2.2e-5", "50.0%", "10.0%",
        "30 val", "2 frames, 1x1 views",
    ]  # fmt: skip
    assert "bad/config.toml" in result.stderr
    assert run_vifi("runs", "runs/bad").exit_code == 2


def test_json_has_all_facts_and_the_picture_all_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_run(Path("runs/first"), EPOCHS)
    make_run(Path("runs/second"), 1).state.touch()
    result = run_vifi("runs", "runs/first", "runs/second", "--sort", "name", "--json", "-o", "curves.png")
    first, second = json.loads(result.stdout)
    assert (first["run"], first["state"], first["best_epoch"]) == (
        str(tmp_path / "runs/first"),
        "finished",
        2,
    )
    assert (second["state"], second["epochs_done"], second["can_resume"]) == ("unfinished", 1, True)
    assert first["best"] == {
        "split": "val", "top1": 0.5, "top5": 0.9, "videos": 30, "unreadable": 0, "mean_class_accuracy": None,
        "mean_average_precision": None, "frames": 2, "views": "1x1",
    }  # fmt: skip
    assert first["recipe"]["epochs"] == EPOCHS
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "--resume runs/second" in run_vifi("runs").stderr


def test_pictures_are_refused_before_they_are_drawn(tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "a", EPOCHS)
    (run,) = list_runs([tmp_path / "runs"])
    with pytest.raises(InvalidInput, match="8 runs are too many for one picture: name up to 7"):
        draw_runs([run] * 8, tmp_path / "curves.png")
    with pytest.raises(InvalidInput, match=r"curves\.jpg is not a PNG"):
        draw_runs([run], tmp_path / "curves.jpg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs"]
