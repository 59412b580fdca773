"""`vifi eval`: measures models by the paper's settings, side by side, and reports it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli.cli.evaluation.methods import DEFAULT_METHODS, METHODS, check_methods
from vifi_cli.cli.evaluation.question import EvalRequest, settle
from vifi_cli.cli.evaluation.table import show_table
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options import JsonOption, Protocol
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path, slug, what_forbids_writing

if TYPE_CHECKING:
    from vifi_cli.cli.evaluation.question import Question
    from vifi_cli.cli.evaluation.testing import Watch
    from vifi_cli.evaluation.report.report import Report

REPORTS = Path("reports")

MethodsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[METHODS]...",
        help=f"What --train compares: {', '.join(METHODS)}.",
        show_default=" ".join(DEFAULT_METHODS),
    ),
]
SettingOption = Annotated[
    str | None,
    typer.Option(
        help="zero-shot, base2novel, few-shot, few-shot-K, supervised or retrieval; by default the run's.",
        show_default=False,
    ),
]
ModelOption = Annotated[
    list[str] | None,
    typer.Option(
        help="What to test, several side by side; with --train what training starts from. By default the newest "
        "run's best.",
        show_default=False,
    ),
]
DataOption = Annotated[
    str | None,
    typer.Option(
        help="As for `vifi finetune`; by default the run's. Sets known by name lie below $VIFI_DATA.",
        show_default=False,
    ),
]
TrainOption = Annotated[bool, typer.Option("--train", help="Train METHODS first; finished runs are kept.")]
ProtocolOption = Annotated[
    Protocol,
    typer.Option(help="paper tests as the published code does: its frames, drawn views, bare names."),
]
TextsOption = Annotated[
    str | None,
    typer.Option(
        help="Test with other class texts too: a JSON file of templates or descriptions, or one that ships.",
        show_default=False,
    ),
]
QueriesOption = Annotated[
    Path | None,
    typer.Option(help="For retrieval: a CSV of file and caption, beside the videos.", show_default=False),
]
PublishedOption = Annotated[bool, typer.Option("--published", help="Show the paper's figures too.")]
AllowLeakOption = Annotated[
    bool,
    typer.Option("--allow-leak", help="Test what a model has learned from too, and mark the report."),
]
RecipeOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Change the recipes of --train, as for `vifi finetune`; finetune.KEY or prompt.KEY for one stage.",
        show_default=False,
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="Folder of the report; below reports/ if not given.", show_default=False
    ),
]


def evaluate(
    methods: MethodsArgument = None,
    setting: SettingOption = None,
    model: ModelOption = None,
    data: DataOption = None,
    train: TrainOption = False,
    protocol: ProtocolOption = Protocol.default,
    texts: TextsOption = None,
    queries: QueriesOption = None,
    published: PublishedOption = False,
    allow_leak: AllowLeakOption = False,
    recipe: RecipeOption = None,
    folder: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how well models name videos, by the paper's settings, and write a report.

    Without flags the newest run's model is tested on its own data. With several GPUs:
    torchrun --nproc-per-node 8 -m vifi_cli eval ...
    """
    from vifi_cli.api.feedback import is_first_process

    models = tuple(model or ())
    if setting == "retrieval":
        unfit = {
            "METHODS": methods, "--train": train, "--data": data, "--texts": texts, "--recipe": recipe,
            "--published": published, "--allow-leak": allow_leak, "--protocol": protocol is Protocol.paper,
        }  # fmt: skip
        if given := next((name for name, value in unfit.items() if value), None):
            raise InvalidInput(f"{given} does not go with --setting retrieval, which searches an index")
        _retrieve(queries, models, folder, as_json=as_json)
        return
    if queries is not None:
        raise InvalidInput("--queries goes with --setting retrieval")
    if recipe and not train:
        raise InvalidInput("--recipe goes with --train: a test has nothing to learn")
    request = EvalRequest(
        methods=check_methods(methods or (), trains=train, models=models),
        setting=setting,
        models=models,
        data=data,
        protocol=protocol.value,
        texts=texts,
        changes=tuple(recipe or ()),
    )
    question = settle(request)
    where = given_path(folder) if folder else _folder(question, is_kept=train)
    _check_folder(where)
    report = _carry_out(question, request, where, published=published, allow_leak=allow_leak)
    if is_first_process():
        _finish(where, report, as_json=as_json)


def _retrieve(queries: Path | None, models: tuple[str, ...], folder: Path | None, *, as_json: bool) -> None:
    from vifi_cli.cli.evaluation.retrieval import evaluate_retrieval

    if queries is None:
        raise InvalidInput("--queries is missing: name a CSV with the columns file and caption")
    where = given_path(folder) if folder else REPORTS.absolute() / _dated(f"retrieval-{slug(str(queries))}")
    _check_folder(where)
    _finish(where, evaluate_retrieval(queries, models), as_json=as_json)


def _folder(question: Question, *, is_kept: bool) -> Path:
    """A folder by the setting and the data; where runs are kept in it, the same one for the same command."""
    name = f"{question.setting.name}-{slug(question.data.name)}"
    return REPORTS.absolute() / (name if is_kept else _dated(name))


def _dated(name: str) -> str:
    return f"{name}-{datetime.now():%Y%m%d-%H%M%S}"


def _check_folder(folder: Path) -> None:
    is_of_eval = any((folder / name).exists() for name in ("report.json", "runs"))
    if folder.exists() and not (folder.is_dir() and (is_of_eval or not any(folder.iterdir()))):
        raise InvalidInput(f"{folder} is there already, and no report: name another --output")
    if reason := what_forbids_writing(folder):
        raise InvalidInput(f"no report can be written to {folder}: {reason}; name another --output")


def _carry_out(
    question: Question, request: EvalRequest, folder: Path, *, published: bool, allow_leak: bool
) -> Report:
    from vifi_cli.cli.evaluation.comparison import compare
    from vifi_cli.cli.evaluation.report import make_report
    from vifi_cli.training.engine.distributed import joined_processes

    with joined_processes("auto") as processes, _watching() as watch:
        comparison = compare(question, request, folder / "runs", processes, watch, allow_leak=allow_leak)
        return make_report(comparison, with_published=published)


@contextmanager
def _watching() -> Iterator[Watch]:
    """A bar for the test at hand, on the first process."""
    from vifi_cli.api.feedback import is_first_process

    with output.progress("{task.completed:,.0f}/{task.total:,.0f} videos") as bar:
        task = bar.add_task("", total=1, visible=False)

        def watch(name: str, done: int, total: int) -> None:
            bar.update(task, description=f"Testing {name}", completed=done, total=total, visible=done < total)

        yield watch if is_first_process() else lambda name, done, total: None


def _finish(folder: Path, report: Report, *, as_json: bool) -> None:
    from vifi_cli.evaluation.report.folder import write_report

    write_report(folder, report)
    if as_json:
        output.document(json.loads((folder / "report.json").read_text(encoding="utf-8")))
    else:
        show_table(report.table)
    for stamp in report.stamps:
        output.warning(stamp)
    output.note(f"report: {folder / 'report.html'}")
