"""`vifi classify`: which of the classes named a video shows, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli.cli import output
from vifi_cli.cli.classify_picture import check_picture, draw_over_time
from vifi_cli.cli.classify_result import (
    classes_document,
    ranked_classes,
    show_classes,
    show_stretches,
    stretches_document,
    windows_document,
)
from vifi_cli.cli.model_download import fetch_model
from vifi_cli.cli.options import Device, DeviceOption, JsonOption
from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.paths import given_path

if TYPE_CHECKING:
    from torch import Tensor

    from vifi_cli.evaluation.predicting import ClipInput, Predictions
    from vifi_cli.model.model_card import ModelCard
    from vifi_cli.model.model_folder import LoadedModel

SOME_UNREADABLE = 1


def classify(
    videos: Annotated[
        list[Path],
        typer.Argument(metavar="VIDEO", help="Videos, and folders of them.", show_default=False),
    ],
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="CLASSES",
            help='The classes: "a,b,c", a file with one a line, or a public set such as ucf101; '
            "by default those that the model was tuned on.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="See `vifi model list`; by default as for `vifi index`."),
    ] = None,
    texts: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Templates or descriptions of classes: a JSON file, or one that ships."
        ),
    ] = None,
    top: Annotated[int, typer.Option("--top", "-t", min=0, help="Classes a video at most; 0 for all.")] = 5,
    frames: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Frames a clip; as many as in training, or 8.", show_default=False),
    ] = None,
    over_time: Annotated[
        bool, typer.Option("--over-time", help="Tell from when to when which class is the most probable one.")
    ] = False,
    window: Annotated[
        float, typer.Option(min=0.1, max=600, help="Seconds looked at together with --over-time.")
    ] = 2.0,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw --over-time as a PNG: frames, and classes below them.",
            show_default=False,
        ),
    ] = None,
    device: DeviceOption = Device.auto,
    as_json: JsonOption = False,
) -> None:
    """Say which of some classes each VIDEO shows, with probabilities among these classes.

    Exit code 0 if all videos could be read, 1 if some could not, 2 if something is wrong.
    """
    found = _find(videos)
    check_picture(picture, found, over_time=over_time)
    classifier = _load(model, labels, texts, frames, device)
    if over_time:
        unreadable = _tell_over_time(classifier, found, window, top, picture, as_json=as_json)
    else:
        unreadable = _tell_classes(classifier, found, top, as_json=as_json)
    for path, reason in unreadable:
        output.warning(f"{path}: {reason}")
    if unreadable:
        raise typer.Exit(SOME_UNREADABLE)


@dataclass(frozen=True, slots=True)
class Classifier:
    """A model and the classes to choose from.

    Attributes:
        name: the model's.
        loaded: the model, on its device.
        class_names: C of them.
        classes: their embeddings (C, D).
        enter: how pictures enter the encoder.
        frames: of a clip.
    """

    name: str
    loaded: LoadedModel
    class_names: tuple[str, ...]
    classes: Tensor
    enter: ClipInput
    frames: int


def _find(videos: Sequence[Path]) -> list[Path]:
    from vifi_cli.video.discovery import find_videos

    discovery = find_videos([given_path(path) for path in videos])
    for folder in discovery.unreadable_folders:
        output.warning(f"{folder} cannot be read: what is below it is left out")
    found = [file.path for file in discovery.videos]
    if not found:
        named = ", ".join(map(str, videos))
        raise InvalidInput(f"no videos below {named}: name a folder that holds some, or a file of any name")
    return found


def _load(
    model: str | None, labels: str | None, texts: str | None, frames: int | None, device: Device
) -> Classifier:
    from vifi_cli.evaluation.class_list import read_class_list
    from vifi_cli.evaluation.class_wording import embed_class_names, read_class_wording
    from vifi_cli.evaluation.classifying import frames_of
    from vifi_cli.evaluation.predicting import ClipInput
    from vifi_cli.model.device import choose_device
    from vifi_cli.model.model_folder import load_vifi_clip
    from vifi_cli.training.precision import choose_precision

    chosen = choose_device(device.value)
    wording = None if texts is None else read_class_wording(texts)
    named = None if labels is None else read_class_list(labels)
    name = model or _default_model()
    fetch_model(name)
    with output.busy(f"Loading {name}"):
        loaded = load_vifi_clip(name)
    class_names = named or _classes_of(name, loaded.card)
    loaded.network.to(chosen).eval()
    preprocessing = loaded.card.preprocessing
    enter = ClipInput(preprocessing.mean, preprocessing.std, chosen, choose_precision("auto", chosen))
    classes = embed_class_names(loaded, class_names, wording)
    return Classifier(name, loaded, class_names, classes, enter, frames or frames_of(loaded.card))


def _default_model() -> str:
    from vifi_cli.model.hub import choose_default_model

    name, reason = choose_default_model()
    output.note(f"model: {name} ({reason})")
    return name


def _classes_of(name: str, card: ModelCard) -> tuple[str, ...]:
    if not card.class_names:
        raise InvalidInput(
            f'{name} was tuned on no classes: name some with --labels, as in --labels "running,walking,standing still"'
        )
    return card.class_names


def _tell_classes(
    classifier: Classifier, videos: Sequence[Path], top: int, *, as_json: bool
) -> list[tuple[Path, str]]:
    predictions = _predict(classifier, videos)
    names = classifier.class_names
    told = [
        (videos[video], ranked_classes(shares, names, top))
        for video, shares in zip(predictions.videos.tolist(), predictions.probabilities, strict=True)
    ]
    unreadable = [(videos[video], reason) for video, reason in predictions.unreadable]
    if as_json:
        shown: list[dict[str, object]] = [
            {"path": str(path), "classes": classes_document(ranked)} for path, ranked in told
        ]
        _write_document(classifier, shown, unreadable)
    else:
        for path, ranked in told:
            show_classes(path, ranked)
    return unreadable


def _predict(classifier: Classifier, videos: Sequence[Path]) -> Predictions:
    """Classifies videos by the published test clip."""
    from vifi_cli.data.labeled_videos import LabeledVideo
    from vifi_cli.evaluation.predicting import TestClips, predict, require_numbers
    from vifi_cli.model.clip_transform import test_short_side
    from vifi_cli.video.clip_store import ClipStore

    size = classifier.loaded.card.preprocessing.geometry.height
    clips = TestClips(
        [LabeledVideo(path, 0) for path in videos], ClipStore(test_short_side(size)), classifier.frames, size
    )
    with output.progress() as bar:
        task = bar.add_task("Classifying", total=len(videos))
        predictions = predict(
            classifier.loaded.network,
            classifier.classes,
            clips,
            range(len(videos)),
            classifier.enter,
            batch=1,
            watch=lambda done: bar.update(task, completed=done),
        )
        return require_numbers(predictions)


def _tell_over_time(
    classifier: Classifier,
    videos: Sequence[Path],
    seconds: float,
    top: int,
    picture: Path | None,
    *,
    as_json: bool,
) -> list[tuple[Path, str]]:
    from vifi_cli.evaluation.classifying import WindowSampling, classify_over_time, stretches_of

    sampling = WindowSampling(seconds, classifier.frames)
    geometry = classifier.loaded.card.preprocessing.geometry
    shown: list[dict[str, object]] = []
    unreadable: list[tuple[Path, str]] = []
    for path in videos:
        try:
            with output.busy(f"Looking at {path.name}"):
                windows = classify_over_time(
                    classifier.loaded.network, classifier.classes, path, geometry, classifier.enter, sampling
                )
        except UnreadableVideo as error:
            unreadable.append((path, str(error)))
            continue
        stretches = stretches_of(windows)
        if picture:
            draw_over_time(given_path(picture), path, windows, stretches, classifier.class_names)
        if not as_json:
            show_stretches(path, stretches, classifier.class_names)
        shown.append(
            {
                "path": str(path),
                "stretches": stretches_document(stretches, classifier.class_names),
                "windows": windows_document(windows, classifier.class_names, top),
            }
        )
    if as_json:
        _write_document(classifier, shown, unreadable)
    return unreadable


def _write_document(
    classifier: Classifier, shown: Sequence[dict[str, object]], unreadable: Sequence[tuple[Path, str]]
) -> None:
    output.document(
        {
            "model": classifier.name,
            "labels": classifier.class_names,
            "frames": classifier.frames,
            "videos": shown,
            "unreadable": [{"path": str(path), "reason": reason} for path, reason in unreadable],
        }
    )
