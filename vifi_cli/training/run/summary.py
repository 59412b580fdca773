"""Runs in a few facts: what was trained on what, how far, and how well."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import HEADS
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.training.run.folder import CONFIG_FILE, RunConfig, RunFolder
from vifi_cli.training.run.lock import trainer_of
from vifi_cli.training.run.reports import EpochReport, Scores
from vifi_cli.wording import counted, scientific

RunState = Literal["finished", "unfinished", "not started", "running"]
RunOrder = Literal["newest", "best", "name"]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run in a few facts.

    `state` is `running` while a process trains it, and `unfinished` if it was stopped. `before` are the scores of the
    model that it started from, `best` those of the epoch in `best/`; None if there were no videos to score.
    """

    folder: RunFolder
    config: RunConfig
    state: RunState
    epochs_done: int
    before: Scores | None
    best: Scores | None
    best_epoch: int | None
    changed: datetime
    stopped_early: bool = False  # whether `patience` ended it before its last epoch

    @property
    def can_resume(self) -> bool:
        """Whether `--resume` has something to continue from."""
        return self.state == "unfinished" and self.folder.state.exists()

    @property
    def data_name(self) -> str:
        """The name of the data."""
        return self.config.data_name

    @property
    def recipe_text(self) -> str:
        """What distinguishes recipes: `both towers, 8 frames, 12 epochs, rate 1e-4`."""
        return recipe_in_words(self.config)


def recipe_in_words(config: RunConfig) -> str:
    """What distinguishes recipes: `both towers, 8 frames, 12 epochs, rate 1e-4`."""
    recipe = config.recipe
    fusion = "" if recipe.fusion == "embedding" else f"{recipe.fusion} fusion, "
    setting = "" if config.setting == "supervised" else f"{config.setting}, "
    setting += "paper protocol, " if config.protocol == "paper" else ""
    lengths = counted(recipe.frames, "frame")
    if recipe.tune in HEADS:
        return f"{setting}{recipe.tune}, {fusion}{lengths}"
    lengths += f", {counted(recipe.epochs, 'epoch')}"
    return f"{setting}{_trained(recipe)}, {fusion}{lengths}, rate {scientific(recipe.learning_rate)}"


def summarize(folder: RunFolder) -> RunSummary:
    """The facts of a run.

    Raises:
        InvalidInput: the folder is not a run, or its configuration is damaged.
    """
    config = folder.read_config()
    _, reports = folder.history()
    done = max((report.epoch for report in reports), default=0)
    stopped_early = any(report.stopped_early for report in reports)
    is_finished = stopped_early or done >= config.recipe.epochs
    state: RunState = (
        "running" if trainer_of(folder.path) else "finished" if is_finished
        else "unfinished" if reports else "not started"
    )  # fmt: skip
    kept = [report for report in reports if report.is_best]
    newest = max(
        file.stat().st_mtime for file in (folder.metrics, folder.path / CONFIG_FILE) if file.exists()
    )
    return RunSummary(
        folder,
        config,
        state,
        done,
        before=_scores_of(report for report in reports if report.epoch == 0),
        best=_scores_of(reversed(kept)),
        best_epoch=kept[-1].epoch if kept else None,
        changed=datetime.fromtimestamp(newest).astimezone(),
        stopped_early=stopped_early,
    )


def _scores_of(reports: Iterator[EpochReport]) -> Scores | None:
    report = next(reports, None)
    return report.scores if report and report.scores and report.scores.videos else None


def find_runs(places: Sequence[Path]) -> list[RunFolder]:
    """The runs among folders, and those one or two levels below them, each once.

    Raises:
        InvalidInput: a place does not exist, or no run is in it.
    """
    runs: dict[Path, RunFolder] = {}
    for place in places:
        found = [place] if (place / CONFIG_FILE).is_file() else _below(place)
        if not found:
            is_there = "has no run in it" if place.is_dir() else "is not a folder"
            raise InvalidInput(f"{place} {is_there}: name a run, or a folder of runs")
        runs |= {path: RunFolder(path) for path in found}
    return list(runs.values())


def _below(folder: Path) -> list[Path]:
    return sorted(file.parent for depth in ("*", "*/*") for file in folder.glob(f"{depth}/{CONFIG_FILE}"))


def in_order(runs: Sequence[RunSummary], order: RunOrder) -> list[RunSummary]:
    """Runs in an order; `best` puts runs on the same data next to each other, the best of them first."""
    by_name = sorted(runs, key=lambda run: str(run.folder.path))
    if order == "name":
        return by_name
    if order == "newest":
        return sorted(by_name, key=lambda run: run.changed, reverse=True)
    return sorted(by_name, key=lambda run: (run.config.data, -run.best.value if run.best else math.inf))


def _trained(recipe: Recipe) -> str:
    prompts = recipe.prompts
    sides = [
        side for side, size in (("text", prompts.text_context), ("image", prompts.image_context)) if size
    ]
    if sides:
        return f"{' and '.join(sides)} prompts"
    towers = "both towers" if recipe.tune == "both" else f"{recipe.tune} tower"
    if recipe.tune_layers >= 0:
        return f"last {counted(recipe.tune_layers, 'block')} of {towers}"
    return f"LoRA of rank {recipe.lora.rank} in {towers}" if recipe.lora.rank else towers
