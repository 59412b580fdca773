"""`vifi attention`: where a model looks in a video, and what speaks for a text, as pictures."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.feedback import ON_TERMINAL
from vifi_cli.cli.terminal.options import Device, DeviceOption, JsonOption
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path

if TYPE_CHECKING:
    from vifi_cli.api.looking.attention import Attention
    from vifi_cli.evaluation.testing.attention import SeenFrame
    from vifi_cli.video.clips.full_frames import WholeFrame

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
    from vifi_cli.api.looking.attention import attention as look
    from vifi_cli.api.looking.attention import check_text
    from vifi_cli.api.models.video_model import existing_video, load_model
    from vifi_cli.video.moment import TimeRange

    path = existing_video(video)
    check_text(text)
    sheet, film = _targets(given_path(where), path, text)
    span = TimeRange(start) if end is None else TimeRange(start, end)
    names = [model, compare] if compare else [model]
    models = [load_model(name, device.value, ON_TERMINAL) for name in names]
    looked = look(
        path,
        models,
        text,
        method=method.value if method else None,
        frames=frames,
        span=span,
        feedback=ON_TERMINAL,
    )
    if sheet:
        looked.write_sheet(sheet)
    if film:
        looked.write_film(film, fps)
    if as_json:
        output.document(_as_document(looked, sheet, film))
    else:
        _show(looked, sheet, film)


def _targets(where: Path, video: Path, text: str | None) -> tuple[Path | None, Path | None]:
    """The files of the sheet and of the film; None for what is not wanted."""
    from vifi_cli.cli.training.finetuning import slug

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


def _show(looked: Attention, sheet: Path | None, film: Path | None) -> None:
    from vifi_cli.evaluation.figures.attention import outside_note

    models = [
        ("Model" if not place else "beside", looker.caption) for place, looker in enumerate(looked.watched)
    ]
    files = [("Sheet", sheet), ("Film", film)]
    output.facts(
        [
            ("Video", output.printable(str(looked.path))),
            *([("Text", output.printable(looked.text))] if looked.text else []),
            *models,
            ("Note", outside_note(looked.clip[0].picture, looked.watched)),
            *((name, str(file)) for name, file in files if file),
        ]
    )


def _as_document(looked: Attention, sheet: Path | None, film: Path | None) -> dict[str, object]:
    height, width = looked.clip[0].picture.shape[:2]
    return {
        "path": str(looked.path),
        "text": looked.text,
        "sheet": sheet and str(sheet),
        "film": film and str(film),
        "models": [
            {
                "model": looker.name,
                "method": looker.method,
                "explained": looker.explained,
                "outside": round(looker.box(height, width).outside, 4),
                "frames": [_frame_document(frame, one) for frame, one in zip(looked.clip, seen, strict=True)],
            }
            for looker, seen in zip(looked.watched, looked.seen, strict=True)
        ],
    }


def _frame_document(frame: WholeFrame, seen: SeenFrame) -> dict[str, object]:
    return {
        "seconds": round(frame.seconds, 3),
        "cosine": None if seen.cosine is None else round(seen.cosine, 6),
        "map": [[float(f"{value:.6g}") for value in row] for row in seen.map.tolist()],
    }
