"""Shows how far a run has come: all of it, and the epoch, or the scoring between epochs, that it is at."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from vifi_cli.api.feedback import Task
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.run.reports import RunLength

STEP_PER_SCORING = 3.0
"""How much longer a clip takes to learn from than to score, as long as no step was taken."""
NEWEST_SHARE = 0.1  # of the latest step in the mean of all


@dataclass(slots=True)
class TrainingProgress:
    """Turns steps and scored videos into the progress of two tasks; what is left of the run is counted in seconds."""

    overall: Task
    stage: Task
    device: torch.device
    now: Callable[[], float] = time.perf_counter
    length: RunLength | None = None  # once the run is set up
    _is_resumed: bool = False
    _started: float = 0.0
    _before_seconds: float = 0.0  # what a resumed run took before, by the pace of this one
    _latest: float = 0.0  # when the latest step or scoring ended
    _steps_done: int = 0
    _steps_taken: int = 0  # of them, now
    _step_seconds: float = 0.0
    _videos_to_score: int = 0  # before the scoring that goes on
    _scored: int = 0  # in the scoring that goes on
    _video_seconds: float = 0.0
    _first_read: tuple[float, int] | None = None  # when the first videos were scored or encoded, and how many
    _facts: str = ""

    def begin(self, length: RunLength, *, is_resumed: bool = False) -> None:
        """Notes how long the run is, before its first step: what was done before is no part of its pace."""
        self.length, self._videos_to_score, self._is_resumed = length, length.videos_to_score, is_resumed
        self._started = self._latest = self.now()
        if not is_resumed:
            self.overall(0.0)

    def begin_epoch(self, epoch: int) -> None:
        """Shows that an epoch, from 0, begins, if there is one more."""
        if self.length and epoch < self.length.epochs:
            self._show_epoch(epoch, 0, self.length.steps_per_epoch)

    def scoring(self, done: int, total: int) -> None:
        """Shows how many videos are scored, of how many."""
        self._reading("Scoring", done, total)
        if self._steps_taken or (self._first_read and done > self._first_read[1]) or done >= total:
            self._show_overall()
        if done >= total:
            self._videos_to_score, self._scored = max(self._videos_to_score - total, 0), 0

    def encoding(self, done: int, total: int) -> None:
        """Shows how many training videos are encoded, of how many."""
        self._reading("Encoding", done, total)

    def step(self, step: StepReport) -> None:
        """Shows a step."""
        now = self.now()
        seconds, self._latest = now - self._latest, now
        self._steps_done = step.epoch * step.steps_per_epoch + step.step + 1
        share = max(NEWEST_SHARE, 1 / max(self._steps_taken, 1))  # the second replaces the first, a slow one
        self._steps_taken += 1
        self._step_seconds += share * (seconds - self._step_seconds)
        self._resume(self._steps_done - self._steps_taken)
        self._facts = (
            f"epoch {step.epoch + 1}/{step.epochs} · loss {step.loss:.3f} · lr {step.learning_rate:.1e} · "
            f"{step.clips / max(self._step_seconds, 1e-3):.1f} clips/s{self._memory()}"
        )
        self._show_epoch(step.epoch, step.step + 1, step.steps_per_epoch)
        self._show_overall()

    def _show_epoch(self, epoch: int, steps: int, of: int) -> None:
        self.stage(steps, of, what=f"Epoch {epoch + 1}", at=f"step {steps}/{of}")

    def _resume(self, steps: int) -> None:
        """Counts what was done before this process began, once more after the first step, which is a slow one."""
        if self._steps_taken <= 2:
            self._before_seconds = steps * self._step_seconds
        if self.length and steps and self._steps_taken == 1:
            self._videos_to_score = int(self._videos_to_score * (1 - steps / self.length.steps))

    def _reading(self, what: str, done: int, total: int) -> None:
        now = self.now()
        if self._first_read is None and done:  # the first videos wait for the decoders to start
            self._first_read = now, done
            self._video_seconds = self._video_seconds or (now - self._latest) / done
        elif self._first_read and done > self._first_read[1]:
            self._video_seconds = (now - self._first_read[0]) / (done - self._first_read[1])
        self._scored = done
        if done >= total:
            self._latest, self._first_read = now, None
        self.stage(done, total, what=what, at=f"{done:,}/{total:,} videos")

    def _show_overall(self) -> None:
        if self.length is None or (self._is_resumed and self._steps_taken == 1):
            return  # a resumed run has nothing but its first step, a slow one, to go by
        length, taken = self.length, self.now() - self._started
        guessed = STEP_PER_SCORING * self._video_seconds * length.clips_per_step
        step_seconds = self._step_seconds if self._steps_taken else guessed
        left = (length.steps - self._steps_done) * step_seconds
        left += max(self._videos_to_score - self._scored, 0) * self._video_seconds
        done = self._before_seconds + taken
        self.overall(done, done + left, at=self._facts)

    def _memory(self) -> str:
        if self.device.type != "cuda":
            return ""
        return f" · {torch.cuda.max_memory_allocated(self.device) / 2**30:.1f} GiB"
