"""The loop in one function: check marks, train, compare with what marks have taught, adopt only if that is better."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from vifi_cli import paths, stop_signals
from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.api.library.encoders import EncoderChoice, load_query_encoder
from vifi_cli.api.library.indexing import index_request, run_indexing
from vifi_cli.api.models.merging import merge_models
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.settings import set_setting
from vifi_cli.api.teaching.improvement.decision import (
    MOST_LOST,
    Candidate,
    Decision,
    candidate,
    decide,
    is_perfect,
)
from vifi_cli.api.teaching.improvement.mark_plan import Method
from vifi_cli.api.teaching.improvement.plan import (
    ImprovementPlan,
    ImprovementRequest,
    plan_improvement,
    training_changes,
)
from vifi_cli.api.teaching.improvement.trial import Trial
from vifi_cli.api.training.request import Method as TrainedMethod
from vifi_cli.api.training.request import as_changes, training_request
from vifi_cli.api.training.run import Interrupted, train_model
from vifi_cli.data.splits.plan import write_splits
from vifi_cli.errors import InvalidInput
from vifi_cli.settings.settings import setting_of
from vifi_cli.training.engine.processes.distributed import joined_processes
from vifi_cli.wording import as_argument

if TYPE_CHECKING:
    from vifi_cli.training.recipe.changes import Change

ALPHAS = (0.75, 0.5, 0.25)
"""The tuned model's shares of the weights that are tried where it forgets too much."""


class ImprovementChoices(TypedDict, total=False):
    """How to improve; all are optional, and as in `ImprovementRequest`."""

    method: Method
    queries: Path | str
    most_lost: float
    group_by: str
    recipe: "Sequence[Change]"
    output: Path | str
    device: str


@dataclass(frozen=True, slots=True, eq=False)
class Improvement:
    """What came of it."""

    plan: ImprovementPlan
    present: Trial
    candidates: tuple[Candidate, ...]
    decision: Decision
    is_adopted: bool = False

    @property
    def back(self) -> str:
        """The command that goes back to the model of before."""
        before = self.plan.present if self.plan.needs_new_index else self.plan.model_setting
        if before is None:
            return "vifi config unset model"
        shown = as_argument(Path(before)) if paths.is_given_folder(before) else before
        return f"{'vifi index --rebuild --model' if self.plan.needs_new_index else 'vifi config set model'} {shown}"


def improve(
    *concepts: str, adopt: bool = False, feedback: Feedback = AUTOMATIC, **choices: Unpack[ImprovementChoices]
) -> Improvement:
    """Train a model on the marks of concepts, and compare it with what these marks have taught already.

        outcome = improve("waving", "walking", queries="captions.csv", output="runs/better")
        outcome.decision.reason

    The index of `vifi index` stays as it is, unless `adopt` is true and a model finds held-out marks better and forgets
    little. Without concepts, all that have enough marks are improved. Call it again with the same `output` to go on.

    Raises:
        InvalidInput: a concept does not exist, or has too few marks; the message says what is missing.
        KeyboardInterrupt: Ctrl-C stopped the training, which is saved.
    """
    queries, output = choices.get("queries"), choices.get("output")
    request = ImprovementRequest(
        concepts,
        choices.get("method"),
        paths.given_path(queries) if queries else None,
        choices.get("most_lost", MOST_LOST),
        choices.get("group_by"),
        as_changes(choices.get("recipe", ())),
        paths.given_path(output) if output else None,
        choices.get("device", "auto"),
    )
    return run_improvement(request, confirm=lambda _: adopt, feedback=feedback)


def run_improvement(
    request: ImprovementRequest,
    *,
    confirm: Callable[[Improvement], bool] = lambda _: True,
    feedback: Feedback = AUTOMATIC,
) -> Improvement:
    """Trains a model on marks, and adopts it if it finds held-out marks better and forgets little.

    The index stays as it is until then. An interrupted run goes on where it stopped if it is asked for again with the
    same `output`. `confirm` is asked before anything is adopted.

    Raises:
        InvalidInput: a concept does not exist, or has too few marks; the message says what is missing.
        Interrupted: Ctrl-C stopped it after training had begun; what is trained is saved.
    """
    with SearchSession(paths.index_folder(), feedback) as session:
        plan = plan_improvement(session, request, feedback)
        reader = session.text_encoder()
        present = plan.examination.of_index(f"present ({plan.present})", session.index, reader)
        if is_perfect(present, plan.marks.held_out):
            reason = "your index ranks all held-out marks correctly already, so there is nothing to gain"
            return Improvement(plan, present, (), Decision(None, reason))
        model = _trained(plan, request, feedback)
        with _saved(plan):
            trials = _tried(plan, model, present, session, request, feedback)
    decision = decide(trials, plan.marks.held_out, request.most_lost)
    with _saved(plan):
        return conclude(
            Improvement(plan, present, tuple(trials), decision), confirm, request.device, feedback
        )


