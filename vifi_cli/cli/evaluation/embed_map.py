"""`vifi embed-map`: videos laid out by their embeddings, models side by side, and how far classes lie apart."""

from __future__ import annotations

from datetime import datetime
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
    from vifi_cli.evaluation.embed_map.embed_map import EmbedMap, MappedModel
    from vifi_cli.evaluation.embed_map.projection import Projection
    from vifi_cli.evaluation.scoring.confidence_intervals import Estimate

REPORTS = Path("reports")


class Layout(StrEnum):
    """How embeddings become points."""

    tsne = "tsne"
    pca = "pca"


def embed_map(
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="Several stand side by side; by default the newest run's best.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="As for `vifi finetune`; by default the run's.", show_default=False),
    ] = None,
    index: Annotated[
        bool, typer.Option("--index", help="Map the indexed videos, their folders being the classes.")
    ] = False,
    projection: Annotated[
        Layout | None,
        typer.Option(help="How embeddings become points.", show_default="tsne, pca beyond 5,000 videos"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of all that is drawn.")] = 0,
    allow_leak: Annotated[
        bool, typer.Option("--allow-leak", help="Map what a model has learned from too, and mark the map.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder of the map; below reports/ if not given.", show_default=False
        ),
    ] = None,
    device: DeviceOption = Device.auto,
    as_json: JsonOption = False,
) -> None:
    """Lay labelled videos out by their embeddings, a map a model, and measure how far the classes lie apart.

    Without flags the newest run's model and the one that it was trained from are shown on videos held out of training.
    """
    from vifi_cli.api.looking.embedding_map import PAGE, write_map
    from vifi_cli.cli.evaluation.embed_map_videos import embed_data, embed_index
    from vifi_cli.evaluation.embed_map.embed_map import make_map

    if index and (
        given := "--model" if model else "--data" if data else "--allow-leak" if allow_leak else ""
    ):
        raise InvalidInput(
            f"{given} does not go with --index: an index holds its own videos, by its own model"
        )
    embedded = (
        embed_index(seed)
        if index
        else embed_data(tuple(model or ()), data, device.value, allow_leak=allow_leak)
    )
    ways: dict[Layout, Projection] = {Layout.tsne: "t-SNE", Layout.pca: "PCA"}
    with output.busy("Laying out"):
        made = make_map(
            embedded.title,
            embedded.class_names,
            embedded.videos,
            embedded.by_model,
            seed,
            ways[projection] if projection else None,
            embedded.remarks,
        )
    where = given_path(folder) if folder else REPORTS.absolute() / _dated(embedded.title)
    write_map(made, where, ON_TERMINAL)
    if as_json:
        output.document(_as_document(made, where))
    else:
        _show(made)
    for remark in made.remarks:
        output.warning(remark)
    output.note(f"map: {where / PAGE}")


def _dated(title: str) -> str:
    from vifi_cli.paths import slug

    return f"embed-map-{slug(title)}-{datetime.now():%Y%m%d-%H%M%S}"


def _show(made: EmbedMap) -> None:
    from vifi_cli.evaluation.embed_map.embed_map import separation_text

    columns = ["Silhouette", "Nearest neighbour"]
    gains = ["Gain", "Gain "] if len(made.models) > 1 else []
    cells = []
    for one in made.models:
        said = [separation_text(one.separation.silhouette), separation_text(one.separation.purity)]
        if one.gain:
            said += [
                separation_text(figure, is_gain=True) for figure in (one.gain.silhouette, one.gain.purity)
            ]
        cells.append([one.name, *said, *[""] * (len(columns) + len(gains) - len(said))])
    output.rows(("Model", *columns, *gains), cells, right=(*columns, *gains))


def _as_document(made: EmbedMap, folder: Path) -> dict[str, object]:
    return {
        "title": made.title,
        "folder": str(folder),
        "videos": len(made.videos),
        "classes": list(made.class_names),
        "projection": made.projection,
        "seed": made.seed,
        "groups": made.groups,
        "remarks": list(made.remarks),
        "models": [_model_document(made, one) for one in made.models],
    }


def _model_document(made: EmbedMap, one: MappedModel) -> dict[str, object]:
    scores = one.separation
    points = zip(
        made.videos, one.points.tolist(), scores.silhouettes.tolist(), scores.nearest.tolist(), strict=True
    )
    return {
        "model": one.name,
        "silhouette": _figure_document(scores.silhouette),
        "nearest_neighbour": _figure_document(scores.purity),
        "gain": one.gain
        and {
            "silhouette": _figure_document(one.gain.silhouette),
            "nearest_neighbour": _figure_document(one.gain.purity),
        },
        "points": [
            {
                "path": str(video.path),
                "class": made.class_names[video.label],
                "x": round(x, 5),
                "y": round(y, 5),
                "silhouette": round(silhouette, 5),
                "nearest": str(made.videos[nearest].path),
            }
            for video, (x, y), silhouette, nearest in points
        ],
    }


def _figure_document(figure: Estimate | None) -> dict[str, float | None] | None:
    return None if figure is None else {"value": figure.value, "low": figure.low, "high": figure.high}
