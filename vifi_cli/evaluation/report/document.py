"""A report as plain values for JSON: the same keys in every report, numbers or null, never NaN."""

import math
from typing import Any

from vifi_cli.evaluation.report.report import Report, TestDetail, shown
from vifi_cli.evaluation.scoring.scores import Figure

# raise when a key changes its meaning
FORMAT = 1


def report_document(report: Report) -> dict[str, Any]:
    """Everything in a report; shares are 0 to 1 and ranks from 1, `low` and `high` the ends of 95 % intervals."""
    return {
        "format": FORMAT,
        "title": shown(report.title),
        "stamps": [shown(stamp) for stamp in report.stamps],
        "facts": [{"name": shown(name), "value": shown(value)} for name, value in report.facts],
        "columns": list(report.table.columns),
        "rows": [
            {
                "method": shown(row.method),
                "source": row.source,
                "remark": shown(row.remark),
                "figures": [_figure(figure) for figure in row.figures],
            }
            for row in report.table.rows
        ],
        "tests": [_test(test) for test in report.details],
    }


def _test(test: TestDetail) -> dict[str, Any]:
    scores = test.scores
    videos = scores.confusion.sum(1).tolist()
    classes = zip(test.class_names, videos, scores.class_accuracy, strict=True)
    return {
        "method": shown(test.method),
        "part": shown(test.part),
        "videos": scores.videos,
        "unreadable": scores.unreadable,
        "groups": scores.groups,
        "top1": _figure(scores.top1),
        "top5": _figure(scores.top5),
        "classes": [
            {"name": shown(name), "videos": count, "accuracy": accuracy} for name, count, accuracy in classes
        ],
        "confusion": scores.confusion.tolist(),
        "mistakes": [
            {
                "file": shown(str(mistake.path)),
                "truth": shown(mistake.truth),
                "guess": shown(mistake.guess),
                "probability": _number(mistake.probability),
            }
            for mistake in test.mistakes
        ],
    }


def _figure(figure: Figure | None) -> dict[str, float | str | None] | None:
    if figure is None:
        return None
    return {
        "value": _number(figure.value),
        "low": _number(figure.low),
        "high": _number(figure.high),
        "spread": _number(figure.spread),
        "unit": figure.unit,
    }


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
