"""`vifi attention`: where a model looks in a video, and what speaks for a text, as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli.cli import output
from vifi_cli.cli.model_download import fetch_model
from vifi_cli.cli.options import Device, DeviceOption, JsonOption
from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.paths import given_path

if TYPE_CHECKING:
    from vifi_cli.evaluation.looking import Looker, SeenFrame
    from vifi_cli.video.whole_frames import Span, WholeFrame

FOLDER = Path("attention")
SHEET, FILM = ".png", ".mp4"
LONGEST_NAME = 60


class Method(StrEnum):
    """How a map is made."""

    last = "last"
    rollout = "rollout"
    relevance = "relevance"
    cam = "cam"


def attention(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video.", show_default=False)],
    text: Annotated[
        str | None,
        typer.Option(
            help="Show what speaks for this text; without it, what the model looks at.", show_default=False
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="See `vifi model list`; by default as for `vifi index`."),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Show this model beside it, such as one after tuning.", show_default=False
        ),
    ] = None,
    method: Annotated[
        Method | None,
        typer.Option(
            help="Of transformers: relevance for a text, else last or rollout; cam of convolutional models.",
            show_default="what suits the model and --text",
        ),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(
            min=1, max=64, help="Frames of the sheet; as many as in training, or 8.", show_default=False
        ),
    ] = None,
    fps: Annotated[float, typer.Option(min=0.1, max=60, help="Frames a second of the film.")] = 5.0,
    start: Annotated[float, typer.Option("--from", min=0, help="Begin at this second.")] = 0.0,
    end: Annotated[
        float | None, typer.Option("--to", min=0, help="Stop at this second.", show_default="the end")
    ] = None,
    where: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Folder for sheet and film; or a .png or .mp4 file, for one of them."
        ),
    ] = FOLDER,
    device: DeviceOption = Device.auto,
    as_json: JsonOption = False,
) -> None:
    """Show where a model looks in VIDEO, frame by frame: a contact sheet of the frames of a test, and a film.

    Files of the same name are replaced.
    """
    from vifi_cli.video.whole_frames import Span, clip_frames

    path = given_path(video)
    if not path.is_file():
        raise InvalidInput(f"{video} is {'a folder' if path.is_dir() else 'not there'}: name a video")
    if text is not None and not text.strip():
        raise InvalidInput('--text is empty: say what to look for, as in --text "a dog", or leave it away')
    sheet, film = _targets(given_path(where), path, text)
    span = Span(start) if end is None else Span(start, end)
    names = [name for name in (model or _default_model(), compare) if name]
    watched, trained_frames = _watched(names, text, method, device)
    try:
        clip = clip_frames(path, frames or trained_frames, span)
        seen = _see(watched, clip)
        _draw_sheet(sheet, _heading(path, text), clip, watched, seen)
        _draw_film(film, path, span, fps, watched)
    except UnreadableVideo as error:
        raise UnreadableVideo(f"{path}: {error}") from error
    result = AttentionResult(path, text, tuple(clip), tuple(watched), tuple(map(tuple, seen)), sheet, film)
    if as_json:
        output.document(_as_document(result))
    else:
        _show(result)


@dataclass(frozen=True, slots=True, eq=False)
class AttentionResult:
    """What was looked at, and where it was drawn.

    Attributes:
        path: the video.
        text: what was looked for, or None.
        clip: the frames of the sheet.
        watched: the models.
        seen: what each of them made of each frame.
        sheet: the contact sheet, or None.
        film: the video that was made, or None.
    """

    path: Path
    text: str | None
    clip: tuple[WholeFrame, ...]
    watched: tuple[Looker, ...]
    seen: tuple[tuple[SeenFrame, ...], ...]
    sheet: Path | None
    film: Path | None


def _targets(where: Path, video: Path, text: str | None) -> tuple[Path | None, Path | None]:
    """The files of the sheet and of the film; None for what is not wanted."""
    from vifi_cli.cli.finetuning import slug

    if where.suffix.lower() in (SHEET, FILM) and not where.is_dir():
        if where == video:
            raise InvalidInput(f"--output {where} is the video itself: name another file")
        return (where, None) if where.suffix.lower() == SHEET else (None, where)
    if where.exists() and not where.is_dir():
        raise InvalidInput(
            f"--output {where} is a file: name a folder, or a file that ends in {SHEET} or {FILM}"
        )
    words = f" {text.replace('.', ' ')}" if text else ""
    name = slug(f"{video.stem}{words}")[:LONGEST_NAME].strip("-")
    return where / f"{name}{SHEET}", where / f"{name}{FILM}"


def _default_model() -> str:
    from vifi_cli.model.hub import choose_default_model

    name, reason = choose_default_model()
    output.note(f"model: {name} ({reason})")
    return name


def _watched(
    names: Sequence[str], text: str | None, method: Method | None, device: Device
) -> tuple[list[Looker], int]:
    """The models, ready to look, and how many frames a clip of them has."""
    from vifi_cli.evaluation.classifying import frames_of
    from vifi_cli.evaluation.looking import watch_model
    from vifi_cli.model.device import choose_device
    from vifi_cli.model.model_folder import load_vifi_clip

    chosen = choose_device(device.value)
    watched, frames = [], 1
    for name in names:
        fetch_model(name)
        with output.busy(f"Loading {name}"):
            loaded = load_vifi_clip(name)
            watched.append(watch_model(name, loaded, chosen, text, method.value if method else None))
        frames = max(frames, frames_of(loaded.card))
        if loaded.network.fusion == "image":
            output.note(f"{name} averages the pictures of a clip; here it looks at each one by itself")
    return watched, frames


def _see(watched: Sequence[Looker], clip: Sequence[WholeFrame]) -> list[list[SeenFrame]]:
    pictures = [frame.picture for frame in clip]
    with output.progress() as bar:
        task = bar.add_task("Looking", total=len(watched) * len(clip))
        return [looker.see(pictures, lambda count: bar.advance(task, count)) for looker in watched]


def _heading(path: Path, text: str | None) -> str:
    return output.printable(f"{path.name}: “{text}”" if text else path.name)


def _draw_sheet(
    sheet: Path | None,
    heading: str,
    clip: Sequence[WholeFrame],
    watched: Sequence[Looker],
    seen: Sequence[Sequence[SeenFrame]],
) -> None:
    from vifi_cli.evaluation.attention_figure import attention_sheet
    from vifi_cli.paths import replacing

    if sheet is None:
        return
    drawn = attention_sheet(heading, clip, watched, seen)
    sheet.parent.mkdir(parents=True, exist_ok=True)
    with replacing(sheet) as unfinished:
        unfinished.write_bytes(drawn)


def _draw_film(film: Path | None, path: Path, span: Span, fps: float, watched: Sequence[Looker]) -> None:
    from vifi_cli.evaluation.attention_figure import attention_pictures
    from vifi_cli.paths import replacing
    from vifi_cli.video.mp4 import write_mp4
    from vifi_cli.video.whole_frames import expected_frames, steady_frames

    if film is None:
        return
    film.parent.mkdir(parents=True, exist_ok=True)
    with output.progress("{task.completed:,.0f} frames") as bar, replacing(film) as unfinished:
        pictures = attention_pictures(steady_frames(path, fps, span), watched)
        drawn = bar.track(pictures, expected_frames(path, fps, span), description="Drawing the film")
        write_mp4(unfinished, drawn, fps)


def _show(result: AttentionResult) -> None:
    from vifi_cli.evaluation.attention_figure import outside_note

    models = [
        ("Model" if not place else "beside", looker.caption) for place, looker in enumerate(result.watched)
    ]
    files = [("Sheet", result.sheet), ("Film", result.film)]
    output.facts(
        [
            ("Video", output.printable(str(result.path))),
            *([("Text", output.printable(result.text))] if result.text else []),
            *models,
            ("Note", outside_note(result.clip[0].picture, result.watched)),
            *((name, str(file)) for name, file in files if file),
        ]
    )


def _as_document(result: AttentionResult) -> dict[str, object]:
    height, width = result.clip[0].picture.shape[:2]
    return {
        "path": str(result.path),
        "text": result.text,
        "sheet": result.sheet and str(result.sheet),
        "film": result.film and str(result.film),
        "models": [
            {
                "model": looker.name,
                "method": looker.method,
                "explained": looker.explained,
                "outside": round(looker.box(height, width).outside, 4),
                "frames": [_frame_document(frame, one) for frame, one in zip(result.clip, seen, strict=True)],
            }
            for looker, seen in zip(result.watched, result.seen, strict=True)
        ],
    }


def _frame_document(frame: WholeFrame, seen: SeenFrame) -> dict[str, object]:
    return {
        "seconds": round(frame.seconds, 3),
        "cosine": None if seen.cosine is None else round(seen.cosine, 6),
        "map": [[float(f"{value:.6g}") for value in row] for row in seen.map.tolist()],
    }
