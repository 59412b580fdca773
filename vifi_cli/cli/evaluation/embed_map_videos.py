"""The videos of a map and their embeddings: of a data set, by each model, or those of the index."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli import paths
from vifi_cli.cli.evaluation.comparison import ON_A_CPU_AT_ONCE, ON_A_GPU_AT_ONCE, shown_model
from vifi_cli.cli.evaluation.learned import run_of
from vifi_cli.cli.evaluation.plan import TestPlan, prepare
from vifi_cli.cli.evaluation.question import EvalRequest, Question, settle
from vifi_cli.cli.models.download import fetch_model
from vifi_cli.cli.terminal import output
from vifi_cli.errors import InvalidInput, MissingDependency, ModelUnavailable

if TYPE_CHECKING:
    import torch

    from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
    from vifi_cli.evaluation.testing.embedding import EmbeddedVideos, Embeddings
    from vifi_cli.index.catalog.catalog import Catalog
    from vifi_cli.index.catalog.records import CatalogedVideo
    from vifi_cli.model.folders.loading import LoadedModel

MOST_VIDEOS = 20_000
MOST_BAD_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class LabeledEmbeddings:
    """The same videos, embedded by each model.

    Attributes:
        title: what the videos are.
        class_names: a label is a place in here.
        videos: N of them, all readable.
        by_model: a model's name, and its embeddings float32 (N, D), of length 1.
        remarks: what should be known.
    """

    title: str
    class_names: tuple[str, ...]
    videos: tuple[LabeledVideo, ...]
    by_model: tuple[tuple[str, Embeddings], ...]
    remarks: tuple[str, ...] = ()


def embed_data(
    models: tuple[str, ...], data: str | None, device: str, *, allow_leak: bool
) -> LabeledEmbeddings:
    """Embed the test videos of a data set by models, and by those that they were trained from.

    Args:
        models: their names; none for the newest run's.
        data: as `--data` has it; None for the run's.
        device: where encoders run.
        allow_leak: whether videos may be mapped that a model has learned from.

    Raises:
        InvalidInput: there is nothing to map, or a model has learned from what is mapped and that is not allowed.
    """
    from vifi_cli.model.runtime.device import choose_device

    question = _question(models, data)
    chosen = choose_device(device)
    for model in question.models:
        fetch_model(model)
    plan = prepare(question, None, allow_leak=allow_leak)
    tested = _joined(plan)
    embedded = [
        (
            shown_model(model) + " (leak)" * (model in plan.leaks),
            _embedded(model, loaded, tested, question, chosen),
        )
        for model, loaded in _models_after_their_bases(plan)
    ]
    readable = sorted(set.intersection(*(set(one.videos.tolist()) for _, one in embedded)))
    _tell_unreadable(embedded[0][1], tested)
    return LabeledEmbeddings(
        title=_title(tested.name, len(readable), len(tested.class_names)),
        class_names=tested.class_names,
        videos=tuple(tested.test[video] for video in readable),
        by_model=tuple((name, one.embeddings_of(readable)) for name, one in embedded),
        remarks=tuple(f"leak: {leak}" for leak in plan.leaks.values()),
    )


def _question(models: tuple[str, ...], data: str | None) -> Question:
    """What is mapped: of a run's own data what it held out, of other data what there is to test, or all."""
    from vifi_cli.data.source import DataSource
    from vifi_cli.training.run.folder import RUNS, newest_run

    lead = next((model for model in models if run_of(model)), None)
    newest = None if models else newest_run(RUNS)
    run = run_of(lead) if lead else newest.read_config() if newest else None
    is_of_run = run is not None and (data is None or str(DataSource.parse(data).absolute()) == run.data)
    setting = "zero-shot"
    if run and is_of_run:
        setting = "base2novel" if run.setting == "base2novel" else "supervised"
    # the first one says what is not said
    ordered = tuple(sorted(models, key=lambda model: model != lead))
    question = settle(EvalRequest((), setting, ordered, data, "default"))
    names = dict(zip(ordered, question.models, strict=False))
    return replace(question, models=tuple(names[model] for model in models) or question.models)


def _joined(plan: TestPlan) -> LabeledVideos:
    """The lists of base and novel classes as one; of several official splits the first."""
    lists = plan.lists[0] if plan.question.setting.name == "base2novel" else plan.lists[0][:1]
    videos: list[LabeledVideo] = []
    names: list[str] = []
    for one in lists:
        videos += [replace(video, label=video.label + len(names)) for video in one.test]
        names += one.class_names
    return replace(lists[0], class_names=tuple(names), test=tuple(videos))


