"""Shows what an evaluation would train and test, for --dry-run."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from vifi_cli import wording
from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from vifi_cli.api.evaluation.methods.estimate import PlannedEvaluation, PlannedTraining

NOTHING = "–"


def show_planned(plan: PlannedEvaluation, *, as_json: bool) -> None:
    """Show each run and what all of them need, as a table or as one JSON document."""
    from vifi_cli.paths import shown_path

    if as_json:
        totals = {"seconds": plan.seconds, "disk": plan.disk}
        runs = [asdict(run) | {"folder": str(run.folder)} for run in plan.runs]
        output.document(asdict(plan) | {"folder": str(plan.folder), "runs": runs, **totals})
    else:
        if plan.runs:
            headers = ("Run", "State", "Videos", "Steps", "Time", "Disk")
            output.rows(headers, [_row(run) for run in plan.runs], right=("Videos", "Time", "Disk"))
        output.facts([*_facts(plan), ("Report", shown_path(plan.folder))])
    if plan.disk + plan.clip_cache > plan.disk_free:
        output.warning(
            f"{plan.folder} has only {wording.size(plan.disk_free)} free: delete something, or name another -o"
        )
    output.note(
        "nothing was trained: omit --dry-run to train; times are estimates from a few steps and videos"
    )


def _row(run: PlannedTraining) -> tuple[str, ...]:
    if run.state == "finished":
        return run.title, run.state, f"{run.videos:,}", *[NOTHING] * 3
    steps = f"{wording.counted(run.epochs, 'epoch')} of {wording.counted(run.steps_per_epoch, 'step')}"
    if run.state == "unfinished" and run.epochs:
        steps += f", {run.steps_left:,} left"
    disk = wording.size(run.disk) if run.disk else NOTHING
    return (
        run.title,
        run.state,
        f"{run.videos:,}",
        steps if run.epochs else NOTHING,
        _about(run.seconds),
        disk,
    )


def _facts(plan: PlannedEvaluation) -> list[tuple[str, str]]:
    tests = plan.tests
    counts = f"{wording.counted(tests.videos, 'video')} by {wording.counted(tests.models, 'model')}"
    train = sum(run.seconds for run in plan.runs)
    cache = f", clip cache {wording.size(plan.clip_cache)}" if plan.clip_cache else ""
    return [
        ("Runs", _counts(plan)),
        ("Tests", f"{counts}: {_about(tests.seconds)}"),
        ("Disk", f"{wording.size(plan.disk)}{cache}; {wording.size(plan.disk_free)} are free"),
        ("Time", f"{_about(plan.seconds)}: training {_about(train)}, tests {_about(tests.seconds)}"),
    ]


def _counts(plan: PlannedEvaluation) -> str:
    states = [run.state for run in plan.runs]
    known = [
        f"{states.count(state):,} {state}" for state in ("new", "unfinished", "finished") if state in states
    ]
    return ", ".join(known) or "none"


def _about(seconds: float) -> str:
    return f"about {wording.duration(seconds)}" if seconds >= 1 else "under a second"
