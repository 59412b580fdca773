"""The look of charts that matplotlib draws, and how they become files."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from vifi_cli.evaluation.figures.lettering import families_of
from vifi_cli.evaluation.figures.style import COLORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH = 120
INK, PALE, LINE = "#1c2126", "#5b656e", "#e3e7eb"


@contextmanager
def chart_style(names: Iterable[str] = ()) -> Iterator[None]:
    """What is drawn in this context looks like every chart of vifi, whatever the user's settings of matplotlib.

    `names` are texts from users: their fonts are made available, and `$` and `_` mean nothing in them. Pass them
    through `lettered` before they are drawn.
    """
    from cycler import cycler
    from matplotlib import style

    look = {
        "font.family": families_of(names),
        "font.size": 10,
        "text.parse_math": False,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": PALE,
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.prop_cycle": cycler(color=COLORS),
        "grid.color": LINE,
        "xtick.color": PALE,
        "ytick.color": PALE,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "legend.frameon": False,
        "savefig.dpi": DOTS_PER_INCH,
    }
    with style.context(["default", look]):
        yield


def figure_png(figure: "Figure", **options: Any) -> bytes:
    """A figure as PNG; the same figure gives the same bytes."""
    stream = BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None}, **options)
    return stream.getvalue()
