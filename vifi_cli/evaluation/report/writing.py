"""A report as a folder: `report.json` for programs, `report.html` for reading, `report.md` for quoting."""

import json
import math
import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment

from vifi_cli.data.labeled_videos import LabeledVideo, moment_document
from vifi_cli.evaluation.report.comparison import chart_panels, comparison_picture
from vifi_cli.evaluation.report.confusion import confusion_grid, confusion_picture
from vifi_cli.evaluation.report.pictures import data_uri, thumbnails
from vifi_cli.evaluation.report.prediction_files import (
    PREDICTIONS_CSV,
    PREDICTIONS_JSONL,
    confusion_csv,
    write_predictions,
)
from vifi_cli.evaluation.report.reliability import (
    calibration_in_words,
    reliability_bars,
    reliability_picture,
)
from vifi_cli.evaluation.report.report import Report, TestDetail, most_confused, scores_in_words, units_of
from vifi_cli.evaluation.report.table import (
    best_places,
    condition_columns,
    headline,
    legend,
    percent_text,
    shown,
    table_html,
    templates,
)
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate
from vifi_cli.evaluation.scoring.scores import ClassificationScores, TestScores, named_scores
from vifi_cli.evaluation.testing.views import ScoreConditions
from vifi_cli.paths import write_file
from vifi_cli.wording import counted

COMPARISON = "comparison.png"
FORMAT = 1
"""Raise it when a key of `report.json` changes its meaning."""

_SPECIAL_IN_MARKDOWN = re.compile(r"([\\`*_\[\]<>|#~&$])")  # between dollars GitHub reads formulas


@dataclass(frozen=True, slots=True)
class ClassBar:
    """A class with its score, None if it has no video, and its videos in words: `3 of 4`, or `4 videos`."""

    name: str
    share: float | None
    counts: str


def write_report(folder: Path, report: Report) -> None:
    """Writes the report and its files into a folder; files of tests that an earlier report had are deleted.

    `report.html` needs no other file; `report.md` shows `comparison.png`, and of each test `confusion-1.png` and
    `reliability-1.png` and so on. `predictions.csv` and `predictions.jsonl` have the videos of all tests. A file that
    cannot be written stays as it was.
    """
    files = dict(_files_of_tests(report.details))
    if comparison := comparison_picture(report.table):
        files[COMPARISON] = comparison
    document = json.dumps(report_document(report), indent=2, ensure_ascii=False, allow_nan=False)
    # first, since it marks the folder as a report, so that a repeated command may complete it
    write_file(folder / "report.json", document.encode() + b"\n")
    if report.details:
        write_predictions(folder, report.details)
    texts = {
        "report.md": _markdown(report, list(files)).encode(),
        "report.html": report_html(report).encode(),
    }
    for name, content in (files | texts).items():
        write_file(folder / name, content)
    _remove_others(folder, {*files, *((PREDICTIONS_CSV, PREDICTIONS_JSONL) if report.details else ())})


def _files_of_tests(tests: Sequence[TestDetail]) -> Iterator[tuple[str, bytes]]:
    """The pictures and tables of each test by name, numbered from 1."""
    for number, test in enumerate(tests, 1):
        scores = test.scores
        if not isinstance(scores, ClassificationScores):
            continue
        yield f"confusion-{number}.png", confusion_picture(scores.confusion, test.class_names)
        yield f"confusion-{number}.csv", confusion_csv(scores, test.class_names)
        if scores.calibration:
            yield f"reliability-{number}.png", reliability_picture(scores.calibration)


def _remove_others(folder: Path, names: Set[str]) -> None:
    """Removes the files of an older report that this one does not have."""
    own = ("confusion-*.png", "confusion-*.csv", "reliability-*.png", COMPARISON)
    for pattern in (*own, PREDICTIONS_CSV, PREDICTIONS_JSONL):
        for older in folder.glob(pattern):
            if older.name not in names and not older.is_dir():
                older.unlink()


def report_document(report: Report) -> dict[str, Any]:
    """The content of `report.json`: the same keys in every report; numbers or null, never NaN.

    Shares are 0 to 1, ranks start at 1; `low` and `high` are the ends of 95 % intervals.
    """
    return {
        "format": FORMAT,
        "title": shown(report.title),
        "stamps": [shown(stamp) for stamp in report.stamps],
        "notes": [shown(note) for note in report.notes],
        "facts": [{"name": shown(name), "value": shown(value)} for name, value in report.facts],
        "columns": list(report.table.columns),
        "rows": [
            {
                "method": shown(row.method),
                "source": row.source,
                "remark": shown(row.remark),
                "figures": [_estimate(estimate) for estimate in row.estimates],
                **_conditions(row.conditions),
            }
            for row in report.table.rows
        ],
        "tests": [_test(test) for test in report.details],
        "times": _times(report),
    }


