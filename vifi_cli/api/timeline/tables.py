"""Timelines as tables and documents: the occurrences, or the time budget, with times in seconds."""

import csv
import io
from collections.abc import Sequence

from vifi_cli.api.search.hits.documents import NUMBER_DIGITS, TIME_DIGITS, Document, match_document
from vifi_cli.api.timeline.timeline import LabelTime, VideoTimeline, time_budget
from vifi_cli.wording import score_text

OCCURRENCE_COLUMNS = ("video", "label", "start", "end", "duration", "relevance")
BUDGET_COLUMNS = ("video", "label", "count", "total", "share", "mean")
Table = list[tuple[str, ...]]


def occurrence_rows(timelines: Sequence[VideoTimeline]) -> Table:
    """A row for each occurrence, by video and time; relevance is empty where it is not rated."""
    return [
        (
            str(timeline.path),
            one.label,
            *map(_seconds, (one.start_seconds, one.end_seconds, one.seconds)),
            "" if one.relevance is None else score_text(one.relevance, NUMBER_DIGITS),
        )
        for timeline in timelines
        for one in timeline.occurrences
    ]


def budget_rows(timelines: Sequence[VideoTimeline]) -> Table:
    """A row for each label in each video; the mean is empty without an occurrence."""
    return [
        (
            str(timeline.path),
            one.label,
            str(one.count),
            _seconds(one.total_seconds),
            f"{one.share:.4f}",
            "" if one.mean_seconds is None else _seconds(one.mean_seconds),
        )
        for timeline in timelines
        for one in timeline.budget
    ]


def table_text(columns: Sequence[str], rows: Table, delimiter: str) -> str:
    """A table with its header, cells quoted where needed."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


def timelines_document(timelines: Sequence[VideoTimeline]) -> Document:
    """The timelines of at least one video for programs, with the model that read the labels."""
    return {
        "model": timelines[0].model,
        "labels": list(timelines[0].labels),
        "videos": [
            {
                "path": str(one.path),
                "duration_seconds": round(one.duration_seconds, TIME_DIGITS),
                "occurrences": [{"label": each.label, **match_document(each)} for each in one.occurrences],
                "budget": list(map(_label_document, one.budget)),
            }
            for one in timelines
        ],
        "budget": [_label_document(each) | {"videos": each.videos} for each in time_budget(timelines)],
    }


def _label_document(one: LabelTime) -> Document:
    mean = one.mean_seconds
    return {
        "label": one.label,
        "count": one.count,
        "total_seconds": round(one.total_seconds, TIME_DIGITS),
        "share": round(one.share, NUMBER_DIGITS),
        "mean_seconds": None if mean is None else round(mean, TIME_DIGITS),
    }


def _seconds(seconds: float) -> str:
    return f"{seconds:.{TIME_DIGITS}f}"
