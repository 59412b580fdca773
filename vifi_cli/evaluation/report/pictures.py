"""Confusion matrices, and frames of videos."""

import base64
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from vifi_cli.errors import UnreadableVideo
from vifi_cli.evaluation.figures.charts import INK, chart_style, figure_png
from vifi_cli.evaluation.figures.lettering import lettered, shortened
from vifi_cli.video.clips.clip_sampling import test_frame_indices
from vifi_cli.video.clips.store import ClipStore

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_LABELS, MOST_COUNTS = 60, 20  # classes up to which axes have names and cells have numbers
LONGEST_LABEL = 28
CELL_INCHES, LARGEST_INCHES = 0.3, 14.0


def confusion_picture(confusion: npt.NDArray[np.int64], class_names: Sequence[str]) -> bytes:
    """Draws a confusion matrix, (C, C) counts, as PNG."""
    with chart_style(class_names):
        return figure_png(confusion_figure(confusion, class_names), bbox_inches="tight")


def confusion_figure(confusion: npt.NDArray[np.int64], class_names: Sequence[str]) -> "Figure":
    """A row is a true class, and a cell the share of its videos on a linear scale from 0 to 100 %.

    Axes have class names for up to 60 classes, and numbers for more.
    """
    from matplotlib.figure import Figure

    classes = len(class_names)
    shares = 100 * confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    side = min(LARGEST_INCHES, 3.0 + CELL_INCHES * classes)
    figure = Figure((side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    axes.grid(visible=False)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100, interpolation="nearest")
    axes.set(xlabel="predicted class", ylabel="true class")
    if classes <= MOST_LABELS:
        names = [shortened(lettered(name), LONGEST_LABEL) for name in class_names]
        size = 9 if classes <= MOST_LABELS // 2 else 7
        axes.set_xticks(range(classes), names, rotation=90, fontsize=size)
        axes.set_yticks(range(classes), names, fontsize=size)
    if classes <= MOST_COUNTS:
        for row, column in np.argwhere(confusion > 0).tolist():
            color = "white" if shares[row, column] > 50 else INK
            axes.text(
                column, row, str(confusion[row, column]), ha="center", va="center", fontsize=8, color=color
            )
    bar = figure.colorbar(image, ax=axes, shrink=0.6, format="%d %%")
    bar.set_label("share of the true class's videos")
    return figure


def thumbnails(path: Path, count: int = 3, short_side: int = 96) -> tuple[bytes, ...]:
    """Evenly spaced frames of a video as JPEG, a single one from its middle; none if it cannot be read."""
    try:
        frames = ClipStore(short_side).read(path, lambda total: test_frame_indices(total, count))
    except UnreadableVideo:
        return ()
    return tuple(map(_jpeg, frames))


def _jpeg(pixels: npt.NDArray[np.uint8]) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=75, optimize=True)
    return stream.getvalue()


def data_uri(kind: str, picture: bytes) -> str:
    """A picture as an address that a page can hold; `kind` is `png` or `jpeg`."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
