"""Reads predictions: those of a report, or a table by another program with the columns path, true and predicted."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vifi_cli.data.formats.text_file import numbered_lines, read_csv
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.report.prediction_files import PREDICTIONS_CSV, true_cell

REPORT = "report.json"
NEEDED = ("path", "true", "predicted")
VideoKey = tuple[str, str, str]
"""Path, start and end."""


@dataclass(frozen=True, slots=True)
class PredictedVideo:
    """What a model predicted for a video; `predicted` is empty if it could not be read."""

    path: str
    start: str
    end: str
    group: str
    true: str
    predicted: str

    @property
    def key(self) -> VideoKey:
        """What distinguishes it from other videos of a test."""
        return self.path, self.start, self.end

    @property
    def is_correct(self) -> bool:
        """Whether the prediction is the true class."""
        return self.predicted == self.true


@dataclass(frozen=True, slots=True, eq=False)
class PredictedTest:
    """The predictions of a method in one part of a report; `conditions` are frames and views, if they are known.

    `classes` is how many there were to choose from, empty if that is not known.
    """

    method: str
    part: str
    classes: str
    conditions: str
    shows_several_classes: bool
    videos: Mapping[VideoKey, PredictedVideo] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class PredictionFile:
    """The tests of a file; `name` is what the user called it, and `stamps` are those of the report it belongs to."""

    name: str
    tests: tuple[PredictedTest, ...] = field(repr=False)
    stamps: tuple[str, ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        """Their methods, each once."""
        return tuple(dict.fromkeys(test.method for test in self.tests))

    def tests_of(self, method: str) -> tuple[PredictedTest, ...]:
        """The tests of one of them."""
        return tuple(test for test in self.tests if test.method == method)


def read_predictions(given: Path, name: str) -> PredictionFile:
    """Reads a report's folder, its `report.json`, or a file of predictions, CSV or JSONL.

    Raises:
        InvalidInput: there are no predictions, or the file makes no sense.
    """
    path = given / PREDICTIONS_CSV if given.is_dir() else given
    if path.name == REPORT:
        path = path.with_name(PREDICTIONS_CSV)
    if not path.is_file():
        of_report = "repeat the test: older reports have no predictions, nor have retrieval and moments"
        step = "name a report or a table of predictions" if path == given else of_report
        raise InvalidInput(f"{path} does not exist; {step}")
    rows = _json_rows(path) if path.suffix.lower() == ".jsonl" else _csv_rows(path)
    tests: dict[tuple[str, str], list[tuple[str, Mapping[str, str]]]] = {}
    for where, row in rows:
        tests.setdefault((row.get("method", ""), row.get("part", "")), []).append((where, row))
    if not tests:
        raise InvalidInput(f"{path} has no prediction")
    stamps = _stamps(path.with_name(REPORT))
    return PredictionFile(name, tuple(_test(*each, rows) for each, rows in tests.items()), stamps)


def _stamps(report: Path) -> tuple[str, ...]:
    """Why the numbers of a report are not to be trusted, such as a leak; nothing without a report."""
    try:
        document = json.loads(report.read_text(encoding="utf-8"))
        return tuple(map(str, document["stamps"]))
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _csv_rows(path: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    for row in read_csv(path, NEEDED, may_be_empty=("predicted",)):
        yield row.where, row.cells


def _json_rows(path: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    for number, line in numbered_lines(path):
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InvalidInput(f"{where} is not JSON: {error}") from error
        if (
            not isinstance(row, dict)
            or not set(NEEDED) <= row.keys()
            or "" in map(_cell, (row["path"], row["true"]))
        ):
            raise InvalidInput(f"{where} needs the keys {', '.join(NEEDED)}")
        cells = {name: row[name] for name in row.keys() - {"probabilities", "correct"}}
        yield where, {name: _cell(cell) for name, cell in cells.items()}


def _cell(value: object) -> str:
    """A JSON value as a CSV file has it."""
    return "" if value is None else str(true_cell(value))


def _test(method: str, part: str, rows: list[tuple[str, Mapping[str, str]]]) -> PredictedTest:
    names = ("path", "start", "end", "group", "true", "predicted")
    videos: dict[VideoKey, PredictedVideo] = {}
    for where, row in rows:
        video = PredictedVideo(*(row.get(name, "") for name in names))
        if videos.setdefault(video.key, video) != video:
            raise InvalidInput(f"{where} has a second prediction for {video.path}: keep one for each video")
    _, first = rows[0]
    frames, views = first.get("frames", ""), first.get("views", "")
    # of a test with several classes per video vifi writes lists, and says of no video whether it is correct
    has_several = all(_is_list_of_names(video.true) for video in videos.values())
    conditions = f"{frames} frames, {views} views" if frames and views else ""
    return PredictedTest(method, part, first.get("classes", ""), conditions, has_several, videos)


def _is_list_of_names(true: str) -> bool:
    try:
        names = json.loads(true) if true.startswith("[") else None
    except ValueError:
        return False
    return isinstance(names, list) and all(isinstance(name, str) for name in names)
