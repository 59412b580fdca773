"""`vifi runs`: lists training runs, and draws several in one picture."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options import completion
from vifi_cli.cli.terminal.options.shared import JsonOption, output_option
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL

if TYPE_CHECKING:
    from vifi_cli.training.run.reports import Scores
    from vifi_cli.training.run.summary import RunSummary

HEADERS = ("Run", "State", "Data", "Recipe", "Top-1", "Before", "Videos", "Clips")
NUMBERS = ("Top-1", "Before")
OMITTED_FIRST = ("Clips", "Videos", "Before", "Data")
GAP = 2  # between columns


def runs(
    places: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RUN",
            autocompletion=completion.runs,
            help="Runs, and folders of runs",
            show_default="runs/",
        ),
    ] = None,
    order: Annotated[
        Literal["newest", "best", "name"],
        typer.Option("--sort", help="What comes first; best compares runs on the same data"),
    ] = "newest",
    picture: Annotated[
        Path | None,
        output_option("Draw the curves of these runs in one picture", metavar="PNG", default="no picture"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List training runs, or draw several together.

    Example:
    vifi runs runs/a runs/b -o curves.png
    """
    from vifi_cli.api.training.runs import draw_runs, list_runs

    found = list_runs(places or (), order, ON_TERMINAL)
    drawn = draw_runs(found, picture, ON_TERMINAL) if picture else None
    if as_json:
        output.document([_document(run) for run in found])
    else:
        _show(found)
        _hint(found)
    if drawn:
        output.note(f"picture: {drawn}")


def _show(found: list[RunSummary]) -> None:
    """Shows a row a run; a narrow terminal omits the columns that matter least."""
    rows = [_row(run) for run in found]
    shown = list(range(len(HEADERS)))
    for name in OMITTED_FIRST:
        widths = [max(len(row[place]) for row in (HEADERS, *rows)) + GAP for place in shown]
        if not output.stdout_is_terminal() or sum(widths) <= shutil.get_terminal_size().columns:
            break
        shown.remove(HEADERS.index(name))
    headers = [HEADERS[place] for place in shown]
    cells = [[row[place] for place in shown] for row in rows]
    output.rows(headers, cells, right=[name for name in NUMBERS if name in headers])


def _hint(found: list[RunSummary]) -> None:
    """Says how to continue the first unfinished run."""
    from vifi_cli.paths import shown_path
    from vifi_cli.training.run.folder import RunFolder

    if stopped := next((run for run in found if run.can_resume), None):
        folder = RunFolder(Path(shown_path(stopped.folder.path)))
        output.note(f"to continue an unfinished run: {folder.resume_command()}")


def _row(run: RunSummary) -> tuple[str, ...]:
    from vifi_cli.data.splits.class_choice import choice_in_words
    from vifi_cli.paths import shown_path

    return (
        shown_path(run.folder.path),
        _state(run),
        f"{run.data_name} ({part})" if (part := choice_in_words(run.config.classes)) else run.data_name,
        f"{shown_path(run.config.model)}: {run.recipe_text}",
        _percent(run.best),
        _percent(run.before),
        f"{run.best.videos:,} {run.best.split}" if run.best else "",
        run.best.conditions if run.best else "",
    )


def _state(run: RunSummary) -> str:
    if run.state == "finished" and run.stopped_early:
        return f"epoch {run.epochs_done} of {run.config.recipe.epochs}, stopped early"
    if run.state in ("finished", "not started"):
        return run.state
    state = "running, " if run.state == "running" else ""
    resume = "" if run.can_resume or state else ", not saved"
    return f"{state}epoch {run.epochs_done} of {run.config.recipe.epochs}{resume}"


def _percent(scores: Scores | None) -> str:
    if scores is None:
        return "–"
    return f"{scores.value:.1%}" + (" mAP" if scores.measure == "mAP" else "")


def _document(run: RunSummary) -> dict[str, object]:
    config = run.config
    return {
        "run": str(run.folder.path),
        "state": run.state,
        "can_resume": run.can_resume,
        "changed": run.changed.isoformat(timespec="seconds"),
        "data": config.data,
        "classes": config.classes,
        "setting": config.setting,
        "protocol": config.protocol,
        "model": config.model,
        "epochs_done": run.epochs_done,
        "stopped_early": run.stopped_early,
        "best_epoch": run.best_epoch,
        "best": asdict(run.best) if run.best else None,
        "before": asdict(run.before) if run.before else None,
        "recipe": asdict(config.recipe),
    }
