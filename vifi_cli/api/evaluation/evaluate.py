"""Evaluates models, or methods after training them, and writes a report."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Unpack

from vifi_cli.api.evaluation.make_report import make_report
from vifi_cli.api.evaluation.methods import MethodRuns, check_recipes, train_all
from vifi_cli.api.evaluation.plan import TestPlan, plan_tests
from vifi_cli.api.evaluation.request import (
    METHODS,
    EvaluationOptions,
    EvaluationRequest,
    evaluation_request,
)
from vifi_cli.api.evaluation.subject import Subject, resolve, shown_model
from vifi_cli.api.evaluation.testing import Candidate, Results, Tester, testing_of
from vifi_cli.api.feedback import AUTOMATIC, Feedback, is_first_process, of_first_process
from vifi_cli.api.models.weights import fetch_model
from vifi_cli.errors import InvalidInput, MissingDependency, ModelUnavailable
from vifi_cli.evaluation.report.folder import write_report
from vifi_cli.evaluation.report.report import Report
from vifi_cli.evaluation.testing.class_texts import ClassTexts
from vifi_cli.model.registry.source import ModelSource, resolve_model
from vifi_cli.paths import slug, what_forbids_writing
from vifi_cli.training.engine.distributed import Processes, joined_processes
from vifi_cli.training.engine.resources import make_repeatable

REPORTS = Path("reports")


def evaluate(
    models: Path | str | Sequence[Path | str] = (),
    data: Path | str | None = None,
    setting: str | None = None,
    *,
    device: str = "auto",
    feedback: Feedback = AUTOMATIC,
    **options: Unpack[EvaluationOptions],
) -> Report:
    """Measure how well models classify videos, by a setting of the paper, and write a report.

        report = evaluate("runs/moves/best", "~/clips", "supervised")
        pandas.DataFrame(report.rows)

    Without arguments the best model of the newest run is tested on the data of the run. `methods` trains models first;
    after Ctrl-C the same call goes on.

    Args:
        models: one or several to compare; with `methods`, the one that training starts from.
        data: a folder with a folder per class, a table, or the name of a public set; by default that of the run.
        setting: `zero-shot`, `base2novel`, `few-shot`, `few-shot-K` or `supervised`; by default that of the run.
        device: `auto`, `cuda`, `mps` or `cpu`, for training and tests.
        feedback: receives notes and progress.
        options: see `EvaluationOptions`.

    Returns:
        The report; `report.folder` contains it as `report.html`, `report.md` and `report.json`.

    Raises:
        InvalidInput: an argument makes no sense, or a model was trained on test videos.
        ModelUnavailable: a model cannot be fetched.
    """
    request = evaluation_request(models, data, setting, options)
    heard = of_first_process(feedback)
    subject = resolve(request, heard)
    name = f"{subject.setting.name}-{slug(subject.data.name)}"
    folder = request.output or REPORTS.absolute() / (name if request.methods else dated(name))
    check_report_folder(folder)
    with joined_processes(device) as processes:
        results = _test(subject, request, folder / "runs", processes, heard)
        report = make_report(results, heard, with_published=request.published)
    return written(report, folder)


def dated(name: str) -> str:
    """A name with the present time."""
    return f"{name}-{datetime.now():%Y%m%d-%H%M%S}"


def check_report_folder(folder: Path) -> None:
    """Raises InvalidInput if a report cannot be written, before any work is done."""
    has_report = any((folder / name).exists() for name in ("report.json", "runs"))
    if folder.exists() and not (folder.is_dir() and (has_report or not any(folder.iterdir()))):
        raise InvalidInput(f"{folder} exists already and is not a report: name another --output")
    if reason := what_forbids_writing(folder):
        raise InvalidInput(f"the report cannot be written to {folder}: {reason}; name another --output")


def written(report: Report, folder: Path) -> Report:
    """The report, written to a folder by the first process."""
    if is_first_process():
        write_report(folder, report)
    return replace(report, folder=folder)


def _test(
    subject: Subject, request: EvaluationRequest, runs: Path, processes: Processes, feedback: Feedback
) -> Results:
    """Trains what is to be trained, and tests everything on the same clips."""
    for model in subject.models:
        fetch_model(model.name, feedback)
    method_runs = MethodRuns(subject, runs) if request.methods else None
    plan = plan_tests(subject, method_runs, feedback, allow_leak=request.allow_leak)
    if method_runs:
        planned = method_runs.planned(request.methods, plan.trials)
        check_recipes(planned, subject.models[0].name)
        train_all(planned, processes, feedback)
    make_repeatable(subject.seed, processes.device)
    testing = testing_of(subject, processes)
    tester = Tester(testing, plan, feedback)
    if method_runs:
        candidates = [
            Candidate(
                METHODS[name].title,
                tuple(resolve_model(method_runs.model_of(name, trial)) for trial in plan.trials),
            )
            for name in request.methods
        ]
    else:
        candidates = _models_beside_their_bases(plan, tester, feedback)
    rows = [
        (entered, tester.test(entered))
        for candidate in candidates
        for entered in (candidate, *_with_texts(candidate, request.texts, tester, feedback))
    ]
    return Results(plan, testing, tuple(rows), tester.models)


def _models_beside_their_bases(plan: TestPlan, tester: Tester, feedback: Feedback) -> list[Candidate]:
    """The models, after the models that they were trained from, if these can be loaded."""
    models = plan.subject.models
    bases = [_loadable(base, tester, feedback) for base in plan.bases]
    count = len(plan.trials)
    return [Candidate(shown_model(model.name), (model,) * count) for model in (*filter(None, bases), *models)]


def _loadable(base: str, tester: Tester, feedback: Feedback) -> ModelSource | None:
    try:
        source = resolve_model(base)
        tester.load(source)
    except (InvalidInput, ModelUnavailable, MissingDependency) as error:
        feedback.note(f"{base}, from which training started, is not compared: {error}")
        return None
    return source


def _with_texts(
    candidate: Candidate, texts: ClassTexts | None, tester: Tester, feedback: Feedback
) -> Sequence[Candidate]:
    """The same method with other texts; a learned context replaces templates, so it takes none."""
    if texts is None:
        return ()
    cards = [tester.load(model).card for model in dict.fromkeys(candidate.models)]
    if any(card.prompts and card.prompts.text_context for card in cards):
        feedback.note(f"{candidate.method} has learned its own context: {texts.name} does not apply to it")
        return ()
    return (Candidate(f"{candidate.method} + {texts.name}", candidate.models, texts),)
