"""Maps of videos as a picture, and as one HTML page that needs no other file: models side by side, scores below."""

import json
import math
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vifi_cli.evaluation.embed_map.embed_map import EmbedMap, MappedModel, separation_text
from vifi_cli.evaluation.figures.charts import figure_png
from vifi_cli.evaluation.figures.style import mark_of
from vifi_cli.evaluation.report.pictures import data_uri
from vifi_cli.evaluation.report.table import shown, templates

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_INCHES, PANELS_A_ROW = 4.6, 3
MOST_NAMED, LONGEST_NAME, LETTER_INCHES = 60, 40, 0.065
LONGEST_MODEL = 60
MARKERS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "cross": "X", "plus": "P"}


def map_picture(made: EmbedMap) -> bytes:
    """Draws a map as PNG, with a legend of up to 60 classes."""
    from matplotlib.figure import Figure

    columns = min(len(made.models), PANELS_A_ROW)
    rows = math.ceil(len(made.models) / columns)
    figure = Figure((PANEL_INCHES * columns, (PANEL_INCHES + 0.9) * rows), dpi=130)
    figure.set_layout_engine("constrained", h_pad=0.1)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, model in zip(panels, made.models, strict=False):
        _draw(axes, made, model)
    for axes in panels[len(made.models) :]:
        axes.set_axis_off()
    figure.suptitle(shown(made.title), fontsize=11, parse_math=False)
    if len(made.class_names) <= MOST_NAMED:
        _name_classes(figure, made, PANEL_INCHES * columns)
    return figure_png(figure)


def _draw(axes: "Axes", made: EmbedMap, model: MappedModel) -> None:
    labels = np.array([video.label for video in made.videos])
    size = float(np.clip(2000 / len(labels), 4, 36))
    for label in np.unique(labels).tolist():
        mark = mark_of(label)
        across, up = model.points[labels == label].T
        axes.scatter(across, up, s=size, c=mark.color, marker=MARKERS[mark.shape], linewidths=0, alpha=0.85)
    axes.set(xlim=(-1.08, 1.08), ylim=(-1.08, 1.08), aspect="equal", xticks=(), yticks=())
    axes.set_title(_end_of(shown(model.name)), fontsize=9, parse_math=False)
    lines = [
        f"silhouette {separation_text(model.separation.silhouette)}",
        f"nearest neighbor {separation_text(model.separation.purity)}",
    ]
    if model.gain:
        lines[0] += f", gain {separation_text(model.gain.silhouette, is_gain=True)}"
        lines[1] += f", gain {separation_text(model.gain.purity, is_gain=True)}"
    axes.set_xlabel("\n".join(lines), fontsize=8)


def _end_of(name: str) -> str:
    """A long path keeps its end, which distinguishes models."""
    return name if len(name) <= LONGEST_MODEL else f"…{name[1 - LONGEST_MODEL :]}"


def _name_classes(figure: "Figure", made: EmbedMap, inches: float) -> None:
    from matplotlib.lines import Line2D

    names = [textwrap.shorten(shown(name), LONGEST_NAME, placeholder="…") for name in made.class_names]
    marks = map(mark_of, range(len(names)))
    handles = [
        Line2D([], [], linestyle="", color=mark.color, marker=MARKERS[mark.shape], markersize=5)
        for mark in marks
    ]
    columns = max(1, int(inches / (0.4 + LETTER_INCHES * max(map(len, names)))))
    legend = figure.legend(
        handles, names, loc="outside lower center", ncols=columns, fontsize=8, frameon=False
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def map_page(made: EmbedMap, thumbnails: Mapping[Path, bytes]) -> str:
    """The page; `thumbnails` are JPEGs of videos, some of which may lack one."""
    environment = templates("vifi_cli.evaluation.embed_map")
    environment.filters |= {"scores": separation_text, "mark": mark_of}
    videos = [
        {
            "path": shown(str(video.path)),
            "link": video.path.as_uri(),
            "label": video.label,
            "picture": data_uri("jpeg", thumbnails[video.path]) if video.path in thumbnails else "",
        }
        for video in made.videos
    ]
    # "<" would let a path end the script
    data = json.dumps(videos).replace("<", "\\u003c")
    return environment.get_template("page.html.jinja").render(made=made, data=data)
