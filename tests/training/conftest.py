"""Small real training runs: a tiny CLIP, and clips whose colour is their class."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.conftest import MakeOnce
from tests.made_videos import solid_colour_clip
from tests.model.conftest import make_tiny_clip
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.model.registry.class_texts import ClassTexts
from vifi_cli.training.engine.processes.distributed import Processes
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.fine_tuning import FineTuning
from vifi_cli.training.recipe.changes import make_recipe
from vifi_cli.training.run.folder import RunConfig, RunFolder
from vifi_cli.training.run.listener import Listener
from vifi_cli.training.run.reports import EpochReport, RunResult

COLOURS = ("red", "green", "blue")


@pytest.fixture(scope="session")
def colour_folder(make_once: MakeOnce) -> Path:
    """A folder with a folder per class: red, green and blue clips."""
    return make_once("colours", _write_colours)


def _write_colours(folder: Path) -> None:
    for colour in COLOURS:
        for number in range(4):
            (folder / colour).mkdir(exist_ok=True)
            solid_colour_clip(
                folder / colour / f"{colour}_{number}.mp4", [(colour, 0.4), ("black", 0.05 * number)]
            )


@pytest.fixture(scope="session")
def tiny_model(make_once: MakeOnce) -> Path:
    """A tiny CLIP with random weights."""
    return make_once("tiny_clip", make_tiny_clip)


@pytest.fixture
def colours(colour_folder: Path) -> LabeledVideos:
    """Three clips of each colour to learn from, one to be tested on."""
    videos = [
        [LabeledVideo(path, label) for path in sorted((colour_folder / colour).iterdir())]
        for label, colour in enumerate(COLOURS)
    ]
    test = tuple(clips[0] for clips in videos)
    return LabeledVideos("colours", COLOURS, tuple(v for clips in videos for v in clips[1:]), test, test)


MakeRun = Callable[..., FineTuning]


@pytest.fixture
def make_run(tiny_model: Path, colours: LabeledVideos) -> MakeRun:
    """Prepares a short run in a folder."""

    def make(
        folder: Path,
        *changes: str,
        data: LabeledVideos = colours,
        should_stop: Callable[[], bool] = lambda: False,
        begin: bool = True,
        model: Path = tiny_model,
        texts: ClassTexts | None = None,
        say: Callable[[str], None] = lambda message: None,
    ) -> FineTuning:
        recipe = make_recipe(
            "small",
            changes=[
                "frames=2",
                "epochs=4",
                "effective_batch=4",
                "learning_rate=1e-3",
                "warmup_epochs=1",
                *changes,
            ],
        )
        config = RunConfig(str(model), "colours", "", "supervised", "default", recipe, texts=texts)
        run = RunFolder(folder)
        if begin:
            run.begin(config)
        alone = Processes(0, 1, torch.device("cpu"))
        return FineTuning(run, config, data, alone, Listener(should_stop, say=say))

    return make


def losses(folder: Path) -> list[float]:
    """The loss of each step, as the run wrote it down."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "step" in line]


def check_that_a_stop_changes_nothing(
    make_run: MakeRun, folder: Path, file: str, changes: tuple[str, ...]
) -> None:
    """One epoch and one are two to the bit: the losses, and a file of each model."""
    changes = (*changes, "epochs=2")
    list(make_run(folder / "whole", *changes).reports())
    asked = itertools.count()
    stopped = list(make_run(folder / "halves", *changes, should_stop=lambda: next(asked) == 3).reports())
    assert not isinstance(stopped[-1], RunResult)
    list(make_run(folder / "halves", *changes, begin=False).reports(is_resumed=True))
    assert losses(folder / "whole") == losses(folder / "halves")
    for name in ("best", "last"):
        whole, halves = (folder / run / name / file for run in ("whole", "halves"))
        assert whole.read_bytes() == halves.read_bytes()


def reports_of(run: FineTuning) -> tuple[list[StepReport], list[EpochReport]]:
    reports = list(run.reports())
    return (
        [report for report in reports if isinstance(report, StepReport)],
        [report for report in reports if isinstance(report, EpochReport)],
    )
