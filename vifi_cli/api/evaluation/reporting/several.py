"""One report of models on several sets of data, from the report of each set."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from vifi_cli.api.evaluation.plan import TestPlan
from vifi_cli.api.evaluation.request import Subject
from vifi_cli.data.source import DataSource
from vifi_cli.evaluation.report.report import Report, TestDetail
from vifi_cli.evaluation.report.table import ResultRow, ResultTable, TrainTime
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate
from vifi_cli.evaluation.testing.paper_settings import main_columns
from vifi_cli.paths import shown_path, slug

MEAN = "mean"
LEAK_MARK = " (leak)"


def names_of(sources: Sequence[DataSource]) -> tuple[str, ...]:
    """A short name for each set: `ucf101`, `clips.csv`; where two would be equal, their paths."""
    short = [str(one) if one.is_public_set else Path(one.name).name or one.name for one in sources]
    return tuple(
        name if short.count(name) == 1 else shown_path(str(source))
        for name, source in zip(short, sources, strict=True)
    )


def places_of_runs(subjects: Sequence[Subject]) -> tuple[str, ...]:
    """The folder below `runs/` of what is trained for each set: none for one set.

    In the zero-shot setting, all sets are tested after the same training.
    """
    if len(subjects) == 1 or subjects[0].setting.name == "zero-shot":
        return ("",) * len(subjects)
    short = [slug(subject.data.name) for subject in subjects]
    return tuple(
        name if short.count(name) == 1 else f"{name}-{number}" for number, name in enumerate(short, 1)
    )


def joined_report(reports: Sequence[Report], plans: Sequence[TestPlan]) -> Report:
    """The report of all sets: a column each with its main score, and each set's tests in full; of one set, its own."""
    if len(reports) == 1:
        return reports[0]
    names = names_of([plan.subject.data for plan in plans])
    before = reports[0].title.rpartition(" on ")[0]
    return Report(
        title=f"{before} on {', '.join(names[:-1])} and {names[-1]}",
        facts=tuple(_facts(reports, names)),
        stamps=tuple(dict.fromkeys(stamp for report in reports for stamp in report.stamps)),
        table=_table(reports, plans, names),
        details=tuple(_details(reports, names)),
        notes=tuple(_notes(reports, names)),
    )


def _facts(reports: Sequence[Report], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Facts that all sets share once, and the others of each set."""
    by_set = [dict(report.facts) for report in reports]
    for fact in dict.fromkeys(fact for facts in by_set for fact in facts):
        values = [facts.get(fact) for facts in by_set]
        if None not in values and len(set(values)) == 1:
            yield fact, by_set[0][fact]
            continue
        for name, value in zip(names, values, strict=True):
            if value is not None:
                yield f"{fact} ({name})", value


def _notes(reports: Sequence[Report], names: Sequence[str]) -> Iterator[str]:
    for note in dict.fromkeys(note for report in reports for note in report.notes):
        on = [name for name, report in zip(names, reports, strict=True) if note in report.notes]
        yield note if len(on) == len(names) else f"{', '.join(on)}: {note}"
    for rows in zip(*map(_measured, reports), strict=True):
        if len(set(map(_conditions, rows))) > 1:
            tested = (f"{_conditions(row)} on {name}" for row, name in zip(rows, names, strict=True))
            yield f"{_method(rows)} is tested with {'; '.join(tested)}. --frames N tests all alike."


def _details(reports: Sequence[Report], names: Sequence[str]) -> Iterator[TestDetail]:
    """The tests of all sets, those of a method together."""
    every = [
        replace(detail, part=f"{name}, {detail.part}" if detail.part else name)
        for report, name in zip(reports, names, strict=True)
        for detail in report.details
    ]
    for method in dict.fromkeys(detail.method for detail in every):
        yield from (detail for detail in every if detail.method == method)


def _table(reports: Sequence[Report], plans: Sequence[TestPlan], names: Sequence[str]) -> ResultTable:
    shown = [main_columns(plan.subject.setting, plan.trials) for plan in plans]
    of_sets = [report.table.columns[part] for report, part in zip(reports, shown, strict=True)]
    columns = [
        column for name, of_set in zip(names, of_sets, strict=True) for column in _column_names(name, of_set)
    ]
    is_one_measure = len({"mAP" in of_set for of_set in of_sets}) == 1
    has_mean = all(len(of_set) == 1 for of_set in of_sets) and is_one_measure
    trained_once = plans[0].subject.setting.name == "zero-shot"
    rows = [
        _joined_row(rows, shown, has_mean=has_mean, trained_once=trained_once)
        for rows in (*zip(*map(_measured, reports), strict=True), *_published(reports))
    ]
    return ResultTable((*columns, *([MEAN] if has_mean else [])), tuple(rows))


def _column_names(name: str, of_set: Sequence[str]) -> list[str]:
    return [name if len(of_set) == 1 and column != "mAP" else f"{name} {column}" for column in of_set]


def _measured(report: Report) -> list[ResultRow]:
    return [row for row in report.table.rows if row.source == "measured"]


def _published(reports: Sequence[Report]) -> Iterator[list[ResultRow]]:
    """The rows of the paper: of each method a row of every set, empty where the paper has none."""
    by_set = [
        {row.method: row for row in report.table.rows if row.source == "published"} for report in reports
    ]
    for method in dict.fromkeys(method for rows in by_set for method in rows):
        yield [
            rows.get(method) or ResultRow(method, (None,) * len(report.table.columns), "published")
            for rows, report in zip(by_set, reports, strict=True)
        ]


def _joined_row(
    rows: Sequence[ResultRow], shown: Sequence[slice], *, has_mean: bool, trained_once: bool
) -> ResultRow:
    estimates = [estimate for row, part in zip(rows, shown, strict=True) for estimate in row.estimates[part]]
    mean: list[Estimate | None] = []
    if has_mean:
        known = [estimate.value for estimate in estimates if estimate]
        mean = [Estimate(fmean(known)) if len(known) == len(estimates) else None]
    is_one = len(set(map(_conditions, rows))) == 1
    return ResultRow(
        _method(rows),
        (*estimates, *mean),
        rows[0].source,
        _joined(rows, lambda row: row.remark),
        rows[0].conditions if is_one else None,
        _train_time(rows[:1] if trained_once else rows),
        sum(row.test_seconds or 0.0 for row in rows) or None,
    )


def _train_time(rows: Sequence[ResultRow]) -> TrainTime | None:
    times = [row.trained for row in rows if row.trained]
    seconds = [time.seconds for time in times if time.seconds is not None]
    total = sum(seconds) if len(seconds) == len(rows) else None
    devices = dict.fromkeys(time.device for time in times if time.device)
    return TrainTime(total, " and ".join(devices)) if times else None


def _method(rows: Sequence[ResultRow]) -> str:
    """The name of a row, marked if its model gives the tests of one set away."""
    return next((row.method for row in rows if row.method.endswith(LEAK_MARK)), rows[0].method)


def _conditions(row: ResultRow) -> str:
    return str(row.conditions)


def _joined(rows: Sequence[ResultRow], text_of: Callable[[ResultRow], str]) -> str:
    return "; ".join(filter(None, dict.fromkeys(map(text_of, rows))))
