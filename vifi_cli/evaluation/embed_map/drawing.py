"""Maps of videos as a picture: models side by side, frames of some videos at their points, scores below."""

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.embed_map.embed_map import EmbedMap, MappedModel, Points, separation_text
from vifi_cli.evaluation.figures.charts import DOTS_PER_INCH, LINE, chart_style, figure_png
from vifi_cli.evaluation.figures.lettering import lettered, shortened
from vifi_cli.evaluation.figures.style import MARKS, mark_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_INCHES = {1: 8.0, 2: 5.6, 3: 4.6}  # the width, by how many are in a row
PANELS_A_ROW, FLATTEST = 3, 0.4
TITLE_INCHES, TEXT_LINE_INCHES, LEGEND_LINE_INCHES, BORDER_INCHES = 0.33, 0.19, 0.2, 0.2
EDGE = 0.06  # empty around the points, of which the outermost is at 1
MOST_NAMED, LONGEST_NAME, LETTER_INCHES, MARK_INCHES = 2 * MARKS, 40, 0.075, 0.42
LONGEST_MODEL = 60
FRAME_INCHES = 0.62  # the longer side of a video's frame
ABOVE = 1.2  # how far a frame is over its point, in its heights
MOST_FRAMED = 600  # videos; with more, the map is a cloud that frames would hide
MARKERS = {
    "circle": "o", "square": "s", "triangle": "^", "diamond": "D", "cross": "X", "plus": "P", "down": "v", "star": "*",
}  # fmt: skip


def map_picture(made: EmbedMap, thumbnails: Mapping[LabeledVideo, bytes]) -> bytes:
    """Draws a map as PNG; `thumbnails` are JPEGs of videos, some of which may lack one."""
    with chart_style([*made.class_names, *(model.name for model in made.models), made.title]):
        return figure_png(map_figure(made, thumbnails))


