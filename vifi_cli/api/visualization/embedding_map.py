"""Maps of videos by their embeddings, models side by side: a picture and a page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TypedDict, Unpack

import torch

from vifi_cli.api.evaluation.plan import TestPlan, plan_tests
from vifi_cli.api.evaluation.request import (
    Subject,
    refuse_without_data,
    run_and_models,
    shown_model,
    subject_of,
)
from vifi_cli.api.evaluation.testing import ClipSettings, load_bases, report_unreadable
from vifi_cli.api.feedback import Feedback
from vifi_cli.api.models.choosing import ChosenModel, choose_model
from vifi_cli.api.models.video_model import VideoModel
from vifi_cli.api.models.weights import fetch_weights, note_assumptions
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, ucf101_group
from vifi_cli.data.paper_setting import Setting
from vifi_cli.data.source import DataSource
from vifi_cli.data.splits.class_choice import read_class_choice
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.embed_map.drawing import map_picture
from vifi_cli.evaluation.embed_map.embed_map import EmbedMap, LabeledEmbeddings, Projection, make_map
from vifi_cli.evaluation.embed_map.page import map_page
from vifi_cli.evaluation.embed_map.separation import check_separable
from vifi_cli.evaluation.figures.lettering import spelling_note
from vifi_cli.evaluation.report.pictures import thumbnails
from vifi_cli.evaluation.testing.predicting import EmbeddedVideos, embed_videos
from vifi_cli.evaluation.testing.views import ONE_VIEW
from vifi_cli.model.registry.source import ModelSource
from vifi_cli.model.runtime.device import choose_device
from vifi_cli.model.storage.loading import LoadedModel, load_vifi_clip
from vifi_cli.paths import given_path, write_file, write_obstacle
from vifi_cli.training.engine.processes.distributed import Processes
from vifi_cli.wording import counted

PICTURE, PAGE = "embed-map.png", "embed-map.html"
MOST_PICTURED, THUMBNAIL_SIDE = 1_500, 128


class MapOptions(TypedDict, total=False):
    """What `embed_map` takes beside videos, models and folder, all of it optional.

    Attributes:
        title: of the map.
        projection: `t-SNE` or `PCA`; by default the one that suits the number of videos.
        seed: of the projection; 0 by default.
        frames: per video; by default as many as each model was trained with, or 8.
        thumbnails: whether picture and page show frames of the videos; they do by default.
    """

    title: str
    projection: Projection | None
    seed: int
    frames: int | None
    thumbnails: bool


def embed_map(
    videos: Mapping[str, Sequence[Path | str]],
    models: VideoModel | Sequence[VideoModel],
    folder: Path | str | None = None,
    **options: Unpack[MapOptions],
) -> EmbedMap:
    """Lay videos out by their embeddings, one map per model, and measure how well the classes separate.

    It does not check whether a model was trained on these videos; the map of training videos says little.

    Args:
        videos: the files of each class.
        models: one, or several side by side, compared with the first. Its feedback receives the progress.
        folder: for the picture and the page of the map; None writes nothing.
        options: see `MapOptions`.

    Returns:
        Points float64 (N, 2) and scores of each model, for the videos that all models could read.

    Raises:
        InvalidInput: there are fewer than two classes of readable videos.
        MissingDependency: scikit-learn is not installed.
    """
    if folder is not None:
        check_map_folder(given_path(folder))
    listed = [
        LabeledVideo(path, label, ucf101_group(path))
        for label, files in enumerate(videos.values())
        for path in map(given_path, files)
    ]
    several = (models,) if isinstance(models, VideoModel) else tuple(models)
    paths = [video.path for video in listed]
    embedded = [model.embed_videos(paths, options.get("frames")) for model in several]
    readable = _readable_by_all(embedded)
    skipped = len(listed) - len(readable)
    made = make_map(
        LabeledEmbeddings(
            title=options.get("title", "Videos"),
            class_names=tuple(videos),
            videos=tuple(listed[video] for video in readable),
            by_model=tuple(
                (model.name, one.embeddings_of(readable))
                for model, one in zip(several, embedded, strict=True)
            ),
            remarks=(f"{skipped} of {len(listed)} videos cannot be read and are left out",) * bool(skipped),
        ),
        options.get("projection"),
        options.get("seed", 0),
    )
    if folder is not None:
        write_map(
            made, given_path(folder), several[0].feedback, with_thumbnails=options.get("thumbnails", True)
        )
    return made


def check_map_folder(folder: Path) -> None:
    """Checks, before videos are embedded, that a map can be written.

    Raises:
        InvalidInput: the folder is a file, or is not writable.
    """
    if reason := write_obstacle(folder):
        raise InvalidInput(f"the map cannot be written to {folder}: {reason}; name another --output")


def write_map(made: EmbedMap, folder: Path, feedback: Feedback, *, with_thumbnails: bool = True) -> None:
    """Writes the picture and the page of a map; replaces existing files.

    Raises:
        InvalidInput: the folder is a file, or is not writable.
    """
    check_map_folder(folder)
    frames = _thumbnails(made, feedback) if with_thumbnails else {}
    picture, page = map_picture(made, frames), map_page(made, frames).encode()
    if note := spelling_note(made.class_names):
        feedback.note(note)
    write_file(folder / PICTURE, picture)
    write_file(folder / PAGE, page)


def _thumbnails(made: EmbedMap, feedback: Feedback) -> dict[LabeledVideo, bytes]:
    """Small frames of the videos; none if there are too many for one page."""
    if len(made.videos) > MOST_PICTURED:
        feedback.note(f"the page shows no frames of more than {MOST_PICTURED:,} videos")
        return {}
    frames: dict[LabeledVideo, bytes] = {}
    with feedback.task("Taking frames", len(made.videos), "videos") as report:
        for done, video in enumerate(made.videos, start=1):
            for frame in thumbnails(video, 1, THUMBNAIL_SIDE):
                frames[video] = frame
            report(done)
    return frames


def embed_dataset(
    models: Sequence[str],
    data: DataSource | None,
    device: str,
    feedback: Feedback,
    *,
    allow_leak: bool,
    classes: str | None = None,
) -> LabeledEmbeddings:
    """Embeds the test videos of a dataset by models, and by the models that these were trained from.

    Without models, the best of the newest run is used, and without data, the dataset of the run. `allow_leak` accepts
    videos that a model was trained on; `classes` are as for `evaluate`.

    Raises:
        InvalidInput: there is nothing to map, or a model was trained on these videos.
    """
    subject = _subject(models, data, classes)
    feedback.note(f"model: {subject.model_names}; data: {subject.data}")
    processes = Processes(0, 1, choose_device(device))
    settings = ClipSettings(None, ONE_VIEW, subject.recipe, processes)
    for model in subject.models:
        fetch_weights(model, feedback)
        note_assumptions(model, feedback)
    plan = plan_tests(subject, None, feedback, allow_leak=allow_leak)
    tested = _joined(plan)
    check_separable(
        [video.label for video in tested.test], "of data to train on, only held-out videos are mapped"
    )
    if len(plan.lists[0]) > 1 and subject.setting.name == "zero-shot":
        number, source = len(plan.lists[0]), subject.data.name
        feedback.note(
            f"{source} has {number} official test lists: this is the first; --data {source}:2 maps another"
        )

    def load(model: ModelSource) -> LoadedModel:
        with feedback.busy("Loading the model"):
            return load_vifi_clip(model)

    embedded = [
        (
            shown_model(loaded.source.name) + " (leak)" * (loaded.source.name in plan.leaks),
            _embedded(loaded, tested, settings, feedback),
        )
        for loaded in chain(load_bases(plan, load, feedback), map(load, subject.models))
    ]
    readable = _readable_by_all([one for _, one in embedded])
    unreadable = {tested.test[video].address: reason for video, reason in embedded[0][1].unreadable}
    report_unreadable(unreadable, "video", feedback)
    return LabeledEmbeddings(
        title=title_of_map(tested.name, len(readable), len(tested.class_names), len(tested.left_out)),
        class_names=tested.class_names,
        videos=tuple(tested.test[video] for video in readable),
        by_model=tuple((name, one.embeddings_of(readable)) for name, one in embedded),
        remarks=(*_first_classes(tested.test), *(f"leak: {leak}" for leak in plan.leaks.values())),
    )


def _first_classes(videos: Sequence[LabeledVideo]) -> Iterator[str]:
    """That the map shows one class of each video, where some have several."""
    if several := sum(bool(video.more_labels) for video in videos):
        yield f"{several} of {len(videos)} videos show several classes: the map shows each in the first of them"


def _subject(models: Sequence[str], data: DataSource | None, classes: str | None) -> Subject:
    """Chooses the held-out videos of a run's own data, or the test videos of other data, or all of them."""
    run, models = run_and_models(models, has_data=data is not None)
    source = data or (run.source if run else None)
    if source is None:
        refuse_without_data(models)
    if classes is not None:
        source = replace(source, classes=read_class_choice(classes))
    setting = Setting("zero-shot")
    if run and str(source.absolute()) == run.data:
        setting = Setting("base2novel" if run.setting == "base2novel" else "supervised")
    chosen = tuple(map(ChosenModel, models)) or (choose_model(None),)
    with chosen[0].explained():
        return subject_of(setting, source, [model.name for model in chosen], run)


