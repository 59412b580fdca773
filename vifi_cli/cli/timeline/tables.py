"""How timelines are shown: as tables, as lines for other programs, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from vifi_cli import wording
from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from vifi_cli.api.timeline.timeline import LabelTime, Occurrence, VideoTimeline

OCCURRENCE_HEADS = ("Label", "Start", "End", "Duration", "Relevance")
BUDGET_HEADS = ("Label", "Count", "Total", "Share", "Mean")
RIGHT = ("Start", "End", "Duration", "Relevance", "Count", "Total", "Share", "Mean", "Videos")


def show_timelines(
    timelines: Sequence[VideoTimeline],
    *,
    as_json: bool = False,
    is_summary: bool = False,
    is_quiet: bool = False,
) -> None:
    """Writes timelines to stdout; `is_quiet` leaves the occurrences to files, and only a terminal gets the summary."""
    from vifi_cli.api.timeline.tables import (
        BUDGET_COLUMNS,
        OCCURRENCE_COLUMNS,
        budget_rows,
        occurrence_rows,
        timelines_document,
    )

    if as_json:
        output.document(timelines_document(timelines))
    elif output.stdout_is_terminal():
        if not is_summary and not is_quiet:
            _show_occurrences(timelines)
        _show_budget(timelines, by_video=is_summary)
    elif is_summary:
        output.records([BUDGET_COLUMNS, *budget_rows(timelines)])
    elif not is_quiet:
        output.records([OCCURRENCE_COLUMNS, *occurrence_rows(timelines)])


def _show_occurrences(timelines: Sequence[VideoTimeline]) -> None:
    for each in timelines:
        if each.occurrences:
            _name_video(each, timelines)
            output.rows(OCCURRENCE_HEADS, list(map(_cells, each.occurrences)), right=RIGHT)
            output.line("")


def _name_video(one: VideoTimeline, among: Sequence[VideoTimeline]) -> None:
    if len(among) > 1:
        output.line(str(output.path_link(one.path)))


def _cells(one: Occurrence) -> list[str | Text]:
    return [
        one.label,
        wording.clock(one.start_seconds),
        wording.clock(one.end_seconds),
        wording.duration(one.seconds),
        "" if one.relevance is None else wording.score_text(one.relevance),
    ]


def _show_budget(timelines: Sequence[VideoTimeline], *, by_video: bool) -> None:
    """The time budget of all videos, or first that of each."""
    from vifi_cli.api.timeline.timeline import time_budget

    has_several = len(timelines) > 1
    for each in timelines if by_video and has_several else ():
        _name_video(each, timelines)
        output.rows(BUDGET_HEADS, list(map(_budget_cells, each.budget)), right=RIGHT)
        output.line("")
    if has_several:
        output.line(f"all {len(timelines):,} videos")
    rows = [
        [*_budget_cells(one), *[f"{one.videos:,} of {len(timelines):,}"] * has_several]
        for one in time_budget(timelines)
    ]
    output.rows([*BUDGET_HEADS, *["Videos"] * has_several], rows, right=RIGHT)


def _budget_cells(one: LabelTime) -> list[str | Text]:
    mean = one.mean_seconds
    return [
        one.label,
        f"{one.count:,}",
        wording.duration(one.total_seconds) if one.count else "",
        f"{one.share:.1%}",
        "" if mean is None else wording.duration(mean),
    ]
