"""The videos of a map with their embeddings: of a dataset, by each model, or of the index."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from vifi_cli.api.evaluation.leaks import run_of
from vifi_cli.api.evaluation.plan import TestPlan, plan_tests
from vifi_cli.api.evaluation.subject import NO_DATA, Subject, run_and_models, shown_model, subject_of
from vifi_cli.api.evaluation.testing import batch_on, report_unreadable
from vifi_cli.api.feedback import Feedback
from vifi_cli.api.models.weights import fetch_model
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.data.setting import Setting
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput, MissingDependency, ModelUnavailable
from vifi_cli.evaluation.embed_map.embed_map import LabeledEmbeddings
from vifi_cli.evaluation.testing.embedding import EmbeddedVideos, Embeddings, embed_videos
from vifi_cli.evaluation.testing.predicting import ClipInput, TestClips
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.windows import window_embeddings
from vifi_cli.model.folders.loading import LoadedModel, load_vifi_clip
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.device import choose_device
from vifi_cli.model.towers.clip_transform import square_side
from vifi_cli.paths import index_folder
from vifi_cli.training.engine.distributed import Processes
from vifi_cli.training.engine.precision import choose_precision
from vifi_cli.training.engine.resources import open_clip_store, reading_workers
from vifi_cli.wording import counted

MOST_VIDEOS = 20_000


def embed_dataset(
    models: Sequence[str], data: DataSource | None, device: str, feedback: Feedback, *, allow_leak: bool
) -> LabeledEmbeddings:
    """Embeds the test videos of a dataset by models, and by the models that these were trained from.

    Args:
        models: their names; the best of the newest run without any.
        data: the dataset of the run if None.
        device: where models run.
        feedback: receives notes and progress.
        allow_leak: whether training videos of a model may be mapped.

    Raises:
        InvalidInput: there is nothing to map, or a model was trained on these videos.
    """
    subject = _subject(models, data)
    feedback.note(f"model: {subject.model_names}; data: {subject.data}")
    chosen = choose_device(device)
    for model in subject.models:
        fetch_model(model.name, feedback)
    plan = plan_tests(subject, None, feedback, allow_leak=allow_leak)
    tested = _joined(plan)
    embedded = [
        (
            shown_model(name) + " (leak)" * (name in plan.leaks),
            _embedded(name, loaded, tested, subject, chosen, feedback),
        )
        for name, loaded in _models_after_their_bases(plan, feedback)
    ]
    readable = sorted(set.intersection(*(set(one.videos.tolist()) for _, one in embedded)))
    unreadable = {tested.test[video].path: reason for video, reason in embedded[0][1].unreadable}
    report_unreadable(unreadable, "video", feedback)
    return LabeledEmbeddings(
        title=_title(tested.name, len(readable), len(tested.class_names)),
        class_names=tested.class_names,
        videos=tuple(tested.test[video] for video in readable),
        by_model=tuple((name, one.embeddings_of(readable)) for name, one in embedded),
        remarks=tuple(f"leak: {leak}" for leak in plan.leaks.values()),
    )


def _subject(models: Sequence[str], data: DataSource | None) -> Subject:
    """What is mapped: the held-out videos of a run's own data, or the test videos of other data, else all."""
    if models:
        run = next((run for run in map(run_of, models) if run), None)
    else:
        run, models = run_and_models(())
    source = data or (run.source if run else None)
    if source is None:
        raise InvalidInput(NO_DATA)
    setting = Setting("zero-shot")
    if run and str(source.absolute()) == run.data:
        setting = Setting("base2novel" if run.setting == "base2novel" else "supervised")
    return subject_of(setting, source, models, run)


def _joined(plan: TestPlan) -> LabeledVideos:
    """The lists of base and novel classes as one; of several official splits the first."""
    lists = plan.lists[0] if plan.subject.setting.name == "base2novel" else plan.lists[0][:1]
    videos: list[LabeledVideo] = []
    names: list[str] = []
    for one in lists:
        videos += [replace(video, label=video.label + len(names)) for video in one.test]
        names += one.class_names
    return replace(lists[0], class_names=tuple(names), test=tuple(videos))


def _models_after_their_bases(plan: TestPlan, feedback: Feedback) -> Iterator[tuple[str, LoadedModel]]:
    """Each model, loaded, after the models that these were trained from, if they can be loaded."""
    for base in plan.bases:
        try:
            yield base, load_vifi_clip(resolve_model(base))
        except (InvalidInput, ModelUnavailable, MissingDependency) as error:
            feedback.note(f"{base}, from which training started, is not compared: {error}")
    for model in plan.subject.models:
        yield model.name, load_vifi_clip(model)


def _embedded(
    name: str,
    loaded: LoadedModel,
    tested: LabeledVideos,
    subject: Subject,
    device: torch.device,
    feedback: Feedback,
) -> EmbeddedVideos:
    preprocessing = loaded.card.preprocessing
    size = square_side(preprocessing.geometry, name)
    precision = choose_precision(subject.recipe.runtime.precision, device)
    clips = TestClips(
        tested.test,
        open_clip_store(size, subject.recipe),
        subject.recipe.frames,
        size,
        batch=batch_on(device),
        workers=reading_workers(subject.recipe, Processes(0, 1, device)),
    )
    with feedback.task("Embedding", len(tested.test), "videos") as report:
        return embed_videos(
            loaded.network.to(device),
            clips,
            ClipInput(preprocessing.mean, preprocessing.std, device, precision),
            report,
        )


def _title(name: str, videos: int, classes: int) -> str:
    return f"{Path(name).name or name}: {counted(videos, 'video')} of {classes} classes"


def embed_index(seed: int) -> LabeledEmbeddings:
    """The videos of the index, each the mean of its frames; their folders are the classes.

    Args:
        seed: chooses the videos if there are more than 20,000.

    Raises:
        IndexMissing: nothing is indexed.
    """
    with Catalog(index_folder() / CATALOG_FILE) as catalog, catalog.snapshot():
        every = catalog.videos()
        if not every:
            raise InvalidInput("the index is empty: `vifi index FOLDER` adds videos")
        drawn = np.random.default_rng(seed).permutation(len(every))[:MOST_VIDEOS]
        chosen = [every[place] for place in np.sort(drawn).tolist()]
        embeddings = np.concatenate([_embedding_of(catalog, video) for video in chosen])
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


def _embedding_of(catalog: Catalog, video: CatalogedVideo) -> Embeddings:
    """The embedding (1, D) of a video, of length 1."""
    seconds, frames = catalog.frames(video.id)
    return window_embeddings(frames, np.array([[0, len(seconds)]]))


def _folders(videos: Sequence[Path]) -> tuple[tuple[str, ...], list[int]]:
    """The names of the videos' folders, relative to their common folder, and the label of each video."""
    folders = [video.parent for video in videos]
    common = Path(os.path.commonpath(folders))
    names = [str(folder.relative_to(common)) if folder != common else common.name for folder in folders]
    known = {name: label for label, name in enumerate(sorted(set(names)))}
    return tuple(known), [known[name] for name in names]
