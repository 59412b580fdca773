"""From results to a report: the table, its notes, and stamps for leaks."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from vifi_cli.api.evaluation.leaks.leaks import run_folder_of
from vifi_cli.api.evaluation.plan import TestPlan
from vifi_cli.api.evaluation.reporting.facts import TestedCandidates, every_detail, facts
from vifi_cli.api.evaluation.testing import Candidate, Tester
from vifi_cli.api.feedback import Feedback
from vifi_cli.evaluation.report.report import Report, TestDetail
from vifi_cli.evaluation.report.table import ResultRow, ResultTable, percent_text, published_rows
from vifi_cli.evaluation.scoring.multi_label import MultiLabelScores
from vifi_cli.evaluation.scoring.scores import main_score, named_scores
from vifi_cli.evaluation.testing.paper_settings import columns_of, row_of
from vifi_cli.evaluation.testing.views import ScoreConditions, Views
from vifi_cli.training.run.summary import summarize
from vifi_cli.wording import counted

SETTINGS_IN_WORDS = {
    "zero-shot": "Zero-shot",
    "base2novel": "Base-to-novel",
    "few-shot": "Few-shot",
    "supervised": "Supervised",
}


def make_report(
    tester: Tester, tested: TestedCandidates, feedback: Feedback, *, with_published: bool
) -> Report:
    """The report of what a tester has tested, with the paper's rows if wanted."""
    plan = tester.plan
    measures = next((tuple(named_scores(detail.scores)) for detail in every_detail(tested)), ("top-1",))
    columns = columns_of(plan.subject.setting, plan.trials, measures)
    rows = tuple(_row(plan, candidate, tests, len(columns)) for candidate, tests in tested)
    table = ResultTable(columns, rows)
    if with_published:
        table = _with_published(table, plan, feedback)
    return Report(
        title=_title(plan, "mAP" if measures[0] == "mAP" else "accuracy"),
        facts=tuple(facts(tester, tested)),
        stamps=tuple(f"leak: {leak}" for leak in plan.leaks.values()),
        table=table,
        details=tuple(_details_shown(plan, tested)),
        notes=tuple(_notes(plan, tested)),
    )


def _title(plan: TestPlan, measure: str = "accuracy") -> str:
    """Such as `Zero-shot accuracy on few.csv`."""
    setting, data = plan.subject.setting, plan.subject.data
    name = str(data) if data.is_public_set else Path(data.name).name or data.name
    parts = dict.fromkeys(videos.class_part for lists in plan.lists for videos in lists if videos.class_part)
    part = f" ({'; '.join(parts)})" if parts else ""
    return f"{SETTINGS_IN_WORDS[setting.name]} {measure} on {name}{part}"


def _details_shown(plan: TestPlan, tested: TestedCandidates) -> Iterator[TestDetail]:
    """Each test once: where a model meets the same list for all seeds or shots, the test is not named after one."""
    for candidate, trials in tested:
        places = range(len(plan.lists[0]))
        is_repeated = [len(trials) > 1 and plan.repeats(candidate.models, place) for place in places]
        seen = set()
        for trial, details in enumerate(trials):
            of_trial = plan.tests_of(candidate.models, trial)
            for place, (test, detail) in enumerate(zip(of_trial, details, strict=True)):
                if detail and test not in seen:
                    yield replace(detail, part=plan.list_name(place)) if is_repeated[place] else detail
                seen.add(test)


def _notes(plan: TestPlan, tested: TestedCandidates) -> Iterator[str]:
    """What limits the numbers, for the reader of the table."""
    for group in dict.fromkeys(detail.scores.sole_group for detail in every_detail(tested)):
        if group:
            yield (
                f"All test videos are of one group, {group}: the intervals do not say how well the models do on other "
                "people or scenes."
            )
    if any(isinstance(detail.scores, MultiLabelScores) for detail in every_detail(tested)):
        yield (
            "Some videos show several classes, so all figures are mean average precision (mAP): the average precision "
            "of each class, averaged over the classes that some test video shows."
        )
    frames = {detail.method: detail.conditions.frames for detail in every_detail(tested) if detail.conditions}
    if len(set(frames.values())) > 1:
        listed = ", ".join(f"{method} {number}" for method, number in frames.items())
        yield f"Each model is tested with the frames of its training: {listed}. --frames N tests all alike."
    yield from _unanswered(plan, tested)
    yield from _other_numbers(plan, tested)
    if plan.shares_one_training_list:
        seeds = ", ".join(dict.fromkeys(str(trial.seed) for trial in plan.trials))
        same = f"Seeds {seeds} train on the same videos, so their spread (±)"
        if plan.subject.seeds:
            yield f"{same} shows how much order and augmentation change a result, not what other videos would."
        else:
            yield f"{same} would say nothing about other videos."


