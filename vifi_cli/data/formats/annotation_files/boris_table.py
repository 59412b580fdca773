"""Reads events that BORIS exports as a table (CSV, TSV): aggregated events, and tabular events.

Aggregated events have a start and a stop in each row, tabular ones a row for each. Columns have changed with the
versions of BORIS: up to 7, an export names the video of a row only, later also all of the observation and their
lengths. Source: `export_observation.py` of BORIS 8, and the exported files among the tests of versions 4 to 8.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.data.formats.annotation_files.boris_time import (
    NO_VIDEO,
    POINT,
    UNPAIRED,
    ObservedVideos,
    StateMark,
    lengths_of,
    paired,
)
from vifi_cli.data.formats.annotation_files.media import MediaFinder
from vifi_cli.data.formats.annotation_files.moments import LabeledMoment, Omission, time_in
from vifi_cli.data.formats.annotation_files.structured_file import table_rows
from vifi_cli.data.formats.text_file import read_text
from vifi_cli.errors import InvalidInput

NEEDED = {"Subject", "Behavior"}
START, STOP, TIME = "Start (s)", "Stop (s)", "Time"
VIDEO_COLUMNS = ("Media file name", "Media file", "Media file path")
ABSENT = ("", "NA", "Not found")
LONGEST_PREAMBLE = 100  # lines; older tabular exports begin with facts about the observation
_PLAYER = re.compile(r"player #\d+:\s*")


@dataclass(frozen=True, slots=True)
class _Row:
    cells: dict[str, str]
    where: str

    def seconds(self, column: str) -> float:
        """The time in a column; a program that saved the export again may have put in a decimal comma."""
        return time_in(self.cells.get(column, "").replace(",", "."), f"{self.where}, {column}")

    @property
    def kind(self) -> str:
        """STATE or POINT of aggregated events; START, STOP or POINT of tabular ones."""
        return (self.cells.get("Behavior type") or self.cells.get("Status") or "").upper()

    @property
    def modifiers(self) -> str:
        return "|".join(value for name, value in self.cells.items() if name.startswith("Modifier"))


def is_boris_header(cells: Sequence[str]) -> bool:
    """Whether a row is the header of exported events."""
    return set(cells) >= NEEDED and (set(cells) >= {START, STOP} or TIME in cells)


def boris_table_moments(
    path: Path, layer: str | None, finder: MediaFinder
) -> Iterator[LabeledMoment | Omission]:
    """The state events, their subject as group."""
    observations: dict[str, list[_Row]] = {}
    for row in _rows(path):
        observations.setdefault(row.cells.get("Observation id", ""), []).append(row)
    for rows in observations.values():
        observed = _observed(rows)
        if observed is None:
            yield NO_VIDEO
        elif START in rows[0].cells:
            yield from (_aggregated(row, observed) for row in rows)
        else:
            yield from _tabular(rows, observed)


def _aggregated(row: _Row, observed: ObservedVideos) -> LabeledMoment | Omission:
    if row.kind == "POINT":
        return POINT
    if row.cells[STOP] in ABSENT:
        return UNPAIRED
    return observed.moment(row.cells["Behavior"], row.seconds(START), row.seconds(STOP), row.cells["Subject"])


def _tabular(rows: Sequence[_Row], observed: ObservedVideos) -> Iterator[LabeledMoment | Omission]:
    states = [row for row in rows if row.kind != "POINT"]
    yield from [POINT] * (len(rows) - len(states))
    marks = (
        StateMark(row.seconds(TIME), row.cells["Behavior"], row.cells["Subject"], row.modifiers)
        for row in states
    )
    yield from paired(marks, observed)


def _observed(rows: Sequence[_Row]) -> ObservedVideos | None:
    """The videos of an observation; None if it has none."""
    cells = rows[0].cells
    offset = cells.get("Time offset (s)", "")
    offset_seconds = 0.0 if offset in ABSENT else rows[0].seconds("Time offset (s)")
    source = cells.get("Source", "")
    if _PLAYER.match(source):
        files = _of_first_player(source)
        lengths = _of_first_player(cells.get("Media duration (s)", ""))
        known = () if any(length in ABSENT for length in lengths) else lengths
        seconds = lengths_of([time_in(length, rows[0].where) for length in known])
        return ObservedVideos(files, seconds, offset_seconds)
    named = (row.cells.get(column, "") for row in rows for column in VIDEO_COLUMNS)
    files = tuple(dict.fromkeys(file for file in named if file not in ABSENT))
    return ObservedVideos(files, (), offset_seconds) if files else None


def _of_first_player(text: str) -> tuple[str, ...]:
    """The values of the first player: `player #1:a.mp4;b.mp4|player #2:c.mp4` gives `a.mp4` and `b.mp4`."""
    return tuple(value.strip() for value in _PLAYER.sub("", text.partition("|")[0]).split(";"))


def _rows(path: Path) -> Iterator[_Row]:
    text = read_text(path)
    facts: dict[str, str] = {}
    header: list[str] = []
    for number, cells in table_rows(text, delimiter_of(text) or ",", path):
        where = f"{path}, line {number}"
        if not header:
            if is_boris_header(cells):
                header = cells
            elif len(cells) > 1:
                facts[cells[0]] = cells[1]
            continue
        if len(cells) > len(header):
            raise InvalidInput(
                f"{where} has {len(cells)} cells, the header {len(header)}: export it again from BORIS"
            )
        row = dict(zip(header, cells, strict=False))
        if not row.get("Behavior"):
            raise InvalidInput(f"{where} has no behavior")
        yield _Row(facts | dict.fromkeys(header, "") | row, where)


def delimiter_of(text: str) -> str | None:
    """What separates the cells of exported events, by their header; None without a header."""
    lines = text.split("\n", LONGEST_PREAMBLE)[:LONGEST_PREAMBLE]
    for delimiter in "\t,;":
        if any(is_boris_header([cell.strip(' "\r') for cell in line.split(delimiter)]) for line in lines):
            return delimiter
    return None
