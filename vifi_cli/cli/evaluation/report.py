"""The report of a comparison: its table, the protocol behind it in full, and what forbids taking it at face value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from vifi_cli import __version__
from vifi_cli.cli.evaluation.comparison import Comparison, shown_model
from vifi_cli.cli.evaluation.learned import same_classes
from vifi_cli.cli.evaluation.methods import METHODS
from vifi_cli.cli.evaluation.plan import TestPlan, novel_classes
from vifi_cli.cli.evaluation.testing import Candidate
from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from vifi_cli.data.labeled_videos import LabeledVideo
    from vifi_cli.evaluation.report.report import Report, TestDetail
    from vifi_cli.evaluation.report.table import ResultRow, ResultTable

DIGEST_SHOWN = 16


def make_report(comparison: Comparison, *, with_published: bool) -> Report:
    """Put the report together."""
    from vifi_cli.evaluation.report.report import Report
    from vifi_cli.evaluation.report.table import ResultTable
    from vifi_cli.evaluation.testing.paper_settings import columns_of

    plan = comparison.plan
    columns = columns_of(plan.question.setting, plan.trials)
    rows = [_row(plan, candidate, tests) for candidate, tests in comparison.rows]
    table = ResultTable(columns, tuple(rows))
    if with_published:
        table = _with_published(table, plan)
    return Report(
        title=f"{plan.question.setting.name} on {plan.question.data.name}",
        facts=tuple(_facts(comparison)),
        stamps=tuple(f"leak: {leak}" for leak in plan.leaks.values()),
        table=table,
        details=tuple(detail for _, trials in comparison.rows for tests in trials for detail in tests),
    )


def _row(plan: TestPlan, candidate: Candidate, tests: tuple[tuple[TestDetail, ...], ...]) -> ResultRow:
    from vifi_cli.evaluation.report.table import ResultRow
    from vifi_cli.evaluation.testing.paper_settings import row_of

    scores = [[detail.scores for detail in trial] for trial in tests]
    leaks = _leaks_of(plan, candidate)
    method = f"{candidate.method} (leak)" if leaks else candidate.method
    return ResultRow(method, row_of(plan.question.setting, scores), remark="; ".join(leaks))


def _leaks_of(plan: TestPlan, candidate: Candidate) -> list[str]:
    """The leaks that touch a row: its models' own, and those of a training that it went through."""
    is_trained = bool(plan.training) and plan.question.models[0] not in candidate.models
    touching = {"": is_trained} | {
        model: bool(plan.training) or model in candidate.models for model in plan.question.models
    }
    return [leak for model, leak in plan.leaks.items() if touching[model]]


def _with_published(table: ResultTable, plan: TestPlan) -> ResultTable:
    """The table with the paper's rows below, in the columns that they share."""
    from vifi_cli.evaluation.report.published import published_rows

    question = plan.question
    published = (
        published_rows(question.setting.name, question.data.name) if question.data.is_public_set else None
    )
    if published is None or not set(published.columns) & set(table.columns):
        output.note(f"the paper has no figures for {question.setting.name} on {question.data.name}")
        return table
    places = [published.columns.index(name) if name in published.columns else None for name in table.columns]
    rows = [
        replace(row, estimates=tuple(None if place is None else row.estimates[place] for place in places))
        for row in published.rows
    ]
    return replace(table, rows=(*table.rows, *rows))


