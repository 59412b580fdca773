"""Evaluates models, or methods after training them, and writes a report."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Unpack

from vifi_cli.api.evaluation.leak_advice import how_to_avoid
from vifi_cli.api.evaluation.methods.method import find_method
from vifi_cli.api.evaluation.methods.runs import MethodRuns
from vifi_cli.api.evaluation.plan import plan_tests
from vifi_cli.api.evaluation.reporting.facts import TestedCandidates
from vifi_cli.api.evaluation.reporting.report import make_report
from vifi_cli.api.evaluation.request import EvaluationOptions, Subject, resolve, shown_model
from vifi_cli.api.evaluation.testing import Candidate, Tester, load_bases
from vifi_cli.api.feedback import AUTOMATIC, Feedback, is_first_process, of_first_process
from vifi_cli.api.models.weights import fetch_weights, note_assumptions
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.report.report import Report
from vifi_cli.evaluation.report.writing import write_report
from vifi_cli.evaluation.testing.frame_features import reuse_in_words
from vifi_cli.model.registry.class_texts import ClassTexts
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.paths import given_path, slug, write_obstacle
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
    heard = of_first_process(feedback)
    subject = resolve(models, data, setting, options, heard)
    name = f"{subject.setting.name}-{slug(subject.data.name)}"
    folder = report_folder(options.get("output"), name if subject.methods else dated(name))
    with joined_processes(device, heard.note) as processes:
        tester, tested = _test(
            subject, folder / "runs", processes, heard, allow_leak=options.get("allow_leak", False)
        )
        report = make_report(tester, tested, heard, with_published=options.get("published", False))
    return written(report, folder)


def dated(name: str) -> str:
    """A name with the present time."""
    return f"{name}-{datetime.now():%Y%m%d-%H%M%S}"


def report_folder(output: Path | str | None, name: str) -> Path:
    """The folder of a report, by default under `reports/`; raises InvalidInput if it cannot be written."""
    folder = given_path(output) if output else REPORTS.absolute() / name
    has_report = any((folder / name).exists() for name in ("report.json", "runs"))
    if folder.exists() and not (folder.is_dir() and (has_report or not any(folder.iterdir()))):
        raise InvalidInput(f"{folder} exists already and is not a report: name another --output")
    if reason := write_obstacle(folder):
        raise InvalidInput(f"the report cannot be written to {folder}: {reason}; name another --output")
    return folder


def written(report: Report, folder: Path) -> Report:
    """The report, written to a folder by the first process."""
    if is_first_process():
        write_report(folder, report)
    return replace(report, folder=folder)


def _test(
    subject: Subject, runs: Path, processes: Processes, feedback: Feedback, *, allow_leak: bool
) -> tuple[Tester, TestedCandidates]:
    """Trains the methods, if any, and tests everything on the same clips."""
    for model in subject.models:
        fetch_weights(model, feedback)
        note_assumptions(model, feedback)
    method_runs = MethodRuns(subject, runs) if subject.methods else None
    plan = plan_tests(subject, method_runs, feedback, allow_leak=allow_leak, advise=how_to_avoid)
    if subject.setting.name == "zero-shot" and not subject.data.is_public_set:
        feedback.note("this data has no official splits: all its test videos are one list")
    if method_runs:
        method_runs.train(plan.trials, processes, feedback)
    make_repeatable(subject.seed, processes.device)
    tester = Tester(plan, processes, feedback)
    if method_runs:
        candidates = [
            Candidate(
                find_method(name).title,
                tuple(resolve_model(method_runs.model_of(name, trial)) for trial in plan.trials),
            )
            for name in subject.methods
        ]
    else:
        bases = [loaded.source for loaded in load_bases(plan, tester.load, feedback)]
        candidates = [
            Candidate(shown_model(model.name), (model,) * len(plan.trials))
            for model in (*bases, *subject.models)
        ]
    tested = [
        (entered, tester.test(entered))
        for candidate in candidates
        for entered in (candidate, *_with_texts(candidate, subject.texts, tester, feedback))
    ]
    if tester.reused_videos:
        feedback.note(reuse_in_words(tester.reused_videos))
    return tester, tested


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