def _models_after_their_bases(plan: TestPlan) -> Iterator[tuple[str, LoadedModel]]:
    """Each model, loaded, after the models that training began with where these can be had."""
    from vifi_cli.model.folders.loading import load_vifi_clip
    from vifi_cli.model.registry.source import resolve_model

    models = plan.question.models
    bases = dict.fromkeys(plan.learned[model].start for model in models)
    for base in bases:
        if base not in models:
            try:
                yield base, load_vifi_clip(resolve_model(base))
            except (InvalidInput, ModelUnavailable, MissingDependency) as error:
                output.note(f"{base}, which training began with, cannot stand beside: {error}")
    for model in models:
        yield model, load_vifi_clip(resolve_model(model))


def _embedded(
    name: str, loaded: LoadedModel, tested: LabeledVideos, question: Question, device: torch.device
) -> EmbeddedVideos:
    from vifi_cli.evaluation.testing.embedding import embed_videos
    from vifi_cli.evaluation.testing.predicting import ClipInput, TestClips
    from vifi_cli.model.towers.clip_transform import square_side
    from vifi_cli.training.engine.distributed import Processes
    from vifi_cli.training.engine.precision import choose_precision
    from vifi_cli.training.engine.run_setup import open_clip_store, reading_workers

    preprocessing = loaded.card.preprocessing
    size = square_side(preprocessing.geometry, name)
    precision = choose_precision(question.recipe.runtime.precision, device)
    clips = TestClips(tested.test, open_clip_store(size, question.recipe), question.recipe.frames, size)
    with output.progress("{task.completed:,.0f}/{task.total:,.0f} videos") as bar:
        task = bar.add_task("Embedding", total=len(tested.test))
        return embed_videos(
            loaded.network.to(device),
            clips,
            ClipInput(preprocessing.mean, preprocessing.std, device, precision),
            batch=ON_A_CPU_AT_ONCE if device.type == "cpu" else ON_A_GPU_AT_ONCE,
            workers=reading_workers(question.recipe, Processes(0, 1, device)),
            watch=lambda done: bar.update(task, completed=done),
        )


def _tell_unreadable(embedded: EmbeddedVideos, tested: LabeledVideos) -> None:
    if embedded.unreadable:
        output.warning(f"{output.counted(len(embedded.unreadable), 'video')} left out that cannot be read")
    for video, reason in embedded.unreadable[:MOST_BAD_SHOWN]:
        output.note(f"  {tested.test[video].path}: {reason}")


def _title(name: str, videos: int, classes: int) -> str:
    return f"{Path(name).name or name}: {output.counted(videos, 'video')} of {classes} classes"


def embed_index(seed: int) -> LabeledEmbeddings:
    """The videos of the index, each by the mean of its frames, their folders being the classes.

    Raises:
        IndexMissing: nothing is indexed.
    """
    import numpy as np

    from vifi_cli.data.labeled_videos import LabeledVideo
    from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog

    with Catalog(paths.index_folder() / CATALOG_FILE) as catalog, catalog.snapshot():
        every = catalog.videos()
        if not every:
            raise InvalidInput("no video is indexed: `vifi index FOLDER` adds some")
        drawn = np.random.default_rng(seed).permutation(len(every))[:MOST_VIDEOS]
        chosen = [every[place] for place in np.sort(drawn).tolist()]
        embeddings = np.concatenate([_whole_video(catalog, video) for video in chosen])
        model = catalog.indexed_with.model
    class_names, labels = _folders([video.path for video in chosen])
    remarks = [f"drawn from the {len(every):,} videos of the index"] if len(chosen) < len(every) else []
    return LabeledEmbeddings(
        title=_title("index", len(chosen), len(class_names)),
        class_names=class_names,
        videos=tuple(LabeledVideo(video.path, label) for video, label in zip(chosen, labels, strict=True)),
        by_model=((shown_model(model), embeddings),),
        remarks=tuple(remarks),
    )


def _whole_video(catalog: Catalog, video: CatalogedVideo) -> Embeddings:
    """The embedding (1, D) of a video, of length 1."""
    import numpy as np

    from vifi_cli.index.windows import window_embeddings

    seconds, frames = catalog.frames(video.id)
    return window_embeddings(frames, np.array([[0, len(seconds)]]))


def _folders(videos: Sequence[Path]) -> tuple[tuple[str, ...], list[int]]:
    """The names of the videos' folders, from the one on that they have in common, and which is each video's."""
    folders = [video.parent for video in videos]
    common = Path(os.path.commonpath(folders))
    names = [str(folder.relative_to(common)) if folder != common else common.name for folder in folders]
    known = {name: label for label, name in enumerate(sorted(set(names)))}
    return tuple(known), [known[name] for name in names]
