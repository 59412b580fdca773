"""A report as a folder: `report.json` for programs, `report.html` for reading, `report.md` for quoting."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vifi_cli.evaluation.report.html_page import report_html
from vifi_cli.evaluation.report.markdown import report_markdown
from vifi_cli.evaluation.report.pictures import confusion_picture
from vifi_cli.evaluation.report.report import Report, TestDetail
from vifi_cli.evaluation.report.table import shown
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate
from vifi_cli.paths import replacing

FORMAT = 1
"""Raise it when a key of `report.json` changes its meaning."""


def write_report(folder: Path, report: Report) -> None:
    """Writes the report and its pictures into a folder, which is created if missing.

    `report.html` needs no other file; `report.md` shows the pictures `confusion-1.png` and so on, one per test.
    Pictures that remain of an earlier report with more tests are deleted.

    Raises:
        OSError: a file cannot be written; its earlier version stays complete.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [confusion_picture(test.scores.confusion, test.class_names) for test in report.details]
    names = picture_names(len(pictures))
    for name, picture in zip(names, pictures, strict=True):
        _write(folder / name, picture)
    document = json.dumps(report_document(report), indent=2, ensure_ascii=False, allow_nan=False)
    _write(folder / "report.json", document.encode() + b"\n")
    _write(folder / "report.md", report_markdown(report, names).encode())
    _write(folder / "report.html", report_html(report, pictures).encode())
    for older in set(folder.glob("confusion-*.png")) - {folder / name for name in names}:
        older.unlink()


def picture_names(count: int) -> Sequence[str]:
    """File names of the confusion matrices of a report."""
    return [f"confusion-{number}.png" for number in range(1, count + 1)]


def report_document(report: Report) -> dict[str, Any]:
    """The content of `report.json`: the same keys in every report; numbers or null, never NaN.

    Shares are 0 to 1, ranks start at 1; `low` and `high` are the ends of 95 % intervals.
    """
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
                "figures": [_estimate(estimate) for estimate in row.estimates],
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
        "top1": _estimate(scores.top1),
        "top5": _estimate(scores.top5),
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


def _estimate(estimate: Estimate | None) -> dict[str, float | str | None] | None:
    if estimate is None:
        return None
    return {
        "value": _number(estimate.value),
        "low": _number(estimate.low),
        "high": _number(estimate.high),
        "spread": _number(estimate.spread),
        "unit": estimate.unit,
    }


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as unfinished:
        unfinished.write_bytes(content)
