"""What `vifi classify` found, for people, for pipes and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from vifi_cli.evaluation.testing.over_time import ClassifiedWindow, ClassSpan

WIDEST, NARROWEST_BAR = 100, 8
ROOM_FOR_STRIP = 60  # a narrower terminal has better use for the columns


def show_classes(path: Path, shares: Mapping[str, float]) -> None:
    """Bars below the video's name on a terminal; path, class and probability in lines in a pipe."""
    if not output.stdout_is_terminal():
        output.rows((), [(str(path), name, f"{share:.4f}") for name, share in shares.items()])
        return
    console = Console()
    table = _grid(console, 1)
    for name, share in shares.items():
        bar = Bar(1.0, 0.0, share, color="cyan")
        table.add_row(Text(output.printable(name)), bar, _percent(share))
    console.print(output.path_link(path), table)


def show_stretches(path: Path, stretches: Sequence[ClassSpan]) -> None:
    """A line a stretch: on a terminal with a strip that shows where in the video it lies, in a pipe tab-separated."""
    if not output.stdout_is_terminal():
        cells = [
            (
                f"{one.start_seconds:.3f}",
                f"{one.end_seconds:.3f}",
                one.class_name,
                f"{one.probability:.4f}",
            )
            for one in stretches
        ]
        output.rows((), [(str(path), *row) for row in cells])
        return
    console = Console()
    has_strip = console.width >= ROOM_FOR_STRIP
    table = _grid(console, 2, has_bar=has_strip)
    for one in stretches:
        times = f"{output.clock(one.start_seconds)} – {output.clock(one.end_seconds)}"
        strip = [Bar(stretches[-1].end_seconds, one.start_seconds, one.end_seconds, color="cyan")] * has_strip
        name = Text(output.printable(one.class_name))
        table.add_row(Text(times), name, *strip, _percent(one.probability))
    console.print(output.path_link(path), table)


def _grid(console: Console, texts: int, *, has_bar: bool = True) -> Table:
    """Columns of text, then a bar that takes the room left, then percent."""
    width = min(console.width, WIDEST)
    table = Table(box=None, show_header=False, padding=(0, 0, 0, 2), pad_edge=True, width=width)
    for place in range(texts):
        is_class = place == texts - 1
        ratio = 1 if is_class and not has_bar else None
        longest = width * 2 // 5 if is_class and has_bar else None
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=longest, ratio=ratio)
    if has_bar:
        table.add_column(ratio=1, min_width=NARROWEST_BAR)
    table.add_column(justify="right", no_wrap=True, min_width=len(_percent(1.0)))
    return table


def _percent(share: float) -> str:
    return f"{share:.1%}"


def classes_document(shares: Mapping[str, float]) -> list[dict[str, object]]:
    """Classes as `--json` shows them."""
    return [{"class": name, "probability": round(share, 6)} for name, share in shares.items()]


def windows_document(
    windows: Sequence[ClassifiedWindow], class_names: Sequence[str], top: int
) -> list[dict[str, object]]:
    """Windows as `--json` shows them."""
    from vifi_cli.api.models.video_model import ranked

    return [
        {
            "start_seconds": round(window.start_seconds, 3),
            "end_seconds": round(window.end_seconds, 3),
            "classes": classes_document(ranked(window.probabilities, class_names, top)),
        }
        for window in windows
    ]


def stretches_document(stretches: Sequence[ClassSpan]) -> list[dict[str, object]]:
    """Stretches as `--json` shows them."""
    return [
        {
            "start_seconds": round(one.start_seconds, 3),
            "end_seconds": round(one.end_seconds, 3),
            "class": one.class_name,
            "probability": round(one.probability, 6),
        }
        for one in stretches
    ]
