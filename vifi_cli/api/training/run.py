"""Carries out prepared runs and reports their progress; Ctrl-C saves a run, so that it can continue."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import torch

from vifi_cli.api.feedback import Feedback, Task, of_first_process
from vifi_cli.api.training.prepare import PreparedRun, continued_run, prepare_run
from vifi_cli.api.training.request import TrainingRequest
from vifi_cli.training.engine.distributed import Processes
from vifi_cli.training.engine.loop import StepReport
from vifi_cli.training.fine_tuning import FineTuning, Listener
from vifi_cli.training.run.reports import EpochReport, RunResult

MOST_BAD_SHOWN = 10


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended a run, which is saved in `folder`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"the run is saved in {folder} and can be resumed")
        self.folder = folder


def train_model(request: TrainingRequest, processes: Processes, feedback: Feedback) -> Path:
    """Train one of several models in processes that stay joined, and return the folder of the best model.

    An interrupted run in the request's output folder continues; a finished one is not repeated.

    Raises:
        Interrupted: Ctrl-C was pressed; the run is saved.
    """
    prepared = continued_run(prepare_run(request, of_first_process(feedback)))
    if not (prepared.is_begun and prepared.folder.is_finished(prepared.config)):
        carry_out(prepared, processes, feedback)
    return prepared.folder.best


def carry_out(prepared: PreparedRun, processes: Processes, feedback: Feedback) -> RunResult:
    """Carry out a run to its end.

    Raises:
        Interrupted: Ctrl-C was pressed; the run is saved.
    """
    feedback = of_first_process(feedback)
    is_resumed = prepared.is_begun and prepared.folder.state.exists()
    # each process has named a new folder by its own clock
    folder, is_begun, is_resumed = processes.gather((prepared.folder, prepared.is_begun, is_resumed))[0]
    if processes.is_first:
        if not is_begun:
            folder.begin(prepared.config)
        elif not is_resumed:
            folder.metrics.unlink(missing_ok=True)
    processes.wait_for_all()
    with _stopping(feedback) as should_stop, feedback.task("Training") as report:
        progress = _Progress(report, processes.device)
        listener = Listener(should_stop, progress.scoring, feedback.note)
        with feedback.busy("Loading the model"):
            try:
                run = FineTuning(folder, prepared.config, prepared.data, processes, listener)
            except BaseException:
                if processes.is_first and not is_begun:
                    folder.withdraw()
                raise
        feedback.note(f"run: {folder.path}; {run.describe()}")
        result = _follow(run, progress, feedback, is_resumed=is_resumed)
    bad = run.unreadable()
    for video, reason in bad[:MOST_BAD_SHOWN]:
        feedback.warn(f"left out: {video.path}: {reason}")
    if len(bad) > MOST_BAD_SHOWN:
        feedback.warn(f"… and {len(bad) - MOST_BAD_SHOWN:,} more; `vifi data check` lists them all")
    if result is None:
        raise Interrupted(folder.path)
    return result


def _follow(
    run: FineTuning, progress: "_Progress", feedback: Feedback, *, is_resumed: bool
) -> RunResult | None:
    """Run the steps; None if the run was interrupted."""
    for report in run.reports(is_resumed=is_resumed):
        if isinstance(report, RunResult):
            return report
        if isinstance(report, StepReport):
            progress.step(report)
        else:
            feedback.note(_epoch_in_words(report))
    return None


@contextmanager
def _stopping(feedback: Feedback) -> Iterator[Callable[[], bool]]:
    """Yield a function that returns true after the first Ctrl-C; the second one interrupts."""
    if threading.current_thread() is not threading.main_thread():  # others cannot handle signals
        yield lambda: False
        return
    wishes: list[int] = []

    def on_interrupt(number: int, _frame: FrameType | None) -> None:
        if wishes:
            raise KeyboardInterrupt
        wishes.append(number)
        feedback.note("stopping after this step; Ctrl-C again stops at once and keeps the last saved state")

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield lambda: bool(wishes)
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass(slots=True)
class _Progress:
    """Shows steps and scoring as one task: epoch, loss, learning rate, clips a second, memory."""

    report: Task
    device: torch.device
    _clips: int = 0
    _since: float = field(default_factory=time.perf_counter)

    def scoring(self, done: int, total: int) -> None:
        """Show how many videos are scored, of how many."""
        self.report(done, total, what="Scoring", at=f"{done:,}/{total:,} videos")
        if done >= total:
            self._since, self._clips = time.perf_counter(), 0

    def step(self, step: StepReport) -> None:
        """Show a step."""
        self._clips += step.clips
        rate = self._clips / max(time.perf_counter() - self._since, 1e-3)
        facts = (
            f"epoch {step.epoch + 1}/{step.epochs} step {step.step + 1}/{step.steps_per_epoch} · "
            f"loss {step.loss:.3f} · lr {step.learning_rate:.1e} · {rate:.1f} clips/s{self._memory()}"
        )
        done = step.epoch * step.steps_per_epoch + step.step + 1
        self.report(done, step.epochs * step.steps_per_epoch, what="Training", at=facts)

    def _memory(self) -> str:
        if self.device.type != "cuda":
            return ""
        return f" · {torch.cuda.max_memory_allocated(self.device) / 2**30:.1f} GiB"


def _epoch_in_words(report: EpochReport) -> str:
    parts = [f"epoch {report.epoch}" if report.epoch else "before"]
    if report.loss is not None:
        parts.append(f"loss {report.loss:.3f}")
    if report.scores:
        parts.append(f"{report.scores.split} top-1 {report.scores.top1:.1%}, top-5 {report.scores.top5:.1%}")
    return " · ".join(parts) + (" · kept in best/" if report.is_best else "")
