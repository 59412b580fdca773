"""Carries out prepared runs and reports their progress; Ctrl-C saves a run, so that it can continue."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

from vifi_cli import stop_signals
from vifi_cli.api.feedback import Feedback, of_first_process
from vifi_cli.api.training.prepare import PreparedRun, continued_run, prepare_run
from vifi_cli.api.training.progress import TrainingProgress
from vifi_cli.api.training.request import TrainingRequest
from vifi_cli.errors import InvalidInput, VifiError
from vifi_cli.model.registry.card import HEADS
from vifi_cli.training.engine.processes.distributed import Processes
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.fine_tuning import FineTuning
from vifi_cli.training.head_fitting import HeadFitting
from vifi_cli.training.recipe.recipe import Runtime
from vifi_cli.training.run.listener import Listener
from vifi_cli.training.run.lock import training_lock
from vifi_cli.training.run.reports import EpochReport, RunResult

MOST_BAD_SHOWN = 10
STOPPING = "stopping after this step; Ctrl-C again stops at once and keeps the last saved state"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or another signal, whose number is `number`, ended a run, which is saved in `folder`."""

    def __init__(self, folder: Path, number: int) -> None:
        super().__init__(f"the run is saved in {folder} and can be resumed")
        self.folder, self.number = folder, number


def train_model(request: TrainingRequest, processes: Processes, feedback: Feedback) -> Path:
    """Train one of several models in processes that stay joined, and return the folder of the best model.

    An interrupted run in the request's output folder continues; a finished one is not repeated.

    Raises:
        Interrupted: Ctrl-C was pressed, or another signal came; the run is saved.
    """
    prepared = continued_run(prepare_run(request, of_first_process(feedback)))
    is_done = processes.from_first(lambda: prepared.is_begun and prepared.folder.is_finished(prepared.config))
    if not is_done:
        carry_out(prepared, processes, feedback)
    return prepared.folder.best


def carry_out(prepared: PreparedRun, processes: Processes, feedback: Feedback) -> RunResult:
    """Carry out a run to its end.

    Raises:
        Interrupted: Ctrl-C was pressed, or another signal came; the run is saved.
    """
    feedback = of_first_process(feedback)
    require_equal_data(prepared, processes)
    is_resumed = prepared.is_begun and prepared.folder.state.exists()
    # each process has named a new folder by its own clock
    folder, is_begun, is_resumed = processes.gather((prepared.folder, prepared.is_begun, is_resumed))[0]
    prepared = replace(prepared, folder=folder, is_begun=is_begun)
    wish = _StopWish(feedback, is_alone=processes.count == 1)
    with (
        _alone_in_folder(prepared, processes, feedback),
        wish,
        stop_signals.handled_by(wish.hear),
        _shown(processes, feedback) as progress,
    ):
        listener = Listener(wish.is_made, progress.scoring, progress.encoding, feedback.note)
        try:
            with feedback.busy("Loading the model"):
                kind = HeadFitting if prepared.config.recipe.tune in HEADS else FineTuning
                run = wish.run = kind(folder, prepared.config, prepared.data, processes, listener)
            progress.begin(run.length, is_resumed=is_resumed)
            words = run.describe() if isinstance(run, HeadFitting) else run.size.in_words
            feedback.note(f"run: {folder.path}; {words}")
            result = _follow(run, progress, feedback, is_resumed=is_resumed)
        except BaseException as error:
            is_saved, is_stopped = folder.state.exists(), isinstance(error, KeyboardInterrupt)
            if processes.is_first and not is_begun and not is_saved and (is_stopped or wish.run is None):
                folder.withdraw()
            if isinstance(error, KeyboardInterrupt) and is_saved:
                raise Interrupted(folder.path, stop_signals.number_of(error)) from error
            raise
    bad = run.unreadable()
    for video, reason in bad[:MOST_BAD_SHOWN]:
        feedback.warn(f"left out: {video.address}: {reason}")
    if len(bad) > MOST_BAD_SHOWN:
        feedback.warn(f"… and {len(bad) - MOST_BAD_SHOWN:,} more; `vifi data check` lists them all")
    if result is None:
        raise Interrupted(folder.path, wish.number or signal.SIGINT)
    return result


