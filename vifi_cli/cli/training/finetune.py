"""`vifi finetune`: teaches a model the user's own actions."""

from vifi_cli.cli.terminal.options import Device, DeviceOption, JsonOption
from vifi_cli.cli.training.finetuning import FinetuneRequest, prepare_run, resumed_run
from vifi_cli.cli.training.options import (
    DataOption,
    DataRootOption,
    FromOption,
    FusionOption,
    OutputOption,
    ProtocolOption,
    RecipeOption,
    ResumeOption,
    SettingOption,
    TuneOption,
    refuse_with_resume,
)
from vifi_cli.cli.training.run import carry_out_alone
from vifi_cli.paths import given_path


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
    carry_out_alone(prepared, device.value, as_json=as_json)
