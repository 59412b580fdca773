"""`vifi classify`: which of the given classes a video shows, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vifi_cli import wording
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options import completion
from vifi_cli.cli.terminal.options.shared import DeviceOption, JsonOption, ModelOption
from vifi_cli.cli.terminal.options.splicing import spliced
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL, load_torch
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path

if TYPE_CHECKING:
    from vifi_cli.api.models.video_model import Classifier
    from vifi_cli.api.visualization.classify import ClassesOverTime, Classified, Unreadable
    from vifi_cli.evaluation.testing.over_time import ClassifiedWindow, ClassSpan

SOME_UNREADABLE = 1
WINDOW_SECONDS = 2.0
CLASSES_SHOWN = 5
WIDEST, NARROWEST_BAR = 100, 8
ROOM_FOR_STRIP = 60  # a narrower terminal has no strip, so that times and classes fit


@dataclass(frozen=True, kw_only=True)
class ClassifierOptions:
    """The model and the classes that it chooses from."""

    classes: Annotated[
        str | None,
        typer.Option(
            "--classes",
            metavar="CLASSES",
            autocompletion=completion.public_sets,
            help='Classes: "a,b,c", a file with one per line, or a public set such as ucf101',
            show_default="those the model was tuned on",
        ),
    ] = None
    model: ModelOption = None
    texts: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            autocompletion=completion.class_texts,
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
        from vifi_cli.api.models.video_model import load_model
        from vifi_cli.api.visualization.classify import make_classifier

        model = load_model(self.model, self.device, ON_TERMINAL)
        return make_classifier(model, self.classes, self.texts, self.frames)


@dataclass(frozen=True, kw_only=True)
class OverTimeOptions:
    """Classes over time."""

    over_time: Annotated[
        bool, typer.Option("--over-time", help="Show from when to when each class is the most probable")
    ] = False
    window: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=600,
            help="Length of a window in seconds, with --over-time",
            show_default=str(WINDOW_SECONDS),
        ),
    ] = None
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Draw frames and classes of --over-time as a PNG", show_default=False
        ),
    ] = None

    def check(self, videos: Sequence[Path]) -> None:
        """Raises InvalidInput if the picture cannot be drawn, before any video is decoded."""
        if self.window is not None and not self.over_time:
            raise InvalidInput("--window goes with --over-time: add that, or omit it")
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
        typer.Argument(
            metavar="VIDEO", help="Videos, and folders of videos", show_default=False, readable=False
        ),
    ],
    classifying: ClassifierOptions,
    timeline: OverTimeOptions,
    top: Annotated[
        int | None,
        typer.Option(
            "--top",
            "-t",
            min=0,
            help="Maximum number of classes per video; 0 for all",
            show_default=str(CLASSES_SHOWN),
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Predict which classes videos show.

    Exit code 0 if all videos could be read, 1 if some could not, 2 on an error.
    """
    load_torch()
    from vifi_cli.api.visualization.classify import classify_videos, timelines, videos_in

    if timeline.over_time and top is not None and not as_json:
        raise InvalidInput("--over-time shows the most probable class: omit -t, or add --json to get more")
    found = videos_in(videos, ON_TERMINAL)
    timeline.check(found)
    classifier = classifying.load()
    results: Iterable[Classified | ClassesOverTime | Unreadable] = (
        timelines(classifier, found, timeline.window or WINDOW_SECONDS)
        if timeline.over_time
        else classify_videos(classifier, found)
    )
    documents, unreadable = _shown(
        results, CLASSES_SHOWN if top is None else top, timeline.picture, as_json=as_json
    )
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