def _test(test: TestDetail) -> dict[str, Any]:
    scores = test.scores
    classes = zip(test.class_names, test.class_videos, test.class_scores, strict=True)
    by_name = named_scores(scores)
    class_score = "accuracy" if test.has_confusion else "average_precision"
    return {
        "method": shown(test.method),
        "part": shown(test.part),
        "data": shown(test.data) or None,
        "videos": scores.videos,
        "unreadable": scores.unreadable,
        "groups": scores.groups,
        **_conditions(test.conditions),
        "top1": _estimate(by_name.get("top-1")),
        "mean_class_accuracy": _estimate(by_name.get("mean class")),
        "top5": _estimate(by_name.get("top-5")),
        "macro_f1": _estimate(by_name.get("macro F1")),
        "expected_calibration_error": _estimate(by_name.get("ECE")),
        "mean_average_precision": _estimate(by_name.get("mAP")),
        "classes": [
            {"name": shown(name), "videos": count, class_score: value} for name, count, value in classes
        ],
        "confusion": scores.confusion.tolist() if isinstance(scores, ClassificationScores) else None,
        "reliability": _reliability(scores),
        "mistakes": [
            {
                "file": shown(str(mistake.video.path)),
                **moment_document(mistake.video),
                "truth": shown(mistake.truth),
                "guess": shown(mistake.guess),
                "probability": _finite(mistake.probability),
            }
            for mistake in test.mistakes
        ],
    }


def _reliability(scores: TestScores) -> dict[str, Any] | None:
    """The bins of the reliability diagram; null where there is none."""
    if not isinstance(scores, ClassificationScores) or scores.calibration is None:
        return None
    bins = [
        {name: _finite(value) for name, value in asdict(each).items()} for each in scores.calibration.bins
    ]
    return {"error_if_calibrated": _finite(scores.calibration.of_calibrated), "bins": bins}


def _times(report: Report) -> list[dict[str, Any]]:
    """The wall time of each measured row; null where nothing was trained, or the time is not known."""
    return [
        {
            "method": shown(row.method),
            "train_seconds": row.trained and row.trained.seconds,
            "train_device": row.trained and row.trained.device,
            "test_seconds": row.test_seconds,
        }
        for row in report.table.rows
        if row.source == "measured"
    ]


def _conditions(conditions: ScoreConditions | None) -> dict[str, Any]:
    """How the videos were tested; null where it is not known, as of published rows."""
    if conditions is None:
        return {"frames": None, "views": None, "drawn_views": None, "protocol": None}
    return {
        "frames": conditions.frames,
        "views": str(conditions.views),
        "drawn_views": conditions.views.drawn,
        "protocol": conditions.protocol,
    }


def _estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else {name: _finite(value) for name, value in asdict(estimate).items()}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _markdown(report: Report, pictures: Sequence[str]) -> str:
    """The report with tables; `pictures` are the names of its files, the confusion matrices first, one per test."""
    template = _templates().get_template("report.md.jinja")
    text = template.render(
        report=report,
        headline=headline(report.table),
        legend=legend(report.table),
        comparison=COMPARISON if COMPARISON in pictures else "",
        conditions=condition_columns(report.table),
        pictures=pictures,
    )
    return text.rstrip() + "\n"


def _plain(text: str) -> str:
    """Text without a meaning in Markdown or HTML."""
    return _SPECIAL_IN_MARKDOWN.sub(r"\\\1", shown(text))


def report_html(report: Report) -> str:
    """The page, whose charts are part of it, so that they follow its colors and the reader's fonts."""
    template = _templates().get_template("page.html.jinja")
    return template.render(
        report=report,
        headline=headline(report.table),
        panels=chart_panels(report.table),
        table=table_html(report.table),
        legend=legend(report.table),
        tests=report.details,
        frames=_frames(report),
        has_best=any(map(any, best_places(report.table))),
    )


def _templates() -> Environment:
    environment = templates("vifi_cli.evaluation.report")
    environment.filters |= {
        "bars": _bars,
        "calibration": calibration_in_words,
        "confused": most_confused,
        "grid": lambda test: confusion_grid(test.scores.confusion, test.class_names),
        "scored": scores_in_words,
        "percent": percent_text,
        "plain": _plain,
        "reliability": reliability_bars,
        "units": units_of,
    }
    return environment


def _bars(test: TestDetail) -> list[ClassBar]:
    """The score of each class, the hardest first; those without videos last."""
    counts = [counted(videos, "video") for videos in test.class_videos]
    if isinstance(test.scores, ClassificationScores):
        right = test.scores.confusion.diagonal().tolist()
        counts = [f"{hits} of {videos}" for hits, videos in zip(right, test.class_videos, strict=True)]
    bars = map(ClassBar, test.class_names, test.class_scores, counts)
    return sorted(bars, key=lambda bar: 2.0 if bar.share is None else bar.share)


def _frames(report: Report) -> dict[LabeledVideo, list[str]]:
    """Frames, as data URIs, of every video with a wrong prediction; each video is read once."""
    videos = {mistake.video for test in report.details for mistake in test.mistakes}
    return {video: [data_uri("jpeg", frame) for frame in thumbnails(video)] for video in videos}
