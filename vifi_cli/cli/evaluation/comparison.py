"""Puts methods side by side: trains what is to be trained, and tests all on the same clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.cli.evaluation.methods import METHODS, MethodRuns, check_recipes, train_all
from vifi_cli.cli.evaluation.plan import TestPlan, prepare
from vifi_cli.cli.evaluation.question import EvalRequest, Question
from vifi_cli.cli.evaluation.testing import Candidate, Tester, Testing
from vifi_cli.cli.models.download import fetch_model
from vifi_cli.cli.terminal import output
from vifi_cli.errors import InvalidInput, MissingDependency, ModelUnavailable

if TYPE_CHECKING:
    from vifi_cli.cli.evaluation.testing import TestedModel, Watch
    from vifi_cli.evaluation.report.report import TestDetail
    from vifi_cli.evaluation.testing.class_texts import ClassTexts
    from vifi_cli.training.engine.distributed import Processes

ON_A_CPU_AT_ONCE, ON_A_GPU_AT_ONCE = 4, 16


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Methods, tested.

    Attributes:
        plan: what they were tested on.
        testing: how.
        rows: each method with the tests of each trial.
        models: each model that was tested.
    """

    plan: TestPlan
    testing: Testing
    rows: tuple[tuple[Candidate, tuple[tuple[TestDetail, ...], ...]], ...]
    models: Mapping[str, TestedModel]


def compare(
    question: Question,
    request: EvalRequest,
    runs: Path,
    processes: Processes,
    watch: Watch,
    *,
    allow_leak: bool,
) -> Comparison:
    """Test models, or methods after training them.

    Args:
        question: what is asked, settled.
        request: the same as the user has it: methods and texts.
        runs: folder of the runs of training.
        processes: that share the work.
        watch: told how far the tests have come.
        allow_leak: whether a model may be tested with what it has learned from.

    Raises:
        InvalidInput: something makes no sense, or a model has learned from what it is tested with.
        typer.Exit: with code 130, where training was interrupted.
    """
    from vifi_cli.training.engine.run_setup import make_repeatable

    wording = _wording(request.texts)
    for model in question.models:
        fetch_model(model)
    method_runs = MethodRuns(question, runs) if request.methods else None
    plan = prepare(question, method_runs, allow_leak=allow_leak)
    if method_runs:
        planned = method_runs.planned(request.methods, plan.trials)
        check_recipes(planned, question.models[0])
        train_all(planned, processes)
    make_repeatable(question.seed, processes.device)
    testing = _testing(question, processes, watch)
    tester = Tester(testing, plan)
    if method_runs:
        candidates = [
            Candidate(METHODS[name].title, tuple(method_runs.model_of(name, trial) for trial in plan.trials))
            for name in request.methods
        ]
    else:
        candidates = _models_beside_their_bases(plan, tester)
    rows = [
        (entered, tester.test(entered))
        for candidate in candidates
        for entered in (candidate, *_reworded(candidate, wording, tester))
    ]
    return Comparison(plan, testing, tuple(rows), tester.models)


def _wording(texts: str | None) -> ClassTexts | None:
    from vifi_cli.evaluation.testing.class_texts import read_class_texts

    return None if texts is None else read_class_texts(texts)


def _testing(question: Question, processes: Processes, watch: Watch) -> Testing:
    from vifi_cli.evaluation.testing.paper_settings import paper_frames, views_of

    is_paper = question.protocol == "paper"
    return Testing(
        frames=paper_frames(question.setting) if is_paper else question.recipe.frames,
        views=views_of(question.setting, is_drawn=is_paper),
        recipe=question.recipe,
        processes=processes,
        batch=ON_A_CPU_AT_ONCE if processes.device.type == "cpu" else ON_A_GPU_AT_ONCE,
        watch=watch,
        bare_names=is_paper,
    )


def _models_beside_their_bases(plan: TestPlan, tester: Tester) -> list[Candidate]:
    """The models, after those that they were trained from, where these can be loaded."""
    models = plan.question.models
    bases = dict.fromkeys(plan.learned[model].start for model in models)
    beside = [base for base in bases if base not in models and _can_load(base, tester)]
    count = len(plan.trials)
    return [Candidate(shown_model(model), (model,) * count) for model in (*beside, *models)]


def _can_load(model: str, tester: Tester) -> bool:
    try:
        tester.load(model)
    except (InvalidInput, ModelUnavailable, MissingDependency) as error:
        if tester.is_first:
            output.note(f"{model}, which training began with, cannot stand beside: {error}")
        return False
    return True


def _reworded(candidate: Candidate, wording: ClassTexts | None, tester: Tester) -> Sequence[Candidate]:
    """The same method by other texts; a learned context stands where templates would, so it takes none."""
    if wording is None:
        return ()
    cards = [tester.load(model).card for model in dict.fromkeys(candidate.models)]
    if any(card.prompts and card.prompts.text_context for card in cards):
        if tester.is_first:
            output.note(f"{candidate.method} has learned its own context: {wording.name} does not go with it")
        return ()
    return (Candidate(f"{candidate.method} + {wording.name}", candidate.models, wording),)


def shown_model(model: str) -> str:
    """A model's name for people: paths from here where they are below."""
    path = Path(model)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else model