def map_figure(made: EmbedMap, thumbnails: Mapping[LabeledVideo, bytes]) -> "Figure":
    """A panel for each model, as flat as its points, and a legend of up to 112 classes."""
    from matplotlib.figure import Figure

    columns = min(len(made.models), PANELS_A_ROW)
    rows, width = math.ceil(len(made.models) / columns), PANEL_INCHES[columns]
    frames = thumbnails if len(made.videos) <= MOST_FRAMED else {}
    side = _frame_side(width) if frames else 0.0
    reach = max(FLATTEST, *(model.height for model in made.models))
    across, down, up = 1 + EDGE + side / 2, reach + EDGE, reach + EDGE + side
    names = [shortened(lettered(name), LONGEST_NAME) for name in made.class_names]
    legend_columns = max(1, int(columns * width / (MARK_INCHES + LETTER_INCHES * max(map(len, names)))))
    lines = math.ceil(len(names) / legend_columns) if len(names) <= MOST_NAMED else 0
    text_lines = 4 if len(made.models) > 1 else 2
    panel = width * (down + up) / (2 * across) + TITLE_INCHES + TEXT_LINE_INCHES * text_lines
    figure = Figure((columns * width, rows * panel + TITLE_INCHES + lines * LEGEND_LINE_INCHES))
    figure.set_layout_engine("constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, model in zip(panels, made.models, strict=False):
        axes.set(xlim=(-across, across), ylim=(-down, up), aspect="equal", xticks=(), yticks=())
        _draw_points(axes, made, model)
        _draw_frames(axes, made, model, frames, side)
        _describe(axes, model, text_lines)
    for axes in panels[len(made.models) :]:
        axes.remove()
    figure.suptitle(lettered(made.title), fontsize=12)
    if lines:
        _name_classes(figure, names, legend_columns)
    return figure


def _frame_side(panel_inches: float) -> float:
    """The side of a frame in units of the map, which is wider by half a frame on both sides."""
    share = FRAME_INCHES / (panel_inches - BORDER_INCHES)
    return 2 * share * (1 + EDGE) / (1 - share)


def marker_of(label: int) -> dict[str, Any]:
    """The mark of a class for matplotlib's lines and scatter plots."""
    mark = mark_of(label)
    return {
        "marker": MARKERS[mark.shape],
        "facecolor": mark.color if mark.is_filled else "none",
        "edgecolor": mark.color,
    }


def _draw_points(axes: "Axes", made: EmbedMap, model: MappedModel) -> None:
    labels = np.array([video.label for video in made.videos])
    size = float(np.clip(3000 / len(labels), 6, 48))
    for label in np.unique(labels).tolist():
        across, up = model.points[labels == label].T
        axes.scatter(across, up, s=size, linewidths=1.1, zorder=3, **marker_of(label))


def _draw_frames(
    axes: "Axes", made: EmbedMap, model: MappedModel, frames: Mapping[LabeledVideo, bytes], side: float
) -> None:
    """Frames of as many videos as fit without overlap, each over its point in a border of the class's color."""
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    has_frame = [place for place, video in enumerate(made.videos) if video in frames]
    order = _classes_in_turn([made.videos[place].label for place in has_frame])
    for place in places_apart(model.points, [has_frame[number] for number in order], side):
        with Image.open(io.BytesIO(frames[made.videos[place]])) as frame:
            small = frame.convert("RGB")
            small.thumbnail((round(FRAME_INCHES * DOTS_PER_INCH),) * 2, Image.Resampling.LANCZOS)
        box = AnnotationBbox(
            OffsetImage(np.asarray(small), zoom=72 / DOTS_PER_INCH),
            (float(model.points[place, 0]), float(model.points[place, 1])),
            box_alignment=(0.5, 1 - ABOVE),
            pad=0.05,
            bboxprops={"edgecolor": mark_of(made.videos[place].label).color, "linewidth": 1.5},
        )
        axes.add_artist(box).set_zorder(2)  # under the marks


def _classes_in_turn(labels: Sequence[int]) -> list[int]:
    """The numbers of videos: the first of each class, then the second of each, and so on."""
    seen: dict[int, int] = {}
    turns = []
    for place, label in enumerate(labels):
        seen[label] = seen.get(label, 0) + 1
        turns.append((seen[label], place))
    return [place for _, place in sorted(turns)]


def places_apart(points: Points, order: Sequence[int], side: float) -> Iterator[int]:
    """The points, in this order, at which squares of this side do not overlap."""
    taken: list[int] = []
    for place in order:
        if all(np.abs(points[place] - points[other]).max() > side for other in taken):
            taken.append(place)
            yield place


def _describe(axes: "Axes", model: MappedModel, lines: int) -> None:
    for spine in axes.spines.values():
        spine.set(visible=True, color=LINE)
    axes.set_title(shortened(lettered(model.name), LONGEST_MODEL, keeps_end=True), fontsize=10)
    texts = []
    for name in ("silhouette", "purity"):
        label = "nearest neighbor" if name == "purity" else name
        texts.append(f"{label} {separation_text(getattr(model.separation, name))}")
        if model.gain:
            texts.append(f"    gain {separation_text(getattr(model.gain, name), is_gain=True)}")
    axes.set_xlabel(
        "\n".join([*texts, *[""] * (lines - len(texts))]), fontsize=9, loc="left", linespacing=1.35
    )


def _name_classes(figure: "Figure", names: Sequence[str], columns: int) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for label in range(len(names)):
        look = marker_of(label)
        handle = Line2D([], [], linestyle="", marker=look["marker"], markersize=6, color=look["edgecolor"])
        handle.set_markerfacecolor(look["facecolor"])
        handles.append(handle)
    figure.legend(
        handles,
        names,
        loc="outside lower center",
        ncols=columns,
        fontsize=9,
        handletextpad=0.2,
        columnspacing=1.2,
    )
