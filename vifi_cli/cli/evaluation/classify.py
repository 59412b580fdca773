"""`vifi classify`: which of the classes named a video shows, and when."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli.cli.evaluation.classify_picture import check_picture, draw_over_time
from vifi_cli.cli.evaluation.classify_result import (
    classes_document,
    show_classes,
    show_stretches,
    stretches_document,
    windows_document,
)
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.feedback import ON_TERMINAL
from vifi_cli.cli.terminal.options import Device, DeviceOption, JsonOption
from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.paths import given_path

if TYPE_CHECKING:
    from vifi_cli.api.models.video_model import Classifier

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


def _find(videos: Sequence[Path]) -> list[Path]:
    from vifi_cli.video.files.discovery import find_videos

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
    from vifi_cli.api.models.video_model import load_model
    from vifi_cli.evaluation.testing.class_list import read_class_list
    from vifi_cli.evaluation.testing.class_texts import read_class_texts

    wording = None if texts is None else read_class_texts(texts)
    named = None if labels is None else read_class_list(labels)
    return load_model(model, device.value, ON_TERMINAL).classifier(named, wording, frames)


def _tell_classes(
    classifier: Classifier, videos: Sequence[Path], top: int, *, as_json: bool
) -> list[tuple[Path, str]]:
    from vifi_cli.api.models.video_model import ranked

    predictions = classifier.predict(videos)
    names = classifier.class_names
    told = [
        (videos[video], ranked(shares, names, top))
        for video, shares in zip(predictions.videos.tolist(), predictions.probabilities, strict=True)
    ]
    unreadable = [(videos[video], reason) for video, reason in predictions.unreadable]
    if as_json:
        shown: list[dict[str, object]] = [
            {"path": str(path), "classes": classes_document(shares)} for path, shares in told
        ]
        _write_document(classifier, shown, unreadable)
    else:
        for path, shares in told:
            show_classes(path, shares)
    return unreadable


def _tell_over_time(
    classifier: Classifier,
    videos: Sequence[Path],
    seconds: float,
    top: int,
    picture: Path | None,
    *,
    as_json: bool,
) -> list[tuple[Path, str]]:
    from vifi_cli.evaluation.testing.over_time import class_spans

    shown: list[dict[str, object]] = []
    unreadable: list[tuple[Path, str]] = []
    for path in videos:
        try:
            windows = classifier.over_time(path, seconds)
        except UnreadableVideo as error:
            unreadable.append((path, str(error)))
            continue
        stretches = class_spans(windows, classifier.class_names)
        if picture:
            draw_over_time(given_path(picture), path, windows, stretches, classifier.class_names)
        if not as_json:
            show_stretches(path, stretches)
        shown.append(
            {
                "path": str(path),
                "stretches": stretches_document(stretches),
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
            "model": classifier.model.name,
            "labels": classifier.class_names,
            "frames": classifier.frames,
            "videos": shown,
            "unreadable": [{"path": str(path), "reason": reason} for path, reason in unreadable],
        }
    )
