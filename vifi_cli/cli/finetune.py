"""`vifi finetune`: teaches a model the user's own actions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vifi_cli.cli import output
from vifi_cli.cli.finetune_result import result_document, result_facts
from vifi_cli.cli.finetune_run import carry_out
from vifi_cli.cli.finetuning import FinetuneRequest, is_first_process, prepare_run, resumed_run
from vifi_cli.cli.options import Device, DeviceOption, Fusion, JsonOption, Protocol, Tune, given_path
from vifi_cli.errors import InvalidInput

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
    str | None,
    typer.Option(
        help="The paper's setting: supervised, few-shot-K for K clips a class, base2novel or zero-shot.",
        show_default="supervised",
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
    Protocol | None,
    typer.Option(
        help="paper keeps the published code's oddities, default mends them.", show_default="default"
    ),
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
    setting: SettingOption = None,
    start_from: FromOption = None,
    tune: TuneOption = None,
    fusion: FusionOption = None,
    protocol: ProtocolOption = None,
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
        refuse_with_resume(
            {
                "--data": data,
                "--setting": setting,
                "--from": start_from,
                "--tune": tune,
                "--fusion": fusion,
                "--protocol": protocol,
                "--output": folder,
            }
        )
        prepared = resumed_run(given_path(resume), data_root, recipe or [])
    else:
        prepared = prepare_run(
            FinetuneRequest(
                data=data,
                data_root=given_path(data_root) if data_root else None,
                setting=setting or "supervised",
                start_from=start_from,
                tune=tune.value if tune else None,
                fusion=fusion.value if fusion else None,
                protocol=protocol.value if protocol else "default",
                changes=tuple(recipe or ()),
                folder=given_path(folder) if folder else None,
            )
        )
    from vifi_cli.training.distributed import joined_processes

    run = prepared.folder
    with joined_processes(device.value) as processes:
        result = carry_out(prepared, processes, f"vifi finetune --resume {run.path} goes on from here")
    if not is_first_process():
        return
    if as_json:
        output.document(result_document(run, result))
    else:
        output.facts([*result_facts(run, result), ("Use it", f"vifi index --rebuild --model {run.best}")])


def refuse_with_resume(options: dict[str, object]) -> None:
    """Refuses what a run that goes on would ignore.

    Raises:
        InvalidInput: one of these options has a value.
    """
    if given := [name for name, value in options.items() if value is not None]:
        raise InvalidInput(f"{given[0]} does not go with --resume: a run goes on as it began")
