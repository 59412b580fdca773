"""The results of `vifi classify`: bars on a terminal, tab-separated lines in a pipe, JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vifi_cli import wording
from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from vifi_cli.api.looking.classify import Timeline
    from vifi_cli.evaluation.testing.over_time import ClassSpan

WIDEST, NARROWEST_BAR = 100, 8
ROOM_FOR_STRIP = 60
"""A narrower terminal has no strip, so that times and classes fit."""


def show_classes(path: Path, probabilities: Mapping[str, float]) -> None:
    """Shows bars below the name of the video, or lines of path, class and probability."""
    if not output.stdout_is_terminal():
        output.rows((), [(str(path), name, f"{share:.4f}") for name, share in probabilities.items()])
        return
    console = Console()
    table = _grid(console, 1)
    for name, share in probabilities.items():
        table.add_row(Text(wording.printable(name)), Bar(1.0, 0.0, share, color="cyan"), _percent(share))
    console.print(output.path_link(path), table)


def show_spans(path: Path, spans: Sequence[ClassSpan]) -> None:
    """Shows a line per span with a strip of its place in the video, or lines of path, times and class."""
    if not output.stdout_is_terminal():
        seconds = [(f"{one.start_seconds:.3f}", f"{one.end_seconds:.3f}") for one in spans]
        cells = zip(seconds, spans, strict=True)
        output.rows(
            (), [(str(path), *times, one.class_name, f"{one.probability:.4f}") for times, one in cells]
        )
        return
    console = Console()
    has_strip = console.width >= ROOM_FOR_STRIP
    table = _grid(console, 2, has_bar=has_strip)
    for one in spans:
        times = f"{wording.clock(one.start_seconds)} – {wording.clock(one.end_seconds)}"
        strip = [Bar(spans[-1].end_seconds, one.start_seconds, one.end_seconds, color="cyan")] * has_strip
        table.add_row(Text(times), Text(wording.printable(one.class_name)), *strip, _percent(one.probability))
    console.print(output.path_link(path), table)


def _grid(console: Console, texts: int, *, has_bar: bool = True) -> Table:
    """Columns of text, then a bar that fills the remaining width, then percent."""
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


def classes_document(probabilities: Mapping[str, float]) -> list[dict[str, object]]:
    """Classes as `--json` writes them."""
    return [{"class": name, "probability": round(share, 6)} for name, share in probabilities.items()]


def timeline_document(timeline: Timeline, top: int) -> dict[str, object]:
    """A video over time as `--json` writes it, with at most `top` classes per window."""
    from vifi_cli.api.models.video_model import ranked

    spans = [
        {
            "start_seconds": round(one.start_seconds, 3),
            "end_seconds": round(one.end_seconds, 3),
            "class": one.class_name,
            "probability": round(one.probability, 6),
        }
        for one in timeline.spans
    ]
    windows = [
        {
            "start_seconds": round(one.start_seconds, 3),
            "end_seconds": round(one.end_seconds, 3),
            "classes": classes_document(ranked(one.probabilities, timeline.class_names, top)),
        }
        for one in timeline.windows
    ]
    return {"path": str(timeline.path), "stretches": spans, "windows": windows}
