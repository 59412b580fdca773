"""Confusion matrices, and frames of videos."""

import base64
import warnings
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.clips.clip_sampling import test_frame_indices
from vifi_cli.video.clips.store import ClipStore

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_LABELS = 60
_LONGEST_LABEL = 28


def confusion_picture(confusion: npt.NDArray[np.int64], class_names: Sequence[str]) -> bytes:
    """Draws a confusion matrix, (C, C) counts, as PNG: a cell is the share of its row.

    Axes have class names for up to 60 classes, and numbers for more.
    """
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    classes = len(class_names)
    shares = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    side = min(14.0, 3.6 + 0.24 * classes)
    figure = Figure((side, side), dpi=110)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1), interpolation="nearest")
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if classes <= MOST_LABELS:
        labels = [
            name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…" for name in class_names
        ]
        size = 9 if classes <= 30 else 7
        axes.set_xticks(range(classes), labels, rotation=90, fontsize=size, parse_math=False)
        axes.set_yticks(range(classes), labels, fontsize=size, parse_math=False)
    if classes <= 20:
        for row, column in np.argwhere(confusion > 0).tolist():
            color = "white" if shares[row, column] > 0.4 else "black"
            count = int(confusion[row, column])
            axes.text(column, row, str(count), ha="center", va="center", fontsize=8, color=color)
    bar = figure.colorbar(image, ax=axes, shrink=0.6)
    bar.set_label("share of the class")
    return figure_png(figure, bbox_inches="tight")


def figure_png(figure: "Figure", **options: Any) -> bytes:
    """A matplotlib figure as PNG, without a warning about letters that the font lacks."""
    stream = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # names in any script
        figure.savefig(stream, format="png", metadata={"Software": None}, **options)
    return stream.getvalue()


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
