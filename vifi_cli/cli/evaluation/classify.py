"""`vifi classify`: which of the given classes a video shows, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli.cli.evaluation.classify_result import (
    classes_document,
    show_classes,
    show_spans,
    timeline_document,
)
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.option_bundles import spliced
from vifi_cli.cli.terminal.options import DeviceOption, JsonOption, ModelOption
from vifi_cli.cli.terminal.progress import ON_TERMINAL
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path

if TYPE_CHECKING:
    from vifi_cli.api.looking.classify import Unreadable
    from vifi_cli.api.models.video_model import Classifier

SOME_UNREADABLE = 1


@dataclass(frozen=True, kw_only=True)
class ClassifierOptions:
    """The model and the classes that it chooses from."""

    classes: Annotated[
        str | None,
        typer.Option(
            "--classes",
            metavar="CLASSES",
            help='Classes: "a,b,c", a file with one per line, or a public set such as ucf101',
            show_default="those the model was tuned on",
        ),
    ] = None
    model: ModelOption = None
    texts: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Class texts: a JSON file of templates or descriptions, or bare, short or video",
            show_default="the model's template",
        ),
    ] = None
    frames: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Frames per clip", show_default="as in training, or 8"),
    ] = None
    device: DeviceOption = "auto"

    def load(self) -> Classifier:
        """The classifier, ready to use."""
        from vifi_cli.api.looking.classify import make_classifier
        from vifi_cli.api.models.video_model import load_model

        model = load_model(self.model, self.device, ON_TERMINAL)
        return make_classifier(model, self.classes, self.texts, self.frames)


@dataclass(frozen=True, kw_only=True)
class TimelineOptions:
    """Classes over time."""

    over_time: Annotated[
        bool, typer.Option("--over-time", help="Show from when to when each class is the most probable")
    ] = False
    window: Annotated[
        float, typer.Option(min=0.1, max=600, help="Length of a window in seconds, with --over-time")
    ] = 2.0
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Draw frames and classes of --over-time as a PNG", show_default=False
        ),
    ] = None

    def check(self, videos: Sequence[Path]) -> None:
        """Raises InvalidInput if the picture cannot be drawn, before any video is decoded."""
        if self.picture is None:
            return
        if not self.over_time:
            raise InvalidInput("--picture goes with --over-time: it shows when a video shows which class")
        if len(videos) > 1:
            raise InvalidInput(f"--picture draws one video, and you named {len(videos)}: name a single one")
        if self.picture.is_dir() or given_path(self.picture) == given_path(videos[0]):
            what = "a folder" if self.picture.is_dir() else "the video"
            raise InvalidInput(f"--picture {self.picture} is {what}: name a PNG")


@spliced
def classify(
    videos: Annotated[
        list[Path],
        typer.Argument(metavar="VIDEO", help="Videos, and folders of videos", show_default=False),
    ],
    classifying: ClassifierOptions,
    timeline: TimelineOptions,
    top: Annotated[
        int, typer.Option("--top", "-t", min=0, help="Maximum number of classes per video; 0 for all")
    ] = 5,
    as_json: JsonOption = False,
) -> None:
    """Predict which classes videos show.

    Exit code 0 if all videos could be read, 1 if some could not, 2 on an error.
    """
    from vifi_cli.api.looking.classify import videos_in

    found = videos_in(videos, ON_TERMINAL)
    timeline.check(found)
    classifier = classifying.load()
    show = _show_timelines if timeline.over_time else _show_classes
    documents, unreadable = show(classifier, found, top, timeline, as_json=as_json)
    if as_json:
        output.document(
            {
                "model": classifier.model.name,
                "labels": classifier.class_names,
                "frames": classifier.frames,
                "videos": documents,
                "unreadable": [{"path": str(one.path), "reason": one.reason} for one in unreadable],
            }
        )
    for one in unreadable:
        output.warning(f"{one.path}: {one.reason}")
    if unreadable:
        raise typer.Exit(SOME_UNREADABLE)


def _show_classes(
    classifier: Classifier, videos: Sequence[Path], top: int, _: TimelineOptions, *, as_json: bool
) -> tuple[list[dict[str, object]], Sequence[Unreadable]]:
    from vifi_cli.api.looking.classify import classify_videos

    classified, unreadable = classify_videos(classifier, videos)
    documents: list[dict[str, object]] = []
    for one in classified:
        best = dict(islice(one.probabilities.items(), top or None))
        documents.append({"path": str(one.path), "classes": classes_document(best)})
        if not as_json:
            show_classes(one.path, best)
    return documents, unreadable


def _show_timelines(
    classifier: Classifier, videos: Sequence[Path], top: int, options: TimelineOptions, *, as_json: bool
) -> tuple[list[dict[str, object]], Sequence[Unreadable]]:
    from vifi_cli.api.looking.classify import Unreadable, timelines

    documents: list[dict[str, object]] = []
    unreadable: list[Unreadable] = []
    for one in timelines(classifier, videos, options.window):
        if isinstance(one, Unreadable):
            unreadable.append(one)
            continue
        if options.picture:
            one.write_picture(options.picture)
            output.note(f"picture: {given_path(options.picture)}")
        documents.append(timeline_document(one, top))
        if not as_json:
            show_spans(one.path, one.spans)
    return documents, unreadable
