"""Carries a prepared run out, and shows how far it has come: what every command that trains does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vifi_cli.cli.terminal import output
from vifi_cli.cli.training.finetuning import prepare_run, taken_up
from vifi_cli.cli.training.progress import FinetuneProgress
from vifi_cli.cli.training.result import result_document, result_facts, use_facts

if TYPE_CHECKING:
    from vifi_cli.cli.training.finetuning import FinetuneRequest, PreparedRun
    from vifi_cli.training.engine.distributed import Processes
    from vifi_cli.training.finetune import FineTuning
    from vifi_cli.training.run.reports import RunResult

INTERRUPTED = 130
MOST_BAD_SHOWN = 10


def train_model(request: FinetuneRequest, processes: Processes) -> Path:
    """Trains one model, for commands that train several in one process.

    An interrupted run in the request's folder goes on; one that is finished there is not done again.

    Args:
        request: with a folder.
        processes: that learn together, joined once for all the models.

    Returns:
        The folder of the best model.

    Raises:
        InvalidInput: something asked for makes no sense, or the folder holds a run of something else.
        typer.Exit: with code 130, where Ctrl-C was pressed; the run is saved.
    """
    prepared = taken_up(prepare_run(request))
    if not (prepared.is_begun and prepared.folder.is_finished(prepared.config)):
        carry_out(prepared, processes, "the same command goes on from here")
    return prepared.folder.best


def carry_out_alone(prepared: PreparedRun, device: str, *, as_json: bool) -> None:
    """Carries out the only run of a command, and shows what it came to; errors are those of `carry_out`."""
    from vifi_cli.training.engine.distributed import joined_processes

    command = "prompt-tune" if prepared.config.recipe.prompts else "finetune"
    folder = prepared.folder
    with joined_processes(device) as processes:
        result = carry_out(prepared, processes, f"vifi {command} --resume {folder.path} goes on from here")
    if not processes.is_first:
        return
    if as_json:
        output.document(result_document(folder, result))
    else:
        output.facts([*result_facts(folder, result), *use_facts(prepared.config, folder.best)])


def carry_out(prepared: PreparedRun, processes: Processes, to_go_on: str) -> RunResult:
    """Carries a run out to its end, and tells of videos that were left out.

    Args:
        prepared: the run.
        processes: that learn together.
        to_go_on: said after an interruption: how the run goes on.

    Raises:
        typer.Exit: with code 130, where Ctrl-C was pressed; the run is saved.
    """
    result, run = _steps_of(prepared, processes)
    if processes.is_first:
        _tell_bad(run)
    if result is None:
        if processes.is_first:
            output.note(f"interrupted and saved: {to_go_on}")
        raise typer.Exit(INTERRUPTED)
    return result


def _steps_of(prepared: PreparedRun, processes: Processes) -> tuple[RunResult | None, FineTuning]:
    """Runs the steps, showing how far they have come; gives no result where the run was interrupted."""
    from vifi_cli.training.finetune import FineTuning, Listener
    from vifi_cli.training.run.reports import RunResult

    with FinetuneProgress(is_shown=processes.is_first, device=processes.device) as progress:
        # each process has named a new folder by its own clock
        folder, is_begun, is_resumed = processes.gather(
            (prepared.folder, prepared.is_begun, prepared.is_resumed)
        )[0]
        prepared = replace(prepared, folder=folder, is_begun=is_begun, is_resumed=is_resumed)
        if processes.is_first:
            _begin(prepared)
        processes.wait_for_all()
        listener = Listener(progress.should_stop, progress.scoring, progress.say)
        with progress.loading(), _withdrawing(prepared if processes.is_first else None):
            run = FineTuning(prepared.folder, prepared.config, prepared.data, processes, listener)
        progress.say(f"run: {prepared.folder.path}; {run.describe()}")
        for report in run.reports(is_resumed=is_resumed):
            if isinstance(report, RunResult):
                return report, run
            progress.take(report)
        return None, run


def _begin(prepared: PreparedRun) -> None:
    if not prepared.is_begun:
        prepared.folder.begin(prepared.config)
    elif not prepared.is_resumed:
        prepared.folder.metrics.unlink(missing_ok=True)


@contextmanager
def _withdrawing(prepared: PreparedRun | None) -> Iterator[None]:
    """Gives the folder of a new run free again where the run cannot be put together."""
    try:
        yield
    except BaseException:
        if prepared and not prepared.is_begun:
            prepared.folder.withdraw()
        raise


def _tell_bad(run: FineTuning) -> None:
    bad = run.unreadable()
    for video, reason in bad[:MOST_BAD_SHOWN]:
        output.warning(f"left out: {video.path}: {reason}")
    if len(bad) > MOST_BAD_SHOWN:
        output.warning(f"… and {len(bad) - MOST_BAD_SHOWN:,} more; `vifi data check` lists them all")
