"""What came of an improvement, as a report in its folder and as a document for programs."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from vifi_cli import __version__
from vifi_cli.api.evaluation.evaluate import written
from vifi_cli.api.teaching.improvement.decision import Candidate
from vifi_cli.api.teaching.improvement.held_out import Scores
from vifi_cli.api.teaching.improvement.improve import Improvement
from vifi_cli.api.teaching.improvement.plan import ImprovementPlan
from vifi_cli.api.teaching.improvement.trial import Trial
from vifi_cli.evaluation.report.report import Report
from vifi_cli.evaluation.report.table import ResultRow, ResultTable
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate
from vifi_cli.wording import counted

MEAN = "mean AP"


def write_improvement(outcome: Improvement) -> Report:
    """Writes the report into the folder of the run."""
    return written(improvement_report(outcome), outcome.plan.folder / "report")


def improvement_report(outcome: Improvement) -> Report:
    """The average precision of held-out marks by words and by marks, and of old answers, a row for each."""
    kinds = [each.kind for each in outcome.plan.examination.old.answers]
    names = [f"@{concept.name}" for concept in outcome.plan.marks.held_out.concepts]
    rows = [
        row
        for trial in (outcome.present, *(each.trial for each in outcome.candidates))
        for row in _rows(outcome, trial)
    ]
    return Report(
        title=f"Improvement by {counted(outcome.plan.marks.right, 'right mark')}: "
        f"{'adopted' if outcome.is_adopted else 'not adopted'}",
        facts=tuple(_facts(outcome)),
        stamps=(),
        table=ResultTable((MEAN, *kinds, *names), tuple(rows)),
        notes=tuple(_notes(outcome)),
    )


def _rows(outcome: Improvement, trial: Trial) -> Iterator[ResultRow]:
    for name, scores in (("words", trial.by_words), ("marks", trial.by_marks)):
        precisions = outcome.plan.marks.held_out.precisions(scores)
        figures = (float(np.mean(precisions)), *trial.kept, *precisions)
        yield ResultRow(f"{trial.name}, by {name}", tuple(map(Estimate, figures)))


def _facts(outcome: Improvement) -> Iterator[tuple[str, str]]:
    plan = outcome.plan
    yield "Decision", outcome.decision.reason
    yield "Method", f"{plan.method}: {plan.reason}"
    yield "Marks", marks_in_words(plan)
    yield "Trained from", plan.start
    yield "Index", f"{plan.present}, {counted(plan.index_videos, 'video')}"
    for each in plan.examination.old.answers:
        yield (
            f"Old answers: {each.kind}",
            f"{counted(len(each.captions), 'caption')} asked among {len(plan.examination.old.videos):,} videos",
        )
    yield "vifi", __version__


def _notes(outcome: Improvement) -> Iterator[str]:
    yield "By words: the description searches. By marks: the query learned from the marks that are not held out."
    for each in outcome.candidates:
        yield f"{each.trial.name}: {each.gain} over held-out groups, against the present model."


def marks_in_words(plan: ImprovementPlan) -> str:
    """How many marks are learned from and held out."""
    marks = plan.marks
    wrong = sum(each.wrong for each in marks.counts)
    return (
        f"{marks.right:,} right and {wrong:,} wrong to learn from; {marks.held_out.marks:,} in "
        f"{counted(len(marks.held_out.groups), 'video or group', 'videos or groups')} held out"
    )


def improvement_document(outcome: Improvement) -> dict[str, Any]:
    """The outcome for programs; average precisions and losses are 0 to 1."""
    plan = outcome.plan
    return {
        "adopted": outcome.is_adopted,
        "reason": outcome.decision.reason,
        "chosen": outcome.decision.chosen.trial.model if outcome.decision.chosen else None,
        "folder": str(plan.folder),
        "method": plan.method,
        "method_reason": plan.reason,
        "back": outcome.back if outcome.is_adopted else None,
        "present": _trial_document(outcome, outcome.present),
        "candidates": [_candidate_document(outcome, each) for each in outcome.candidates],
    }


def _candidate_document(outcome: Improvement, each: Candidate) -> dict[str, Any]:
    kinds = [answers.kind for answers in outcome.plan.examination.old.answers]
    return {
        **_trial_document(outcome, each.trial),
        "alpha": each.trial.alpha,
        "gain": {"value": each.gain.value, "low": each.gain.low, "high": each.gain.high},
        "lost": dict(zip(kinds, each.lost, strict=True)),
    }


def _trial_document(outcome: Improvement, trial: Trial) -> dict[str, Any]:
    names = [concept.name for concept in outcome.plan.marks.held_out.concepts]

    def precisions(scores: Scores) -> dict[str, float]:
        return dict(zip(names, outcome.plan.marks.held_out.precisions(scores), strict=True))

    kinds = [answers.kind for answers in outcome.plan.examination.old.answers]
    return {
        "name": trial.name,
        "model": trial.model,
        "by_words": precisions(trial.by_words),
        "by_marks": precisions(trial.by_marks),
        "old_answers": dict(zip(kinds, trial.kept, strict=True)),
    }