def _unanswered(plan: TestPlan, tested: TestedCandidates) -> Iterator[str]:
    """Which methods have no answer for the classes of some list, and why."""
    for candidate, trials in tested:
        places = {place for details in trials for place, detail in enumerate(details) if detail is None}
        if places:
            names = " and ".join(filter(None, map(plan.list_name, sorted(places))))
            yield (
                f"{candidate.method} has no figure for the {names or 'tested'} classes: a linear probe knows only the "
                "classes that it was trained on."
            )


def _other_numbers(plan: TestPlan, tested: TestedCandidates) -> Iterator[str]:
    """What training reported of a model under other conditions than those of this test."""
    for candidate, trials in tested:
        first = trials[0][0]
        model, conditions = candidate.models[0], first.conditions if first else None
        folder = run_folder_of(model.name)
        if folder is None or Path(model.name) != folder.best or candidate.alpha is not None:
            continue
        if candidate.texts or conditions is None:
            continue  # of the models of a run, the score is that of the best one
        run = summarize(folder)
        scores = run.best
        if scores is None or run.config.data != str(plan.subject.data):
            continue
        reported = ScoreConditions(
            scores.frames or conditions.frames, Views.parse(scores.views), run.config.protocol
        )
        if str(reported) != str(conditions):
            yield (
                f"Training reported {scores.measure} {percent_text(scores.value)} of {candidate.method} on "
                f"{counted(scores.videos, f'{scores.split} video')} with {reported}. This test has {conditions}, so "
                "the numbers differ."
            )


def _row(
    plan: TestPlan, candidate: Candidate, tests: tuple[tuple[TestDetail | None, ...], ...], columns: int
) -> ResultRow:
    scores = [[detail.scores if detail else None for detail in trial] for trial in tests]
    repeated = [plan.repeats(candidate.models, place) for place in range(len(scores[0]))]
    is_base2novel, trials = plan.subject.setting.name == "base2novel", plan.trials
    if all(repeated):  # the mean of one test over seeds is that test, and so is its interval
        first = {trial.shots: number for number, trial in reversed(tuple(enumerate(trials)))}
        scores = [scores[number] for number in sorted(first.values())]
        trials = tuple(trials[number] for number in sorted(first.values()))
    leaks = _leaks_of(plan, candidate)
    method = f"{candidate.method} (leak)" if leaks else candidate.method
    estimates = list(row_of(plan.subject.setting, scores, trials))
    if is_base2novel:
        for place in (place for place, is_one in enumerate(repeated) if is_one):
            estimates[place] = main_score(known) if (known := scores[0][place]) else None
    has_no_spread = plan.shares_one_training_list and not plan.subject.seeds
    if has_no_spread or (len(plan.trials) > 1 and all(repeated)):
        estimates = [estimate and replace(estimate, spread=None) for estimate in estimates]
    if not any(map(any, scores)):
        estimates = [None] * columns
    conditions = next((detail.conditions for trial in tests for detail in trial if detail), None)
    return ResultRow(
        method,
        tuple(estimates),
        remark="; ".join(leaks),
        conditions=conditions,
        trained=candidate.trained,
        test_seconds=_test_seconds(plan, candidate, tests),
    )


def _test_seconds(
    plan: TestPlan, candidate: Candidate, tests: tuple[tuple[TestDetail | None, ...], ...]
) -> float | None:
    """The time of all tests of a row; one that several trials share counts once."""
    seconds = {
        test: detail.seconds
        for trial, details in enumerate(tests)
        for test, detail in zip(plan.tests_of(candidate.models, trial), details, strict=True)
        if detail
    }
    known = [each for each in seconds.values() if each is not None]
    return sum(known) if known else None


def _leaks_of(plan: TestPlan, candidate: Candidate) -> list[str]:
    """The leaks that concern a row: those of its models, and of a training that it went through."""
    is_trained = bool(plan.training) and plan.subject.models[0] not in candidate.models
    concerns = {"": is_trained} | {
        model.name: bool(plan.training) or model in candidate.models for model in plan.subject.models
    }
    return [leak for model, leak in plan.leaks.items() if concerns[model]]


def _with_published(table: ResultTable, plan: TestPlan, feedback: Feedback) -> ResultTable:
    """The table with the paper's rows below, in the columns that both have."""
    setting, data = plan.subject.setting.name, plan.subject.data
    published = published_rows(setting, data.name) if data.is_public_set else None
    if any(videos.left_out for lists in plan.lists for videos in lists):
        feedback.note(f"the results of the paper on {data.name} are of all classes, and these are not")
        return table
    if published is None or not set(published.columns) & set(table.columns):
        feedback.note(f"the paper has no results for {setting} on {data.name}")
        return table
    rows = list(table.rows)
    for row in published.rows:
        by_column = dict(zip(published.columns, row.estimates, strict=True))
        rows.append(replace(row, estimates=tuple(map(by_column.get, table.columns))))
    return replace(table, rows=tuple(rows))
