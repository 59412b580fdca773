"""Tests models on lists of videos: one model at a time, shared by all processes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vifi_cli.api.evaluation.plan import TestPlan
from vifi_cli.api.evaluation.subject import Subject
from vifi_cli.api.feedback import Feedback
from vifi_cli.data.labeled_videos import LabeledVideos
from vifi_cli.evaluation.report.report import TestDetail, detail_of_test
from vifi_cli.evaluation.scoring.predictions import Predictions, joined, require_finite
from vifi_cli.evaluation.testing.class_texts import (
    ClassTexts,
    embed_class_names,
    read_class_texts,
    spelled_for,
)
from vifi_cli.evaluation.testing.paper_settings import paper_frames, views_of
from vifi_cli.evaluation.testing.predicting import ClipInput, TestClips, predict
from vifi_cli.evaluation.testing.views import Views
from vifi_cli.model.folders.loading import LoadedModel, load_vifi_clip
from vifi_cli.model.registry.source import ModelSource
from vifi_cli.model.towers.clip_transform import square_side
from vifi_cli.model.weights.fingerprint import fingerprint_of_weights
from vifi_cli.paths import cache_folder
from vifi_cli.training.engine.distributed import Processes
from vifi_cli.training.engine.precision import choose_precision
from vifi_cli.training.engine.resources import reading_workers
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.video.clips.store import ClipStore
from vifi_cli.wording import counted

ON_A_CPU_AT_ONCE, ON_A_GPU_AT_ONCE = 4, 16
UNREADABLE_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row of the table: a model per trial; `texts` is None for the model's own template."""

    method: str
    models: tuple[ModelSource, ...]
    texts: ClassTexts | None = None


@dataclass(frozen=True, slots=True)
class Testing:
    """How every model is tested.

    Attributes:
        frames: T of a clip.
        views: of each video.
        recipe: how clips are read, and the precision.
        processes: that share the work.
        batch: videos encoded at once; it changes rounding only.
        bare_names: whether a model that was not tuned gets class names without a template, as published.
    """

    frames: int
    views: Views
    recipe: Recipe
    processes: Processes
    batch: int
    bare_names: bool = False

    def predict(
        self, loaded: LoadedModel, classes: Tensor, videos: LabeledVideos, name: str, feedback: Feedback
    ) -> Predictions:
        """Predicts the test videos, each in one of the processes, from class embeddings (C, D) on their device."""
        processes, preprocessing = self.processes, loaded.card.preprocessing
        size = preprocessing.geometry.height
        store = ClipStore(
            self.views.short_side(size),
            folder=cache_folder() / "clips",
            budget_bytes=int(self.recipe.runtime.clip_cache_gb * 1e9),
        )
        precision = choose_precision(self.recipe.runtime.precision, processes.device)
        workers = reading_workers(self.recipe, processes)
        mine = range(processes.rank, len(videos.test), processes.count)
        with feedback.task(f"Testing {name}", len(mine), "videos") as report:
            share = predict(
                loaded.network,
                classes,
                TestClips(videos.test, store, self.frames, size, self.views, self.batch, workers),
                mine,
                ClipInput(preprocessing.mean, preprocessing.std, processes.device, precision),
                report,
            )
        return require_finite(joined(processes.gather(share)))


def batch_on(device: torch.device) -> int:
    """How many videos are encoded at once."""
    return ON_A_CPU_AT_ONCE if device.type == "cpu" else ON_A_GPU_AT_ONCE


def testing_of(subject: Subject, processes: Processes) -> Testing:
    """How a subject is tested."""
    is_paper = subject.protocol == "paper"
    return Testing(
        frames=paper_frames(subject.setting) if is_paper else subject.recipe.frames,
        views=views_of(subject.setting, is_drawn=is_paper),
        recipe=subject.recipe,
        processes=processes,
        batch=batch_on(processes.device),
        bare_names=is_paper,
    )


@dataclass(frozen=True, slots=True)
class TestedModel:
    """What a report says about a model: its fusion, digest, and the text of the first class as the model gets it."""

    fusion: str
    digest: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """Tested candidates.

    Attributes:
        plan: what they were tested on.
        testing: how.
        rows: each candidate with the tests of each trial.
        models: that were tested, by name.
    """

    plan: TestPlan
    testing: Testing
    rows: tuple[tuple[Candidate, tuple[tuple[TestDetail, ...], ...]], ...]
    models: Mapping[str, TestedModel]


