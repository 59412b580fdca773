"""Estimates what an evaluation that trains methods would do and need, without training."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Literal, Unpack

from vifi_cli.api.evaluation.evaluate import folder_of, plan_sets
from vifi_cli.api.evaluation.methods.method import find_method, trained_method
from vifi_cli.api.evaluation.methods.runs import MethodRuns, Run
from vifi_cli.api.evaluation.options import EvaluationOptions
from vifi_cli.api.evaluation.plan import TestPlan
from vifi_cli.api.evaluation.request import resolve
from vifi_cli.api.evaluation.testing import ModelLoader, Tester
from vifi_cli.api.feedback import AUTOMATIC, Feedback, Task, of_first_process
from vifi_cli.api.training.prepare import PreparedRun, continued_run, prepare_run
from vifi_cli.api.training.run import require_equal_data
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import HEADS
from vifi_cli.training.batches.epoch_plan import plan_run
from vifi_cli.training.engine.processes.distributed import Processes, joined_processes
from vifi_cli.training.run.listener import Listener
from vifi_cli.training.run.state import steps_done
from vifi_cli.training.trial_run import RunEstimate, Times, TrialRun

TIMED_TESTS = 8  # videos


@dataclass(frozen=True, slots=True)
class PlannedTraining:
    """A run of an evaluation: how far it is, and what is left to do."""

    title: str  # of method and trial
    folder: Path
    state: Literal["finished", "unfinished", "new"]
    videos: int  # to learn from
    epochs: int  # 0 for a linear probe or Tip-Adapter, which takes no steps
    steps_per_epoch: int
    steps_left: int
    seconds: float  # from now on
    disk: int  # bytes, from now on


@dataclass(frozen=True, slots=True)
class PlannedTests:
    """The tests of an evaluation."""

    models: int
    videos: int  # different ones
    encodings: int  # of a video by an image tower: one that no method changes encodes each video once
    seconds: float


@dataclass(frozen=True, slots=True)
class PlannedEvaluation:
    """An evaluation that was not carried out: what it would do, and what it would need."""

    folder: Path  # of the report
    runs: tuple[PlannedTraining, ...]
    tests: PlannedTests
    clip_cache: int  # bytes on disk that all runs share
    disk_free: int  # bytes

    @property
    def seconds(self) -> float:
        """All of it, from now on."""
        return sum(run.seconds for run in self.runs) + self.tests.seconds

    @property
    def disk(self) -> int:
        """Bytes that the runs take from now on."""
        return sum(run.disk for run in self.runs)


def estimate_evaluation(
    models: Path | str | Sequence[Path | str] = (),
    data: Path | str | Sequence[Path | str] | None = None,
    setting: str | None = None,
    *,
    device: str = "auto",
    feedback: Feedback = AUTOMATIC,
    **options: Unpack[EvaluationOptions],
) -> PlannedEvaluation:
    """Estimate what `evaluate` with `methods` would train and test: runs, time and disk.

    It checks what `evaluate` checks, takes a few steps of each kind of run, and writes nothing but caches. Arguments
    and errors are those of `evaluate`.
    """
    if not options.get("methods"):
        raise InvalidInput("--dry-run goes with --train: name the methods that would be trained")
    heard = _Once(of_first_process(feedback))
    subjects = resolve(models, data, setting, options, heard)
    folder = folder_of(subjects, options)
    with joined_processes(device, heard.note) as processes:
        plans, owners, needed = plan_sets(
            subjects, folder / "runs", heard, allow_leak=options.get("allow_leak", False)
        )
        tests = _Tests(tuple(zip(plans, owners, strict=True)), processes, heard)
        trainings = _Trainings(processes, heard, tests.video_seconds)
        runs = trainings.plan(needed, subjects[0].models[0].name)
        planned = tests.plan()
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(nearest).free
    return PlannedEvaluation(folder, runs, planned, trainings.clip_cache, free)


class _Trainings:
    """The runs of an evaluation, of which one of each kind is tried; `clip_cache` is that of the largest."""

    def __init__(self, processes: Processes, feedback: Feedback, video_seconds: float) -> None:
        self._processes, self._feedback, self._video_seconds = processes, feedback, video_seconds
        self._measured: dict[str, RunEstimate] = {}
        self.clip_cache = 0

    def plan(self, needed: dict[Path, Run], start: str) -> tuple[PlannedTraining, ...]:
        prepared: dict[Path, tuple[Run, PreparedRun, str]] = {}
        for folder, run in needed.items():
            # prompts after a bridge start from a model that is not trained yet, with the layers of this one
            one = prepare_run(replace(run.request, model=start), self._feedback)
            require_equal_data(one, self._processes)
            prepared[folder] = run, one, self._processes.from_first(partial(_state, run, one))
        tried = sorted(prepared.values(), key=lambda each: -len(each[1].data.train))
        for _, one, state in tried:  # of each kind the largest
            if state != "finished" and one.config.recipe.tune not in HEADS:
                self._try(one)
        return tuple(self._planned(*each) for each in prepared.values())

    def _try(self, run: PreparedRun) -> None:
        if (kind := _kind(run)) in self._measured:
            return
        with self._feedback.busy(f"Trying a few steps of {run.folder.path.name}"):
            listener = Listener(say=self._feedback.note)
            trial = TrialRun(run.folder, run.config, run.data, self._processes, listener)
            self._measured[kind] = trial.estimate()
        self.clip_cache = max(self.clip_cache, self._measured[kind].disk.clip_cache)

    def _planned(self, run: Run, prepared: PreparedRun, state: str) -> PlannedTraining:
        recipe, data, folder = prepared.config.recipe, prepared.data, prepared.folder
        is_head = recipe.tune in HEADS
        plan = plan_run(recipe, len(data.train), [video.label for video in data.train])
        epochs, total = (0, 0) if is_head else (plan.epochs, plan.total_steps)
        done = self._processes.from_first(lambda: steps_done(folder.state)) if state == "unfinished" else 0
        left, seconds, disk = (0 if state == "finished" else total - done), 0.0, 0
        if is_head and state != "finished":
            seconds = self._video_seconds * len(data.all_videos()) / self._processes.count
        elif state != "finished":
            measured = self._measured[_kind(prepared)]
            clips = min(plan.effective_batch, plan.videos) / measured.size.clips_per_step
            times = Times.of(
                measured.seconds.step * clips,
                measured.seconds.video, recipe, data, plan, self._processes.count,
            )  # fmt: skip
            seconds = times.total * left / total
            taken = sum(file.stat().st_size for file in folder.path.rglob("*") if file.is_file())
            disk = max(0, measured.disk.models + measured.disk.state - taken)
        return PlannedTraining(
            title=run.title,
            folder=folder.path,
            state=state,  # type: ignore[arg-type]
            videos=len(data.train),
            epochs=epochs,
            steps_per_epoch=0 if is_head else plan.steps_per_epoch,
            steps_left=left,
            seconds=seconds,
            disk=disk,
        )


class _Tests:
    """The tests of all sets of data."""

    def __init__(
        self, sets: Sequence[tuple[TestPlan, MethodRuns]], processes: Processes, feedback: Feedback
    ) -> None:
        self._sets, self._processes = sets, processes
        self.video_seconds = self._measure(feedback)

    def _measure(self, feedback: Feedback) -> float:
        """The time to test a video, by those of the first list: a process tests its share of them."""
        plan = self._sets[0][0]
        videos = plan.lists[0][0]
        few = replace(videos, test=videos.test[:TIMED_TESTS])
        start = plan.subject.models[0]
        tester = Tester(plan, self._processes, feedback, ModelLoader(self._processes.device, feedback))
        return tester.seconds_of(start, few) / -(-len(few.test) // self._processes.count)

    def plan(self) -> PlannedTests:
        models: set[object] = set()
        videos: set[LabeledVideo] = set()
        encodings: set[object] = set()
        for plan, runs in self._sets:
            for trial, (trained, lists) in enumerate(zip(plan.training, plan.lists, strict=True)):
                for name in runs.subject.methods:
                    for texts in runs.texts_of(name):
                        model = (runs.model_of(name, plan.trials[trial], texts), find_method(name).alpha)
                        models.add(model)
                        tower = model if _changes_images(name) else None
                        answered = [
                            one for one in lists
                            if find_method(name).tune != "linear-probe"
                            or set(one.class_names) <= set(trained.class_names)
                        ]  # fmt: skip
                        tested = [video for one in answered for video in one.test]
                        videos.update(tested)
                        encodings.update((tower, video.key) for video in tested)
        seconds = self.video_seconds * len(encodings) / self._processes.count
        return PlannedTests(len(models), len(videos), len(encodings), seconds)


def _changes_images(name: str) -> bool:
    """Whether a method encodes frames differently from the model that it starts from."""
    method = find_method(trained_method(name))
    return method.prompts or method.tune in ("both", "image")


def _state(run: Run, prepared: PreparedRun) -> Literal["finished", "unfinished", "new"]:
    """How far a run is; raises InvalidInput if the folder has another run."""
    model = run.request.model or prepared.config.model
    own = replace(prepared, config=replace(prepared.config, model=model))
    if not continued_run(own).is_begun:
        return "new"
    return "finished" if own.folder.is_finished(own.config) else "unfinished"


def _kind(run: PreparedRun) -> str:
    """What runs have in common whose steps take the same time per clip."""
    config = run.config
    recipe, texts = replace(config.recipe, seed=0), config.texts.name if config.texts else ""
    return repr((recipe, texts, config.source.name))


class _Once:
    """Feedback in which each note and each warning comes once, however many runs give it."""

    def __init__(self, feedback: Feedback) -> None:
        self._feedback = feedback
        self.note: Callable[[str], None] = cache(feedback.note)
        self.warn: Callable[[str], None] = cache(feedback.warn)

    def busy(self, what: str) -> AbstractContextManager[object]:
        return self._feedback.busy(what)

    def task(self, what: str, total: float | None = None, unit: str = "") -> AbstractContextManager[Task]:
        return self._feedback.task(what, total, unit)
