"""Tests models on lists of videos: one model at a time, shared out to the processes, shown as it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from torch import Tensor

    from vifi_cli.cli.evaluation.plan import TestPlan
    from vifi_cli.data.labeled_videos import LabeledVideos
    from vifi_cli.evaluation.report.report import TestDetail
    from vifi_cli.evaluation.scoring.predictions import Predictions
    from vifi_cli.evaluation.testing.class_texts import ClassTexts
    from vifi_cli.evaluation.testing.views import Views
    from vifi_cli.model.folders.loading import LoadedModel
    from vifi_cli.training.engine.distributed import Processes
    from vifi_cli.training.recipe.recipe import Recipe

MOST_BAD_SHOWN = 5

Watch = Callable[[str, int, int], None]
"""Told what is tested, how many videos are done, and of how many, by this process."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a row of the table is about.

    Attributes:
        method: how it is called.
        models: tested in each of the trials.
        wording: of the classes; None for the model's own.
    """

    method: str
    models: tuple[str, ...]
    wording: ClassTexts | None = None


@dataclass(frozen=True, slots=True)
class Testing:
    """How every model is tested.

    Attributes:
        frames: T of a clip.
        views: of each video.
        recipe: how clips are read, and the arithmetic.
        processes: that share the work.
        batch: videos encoded at once; changes nothing but rounding.
        watch: told how far it has come.
        bare_names: whether a model that was not tuned is given class names as they are, as published.
    """

    frames: int
    views: Views
    recipe: Recipe
    processes: Processes
    batch: int
    watch: Watch
    bare_names: bool = False

    def predict(self, loaded: LoadedModel, classes: Tensor, videos: LabeledVideos, name: str) -> Predictions:
        """What a model says of the test videos, each read once by one of the processes.

        Args:
            loaded: with its network on the processes' device.
            classes: the class embeddings (C, D).
            videos: in `test`.
            name: of the test, to be shown.
        """
        from vifi_cli.evaluation.scoring.predictions import joined, require_finite
        from vifi_cli.evaluation.testing.predicting import ClipInput, TestClips, predict
        from vifi_cli.paths import cache_folder
        from vifi_cli.training.engine.precision import choose_precision
        from vifi_cli.training.engine.run_setup import reading_workers
        from vifi_cli.video.clips.store import ClipStore

        processes, preprocessing = self.processes, loaded.card.preprocessing
        size = preprocessing.geometry.height
        store = ClipStore(
            self.views.short_side(size),
            folder=cache_folder() / "clips",
            budget_bytes=int(self.recipe.runtime.clip_cache_gb * 1e9),
        )
        precision = choose_precision(self.recipe.runtime.precision, processes.device)
        mine = range(processes.rank, len(videos.test), processes.count)
        share = predict(
            loaded.network,
            classes,
            TestClips(videos.test, store, self.frames, size, self.views),
            mine,
            ClipInput(preprocessing.mean, preprocessing.std, processes.device, precision),
            batch=self.batch,
            workers=reading_workers(self.recipe, processes),
            watch=lambda done: self.watch(name, done, len(mine)),
        )
        return require_finite(joined(processes.gather(share)))


@dataclass(frozen=True, slots=True)
class TestedModel:
    """A model that was tested.

    Attributes:
        fusion: where the frames of a clip are joined.
        digest: by which it is known again.
        text: of the first class, as the model was given it.
    """

    fusion: str
    digest: str
    text: str


class Tester:
    """Tests candidates on the lists of each trial; what was tested before is not tested again."""

    def __init__(self, testing: Testing, plan: TestPlan) -> None:
        self._testing, self._plan = testing, plan
        self._loaded: tuple[str, LoadedModel] | None = None
        self._known: dict[tuple[object, ...], Predictions] = {}
        self._unreadable: set[Path] = set()
        self.models: dict[str, TestedModel] = {}

    @property
    def is_first(self) -> bool:
        """Whether this process talks."""
        return self._testing.processes.is_first

    def test(self, candidate: Candidate) -> tuple[tuple[TestDetail, ...], ...]:
        """The tests of each trial."""
        return tuple(
            tuple(self._detail(candidate, trial, place) for place in range(len(lists)))
            for trial, lists in enumerate(self._plan.lists)
        )

    def load(self, model: str) -> LoadedModel:
        """The model, on the processes' device; the one used last stays loaded.

        Raises:
            InvalidInput, ModelUnavailable, MissingDependency: it cannot be had or tested.
        """
        import torch

        from vifi_cli.model.folders.loading import load_vifi_clip
        from vifi_cli.model.registry.source import resolve_model
        from vifi_cli.model.towers.clip_transform import square_side

        if self._loaded is None or self._loaded[0] != model:
            loaded = load_vifi_clip(resolve_model(model))
            square_side(loaded.card.preprocessing.geometry, model)
            # convolutions are twice as fast with the colours of a pixel side by side
            loaded.network.visual.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            loaded.network.to(self._testing.processes.device)
            self._loaded = (model, loaded)
        return self._loaded[1]

    def _detail(self, candidate: Candidate, trial: int, place: int) -> TestDetail:
        from vifi_cli.evaluation.report.report import detail_of_test

        model, videos = candidate.models[trial], self._plan.lists[trial][place]
        part = self._plan.part(trial, place)
        # paths, since files of several people may share their names
        key = (model, candidate.wording.name if candidate.wording else "", videos.class_names, videos.test)
        if key not in self._known:
            self._known[key] = self._predict(candidate, model, part, videos)
        return detail_of_test(candidate.method, part, videos.class_names, self._known[key], videos.test)

    def _predict(self, candidate: Candidate, model: str, part: str, videos: LabeledVideos) -> Predictions:
        from vifi_cli.evaluation.testing.class_texts import embed_class_names, read_class_texts, spelled_for
        from vifi_cli.evaluation.testing.model_digest import digest_of_model

        loaded = self.load(model)
        is_bare = self._testing.bare_names and not (loaded.card.tuned or loaded.card.prompts)
        if model not in self.models:
            first = videos.class_names[0]
            text = first if is_bare else loaded.card.class_text(spelled_for(loaded.card, [first])[0])
            self.models[model] = TestedModel(loaded.network.fusion, digest_of_model(loaded), text)
        bare = read_class_texts("bare") if is_bare else None
        classes = embed_class_names(
            loaded, videos.class_names, candidate.wording or bare, clean=False if is_bare else None
        )
        name = " ".join(filter(None, (candidate.method, part)))
        predictions = self._testing.predict(loaded, classes.to(self._testing.processes.device), videos, name)
        self._tell_unreadable(predictions, videos)
        return predictions

    def _tell_unreadable(self, predictions: Predictions, videos: LabeledVideos) -> None:
        """Say once of each video that cannot be read that it is left out, of the first ones by name."""
        new = {videos.test[video].path: reason for video, reason in predictions.unreadable}
        new = {path: reason for path, reason in new.items() if path not in self._unreadable}
        self._unreadable |= new.keys()
        if not self.is_first or not new:
            return
        output.warning(f"{output.counted(len(new), 'test video')} left out that cannot be read")
        for path, reason in list(new.items())[:MOST_BAD_SHOWN]:
            output.note(f"  {path}: {reason}")
