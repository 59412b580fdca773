"""The progress of a run: of its epochs, its scoring, and of all of it, at times that the test gives."""

from typing import Any

import pytest
import torch

from vifi_cli.api.training.progress import TrainingProgress
from vifi_cli.cli.terminal.progress.line import Work
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.run.reports import RunLength

LENGTH = RunLength(epochs=5, steps_per_epoch=4, clips_per_step=8, videos_to_score=7 * 10)


class Shown:
    """A task that remembers what was reported last."""

    def __init__(self) -> None:
        self.done, self.total, self.what, self.at = 0.0, 0.0, "", ""

    def __call__(self, done: float, total: float | None = None, *, what: str = "", at: str = "") -> None:
        self.done, self.total, self.what, self.at = done, total or 0.0, what or self.what, at

    @property
    def left(self) -> float:
        return self.total - self.done


class Run:
    """A run that takes 10 s a step and 0.5 s a video that is scored."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.overall, self.stage = Shown(), Shown()
        cpu = torch.device("cpu")
        self.progress = TrainingProgress(self.overall, self.stage, cpu, now=lambda: self.seconds)
        self.progress.begin(LENGTH)

    def score(self) -> None:
        for done in range(1, 11):
            self.seconds += 0.5
            self.progress.scoring(done, 10)

    def epoch(self, epoch: int, first: int = 0) -> None:
        for step in range(first, 4):
            self.seconds += 10.0
            facts: dict[str, Any] = {"loss": 1.0, "learning_rate": 1e-5, "clips": 8}
            self.progress.step(StepReport(epoch, step, 4, 5, **facts))


def test_the_time_left_is_that_of_all_steps_and_all_scoring() -> None:
    run = Run()
    run.progress.scoring(0, 10)
    run.score()
    assert (run.stage.what, run.stage.at, run.stage.done) == ("Scoring", "10/10 videos", 10)
    assert run.overall.left == pytest.approx(20 * 3 * 8 * 0.5 + 60 * 0.5), "a step is guessed from scoring"
    run.progress.begin_epoch(0)
    assert (run.stage.what, run.stage.at, run.stage.done) == ("Epoch 1", "step 0/4", 0)
    run.epoch(0)
    assert (run.stage.at, run.stage.done, run.stage.total) == ("step 4/4", 4, 4)
    assert run.overall.at == "epoch 1/5 · loss 1.000 · lr 1.0e-05 · 0.8 clips/s"
    assert run.overall.left == pytest.approx(16 * 10 + 60 * 0.5)
    run.score()
    for epoch in range(1, 5):
        run.progress.begin_epoch(epoch)
        run.epoch(epoch)
        run.score()
    assert run.overall.left == pytest.approx(0.0 + 10 * 0.5), "one more scoring was allowed for"
    run.progress.begin_epoch(5)
    assert run.stage.what == "Scoring", "there is no sixth epoch"


def test_a_resumed_run_begins_where_it_was() -> None:
    run = Run()
    run.epoch(3, first=2)
    assert run.overall.left == pytest.approx(4 * 10)
    assert run.overall.done / run.overall.total == pytest.approx(16 / 20, abs=0.02)


def test_a_resumed_run_waits_for_a_second_step_with_its_estimate() -> None:
    run = Run()
    run.progress.begin(LENGTH, is_resumed=True)
    run.overall.total = 0.0
    for step, seconds in ((1, 100.0), (2, 10.0)):
        assert run.overall.total == 0, "the first step warms up, and nothing else is known"
        run.seconds += seconds
        run.progress.step(StepReport(2, step, 4, 5, loss=1.0, learning_rate=1e-5, clips=8))
    assert run.overall.left == pytest.approx(9 * 10)
    assert run.overall.done == pytest.approx(9 * 10 + 110), "nine steps before, by the pace of the second one"


def test_the_first_estimates_leave_out_how_long_the_start_took() -> None:
    run = Run()
    run.progress.scoring(0, 10)
    run.seconds += 30.0  # decoders start
    run.progress.scoring(1, 10)
    assert run.overall.total == 0, "no estimate yet"
    run.seconds += 0.5
    run.progress.scoring(2, 10)
    assert run.overall.left == pytest.approx(20 * 3 * 8 * 0.5 + 68 * 0.5)
    for seconds in (100.0, 10.0):  # the first step warms up
        run.seconds += seconds
        facts: dict[str, Any] = {"loss": 1.0, "learning_rate": 1e-5, "clips": 8}
        run.progress.step(StepReport(0, int(seconds == 10), 4, 5, **facts))
    assert run.overall.left == pytest.approx(18 * 10 + 68 * 0.5)


def test_loading_the_model_is_no_part_of_the_pace_of_training() -> None:
    shown = Work("Training", 0.0)
    now = 40.0

    def overall(done: float, total: float | None = None, *, what: str = "", at: str = "") -> None:
        shown.advance(now, done, total, what, at)

    progress = TrainingProgress(overall, Shown(), torch.device("cpu"), now=lambda: now)
    progress.begin(LENGTH)
    now = 44.0
    progress.step(StepReport(0, 0, 4, 5, loss=1.0, learning_rate=1e-5, clips=8))
    assert shown.pace.seconds_left(now, shown.total) == pytest.approx(19 * 4)