class Tester:
    """Tests candidates on the lists of each trial, and nothing twice."""

    def __init__(self, testing: Testing, plan: TestPlan, feedback: Feedback) -> None:
        self._testing, self._plan, self._feedback = testing, plan, feedback
        self._loaded: tuple[ModelSource, LoadedModel] | None = None
        self._known: dict[tuple[object, ...], Predictions] = {}
        self._unreadable: set[Path] = set()
        self.models: dict[str, TestedModel] = {}

    def test(self, candidate: Candidate) -> tuple[tuple[TestDetail, ...], ...]:
        """The tests of each trial."""
        return tuple(
            tuple(self._detail(candidate, trial, place) for place in range(len(lists)))
            for trial, lists in enumerate(self._plan.lists)
        )

    def load(self, model: ModelSource) -> LoadedModel:
        """The model on the processes' device; the last one stays loaded.

        Raises:
            InvalidInput, ModelUnavailable, MissingDependency: it cannot be loaded or tested.
        """
        if self._loaded is None or self._loaded[0] != model:
            loaded = load_vifi_clip(model)
            square_side(loaded.card.preprocessing.geometry, model.name)
            # convolutions are twice as fast with the colours of a pixel side by side
            loaded.network.visual.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            loaded.network.to(self._testing.processes.device)
            self._loaded = (model, loaded)
        return self._loaded[1]

    def _detail(self, candidate: Candidate, trial: int, place: int) -> TestDetail:
        model, videos = candidate.models[trial], self._plan.lists[trial][place]
        part = self._plan.part(trial, place)
        # paths, since files of several people may share their names
        key = (model, candidate.texts.name if candidate.texts else "", videos.class_names, videos.test)
        if key not in self._known:
            self._known[key] = self._predict(candidate, model, part, videos)
        return detail_of_test(candidate.method, part, videos.class_names, self._known[key], videos.test)

    def _predict(
        self, candidate: Candidate, model: ModelSource, part: str, videos: LabeledVideos
    ) -> Predictions:
        loaded = self.load(model)
        is_bare = self._testing.bare_names and not (loaded.card.tuned or loaded.card.prompts)
        if model.name not in self.models:
            first = videos.class_names[0]
            text = first if is_bare else loaded.card.class_text(spelled_for(loaded.card, [first])[0])
            self.models[model.name] = TestedModel(loaded.network.fusion, digest_of_model(loaded), text)
        bare = read_class_texts("bare") if is_bare else None
        classes = embed_class_names(
            loaded, videos.class_names, candidate.texts or bare, clean=False if is_bare else None
        )
        name = " ".join(filter(None, (candidate.method, part)))
        on_device = classes.to(self._testing.processes.device)
        predictions = self._testing.predict(loaded, on_device, videos, name, self._feedback)
        self._report_unreadable(predictions, videos)
        return predictions

    def _report_unreadable(self, predictions: Predictions, videos: LabeledVideos) -> None:
        """Reports each unreadable video once."""
        reasons = {videos.test[video].path: reason for video, reason in predictions.unreadable}
        new = {path: reason for path, reason in reasons.items() if path not in self._unreadable}
        self._unreadable |= new.keys()
        report_unreadable(new, "test video", self._feedback)


def report_unreadable(reasons: dict[Path, str], what: str, feedback: Feedback) -> None:
    """Reports how many videos are left out, and names the first ones."""
    if reasons:
        feedback.warn(f"{counted(len(reasons), what)} left out that cannot be read")
    for path, reason in list(reasons.items())[:UNREADABLE_SHOWN]:
        feedback.note(f"  {path}: {reason}")


def digest_of_model(loaded: LoadedModel) -> str:
    """SHA-256 over architecture, preprocessing, fusion, template, weights and learned prompts: 64 hex digits.

    Weights are compared as float32, so their precision in files does not matter.
    """
    card = loaded.card
    description = {
        "architecture": card.architecture,
        "preprocessing": card.preprocessing.as_dict(),
        "fusion": loaded.network.fusion,
        "template": card.template,
    }
    return fingerprint_of_weights(description, loaded.network.state_dict())
