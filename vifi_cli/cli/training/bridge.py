"""`vifi bridge`: fine-tunes a model, then learns prompts for what came out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options import Device, DeviceOption, JsonOption
from vifi_cli.cli.training.finetuning import (
    FinetuneRequest,
    PreparedRun,
    new_run_folder,
    prepare_run,
    prompt_recipe_of,
    resumed_config,
    resumed_run,
    say,
)
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
from vifi_cli.cli.training.result import result_document, use_facts
from vifi_cli.cli.training.run import carry_out
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path

if TYPE_CHECKING:
    from vifi_cli.training.engine.distributed import Processes
    from vifi_cli.training.run.reports import RunResult, Scores


@dataclass(frozen=True, slots=True)
class Bridge:
    """Two runs of which the second starts from what the first makes.

    Attributes:
        folder: where both are kept.
        finetune: the first.
        prompt: the second.
    """

    folder: Path
    finetune: PreparedRun
    prompt: PreparedRun


def bridge(
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
    """Fine-tune a model on labelled videos, then learn prompts for it: the paper's "bridge and prompt".

    --recipe finetune.epochs=3 changes the first stage, prompt.epochs=5 the second, seed=3 both; a TOML file may have
    tables of these names. RUN/finetune and RUN/prompt are runs as the commands for one stage make them.
    """
    from vifi_cli.training.engine.distributed import joined_processes

    root = given_path(data_root) if data_root else None
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
        stages = _resumed(given_path(resume), root, recipe or [])
    else:
        request = FinetuneRequest(
            data=data,
            data_root=root,
            setting=setting or "supervised",
            start_from=start_from,
            tune=side.value if side else None,
            fusion=None,
            protocol=protocol.value if protocol else "default",
            changes=tuple(recipe or ()),
            folder=given_path(folder) if folder else None,
        )
        stages = _prepared(request)
    with joined_processes(device.value) as processes:
        tuned, prompted = _carry_out(stages, processes)
    if processes.is_first:
        _show(stages, tuned, prompted, as_json=as_json)


def _prepared(request: FinetuneRequest) -> Bridge:
    """Finds what both stages need, so that a mistake in the second is told of before the first is run."""
    from vifi_cli.training.recipe.changes import changes_of_stage
    from vifi_cli.training.run.folder import RunFolder

    first = prepare_run(
        replace(request, tune=None, changes=tuple(changes_of_stage(request.changes, "finetune")))
    )
    run = request.folder or new_run_folder(first.data.name)
    second = replace(request, changes=tuple(changes_of_stage(request.changes, "prompt")), method="prompt")
    # the first stage changes weights, and neither layers nor what they are made of
    recipe = prompt_recipe_of(second, first.config.model, say)
    if recipe.seed != first.config.recipe.seed:
        raise InvalidInput(
            "recipe: finetune.seed and prompt.seed must be one: it decides which videos are held out"
        )
    prompting = PreparedRun(RunFolder(run / "prompt"), replace(first.config, recipe=recipe), first.data)
    return _in_folder(Bridge(run, first, prompting), run)


def _resumed(run: Path, root: Path | None, changes: list[str]) -> Bridge:
    from vifi_cli.training.recipe.changes import changes_of_stage
    from vifi_cli.training.run.folder import RunFolder

    second = RunFolder(run / "prompt")
    if not second.is_begun():
        raise InvalidInput(
            f"{run} is no run of two stages: it holds no prompt/config.toml; see `vifi finetune --resume`"
        )
    config = resumed_config(second, changes_of_stage(changes, "prompt"))
    first = resumed_run(run / "finetune", root, changes_of_stage(changes, "finetune"))
    prompting = PreparedRun(second, config, first.data, is_begun=True, is_resumed=second.state.exists())
    return _in_folder(Bridge(run, first, prompting), run)


def _in_folder(stages: Bridge, run: Path) -> Bridge:
    """The stages below a folder; each process has named a new one by its own clock, and an old one may have moved."""
    from vifi_cli.training.run.folder import RunFolder

    first, second = RunFolder(run / "finetune"), RunFolder(run / "prompt")
    config = replace(stages.prompt.config, model=str(first.best))
    return Bridge(
        run, replace(stages.finetune, folder=first), replace(stages.prompt, folder=second, config=config)
    )


def _carry_out(stages: Bridge, processes: Processes) -> tuple[RunResult, RunResult]:
    stages = _in_folder(stages, processes.gather(stages.folder)[0])
    to_go_on = f"vifi bridge --resume {stages.folder} goes on from here"
    is_new = not stages.prompt.is_begun
    if is_new and processes.is_first:
        stages.prompt.folder.begin(stages.prompt.config)
    try:
        tuned = carry_out(stages.finetune, processes, to_go_on)
    except BaseException:
        if is_new and processes.is_first and not stages.finetune.folder.is_begun():
            stages.prompt.folder.withdraw()
        raise
    return tuned, carry_out(replace(stages.prompt, is_begun=True), processes, to_go_on)


def _show(stages: Bridge, tuned: RunResult, prompted: RunResult, *, as_json: bool) -> None:
    if as_json:
        output.document(
            {
                "model": str(stages.prompt.folder.best),
                "run": str(stages.folder),
                "finetune": result_document(stages.finetune.folder, tuned),
                "prompt": result_document(stages.prompt.folder, prompted),
            }
        )
        return
    rows = [
        *_rows("before", tuned.before, None),
        *_rows("fine-tuned", tuned.val, tuned.test),
        *_rows("prompted", prompted.val, prompted.test),
    ]
    output.rows(("", "videos", "split", "top-1", "top-5"), rows, right=("videos", "top-1", "top-5"))
    best = stages.prompt.folder.best
    output.facts([("Model", str(best)), *use_facts(stages.prompt.config, best)])


def _rows(name: str, val: Scores | None, test: Scores | None) -> list[tuple[str, ...]]:
    told = [scores for scores in dict.fromkeys((val, test)) if scores and scores.videos]
    return [
        (name, f"{scores.videos:,}", scores.split, f"{scores.top1:.1%}", f"{scores.top5:.1%}")
        for scores in told
    ]