def require_equal_data(run: PreparedRun, processes: Processes) -> None:
    """Raises InvalidInput, in all processes, if one of them has other videos or another recipe than the first."""
    recipe = replace(run.config.recipe, runtime=Runtime())
    all_have = processes.gather((socket.gethostname(), run.config.videos, recipe))
    for rank, (host, videos, other) in enumerate(all_have):
        if (videos, other) != all_have[0][1:]:
            what = "videos" if videos != all_have[0][1] else "recipe"
            raise InvalidInput(
                f"process {rank} on {host} has not the {what} of process 0 on {all_have[0][0]}: give all machines the "
                "same data and command"
            )


@contextmanager
def _alone_in_folder(run: PreparedRun, processes: Processes, feedback: Feedback) -> Iterator[None]:
    """Begins the run, if it is new, and keeps others out of its folder; all processes fail as the first one does."""
    problem: Exception | None = None
    with ExitStack() as held:
        if processes.is_first:
            try:
                if not run.is_begun:
                    run.folder.begin(run.config)
                held.enter_context(training_lock(run.folder.path, feedback.warn))
                if run.is_begun:
                    run.folder.note_place_of_data(run.config)
            except (VifiError, OSError) as error:
                problem = error
        if problem := processes.gather(problem)[0]:
            raise problem
        yield


@contextmanager
def _shown(processes: Processes, feedback: Feedback) -> Iterator[TrainingProgress]:
    with feedback.task("Training") as overall, feedback.task("Epoch 1") as stage:
        yield TrainingProgress(overall, stage, processes.device)


def _follow(
    run: FineTuning | HeadFitting, progress: TrainingProgress, feedback: Feedback, *, is_resumed: bool
) -> RunResult | None:
    """Run the steps; None if the run was interrupted."""
    for report in run.reports(is_resumed=is_resumed):
        if isinstance(report, RunResult):
            return report
        if isinstance(report, StepReport):
            progress.step(report)
        else:
            if report.epoch or report.scores:
                feedback.note(epoch_in_words(report))
            progress.begin_epoch(report.epoch)
    return None


class _StopWish:
    """The wish that a run stops: after its present step, or at once where it takes none and at a second Ctrl-C.

    Several processes stop after the same step. A context manager.
    """

    def __init__(self, feedback: Feedback, *, is_alone: bool) -> None:
        self.number: int | None = None  # of the signal that expressed it
        self.run: FineTuning | HeadFitting | None = None  # once it is set up
        self._is_alone = is_alone
        self._since = 0.0
        self._feedback, self._has_ended = feedback, False
        self._news = threading.Event()

    def __enter__(self) -> Self:
        # it writes the note in another thread, because this one may be writing when the signal comes
        threading.Thread(target=self._announce, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._has_ended = True
        self._news.set()

    def is_made(self) -> bool:
        """Whether the run is to stop."""
        return self.number is not None

    def hear(self, number: int) -> None:
        """Handles a stop signal."""
        if self.number is None:
            self.number, self._since = number, time.monotonic()
            if self._is_alone and not (self.run and self.run.takes_steps):
                raise stop_signals.interruption(number)
            self._news.set()
        elif number == signal.SIGINT and time.monotonic() - self._since > stop_signals.REPEAT_SECONDS:
            raise KeyboardInterrupt

    def _announce(self) -> None:
        self._news.wait()
        if not self._has_ended:
            self._feedback.note(STOPPING)


def epoch_in_words(report: EpochReport) -> str:
    """A line on an epoch."""
    parts = [f"epoch {report.epoch}" if report.epoch else "before"]
    if report.loss is not None:
        parts.append(f"loss {report.loss:.3f}")
    if report.scores:
        parts.append(f"{report.scores.split} {report.scores.in_words}")
    if report.is_best:
        parts.append("kept in best/")
    return " · ".join([*parts, "stopped early"] if report.stopped_early else parts)
