"""Tests models on lists of videos: one model at a time, shared by all processes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from time import perf_counter

import torch
from torch import Tensor

from vifi_cli.api.evaluation.epochs import epoch_in_words
from vifi_cli.api.evaluation.plan import TestPlan
from vifi_cli.api.feedback import Feedback
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, check_in_reach
from vifi_cli.errors import InvalidInput, MissingDependency, ModelUnavailable
from vifi_cli.evaluation.report.report import TestDetail, detail_of_test
from vifi_cli.evaluation.report.table import TrainTime
from vifi_cli.evaluation.scoring.predictions import Predictions, joined, require_finite
from vifi_cli.evaluation.testing.class_texts import (
    embed_tested_classes,
    own_texts,
    reads_bare_names,
    spelled_for,
    texts_of_classes,
    unanswered_classes,
)
from vifi_cli.evaluation.testing.frame_features import FrameFeatures, kept_features
from vifi_cli.evaluation.testing.predicting import ClipInput, TestClips, predict
from vifi_cli.evaluation.testing.views import ScoreConditions, Views
from vifi_cli.model.registry.card import ModelCard
from vifi_cli.model.registry.class_texts import ClassTexts
from vifi_cli.model.registry.source import ModelSource, resolve_model
from vifi_cli.model.storage.averaging import average_models
from vifi_cli.model.storage.digest import digest_of_model
from vifi_cli.model.storage.loading import LoadedModel, load_vifi_clip
from vifi_cli.model.towers.clip_transform import square_side
from vifi_cli.paths import cache_folder
from vifi_cli.training.engine.precision import choose_precision
from vifi_cli.training.engine.processes.distributed import Processes
from vifi_cli.training.engine.resources import reading_workers
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.video.clips.store import ClipStore
from vifi_cli.wording import counted

ON_A_CPU_AT_ONCE, ON_A_GPU_AT_ONCE = 4, 16
UNREADABLE_SHOWN = 5
DIGEST_SHOWN = 16


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row of the table: a model per trial; `texts` is None for the model's own.

    With `alpha`, its weights are averaged with those of the plan's first model, of which they are 1 - alpha (WiSE-FT).
    `trained` is the time of its training, if the evaluation trains it.
    """

    method: str
    models: tuple[ModelSource, ...]
    texts: ClassTexts | None = None
    alpha: float | None = None
    trained: TrainTime | None = None


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """How test clips are read and enter a model: some views of each video; the rest as in training.

    `frames` is T for every model; None if each model gets as many as in its training, and others those of `recipe`.
    With `imagenet_statistics`, every model's pixels are normalized by ImageNet's, as published, not by its own.
    """

    frames: int | None
    views: Views
    recipe: Recipe
    processes: Processes
    imagenet_statistics: bool = False

    def frames_of(self, card: ModelCard) -> int:
        """T, the frames of a test clip of a model."""
        return self.frames or card.trained_frames or self.recipe.frames

    def clips(self, videos: Sequence[LabeledVideo], loaded: LoadedModel) -> TestClips:
        """The test clips of videos for a model."""
        size = square_side(loaded.card.preprocessing.geometry, loaded.source.name)
        runtime, is_cpu = self.recipe.runtime, self.processes.device.type == "cpu"
        store = ClipStore(
            self.views.short_side(size),
            folder=cache_folder() / "clips",
            budget_bytes=int(runtime.clip_cache_gb * 1e9),
        )
        batch = ON_A_CPU_AT_ONCE if is_cpu else ON_A_GPU_AT_ONCE
        workers = reading_workers(self.recipe, self.processes)
        return TestClips(videos, store, self.frames_of(loaded.card), size, self.views, batch, workers)

    def features(self, loaded: LoadedModel) -> FrameFeatures | None:
        """The embeddings of frames that a model, which is on its device, has made before."""
        enter = self.enter(loaded)
        return kept_features(loaded.network, loaded.card, enter.preprocessing, enter.arithmetic)

    def enter(self, loaded: LoadedModel) -> ClipInput:
        """How clips enter a model."""
        device = self.processes.device
        precision = choose_precision(self.recipe.runtime.precision, device)
        own = loaded.card.preprocessing
        preprocessing = own.with_imagenet_statistics() if self.imagenet_statistics else own
        return ClipInput(preprocessing, device, precision)