def _facts(comparison: Comparison) -> Iterator[tuple[str, str]]:
    plan, testing = comparison.plan, comparison.testing
    question, views = plan.question, testing.views
    yield "Setting", question.setting.name
    yield "Data", str(question.data)
    yield "Protocol", question.protocol
    if plan.training:
        yield "Training starts from", shown_model(question.models[0])
        yield "Recipes", ", ".join((f"{question.setting.name} of the paper", *question.changes))
    if any(candidate.method == METHODS["bridge-prompt"].title for candidate, _ in comparison.rows):
        yield "Bridge", "fine-tuned on the training list itself; the paper's is on Kinetics-400"
    yield from _lists(plan)
    yield "Frames", f"{testing.frames} a clip"
    drawn = ", frames drawn at random" if views.drawn else ""
    yield "Views", f"{views.clips} x {views.crops}, clips in time x crops in space{drawn}"
    if question.setting.name == "base2novel" and len(plan.trials) > 1:
        yield "Seeds", ", ".join(str(trial.seed) for trial in plan.trials)
    else:
        yield "Seed", f"{question.seed}, of what is drawn"
    for model, tested in comparison.models.items():
        said = f"{tested.fusion} fusion, class texts such as {tested.text!r}, sha256 {tested.digest[:DIGEST_SHOWN]}"
        yield f"Model {shown_model(model)}", said
    yield from _wording(comparison)
    for model, learned in plan.learned.items():
        if learned.gap:
            yield f"Leaks of {shown_model(model)}", f"not fully known: {learned.gap}"
    if not plan.leaks:
        yield "Leaks", "none found"
    yield from _met_elsewhere(plan)
    yield "Intervals", _intervals(comparison)
    yield "Spread", "sample standard deviation over splits or seeds, divisor n - 1"
    yield "Device", f"{testing.processes.count} x {testing.processes.device}"
    yield "Precision", _precision(comparison)
    yield "vifi", __version__
    yield "Date", f"{datetime.now().astimezone():%Y-%m-%d %H:%M %z}"


def _met_elsewhere(plan: TestPlan) -> Iterator[tuple[str, str]]:
    novel = novel_classes(plan)
    for model, learned in plan.learned.items():
        if met := same_classes(novel, learned.met_elsewhere):
            told = f"{len(met)} of {len(novel)}, from another public set, such as {met[0]!r}"
            yield f"Novel classes that {shown_model(model)} has met", told


def _wording(comparison: Comparison) -> Iterator[tuple[str, str]]:
    wordings = {c.wording.name: c.wording for c, _ in comparison.rows if c.wording}
    for name, wording in wordings.items():
        parts = []
        if wording.templates:
            templates = ", ".join(map(repr, wording.templates))
            parts.append(f"{output.counted(len(wording.templates), 'template')}: {templates}")
        if wording.descriptions:
            content = json.dumps(dict(wording.descriptions), sort_keys=True).encode()
            digest = hashlib.sha256(content).hexdigest()[:DIGEST_SHOWN]
            parts.append(f"descriptions of {len(wording.descriptions)} classes, sha256 {digest}")
        yield f"Texts {name}", "; ".join(parts)


def _lists(plan: TestPlan) -> Iterator[tuple[str, str]]:
    for number, lists in enumerate(plan.lists):
        for place, videos in enumerate(lists):
            part = plan.part(number, place)
            yield " ".join(filter(None, ("Test list", part))), _list(videos.test, videos.class_names)
    for trial, videos in zip(plan.trials, plan.training, strict=bool(plan.training)):
        name = " ".join(filter(None, ("Training list", trial.in_words)))
        yield name, _list(videos.train, videos.class_names)


def _list(videos: tuple[LabeledVideo, ...], names: tuple[str, ...]) -> str:
    from vifi_cli.data.labeled_videos import digest_of_list

    digest = digest_of_list(videos, names)[:DIGEST_SHOWN]
    return f"{output.counted(len(videos), 'video')} of {len(names)} classes, sha256 {digest}"


def _intervals(comparison: Comparison) -> str:
    from vifi_cli.evaluation.scoring.confidence_intervals import DRAWS

    groups = {detail.scores.groups for _, trials in comparison.rows for tests in trials for detail in tests}
    over = f"over {min(groups)} groups" if groups and min(groups) > 1 else "over videos"
    return f"95 %, percentile bootstrap {over}, {DRAWS:,} draws"


def _precision(comparison: Comparison) -> str:
    from vifi_cli.training.engine.precision import choose_precision

    testing = comparison.testing
    dtype = choose_precision(testing.recipe.runtime.precision, testing.processes.device).dtype
    return "fp32" if dtype is None else str(dtype).removeprefix("torch.")
