"""Evaluates models, or methods after training them, and writes a report."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Unpack

from vifi_cli.api.evaluation.leaks.advice import how_to_avoid
from vifi_cli.api.evaluation.methods.method import find_method
from vifi_cli.api.evaluation.methods.runs import MethodRuns, Run, titled, train_runs
from vifi_cli.api.evaluation.options import EvaluationOptions
from vifi_cli.api.evaluation.plan import TestPlan, plan_tests
from vifi_cli.api.evaluation.reporting.facts import TestedCandidate, TestedCandidates, every_detail
from vifi_cli.api.evaluation.reporting.report import make_report
from vifi_cli.api.evaluation.reporting.several import joined_report, places_of_runs
from vifi_cli.api.evaluation.request import Subject, resolve, shown_model
from vifi_cli.api.evaluation.testing import Candidate, ModelLoader, Tester, load_bases
from vifi_cli.api.feedback import AUTOMATIC, Feedback, is_first_process, of_first_process
from vifi_cli.api.models.weights import fetch_weights, note_assumptions
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.report.report import Report
from vifi_cli.evaluation.report.writing import write_report
from vifi_cli.evaluation.testing.frame_features import reuse_in_words
from vifi_cli.evaluation.testing.paper_settings import Trial
from vifi_cli.model.registry.class_texts import ClassTexts
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.paths import REPORTS, given_path, shown_path, slug, write_obstacle
from vifi_cli.training.engine.processes.distributed import Processes, joined_processes
from vifi_cli.training.engine.resources import make_repeatable

LONGEST_NAME = 100  # of a report's folder


def evaluate(
    models: Path | str | Sequence[Path | str] = (),
    data: Path | str | Sequence[Path | str] | None = None,
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
        data: a folder with a folder per class, a table, or the name of a public set, or several of them, each a column
            of the table; by default that of the run.
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
    subjects = resolve(models, data, setting, options, heard)
    folder = folder_of(subjects, options)
    with joined_processes(device, heard.note) as processes:
        sets = _test(subjects, folder / "runs", processes, heard, allow_leak=options.get("allow_leak", False))
        with_published = options.get("published", False)
        reports = [
            make_report(tester, tested, heard, with_published=with_published) for tester, tested in sets
        ]
    return written(joined_report(reports, [tester.plan for tester, _ in sets]), folder)


def folder_of(subjects: Sequence[Subject], options: EvaluationOptions) -> Path:
    """The folder of the report, with a date if nothing is trained; errors are those of `report_folder`."""
    name = f"{subjects[0].setting.name}-{'-'.join(slug(subject.data.name) for subject in subjects)}"
    name = name[:LONGEST_NAME].rstrip("-")
    return report_folder(options.get("output"), name if subjects[0].methods else dated(name))


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


def plan_sets(
    subjects: Sequence[Subject], runs: Path, feedback: Feedback, *, allow_leak: bool
) -> tuple[list[TestPlan], list[MethodRuns], dict[Path, Run]]:
    """What is tested on each set of data, and the runs of training that all sets need, by their folders.

    Raises:
        InvalidInput: a list is not available, a recipe makes no sense, or there is a leak that is not allowed.
    """
    for model in subjects[0].models:
        fetch_weights(model, feedback)
        note_assumptions(model, feedback)
    method_runs = [
        MethodRuns(one, runs / place) for one, place in zip(subjects, places_of_runs(subjects), strict=True)
    ]
    plans = [
        plan_tests(
            subject, own if subject.methods else None, feedback, allow_leak=allow_leak, advise=how_to_avoid
        )
        for subject, own in zip(subjects, method_runs, strict=True)
    ]
    for subject in subjects:
        if subject.setting.name == "zero-shot" and not subject.data.is_public_set:
            feedback.note(
                f"{shown_path(subject.data.name)} has no official splits: all its test videos are one list"
            )
    needed: dict[Path, Run] = {}  # in the zero-shot setting, all sets need the same
    if subjects[0].methods:
        for own, plan in zip(method_runs, plans, strict=True):
            needed |= own.needed(plan.trials)
    return plans, method_runs, needed


def _test(
    subjects: Sequence[Subject], runs: Path, processes: Processes, feedback: Feedback, *, allow_leak: bool
) -> list[tuple[Tester, TestedCandidates]]:
    """Trains the methods, if any, and tests everything on the clips of each set of data."""
    plans, method_runs, needed = plan_sets(subjects, runs, feedback, allow_leak=allow_leak)
    train_runs(tuple(needed.values()), processes, feedback)
    make_repeatable(subjects[0].seed, processes.device)
    loader = ModelLoader(processes.device, feedback)
    testers = [Tester(plan, processes, feedback, loader) for plan in plans]
    note = cache(feedback.note)
    candidates = [
        list(
            _of_methods(own, plan.trials, note)
            if subjects[0].methods
            else _of_models(plan, loader, feedback, note)
        )
        for plan, own in zip(plans, method_runs, strict=True)
    ]
    tested: list[list[TestedCandidate]] = [[] for _ in testers]
    for of_sets in zip(*candidates, strict=True):  # a model stays loaded for all sets
        for tester, candidate, results in zip(testers, of_sets, tested, strict=True):
            results.append((candidate, tester.test(candidate)))
    for subject, results in zip(subjects, tested, strict=True):
        if not any(every_detail(results)):
            raise InvalidInput(
                f"{results[0][0].method}: a linear probe knows only the classes of its training, and {subject.data} "
                "has others: test data with the same classes, or add a method that reads texts"
            )
    if reused := sum(tester.reused_videos for tester in testers):
        feedback.note(reuse_in_words(reused))
    return list(zip(testers, tested, strict=True))


def _of_models(
    plan: TestPlan, loader: ModelLoader, feedback: Feedback, note: Callable[[str], object]
) -> Iterator[Candidate]:
    """The rows of models, after those that their training started from."""
    bases = [loaded.source for loaded in load_bases(plan, loader.load, feedback)]
    for model in (*bases, *plan.subject.models):
        candidate = Candidate(shown_model(model.name), (model,) * len(plan.trials))
        yield candidate
        yield from _with_texts(candidate, plan.subject.texts, note)


def _of_methods(
    runs: MethodRuns, trials: Sequence[Trial], note: Callable[[str], object]
) -> Iterator[Candidate]:
    """The rows of methods, each with the template and with the subject's texts, from which it has learned if it can."""
    for name in runs.subject.methods:
        method = find_method(name)
        for texts in runs.texts_of(name):
            models = tuple(resolve_model(runs.model_of(name, trial, texts)) for trial in trials)
            trained = runs.train_time(name, trials, texts)
            candidate = Candidate(titled(method, texts), models, texts, method.alpha, trained)
            yield candidate
        if not method.trains_weights:
            yield from _with_texts(candidate, runs.subject.texts, note)


def _with_texts(
    candidate: Candidate, texts: ClassTexts | None, note: Callable[[str], object]
) -> Iterator[Candidate]:
    """The same models with other texts; a learned context replaces templates, so it takes none."""
    if texts is None:
        return
    cards = [model.card for model in candidate.models if model.card]
    if any(card.head == "linear-probe" for card in cards):
        note(f"{candidate.method} reads no texts: {texts.name} does not apply to it")
        return
    if any(card.prompts and card.prompts.text_context for card in cards):
        note(f"{candidate.method} has learned its own context: {texts.name} does not apply to it")
        return
    yield replace(candidate, method=f"{candidate.method} + {texts.name}", texts=texts)
