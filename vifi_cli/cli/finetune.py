"""`vifi finetune`: teaches a model the user's own actions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli.cli import output
from vifi_cli.cli.finetune_progress import FinetuneProgress
from vifi_cli.cli.finetuning import FinetuneRequest, is_first_process, prepare_run, resumed_run
from vifi_cli.cli.options import Device, DeviceOption, Fusion, JsonOption, Protocol, Tune, given_path
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.cli.finetuning import PreparedRun
    from vifi_cli.training.finetune import FineTuning
    from vifi_cli.training.reports import RunResult, Scores

INTERRUPTED = 130
MOST_BAD_SHOWN = 10

DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="ucf101, hmdb51, k400, k600 or ssv2, with :2 for the second official split; a folder with a folder per "
        "class; a CSV or JSONL of path, label and split; or LISTS,LABELS for ViFi-CLIP's lists and label file.",
        show_default=False,
    ),
]
DataRootOption = Annotated[
    Path | None,
    typer.Option(
        "--data-root", envvar="VIFI_DATA", help="Where data sets known by name lie.", show_default=False
    ),
]
SettingOption = Annotated[
    str,
    typer.Option(
        help="The paper's setting: supervised, few-shot-K for K clips a class, base2novel or zero-shot."
    ),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from", help="The model to start from; by default as for `vifi index`.", show_default=False
    ),
]
TuneOption = Annotated[
    Tune | None, typer.Option(help="The towers to train; both is ViFi-CLIP.", show_default="both")
]
FusionOption = Annotated[
    Fusion | None,
    typer.Option(
        help="What is averaged over frames: embeddings, predictions, or the pictures.",
        show_default="embedding",
    ),
]
ProtocolOption = Annotated[
    Protocol, typer.Option(help="paper keeps the published code's oddities, default mends them.")
]
RecipeOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Change the recipe: KEY=VALUE, a TOML file, or one that ships; may be given several times.",
        show_default=False,
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="The run's folder; below runs/ if not given.", show_default=False),
]
ResumeOption = Annotated[
    Path | None,
    typer.Option(help="Go on with a run that was interrupted, exactly where it was.", show_default=False),
]


def finetune(
    data: DataOption = None,
    data_root: DataRootOption = None,
    setting: SettingOption = "supervised",
    start_from: FromOption = None,
    tune: TuneOption = None,
    fusion: FusionOption = None,
    protocol: ProtocolOption = Protocol.default,
    recipe: RecipeOption = None,
    folder: OutputOption = None,
    resume: ResumeOption = None,
    device: DeviceOption = Device.auto,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune a model on labelled videos; what comes out goes into `vifi index --model RUN/best`.

    Interrupt it at any time, and go on with --resume. With several GPUs:
    torchrun --nproc-per-node 8 -m vifi_cli finetune ...
    """
    if resume:
        _refuse({"--from": start_from, "--tune": tune, "--fusion": fusion, "--output": folder})
        prepared = resumed_run(given_path(resume), data, data_root, recipe or [])
    else:
        prepared = prepare_run(
            FinetuneRequest(
                data=data,
                data_root=given_path(data_root) if data_root else None,
                setting=setting,
                start_from=start_from,
                tune=tune.value if tune else None,
                fusion=fusion.value if fusion else None,
                protocol=protocol.value,
                changes=tuple(recipe or ()),
                folder=given_path(folder) if folder else None,
            )
        )
    result, run = _carry_out(prepared, device.value)
    if is_first_process():
        _tell_bad(run)
        if result is None:
            output.note(
                f"interrupted and saved: vifi finetune --resume {prepared.folder.path} goes on from here"
            )
            raise typer.Exit(INTERRUPTED)
        _show(prepared, result, as_json=as_json)
    elif result is None:
        raise typer.Exit(INTERRUPTED)


def _refuse(options: dict[str, object]) -> None:
    if given := [name for name, value in options.items() if value is not None]:
        raise InvalidInput(f"{given[0]} does not go with --resume: a run goes on as it began")


def _carry_out(prepared: PreparedRun, device: str) -> tuple[RunResult | None, FineTuning]:
    """Runs the steps, showing how far they have come; gives no result where the run was interrupted."""
    from vifi_cli.training.distributed import joined_processes
    from vifi_cli.training.finetune import FineTuning, Listener
    from vifi_cli.training.reports import RunResult

    with (
        joined_processes(device) as processes,
        FinetuneProgress(is_shown=processes.is_first, device=processes.device) as progress,
    ):
        # each process has named a new folder by its own clock
        prepared = replace(prepared, folder=processes.gather(prepared.folder)[0])
        if processes.is_first and not prepared.is_resumed:
            prepared.folder.begin(prepared.config)
        processes.wait_for_all()
        listener = Listener(progress.should_stop, progress.scoring, progress.say)
        with progress.loading(), _withdrawing(prepared if processes.is_first else None):
            run = FineTuning(prepared.folder, prepared.config, prepared.data, processes, listener)
        progress.say(f"run: {prepared.folder.path}; {run.describe()}")
        for report in run.reports(is_resumed=prepared.is_resumed):
            if isinstance(report, RunResult):
                return report, run
            progress.take(report)
        return None, run


@contextmanager
def _withdrawing(prepared: PreparedRun | None) -> Iterator[None]:
    """Gives the folder of a new run free again where the run cannot be put together."""
    try:
        yield
    except BaseException:
        if prepared and not prepared.is_resumed:
            prepared.folder.withdraw()
        raise


def _tell_bad(run: FineTuning) -> None:
    bad = run.unreadable()
    for video, reason in bad[:MOST_BAD_SHOWN]:
        output.warning(f"left out: {video.path}: {reason}")
    if len(bad) > MOST_BAD_SHOWN:
        output.warning(f"… and {len(bad) - MOST_BAD_SHOWN:,} more; `vifi data check` lists them all")


def _show(prepared: PreparedRun, result: RunResult, *, as_json: bool) -> None:
    best = prepared.folder.best
    if as_json:
        output.document(
            {
                "model": str(best),
                "run": str(prepared.folder.path),
                "epoch": result.epoch,
                "before": _as_document(result.before),
                "val": _as_document(result.val),
                "test": _as_document(result.test),
            }
        )
        return
    output.facts(
        [
            ("Model", str(best)),
            ("Epoch", str(result.epoch)),
            *_scores("Before", result.before),
            *_scores("Tuned", result.val),
            *_scores("Tuned", result.test if result.test != result.val else None),
            ("Use it", f"vifi index --rebuild --model {best}"),
        ]
    )


def _scores(name: str, scores: Scores | None) -> list[tuple[str, str]]:
    if scores is None or not scores.videos:
        return []
    videos = output.counted(scores.videos, "video")
    text = f"top-1 {scores.top1:.1%}, top-5 {scores.top5:.1%} of {videos} ({scores.split})"
    return [(name, text)]


def _as_document(scores: Scores | None) -> dict[str, object] | None:
    from dataclasses import asdict

    return asdict(scores) if scores else None