class ModelLoader:
    """Loads models for tests, or averages them; the last one stays loaded, for several sets of data too."""

    def __init__(self, device: torch.device, feedback: Feedback) -> None:
        self._device, self._feedback = device, feedback
        self._loaded: tuple[tuple[object, ...], LoadedModel] | None = None

    def load(self, model: ModelSource, start: ModelSource | None = None, alpha: float = 1) -> LoadedModel:
        """The model on the device; with `start`, a share `alpha` of its weights and the rest of those of the start.

        Raises:
            InvalidInput, ModelUnavailable, MissingDependency: it cannot be loaded or tested.
        """
        wanted = (model, start, alpha)
        if self._loaded is None or self._loaded[0] != wanted:
            with self._feedback.busy("Loading the model"):
                loaded = self._averaged(model, start, alpha) if start else load_vifi_clip(model)
                square_side(loaded.card.preprocessing.geometry, model.name)
                # convolutions are twice as fast with the colors of a pixel side by side
                loaded.network.visual.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
                loaded.network.to(self._device)
            self._loaded = (wanted, loaded)
        return self._loaded[1]

    def _averaged(self, model: ModelSource, start: ModelSource, alpha: float) -> LoadedModel:
        """Made in memory, because a folder for each alpha and seed would fill the disk."""
        merged = average_models(map(load_vifi_clip, (start, model)), (1 - alpha, alpha))
        for remark in merged.remarks:
            self._feedback.note(remark)
        return replace(merged.model, source=replace(model, name=f"{model.name}@{alpha:g}"))


