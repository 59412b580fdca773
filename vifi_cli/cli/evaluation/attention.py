"""`vifi attention`: where a model looks in a video, and the evidence for a text, as pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vifi_cli import wording
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options import completion
from vifi_cli.cli.terminal.options.shared import DeviceOption, JsonOption, ModelOption, output_option
from vifi_cli.cli.terminal.options.splicing import spliced
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL, load_torch
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path

if TYPE_CHECKING:
    from vifi_cli.api.visualization.attention import Attention
    from vifi_cli.evaluation.testing.attention import FrameAttention
    from vifi_cli.video.clips.full_frames import FullFrame
    from vifi_cli.video.moment import TimeRange

FOLDER = Path("attention")
SHEET, FILM = ".png", ".mp4"
LONGEST_NAME = 60
FILM_FPS = 5.0


@dataclass(frozen=True, kw_only=True)
class MapOptions:
    """What a map shows, of which models."""

    text: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Show the evidence for this text",
            show_default="where the model looks without a text",
        ),
    ] = None
    model: ModelOption = None
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            autocompletion=completion.models,
            help="Second model to show beside it, such as a fine-tuned one",
            show_default=False,
        ),
    ] = None
    method: Annotated[
        Literal["last", "rollout", "relevance", "cam"] | None,
        typer.Option(
            metavar="METHOD",
            help="For transformers last, rollout or, with --text, relevance; for convolutional models cam",
            show_default="relevance, last or cam",
        ),
    ] = None
    device: DeviceOption = "auto"

    @property
    def models(self) -> list[str | None]:
        """The names of the models, side by side."""
        return [self.model, self.compare] if self.compare else [self.model]


@dataclass(frozen=True, kw_only=True)
class FrameOptions:
    """The frames to show."""

    frames: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Frames on the sheet", show_default="as in training, or 8"),
    ] = None
    fps: Annotated[
        float | None,
        typer.Option(min=0.1, max=60, help="Frames per second of the film", show_default=str(FILM_FPS)),
    ] = None
    start: Annotated[float, typer.Option(min=0, help="Start of the part to show, in seconds")] = 0.0
    end: Annotated[
        float | None,
        typer.Option(min=0, help="End of the part to show, in seconds", show_default="the end of the video"),
    ] = None

    @property
    def part(self) -> TimeRange:
        """The part of the video between `--start` and `--end`."""
        from vifi_cli.video.moment import TimeRange

        return TimeRange(self.start) if self.end is None else TimeRange(self.start, self.end)


@spliced
def attention(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video", show_default=False)],
    what: MapOptions,
    shown: FrameOptions,
    where: Annotated[
        Path, output_option("Folder for sheet and film, or a .png or .mp4 file for one of them")
    ] = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Show where a model looks in a video.

    It writes a contact sheet of the frames of a test clip, and a film. Existing files of the same name are replaced.
    """
    load_torch()
    from vifi_cli.api.models.video_model import existing_video, load_model
    from vifi_cli.api.visualization.attention import attention as look
    from vifi_cli.api.visualization.attention import check_text

    path = existing_video(video)
    check_text(what.text)
    sheet, film = _targets(given_path(where), path, what.text)
    if shown.fps is not None and film is None:
        output.note(f"--fps is for the film, and you ask for {sheet} alone")
    part = shown.part
    models = [load_model(name, what.device, ON_TERMINAL) for name in what.models]
    looked = look(path, models, what.text, method=what.method, frames=shown.frames, part=part)
    if sheet:
        looked.write_sheet(sheet)
    if film:
        looked.write_film(film, shown.fps or FILM_FPS)
    if as_json:
        output.document(_as_document(looked, sheet, film))
    else:
        _show(looked, sheet, film)
    output.spelling([path.name, what.text or ""])


def _targets(where: Path, video: Path, text: str | None) -> tuple[Path | None, Path | None]:
    """The files of the sheet and of the film; None for the one that is not wanted."""
    from vifi_cli.paths import slug

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

    first, *others = [looker.caption for looker in looked.watched]
    facts = [
        ("Video", wording.printable(str(looked.path))),
        ("Text", wording.printable(looked.text or "")),
        ("Model", first),
        *(("beside", caption) for caption in others),
        ("Note", outside_note(looked.clip[0].picture, looked.watched)),
        ("Sheet", str(sheet or "")),
        ("Film", str(film or "")),
    ]
    output.facts([(name, value) for name, value in facts if value])


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


def _frame_document(frame: FullFrame, seen: FrameAttention) -> dict[str, object]:
    return {
        "seconds": round(frame.seconds, 3),
        "cosine": None if seen.cosine is None else round(seen.cosine, 6),
        "map": [[float(f"{value:.6g}") for value in row] for row in seen.map.tolist()],
    }
