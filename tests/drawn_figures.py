"""What a matplotlib figure shows once it is drawn: its texts, and which of them collide."""

from collections.abc import Iterator
from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox


def drawn_texts(figure: Figure) -> list[tuple[str, Bbox]]:
    """The visible texts of a figure with their boxes in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    unseen = {id(label) for axes in figure.axes for label in _labels_out_of_range(axes)}
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent(renderer)) for text in texts if id(text) not in unseen]


def _labels_out_of_range(axes: Axes) -> Iterator[Text]:
    """Labels of ticks beyond the ends of an axis, which matplotlib keeps and does not draw."""
    for place, axis in enumerate((axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for label in axis.get_ticklabels():
            if not low <= label.get_position()[place] <= high:
                yield label


def collisions(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts whose boxes overlap, and texts that leave the figure, paired with `figure`."""
    texts = drawn_texts(figure)
    pairs = [
        (one, other)
        for (one, box), (other, rest) in combinations(texts, 2)
        if (shared := Bbox.intersection(box, rest)) and min(shared.width, shared.height) > 1
    ]
    inside = figure.bbox.padded(1)
    outside = [
        (text, "figure")
        for text, box in texts
        if box.x0 < inside.x0 or box.x1 > inside.x1 or box.y0 < inside.y0 or box.y1 > inside.y1
    ]
    return pairs + outside
