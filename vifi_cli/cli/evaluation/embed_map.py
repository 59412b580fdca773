"""`vifi embed-map`: videos laid out by their embeddings, models side by side, and how well classes separate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vifi_cli.cli.evaluation.eval import TestedModels
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options.shared import DataOption, JsonOption, output_option
from vifi_cli.cli.terminal.options.splicing import spliced
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL, load_torch
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import REPORTS, given_path, slug

if TYPE_CHECKING:
    from vifi_cli.evaluation.embed_map.embed_map import EmbedMap, LabeledEmbeddings, MappedModel, Projection
    from vifi_cli.evaluation.embed_map.separation import Gain, Separation


@dataclass(frozen=True, kw_only=True)
class MappedVideos(TestedModels):
    """The videos and the models of the map."""

    data: DataOption = None
    index: Annotated[
        bool, typer.Option("--index", help="Map the indexed videos, with their folders as classes")
    ] = False

    def __post_init__(self) -> None:
        unfit = {
            "--model": self.model,
            "--data": self.data,
            "--allow-leak": self.allow_leak,
            "--classes": self.classes,
        }
        if self.index and (given := next((name for name, value in unfit.items() if value), None)):
            raise InvalidInput(f"{given} does not go with --index: an index has its own videos and model")

    def embed(self, seed: int) -> LabeledEmbeddings:
        """The videos with their embeddings."""
        from vifi_cli.api.visualization.embedding_map import embed_dataset
        from vifi_cli.api.visualization.index_map import embed_index
        from vifi_cli.data.source import DataSource

        if self.index:
            return embed_index(seed)
        data = DataSource.parse(self.data, self.data_root) if self.data else None
        return embed_dataset(
            self.model or (),
            data,
            self.device,
            ON_TERMINAL,
            allow_leak=self.allow_leak,
            classes=self.classes,
        )


@spliced
def embed_map(
    mapped: MappedVideos,
    projection: Annotated[
        Literal["tsne", "pca"] | None,
        typer.Option(
            metavar="METHOD", help="How embeddings become points", show_default="tsne, pca above 5,000 videos"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Random seed")] = 0,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails/--no-thumbnails", help="Show frames of the videos on the map")
    ] = True,
    folder: Annotated[
        Path | None, output_option("Folder of the map", metavar="FOLDER", default="a new one in reports/")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Map labeled videos by their embeddings.

    It draws a map per model, and measures how well classes separate. Without options, it maps the videos held out of
    training by the best model of the newest run and by the model that it was trained from.
    """
    load_torch()
    from vifi_cli.api.evaluation.evaluate import dated
    from vifi_cli.api.visualization.embedding_map import PAGE, check_map_folder, write_map
    from vifi_cli.evaluation.embed_map.embed_map import make_map

    check_map_folder(given_path(folder) if folder else REPORTS.absolute())
    embedded = mapped.embed(seed)
    methods: dict[str | None, Projection] = {"tsne": "t-SNE", "pca": "PCA"}
    with ON_TERMINAL.busy("Laying out"):
        made = make_map(embedded, methods.get(projection), seed)
    where = given_path(folder) if folder else REPORTS.absolute() / dated(f"embed-map-{slug(made.title)}")
    write_map(made, where, ON_TERMINAL, with_thumbnails=thumbnails)
    if as_json:
        output.document(_as_document(made, where))
    else:
        _show(made)
    for remark in made.remarks:
        output.warning(remark)
    output.note(f"map: {where / PAGE}")


def _show(made: EmbedMap) -> None:
    from vifi_cli.evaluation.embed_map.embed_map import separation_text

    headers = ["Model", "Silhouette", "Nearest neighbor"]
    if len(made.models) > 1:
        headers += ["Silhouette gain", "Neighbor gain"]
    cells = []
    for one in made.models:
        row = [one.name, separation_text(one.separation.silhouette), separation_text(one.separation.purity)]
        if one.gain:
            row += [separation_text(gain, is_gain=True) for gain in (one.gain.silhouette, one.gain.purity)]
        cells.append([*row, *[""] * (len(headers) - len(row))])
    output.rows(headers, cells, right=headers[1:])


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
    from vifi_cli.data.labeled_videos import moment_document

    scores = one.separation
    points = zip(
        made.videos, one.points.tolist(), scores.silhouettes.tolist(), scores.nearest.tolist(), strict=True
    )
    return {
        "model": one.name,
        **_figures_document(scores),
        "gain": one.gain and _figures_document(one.gain),
        "points": [
            {
                "path": str(video.path),
                **moment_document(video),
                "class": made.class_names[video.label],
                "x": round(x, 5),
                "y": round(y, 5),
                "silhouette": round(silhouette, 5),
                "nearest": made.videos[nearest].address,
            }
            for video, (x, y), silhouette, nearest in points
        ],
    }


def _figures_document(scores: Separation | Gain) -> dict[str, object]:
    figures = {"silhouette": scores.silhouette, "nearest_neighbour": scores.purity}
    return {
        name: figure and {"value": figure.value, "low": figure.low, "high": figure.high}
        for name, figure in figures.items()
    }
