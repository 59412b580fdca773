"""Confusion matrices: as a PNG, and as the cells that the page draws."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vifi_cli.evaluation.figures.charts import INK, chart_style, figure_png
from vifi_cli.evaluation.figures.lettering import lettered, shortened
from vifi_cli.evaluation.report.table import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_LABELS, MOST_COUNTS = 60, 20  # classes up to which axes have names and cells have numbers
LONGEST_LABEL = 28
CELL_INCHES, LARGEST_INCHES = 0.3, 14.0
LETTER_PIXELS, WIDE_LETTER_PIXELS, PIXELS_WITHOUT_NAMES = 7, 12, 640


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
    side = min(LARGEST_INCHES, 3.6 + CELL_INCHES * classes)
    figure = Figure((side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    axes.grid(visible=False)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100, interpolation="nearest")
    axes.set(xlabel="predicted class", ylabel="true class")
    if classes <= MOST_LABELS:
        names = _labels(list(map(lettered, class_names)))
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
    bar.set_label("share of a row")
    return figure


@dataclass(frozen=True, slots=True)
class ConfusionCell:
    """How many videos of a true class (`row`) are predicted as a class (`column`), in words for a tooltip."""

    row: int
    column: int
    count: int
    share: float
    words: str


@dataclass(frozen=True, slots=True)
class ConfusionGrid:
    """A confusion matrix for the page, in pixels: only cells with videos, and class names if they are readable."""

    classes: int
    cell: int
    left: int  # of the names of true classes
    labels: tuple[str, ...]
    cells: tuple[ConfusionCell, ...]

    @property
    def side(self) -> int:
        """The side of the matrix."""
        return self.classes * self.cell


def confusion_grid(confusion: npt.NDArray[np.int64], class_names: Sequence[str]) -> ConfusionGrid:
    """Lays a confusion matrix, (C, C) counts, out for the page."""
    classes = len(class_names)
    has_names = classes <= MOST_LABELS
    cell = 24 if classes <= MOST_COUNTS else 14 if has_names else max(2, PIXELS_WITHOUT_NAMES // classes)
    labels = tuple(_labels(list(map(shown, class_names)))) if has_names else ()
    totals = confusion.sum(1).tolist()
    cells = []
    for row, column in np.argwhere(confusion > 0).tolist():
        count, total = int(confusion[row, column]), totals[row]
        words = f"{shown(class_names[row])} predicted as {shown(class_names[column])}: {count} of {total}"
        cells.append(ConfusionCell(row, column, count, count / total, words))
    left = max(map(_pixels, labels), default=0)
    return ConfusionGrid(classes, cell, left, labels, tuple(cells))


def _labels(names: Sequence[str]) -> list[str]:
    """Names short enough for an axis; those that begin alike keep their ends."""
    labels = [shortened(name, LONGEST_LABEL) for name in names]
    if len(set(labels)) == len(labels):
        return labels
    return [shortened(name, LONGEST_LABEL, keeps_end=True) for name in names]


def _pixels(label: str) -> int:
    """About the width of a label in the reader's font."""
    is_wide = (unicodedata.east_asian_width(letter) in "WF" for letter in label)
    return sum(WIDE_LETTER_PIXELS if wide else LETTER_PIXELS for wide in is_wide)
