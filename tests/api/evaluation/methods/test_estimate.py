"""An evaluation that is only planned says which runs and tests follow, and leaves nothing behind."""

from pathlib import Path

import pytest

from vifi_cli import estimate_evaluation, evaluate
from vifi_cli.errors import InvalidInput

CHANGES = ["frames=1", "effective_batch=4", "warmup_epochs=0", "prompt.prompts.text_context=1"]
METHODS = ["vanilla", "linear-probe", "vifi", "vifi@0.5", "bridge-prompt"]


def test_a_plan_lists_the_runs_that_follow(tiny: Path, colours: Path, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    options = {"methods": METHODS, "recipe": [*CHANGES, "epochs=1"], "output": folder, "device": "cpu"}

    def planned() -> tuple[list[tuple[str, str, int, int]], int, int]:
        plan = estimate_evaluation(str(tiny), colours, "supervised", **options)  # type: ignore[arg-type]
        rows = [
            (run.folder.name, run.state, run.epochs * run.steps_per_epoch, run.steps_left)
            for run in plan.runs
        ]
        assert all((run.seconds > 0) == (run.state == "new") for run in plan.runs)
        assert plan.seconds == pytest.approx(sum(run.seconds for run in plan.runs) + plan.tests.seconds)
        return rows, plan.tests.models, plan.tests.encodings

    rows, models, encodings = planned()
    assert not folder.exists()
    assert [row[:3] for row in rows] == [
        ("linear-probe", "new", 0), ("vifi", "new", 3), ("bridge-prompt", "new", 3)
    ]  # fmt: skip
    report = evaluate(str(tiny), colours, "supervised", **options)  # type: ignore[arg-type]
    videos = report.details[0].predictions.probabilities.shape[0]
    assert models == len(report.table.rows) == len(METHODS)
    assert encodings == videos * 4  # the tower of the start, of vifi, of its average, of the prompts
    trained = sorted(run.name for run in (folder / "runs").iterdir() if run.is_dir())
    assert trained == sorted(row[0] for row in rows)
    for row in rows:
        lines = (folder / "runs" / row[0] / "metrics.jsonl").read_text().splitlines()
        assert sum('"step"' in line for line in lines) == row[2]

    (folder / "runs" / "bridge-prompt" / "metrics.jsonl").write_text(
        ""
    )  # as if it had ended in its first epoch
    before = sorted(path.name for path in folder.rglob("*"))
    rows, _, _ = planned()
    assert [row[1] for row in rows] == ["finished", "finished", "unfinished"]
    assert [row[3] for row in rows] == [0, 0, 0]  # its saved state has all steps
    assert sorted(path.name for path in folder.rglob("*")) == before
    options["recipe"] = [*CHANGES, "epochs=2"]
    with pytest.raises(InvalidInput, match="holds another run"):
        planned()


def test_a_plan_without_methods_is_refused(tiny: Path, colours: Path) -> None:
    with pytest.raises(InvalidInput, match="--dry-run goes with --train"):
        estimate_evaluation(str(tiny), colours, "supervised")