@contextmanager
def _saved(plan: ImprovementPlan) -> Iterator[None]:
    """Names the run, which goes on, where Ctrl-C ends what follows its training."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise Interrupted(plan.folder / "run", stop_signals.number_of(stop)) from stop


def conclude(
    outcome: Improvement, confirm: Callable[[Improvement], bool], device: str, feedback: Feedback
) -> Improvement:
    """Adopts the model that was chosen, if one was and `confirm` agrees."""
    if outcome.decision.chosen is None or not confirm(outcome):
        return outcome
    adopt_model(outcome.plan, outcome.decision.chosen.trial.model, device, feedback)
    return replace(outcome, is_adopted=True)


def write_table(plan: ImprovementPlan) -> None:
    """Writes the marked moments that are learned from and those that test.

    Raises:
        InvalidInput: an earlier run in the folder was about other marks.
    """
    plan.folder.mkdir(parents=True, exist_ok=True)
    new = plan.table.with_name(f"new-{plan.table.name}")
    write_splits(plan.marks.videos(str(plan.table)), new)
    is_same = not plan.table.exists() or plan.table.read_bytes() == new.read_bytes()
    if not is_same:
        new.unlink()
        raise InvalidInput(
            f"the marks have changed since the run in {plan.folder} began: name another --output"
        )
    new.replace(plan.table)


def _trained(plan: ImprovementPlan, request: ImprovementRequest, feedback: Feedback) -> str:
    """Trains, or goes on with the training in the folder; returns the best model."""
    write_table(plan)
    function, options = training_changes(plan, request)
    method: TrainedMethod = "prompt" if function == "prompt_tune" else "finetune"
    training = training_request(plan.table, plan.start, method, options)
    with joined_processes(request.device, feedback.note) as processes:
        return str(train_model(training, processes, feedback))


def _tried(
    plan: ImprovementPlan,
    model: str,
    present: Trial,
    session: SearchSession,
    request: ImprovementRequest,
    feedback: Feedback,
) -> list[Candidate]:
    """The trained model, and averages with its start where it forgets too much, against the present one."""
    exam, index, held_out = plan.examination, session.index, plan.marks.held_out
    catalog = index.catalog
    if not plan.needs_new_index:
        reader = load_query_encoder(catalog.indexed_with, EncoderChoice(model, request.device), feedback)
        trial = replace(exam.of_index("text prompts", index, reader), model=model)
        return [candidate(trial, present, held_out)]
    tuned = exam.of_model("tuned", model, catalog, request.device, feedback)
    tried = [candidate(replace(tuned, alpha=1.0), present, held_out)]
    for alpha in ALPHAS if tried[0].most_lost > request.most_lost else ():
        feedback.note(f"the tuned model loses {tried[0].most_lost:.0%}: trying {alpha:g} of its weights")
        folder = plan.folder / f"averaged-{alpha:g}"
        if not folder.exists():
            merge_models([plan.start, model], folder, alpha=alpha, feedback=feedback)
        name = f"averaged {alpha:g}"
        trial = exam.of_model(name, str(folder), catalog, request.device, feedback)
        tried.append(candidate(replace(trial, alpha=alpha), present, held_out))
    return tried


def adopt_model(plan: ImprovementPlan, model: str, device: str, feedback: Feedback) -> None:
    """Makes a model that of the index: text prompts read queries, another model makes the index again."""
    if not plan.needs_new_index:
        set_setting("model", [model])
        if (setting := setting_of("model")).source == "environment":
            feedback.note(
                f"{setting.variable} goes before the setting: remove it, so that the model reads your queries"
            )
        return
    run_indexing(paths.index_folder(), index_request((), model=model, rebuild=True, device=device), feedback)
