"""Shows what training would do and need, for --dry-run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from vifi_cli import wording
from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from vifi_cli.api.training.estimate import PlannedRun
    from vifi_cli.training.trial_run import RunEstimate


def show_estimates(runs: Sequence[PlannedRun], *, as_json: bool) -> None:
    """Show each run, as facts or as one JSON document, in the first process only."""
    from vifi_cli.api.feedback import is_first_process

    if not is_first_process():
        return
    if as_json:
        output.document({"runs": [_document(run) for run in runs], "seconds": _seconds(runs)})
        return
    for run in runs:
        output.facts(_facts(run))
    if len(runs) > 1:
        output.facts([("Together", f"about {wording.duration(_seconds(runs))}")])
    output.note("nothing was trained: omit --dry-run to train; times are estimates from a few steps")


def _facts(run: PlannedRun) -> list[tuple[str, str]]:
    from vifi_cli.paths import shown_path
    from vifi_cli.training.run.summary import recipe_in_words

    data, size = run.data, run.estimate.size
    held_out = [(len(data.val), "val"), (len(data.test), "test")]
    parts = [f"{size.videos:,} to learn from", *(f"{count:,} {split}" for count, split in held_out if count)]
    return [
        ("Run", shown_path(run.folder)),
        ("Data", f"{run.config.data_name}: {size.classes:,} classes, videos: {', '.join(parts)}"),
        ("Model", f"{shown_path(run.config.model)}, of which {size.parameters_in_words} parameters learn"),
        ("Recipe", f"{recipe_in_words(run.config)}, seed {run.config.recipe.seed}{_texts(run)}"),
        ("Steps", f"{size.steps:,}: {size.steps_in_words}, in {run.estimate.precision}"),
        ("Memory", _memory(run.estimate)),
        ("Disk", _disk(run.estimate)),
        ("Time", _time(run.estimate)),
    ]


def _texts(run: PlannedRun) -> str:
    from vifi_cli.paths import shown_path

    return f", class texts {shown_path(run.config.texts.name)}" if run.config.texts else ""


def _memory(estimate: RunEstimate) -> str:
    memory = estimate.memory
    parts = {
        "weights": memory.weights, "gradients": memory.gradients, "optimizer": memory.optimizer,
        "average": memory.average, "activations": memory.activations,
    }  # fmt: skip
    named = ", ".join(f"{wording.size(taken)} {name}" for name, taken in parts.items() if taken)
    main = "" if memory.main_peak is None else wording.size(memory.main_peak)
    if memory.gpu_peak is not None:
        on_gpu = f"{wording.size(memory.gpu_peak)} at its peak on the GPU: {named}"
        return f"{on_gpu}; {main} of main memory" if main else on_gpu
    return f"{main} at its peak, Python and saving included: {named}" if main else f"{named}, and Python"


def _disk(estimate: RunEstimate) -> str:
    disk = estimate.disk
    cache = f"; clip cache {wording.size(disk.clip_cache)}" if disk.clip_cache else ""
    models, state = wording.size(disk.models), wording.size(disk.state)
    return f"{wording.size(disk.models + disk.state)}: {models} best/ and last/, {state} state{cache}"


def _time(estimate: RunEstimate) -> str:
    seconds = estimate.seconds
    parts = [f"{_short(seconds.step)} a step", f"{_short(seconds.video)} to score a video"]
    if seconds.encoding:
        parts.insert(0, f"{wording.duration(seconds.encoding)} to encode all videos once")
    return f"about {wording.duration(seconds.total)}: {', '.join(parts)}"


def _short(seconds: float) -> str:
    return wording.duration(seconds) if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def _seconds(runs: Sequence[PlannedRun]) -> float:
    return sum(run.estimate.seconds.total for run in runs)


def _document(run: PlannedRun) -> dict[str, object]:
    data, estimate = run.data, run.estimate
    return {
        "run": str(run.folder),
        "model": run.config.model,
        "data": run.config.data,
        "classes": data.class_names,
        "videos": {"train": len(data.train), "val": len(data.val), "test": len(data.test)},
        "steps": estimate.size.steps,
        **asdict(estimate),
        "memory": {**asdict(estimate.memory), "total": estimate.memory.total},
        "recipe": asdict(run.config.recipe),
    }