def _joined(plan: TestPlan) -> LabeledVideos:
    """The lists of base and novel classes as one; of several official splits the first."""
    lists = plan.lists[0] if plan.subject.setting.name == "base2novel" else plan.lists[0][:1]
    videos: list[LabeledVideo] = []
    names: list[str] = []
    for one in lists:
        videos += [replace(video, label=video.label + len(names)) for video in one.test]
        names += one.class_names
    left_out = tuple(dict.fromkeys(name for one in lists for name in one.left_out))
    return replace(lists[0], class_names=tuple(names), test=tuple(videos), left_out=left_out)


def _readable_by_all(embedded: Sequence[EmbeddedVideos]) -> list[int]:
    return sorted(set.intersection(*(set(one.videos.tolist()) for one in embedded)))


def _embedded(
    loaded: LoadedModel, tested: LabeledVideos, settings: ClipSettings, feedback: Feedback
) -> EmbeddedVideos:
    clips = settings.clips(tested.test, loaded)
    network = loaded.network.to(settings.processes.device)
    network.visual.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as in a test
    clips = replace(clips, features=settings.features(loaded))
    with feedback.task("Embedding", len(tested.test), "videos") as report:
        return embed_videos(network, clips, settings.enter(loaded), report)


def title_of_map(name: str, videos: int, classes: int, left_out: int = 0) -> str:
    """Such as `ucf101: 3,783 videos of 101 classes`; `left_out` counts classes that the data has beside these."""
    part = f", {left_out} left out" if left_out else ""
    return f"{Path(name).name or name}: {counted(videos, 'video')} of {classes} classes{part}"
