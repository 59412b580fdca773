"""Writes an evaluation as a folder: `report.json` for programs, `report.html` to look at, `report.md` to quote."""

import json
from collections.abc import Sequence
from pathlib import Path

from vifi_cli.evaluation.report.document import report_document
from vifi_cli.evaluation.report.page import report_html
from vifi_cli.evaluation.report.pictures import confusion_picture
from vifi_cli.evaluation.report.report import Report
from vifi_cli.evaluation.report.text import report_markdown
from vifi_cli.paths import replacing


def write_report(folder: Path, report: Report) -> None:
    """Write the report and its pictures into a folder, which is made where it is missing.

    `report.html` needs no other file; `report.md` shows the pictures `confusion-1.png` and so on, one a test.

    Pictures of an older report that had more tests go.

    Raises:
        OSError: it cannot be written; what was there before is still whole.
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
    """What the confusion matrices of a report are called."""
    return [f"confusion-{number}.png" for number in range(1, count + 1)]


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as unfinished:
        unfinished.write_bytes(content)