class Tester:
    """Tests candidates on the lists of each trial, and nothing twice.

    `models` describes those that were tested, by name, and `conditions` says how. With `as_published`, pixels are
    normalized by ImageNet's statistics, class names stay as the data has them, and a model that was not tuned gets no
    template.
    """

    def __init__(self, plan: TestPlan, processes: Processes, feedback: Feedback, loader: ModelLoader) -> None:
        subject = plan.subject
        self.as_published = subject.protocol == "paper"
        self.plan = plan
        self.clip_settings = ClipSettings(
            subject.frames,
            subject.views,
            subject.recipe,
            processes,
            imagenet_statistics=self.as_published,
        )
        self.models: dict[str, str] = {}
        self.conditions: dict[ModelSource, ScoreConditions] = {}
        self._feedback, self._warn_once = feedback, cache(feedback.warn)
        self._loader = loader
        self._latest: tuple[ModelSource, float | None] | None = None
        self._features: FrameFeatures | None = None  # of the latest model
        self.reused_videos = 0  # whose frames were not encoded again
        self._known: dict[tuple[object, ...], tuple[Predictions, float]] = {}  # with seconds
        self._unreadable: set[str] = set()

    def test(self, candidate: Candidate) -> tuple[tuple[TestDetail | None, ...], ...]:
        """The tests of each trial; None where the model has no answer for some class of a list."""
        return tuple(
            tuple(self._detail(candidate, trial, place) for place in range(len(lists)))
            for trial, lists in enumerate(self.plan.lists)
        )

    def load(self, model: ModelSource, alpha: float | None = None) -> LoadedModel:
        """The model, averaged as a candidate's `alpha` says, on the processes' device."""
        start = None if alpha is None else self.plan.subject.models[0]
        loaded = self._loader.load(model, start, 1 if alpha is None else alpha)
        if (model, alpha) != self._latest:
            self._latest, self._features = (model, alpha), self.clip_settings.features(loaded)
            frames, views = self.clip_settings.frames_of(loaded.card), self.clip_settings.views
            self.conditions[model] = ScoreConditions(frames, views, self.plan.subject.protocol)
        return loaded

    def _detail(self, candidate: Candidate, trial: int, place: int) -> TestDetail | None:
        model, videos = candidate.models[trial], self.plan.lists[trial][place]
        if unanswered_classes(model.card, videos.class_names):
            return None
        part = self.plan.part(trial, place)
        # paths, since files of several people may share their names
        texts = candidate.texts.name if candidate.texts else ""
        key = (model, candidate.alpha, texts, videos.class_names, videos.test)
        if key not in self._known:
            name = " ".join(filter(None, (candidate.method, part)))
            loaded, clock = self.load(model, candidate.alpha), perf_counter()
            predictions = self._predict(name, loaded, candidate.texts, videos)
            self._known[key] = predictions, perf_counter() - clock
            self._report_unreadable(predictions, videos)
        predictions, seconds = self._known[key]
        detail = detail_of_test(candidate.method, part, videos.class_names, predictions, videos.test)
        data, conditions = str(self.plan.subject.data), self.conditions[model]
        return replace(detail, data=data, conditions=conditions, seconds=seconds)

    def _predict(
        self, name: str, loaded: LoadedModel, texts: ClassTexts | None, videos: LabeledVideos
    ) -> Predictions:
        """Predicts the test videos, each in one of the processes."""
        self._describe(loaded, videos.class_names)
        classes = embed_tested_classes(
            loaded, videos.class_names, texts, as_published=self.as_published, warn=self._warn_once
        )
        reused_before = self._features.reused if self._features else 0
        share = self._predict_share(name, loaded, classes, videos)
        self.reused_videos += self._features.reused - reused_before if self._features else 0
        return require_finite(joined(self.clip_settings.processes.gather(share)))

    def _predict_share(
        self, name: str, loaded: LoadedModel, classes: Tensor, videos: LabeledVideos
    ) -> Predictions:
        """Predicts this process's share of the test videos."""
        processes, settings = self.clip_settings.processes, self.clip_settings
        mine = range(processes.rank, len(videos.test), processes.count)
        clips = replace(settings.clips(videos.test, loaded), features=self._features)
        with self._feedback.task(f"Testing {name}", len(mine), "videos") as report:
            on_device = classes.to(processes.device)
            return predict(loaded.network, on_device, clips, mine, settings.enter(loaded), report)

    def seconds_of(self, model: ModelSource, videos: LabeledVideos) -> float:
        """How long the test videos take, without what is known of them from before."""
        loaded = self.load(model)
        self._features = None
        classes = embed_tested_classes(loaded, videos.class_names, as_published=self.as_published)
        clock = perf_counter()
        self._predict_share("a few videos", loaded, classes, videos)
        return perf_counter() - clock

    def _describe(self, loaded: LoadedModel, class_names: Sequence[str]) -> None:
        name, card = loaded.source.name, loaded.card
        if name not in self.models:
            parts = (
                epoch_in_words(name, card),
                card.origin.get("merged", ""),
                f"{loaded.network.fusion} fusion",
                self._texts_in_words(card, class_names),
                f"sha256 {digest_of_model(loaded)[:DIGEST_SHOWN]}",
            )
            self.models[name] = ", ".join(filter(None, parts))
            if card.texts and not self.plan.training:
                self._feedback.note(
                    f"{name} has learned from the class texts of {card.texts.name}: tested by them"
                )

    def _texts_in_words(self, card: ModelCard, class_names: Sequence[str]) -> str:
        """Such as `class texts such as 'a photo of a cat.'`, of the first class."""
        if reads_bare_names(card, as_published=self.as_published):
            return f"class texts such as {class_names[0]!r}"
        names = spelled_for(card, class_names, False if self.as_published else None)
        if own := own_texts(card, names):
            text, *_ = next(iter(texts_of_classes(names, own)))
            return f"class texts of {own.name}, such as {text!r}"
        return f"class texts such as {card.class_text(names[0])!r}"

    def _report_unreadable(self, predictions: Predictions, videos: LabeledVideos) -> None:
        """Reports each unreadable video once; raises VideoOutOfReach or InvalidInput if there is no other."""
        if predictions.unreadable:
            check_in_reach(videos.test)
        reasons = {videos.test[video].address: reason for video, reason in predictions.unreadable}
        new = {video: reason for video, reason in reasons.items() if video not in self._unreadable}
        self._unreadable |= new.keys()
        report_unreadable(new, "test video", self._feedback)
        if not len(predictions.videos):
            raise InvalidInput(
                f"none of the {len(videos.test):,} test videos of {self.plan.subject.data} can be read: run "
                "`vifi data check`"
            )


def load_bases(
    plan: TestPlan, load: Callable[[ModelSource], LoadedModel], feedback: Feedback
) -> Iterator[LoadedModel]:
    """Loads the models that those of a plan were trained from; reports those that cannot be loaded."""
    for base in plan.bases:
        try:
            yield load(resolve_model(base))
        except (InvalidInput, ModelUnavailable, MissingDependency) as error:
            feedback.note(f"{base}, from which training started, is not compared: {error}")


def report_unreadable(reasons: dict[str, str], what: str, feedback: Feedback) -> None:
    """Reports how many videos are left out, and names the first ones."""
    if reasons:
        feedback.warn(f"{counted(len(reasons), what)} left out that cannot be read")
    for video, reason in list(reasons.items())[:UNREADABLE_SHOWN]:
        feedback.note(f"  {video}: {reason}")
