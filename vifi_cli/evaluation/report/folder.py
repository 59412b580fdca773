"""A report as a folder: `report.json` for programs, `report.html` for reading, `report.md` for quoting."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vifi_cli.evaluation.report.pictures import confusion_picture, data_uri, thumbnails
from vifi_cli.evaluation.report.report import Report, TestDetail, most_confused, units_of
from vifi_cli.evaluation.report.table import (
    best_values,
    estimate_text,
    html_environment,
    percent_text,
    shown,
    table_html,
)
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate
from vifi_cli.paths import write_file

FORMAT = 1
"""Raise it when a key of `report.json` changes its meaning."""

_SPECIAL_IN_MARKDOWN = re.compile(r"([\\`*_\[\]<>|#~&])")


def write_report(folder: Path, report: Report) -> None:
    """Writes the report and its pictures into a folder; pictures left by an earlier report are deleted.

    `report.html` needs no other file; `report.md` shows `confusion-1.png` and so on, one per test. A file that cannot
    be written stays as it was.
    """
    pictures = [confusion_picture(test.scores.confusion, test.class_names) for test in report.details]
    names = [f"confusion-{number}.png" for number in range(1, len(pictures) + 1)]
    document = json.dumps(report_document(report), indent=2, ensure_ascii=False, allow_nan=False)
    files = dict(zip(names, pictures, strict=True)) | {
        "report.json": document.encode() + b"\n",
        "report.md": _markdown(report, names).encode(),
        "report.html": report_html(report, pictures).encode(),
    }
    for name, content in files.items():
        write_file(folder / name, content)
    for older in set(folder.glob("confusion-*.png")) - {folder / name for name in names}:
        older.unlink()


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
                "probability": _finite(mistake.probability),
            }
            for mistake in test.mistakes
        ],
    }


def _estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else {name: _finite(value) for name, value in asdict(estimate).items()}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _markdown(report: Report, pictures: Sequence[str]) -> str:
    """The report with tables; `pictures` are the files of the confusion matrices, one per test."""
    lines = [f"# {_plain(report.title)}", ""]
    for stamp in report.stamps:
        lines += [f"> **{_plain(stamp)}**", ""]
    lines += _table(("method", *report.table.columns, ""), _results(report))
    lines += ["Percent; 95 % intervals in brackets; ± standard deviation over splits or seeds.", ""]
    lines += ["## Protocol", ""]
    lines += _table(("", ""), report.facts)
    for test, picture in zip(report.details, pictures, strict=True):
        lines += _details(test, picture)
    return "\n".join(lines).rstrip() + "\n"


def _results(report: Report) -> Iterator[tuple[str, ...]]:
    for row in report.table.rows:
        source = f"published: {row.remark}" if row.source == "published" else row.remark
        yield (row.method, *map(estimate_text, row.estimates), source)


def _details(test: TestDetail, picture: str) -> Iterator[str]:
    yield from (f"## {_plain(test.heading)}", "")
    top1, top5 = map(estimate_text, (test.scores.top1, test.scores.top5))
    yield from (f"Top-1 {top1}, top-5 {top5}; {units_of(test.scores)}.", "")
    yield from (f"![confusion matrix]({picture})", "")
    confused = [(pair.truth, pair.guess, f"{pair.count} of {pair.videos}") for pair in most_confused(test)]
    if confused:
        yield from _table(("true", "predicted", "videos"), confused)
    accuracies = zip(test.class_names, test.scores.class_accuracy, strict=True)
    shares = [(name, "–" if share is None else percent_text(share)) for name, share in accuracies]
    yield from _table(("class", "top-1"), shares)
    if test.mistakes:
        rows = [(m.path.name, m.truth, m.guess, percent_text(m.probability)) for m in test.mistakes]
        yield from _table(("confident mistake", "true", "predicted", "probability"), rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in (header, ["---"] * len(header), *rows):
        yield "| " + " | ".join(map(_plain, row)) + " |"
    yield ""


def _plain(text: str) -> str:
    """Text without a meaning in Markdown or HTML."""
    return _SPECIAL_IN_MARKDOWN.sub(r"\\\1", shown(text))


def report_html(report: Report, pictures: Sequence[bytes]) -> str:
    """The page; `pictures` are the confusion matrices as PNG, one per test."""
    environment = html_environment("vifi_cli.evaluation.report")
    environment.filters |= {
        "bars": _bars,
        "confused": most_confused,
        "percent": percent_text,
        "units": units_of,
    }
    return environment.get_template("page.html.jinja").render(
        report=report,
        table=table_html(report.table),
        tests=list(zip(report.details, [data_uri("png", picture) for picture in pictures], strict=True)),
        frames=_frames(report),
        best=best_values(report.table),
    )


def _bars(test: TestDetail) -> list[tuple[str, float | None]]:
    """The accuracy of each class, the hardest first; those without videos, None, last."""
    bars = zip(test.class_names, test.scores.class_accuracy, strict=True)
    return sorted(bars, key=lambda bar: 2.0 if bar[1] is None else bar[1])


def _frames(report: Report) -> dict[Path, list[str]]:
    """Frames, as data URIs, of every video with a wrong prediction; each video is read once."""
    paths = {mistake.path for test in report.details for mistake in test.mistakes}
    return {path: [data_uri("jpeg", frame) for frame in thumbnails(path)] for path in paths}
