"""Shows what an improvement would do, and what came of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from vifi_cli import wording
from vifi_cli.cli.terminal import output
from vifi_cli.wording import as_argument, score_text, signed_text

if TYPE_CHECKING:
    from vifi_cli.api.teaching.improvement.estimate import ImprovementEstimate
    from vifi_cli.api.teaching.improvement.held_out import Scores
    from vifi_cli.api.teaching.improvement.improve import Improvement
    from vifi_cli.api.teaching.improvement.plan import ImprovementPlan
    from vifi_cli.api.teaching.improvement.trial import Trial

NOTHING = "–"


def show_estimate(estimate: ImprovementEstimate, *, as_json: bool) -> None:
    """Show the marks, the method and the time."""
    from vifi_cli.paths import shown_path

    plan = estimate.plan
    if as_json:
        output.document(
            {
                "concepts": [asdict(each) for each in plan.marks.counts],
                "left_out": [{**asdict(each), "lacks": each.lacks} for each in plan.marks.lacking],
                "method": plan.method,
                "method_reason": plan.reason,
                "start": plan.start,
                "present": plan.present,
                "folder": str(plan.folder),
                "seconds": {
                    "training": estimate.training.estimate.seconds.total,
                    "trial": estimate.trial_seconds,
                    "rebuild": estimate.rebuild_seconds,
                },
            }
        )
        return
    headers = ("Concept", "Right", "Wrong", "Held out right", "Held out wrong")
    cells = [
        (
            f"@{each.name}",
            *map(str, (each.right, each.wrong, each.held_out_right, each.held_out_wrong)),
        )
        for each in plan.marks.counts
    ]
    output.rows(headers, cells, right=headers[1:])
    training = estimate.training.estimate
    facts = [
        ("Method", f"{plan.method}: {plan.reason}"),
        ("Start", shown_path(plan.start)),
        ("Training", f"about {wording.duration(training.seconds.total)}, {training.size.steps_in_words}"),
        ("Old answers", _old_answers(plan)),
    ]
    if plan.needs_new_index:
        facts += [
            (
                "Trial",
                f"about {wording.duration(estimate.trial_seconds)}, to encode "
                f"{wording.counted(len(plan.examination.old.videos), 'video')}",
            ),
            (
                "New index",
                f"about {wording.duration(estimate.rebuild_seconds)}, "
                f"to encode {wording.counted(plan.index_videos, 'video')}, if the model is better",
            ),
        ]
    output.facts([*facts, ("Folder", shown_path(plan.folder))])
    output.note("nothing was trained: omit --dry-run to train; times are estimates from a few steps")


def show_improvement(outcome: Improvement, *, as_json: bool) -> None:
    """Show the models side by side, the decision, and what to do next."""
    from vifi_cli.api.teaching.improvement.report import improvement_document, marks_in_words
    from vifi_cli.paths import shown_path

    if as_json:
        output.document(improvement_document(outcome))
        return
    show_trials(outcome)
    plan, chosen = outcome.plan, outcome.decision.chosen
    facts = [("Marks", marks_in_words(plan)), ("Decision", _decision(outcome))]
    if outcome.is_adopted and chosen:
        facts += [("Model", shown_path(chosen.trial.model)), ("Back", outcome.back)]
    elif chosen:
        facts.append(("Adopt it", f"the same command with -o {as_argument(plan.folder)} --yes"))
    else:
        facts += [("Now", _use_now(outcome)), ("Helps", _advice(outcome))]
    output.facts([*facts, ("Report", shown_path(plan.folder / "report"))])


def show_trials(outcome: Improvement) -> None:
    """Show the mean average precision of each model by words and by marks, its gain, and the change of old answers."""
    kinds = [each.kind for each in outcome.plan.examination.old.answers]
    headers = ("Model", "Words", "Marks", "Gain", *map(str.capitalize, kinds))
    present = outcome.present
    cells = [(present.name, *_means(outcome, present), NOTHING, *(NOTHING for _ in kinds))]
    for each in outcome.candidates:
        gain = f"{signed_text(each.gain.value)} [{signed_text(each.gain.low)}, {signed_text(each.gain.high)}]"
        lost = (f"{-share:+.0%}".replace("-", "−") for share in each.lost)
        cells.append((each.trial.name, *_means(outcome, each.trial), gain, *lost))
    output.rows(headers, cells, right=headers[1:])


def _means(outcome: Improvement, trial: Trial) -> tuple[str, str]:
    def mean(scores: Scores) -> str:
        precisions = outcome.plan.marks.held_out.precisions(scores)
        return score_text(sum(precisions) / len(precisions))

    return mean(trial.by_words), mean(trial.by_marks)


def _decision(outcome: Improvement) -> str:
    if outcome.decision.chosen is None:
        return f"not adopted: {outcome.decision.reason}"
    return f"{'adopted' if outcome.is_adopted else 'not adopted yet'}: {outcome.decision.reason}"


def _use_now(outcome: Improvement) -> str:
    from vifi_cli.api.teaching.improvement.decision import best_scores

    if best_scores(outcome.present, outcome.plan.marks.held_out) is outcome.present.by_words:
        return "search with the descriptions"
    return f"vifi search @{outcome.plan.marks.counts[0].name} uses what your marks have taught"


def _advice(outcome: Improvement) -> str:
    """The concepts that are found worst, since marks help them most."""
    from vifi_cli.api.teaching.improvement.decision import best_scores

    held_out = outcome.plan.marks.held_out
    precisions = held_out.precisions(best_scores(outcome.present, held_out))
    worst = sorted(zip(precisions, held_out.concepts, strict=True), key=lambda each: each[0])[:3]
    names = ", ".join(f"@{concept.name}" for precision, concept in worst if precision < 1)
    return f"marks of more videos, above all for {names}" if names else "marks of harder moments"


def _old_answers(plan: ImprovementPlan) -> str:
    kinds = [
        f"{wording.counted(len(each.captions), 'caption')} ({each.kind})"
        for each in plan.examination.old.answers
    ]
    return ", ".join(kinds) or "none: no caption has a clear answer in this index"