def _shown(
    results: Iterable[Classified | ClassesOverTime | Unreadable],
    top: int,
    picture: Path | None,
    *,
    as_json: bool,
) -> tuple[list[dict[str, object]], list[Unreadable]]:
    """The JSON of each result, which is shown and drawn as soon as it is known, and the unreadable videos."""
    from vifi_cli.api.visualization.classify import ClassesOverTime, Unreadable

    documents: list[dict[str, object]] = []
    unreadable: list[Unreadable] = []
    for one in results:
        if isinstance(one, Unreadable):
            unreadable.append(one)
        elif isinstance(one, ClassesOverTime):
            if picture:
                one.write_picture(picture)
                output.note(f"picture: {given_path(picture)}")
                output.spelling([*one.class_names, one.path.name])
            documents.append(_timeline_document(one, top))
            if not as_json:
                show_spans(one.path, one.spans)
        else:
            best = dict(islice(one.probabilities.items(), top or None))
            documents.append({"path": str(one.path), "classes": _classes_document(best)})
            if not as_json:
                show_classes(one.path, best)
    return documents, unreadable


def show_classes(path: Path, probabilities: Mapping[str, float]) -> None:
    """Shows bars below the name of the video, or lines of path, class and probability."""
    if not output.stdout_is_terminal():
        output.records([(str(path), name, f"{share:.4f}") for name, share in probabilities.items()])
        return
    console = Console()
    table = _grid(console, 1)
    for name, share in probabilities.items():
        table.add_row(Text(wording.printable(name)), Bar(1.0, 0.0, share, color="cyan"), f"{share:.1%}")
    console.print(output.path_link(path), table)


def show_spans(path: Path, spans: Sequence[ClassSpan]) -> None:
    """Shows a line per span with a strip of its place in the video, or lines of path, times and class."""
    if not output.stdout_is_terminal():
        cells = [
            (f"{one.start_seconds:.3f}", f"{one.end_seconds:.3f}", one.class_name, f"{one.probability:.4f}")
            for one in spans
        ]
        output.records([(str(path), *row) for row in cells])
        return
    console = Console()
    has_strip = console.width >= ROOM_FOR_STRIP
    table = _grid(console, 2, has_bar=has_strip)
    for one in spans:
        times = f"{wording.clock(one.start_seconds)} – {wording.clock(one.end_seconds)}"
        strip = [Bar(spans[-1].end_seconds, one.start_seconds, one.end_seconds, color="cyan")] * has_strip
        table.add_row(Text(times), Text(wording.printable(one.class_name)), *strip, f"{one.probability:.1%}")
    console.print(output.path_link(path), table)


def _grid(console: Console, texts: int, *, has_bar: bool = True) -> Table:
    """Columns of text, then a bar that fills the remaining width, then percent."""
    width = min(console.width, WIDEST)
    table = Table(box=None, show_header=False, padding=(0, 0, 0, 2), pad_edge=True, width=width)
    for place in range(texts):
        is_class = place == texts - 1
        ratio = 1 if is_class and not has_bar else None
        longest = width * 2 // 5 if is_class and has_bar else None
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=longest, ratio=ratio)
    if has_bar:
        table.add_column(ratio=1, min_width=NARROWEST_BAR)
    table.add_column(justify="right", no_wrap=True, min_width=len("100.0%"))
    return table


def _timeline_document(timeline: ClassesOverTime, top: int) -> dict[str, object]:
    from vifi_cli.api.models.video_model import ranked

    def times(one: ClassSpan | ClassifiedWindow) -> dict[str, object]:
        return {"start_seconds": round(one.start_seconds, 3), "end_seconds": round(one.end_seconds, 3)}

    spans = [
        {**times(one), "class": one.class_name, "probability": round(one.probability, 6)}
        for one in timeline.spans
    ]
    windows = [
        {
            **times(one),
            "classes": _classes_document(ranked(one.probabilities, timeline.class_names, top)),
        }
        for one in timeline.windows
    ]
    return {"path": str(timeline.path), "stretches": spans, "windows": windows}


def _classes_document(probabilities: Mapping[str, float]) -> list[dict[str, object]]:
    return [{"class": name, "probability": round(share, 6)} for name, share in probabilities.items()]
