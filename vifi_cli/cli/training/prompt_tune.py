"""`vifi prompt-tune`: learns prompts for a model that itself stays as it is."""

from vifi_cli.cli.terminal.options import Device, DeviceOption, JsonOption
from vifi_cli.cli.training.finetuning import FinetuneRequest, prepare_run, resumed_run
from vifi_cli.cli.training.options import (
    DataOption,
    DataRootOption,
    FromOption,
    OutputOption,
    ProtocolOption,
    RecipeOption,
    ResumeOption,
    SettingOption,
    SideOption,
    refuse_with_resume,
)
from vifi_cli.cli.training.run import carry_out_alone
from vifi_cli.paths import given_path


def prompt_tune(
    data: DataOption = None,
    data_root: DataRootOption = None,
    setting: SettingOption = None,
    start_from: FromOption = None,
    side: SideOption = None,
    protocol: ProtocolOption = None,
    recipe: RecipeOption = None,
    folder: OutputOption = None,
    resume: ResumeOption = None,
    device: DeviceOption = Device.auto,
    as_json: JsonOption = False,
) -> None:
    """Learn prompts for a model on labelled videos, while the model itself stays as it is.

    Prompts are vectors that stand beside the words of a class name and the patches of an image. They are a small
    file, learned from few videos. With --side text clips are encoded once, and an index of the model stays valid.
    """
    if resume:
        refuse_with_resume(
            {
                "--data": data,
                "--setting": setting,
                "--from": start_from,
                "--side": side,
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
                tune=side.value if side else None,
                fusion=None,
                protocol=protocol.value if protocol else "default",
                changes=tuple(recipe or ()),
                folder=given_path(folder) if folder else None,
                method="prompt",
            )
        )
    carry_out_alone(prepared, device.value, as_json=as_json)
