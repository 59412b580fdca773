"""The progress of a run: epoch, step, loss, learning rate, clips a second, memory and time left."""

from __future__ import annotations

import signal
import time
from contextlib import AbstractContextManager
from types import FrameType
from typing import TYPE_CHECKING, Self

from rich.progress import TaskID

from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    import torch

    from vifi_cli.training.run.reports import EpochReport, StepReport


class FinetuneProgress:
    """Shows how far a run has come and turns the first Ctrl-C into a wish to stop. A context manager."""

    def __init__(self, *, is_shown: bool, device: torch.device) -> None:
        self._is_shown = is_shown
        self._device = device
        self._bar = output.progress("{task.fields[facts]}")
        self._task: TaskID | None = None
        self._scoring: TaskID | None = None
        self._wants_to_stop = False
        self._clips = 0
        self._since = time.perf_counter()

    def __enter__(self) -> Self:
        self._handler_before = signal.signal(signal.SIGINT, self._on_interrupt)
        if self._is_shown:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        signal.signal(signal.SIGINT, self._handler_before)

    def should_stop(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._wants_to_stop

    def say(self, message: str) -> None:
        """Says something to the user above the bar."""
        if self._is_shown:
            output.note(message)

    def loading(self) -> AbstractContextManager[object]:
        """A sign of life while the model is loaded."""
        task = self._bar.add_task("Loading the model", total=None, facts="")
        return _Hiding(self, task)

    def scoring(self, done: int, total: int) -> None:
        """Shows how many videos are scored."""
        if self._scoring is None:
            self._scoring = self._bar.add_task("Scoring", total=total, facts="")
        self._bar.update(self._scoring, completed=done, total=total, facts=f"{done:,}/{total:,} videos")
        if done >= total:
            self.hide(self._scoring)
            self._scoring = None
            self._since, self._clips = time.perf_counter(), 0

    def take(self, report: StepReport | EpochReport) -> None:
        """Shows a report."""
        from vifi_cli.training.run.reports import StepReport

        if isinstance(report, StepReport):
            self._take_step(report)
        else:
            self._take_epoch(report)

    def hide(self, task: TaskID) -> None:
        """Takes a bar off the screen."""
        self._bar.remove_task(task)

    def _take_step(self, report: StepReport) -> None:
        done = report.epoch * report.steps_per_epoch + report.step + 1
        if self._task is None:
            self._task = self._bar.add_task(
                "Training", total=report.epochs * report.steps_per_epoch, facts="", completed=done - 1
            )
        self._clips += report.clips
        rate = self._clips / max(time.perf_counter() - self._since, 1e-3)
        facts = (
            f"epoch {report.epoch + 1}/{report.epochs} step {report.step + 1}/{report.steps_per_epoch} · "
            f"loss {report.loss:.3f} · lr {report.learning_rate:.1e} · {rate:.1f} clips/s{self._memory()}"
        )
        self._bar.update(self._task, completed=done, facts=facts)

    def _take_epoch(self, report: EpochReport) -> None:
        said = [f"epoch {report.epoch}" if report.epoch else "before"]
        if report.loss is not None:
            said.append(f"loss {report.loss:.3f}")
        if report.scores:
            said.append(
                f"{report.scores.split} top-1 {report.scores.top1:.1%}, top-5 {report.scores.top5:.1%}"
            )
        self.say(" · ".join(said) + (" · kept in best/" if report.is_best else ""))

    def _memory(self) -> str:
        if self._device.type != "cuda":
            return ""
        import torch

        return f" · {torch.cuda.max_memory_allocated(self._device) / 2**30:.1f} GiB"

    def _on_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._wants_to_stop:
            raise KeyboardInterrupt
        self._wants_to_stop = True
        self.say("stopping after this step; Ctrl-C again stops at once and keeps the last saved state")


class _Hiding(AbstractContextManager[None]):
    """Takes a bar off the screen at the end of a block."""

    def __init__(self, progress: FinetuneProgress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def __exit__(self, *_: object) -> None:
        self._progress.hide(self._task)
