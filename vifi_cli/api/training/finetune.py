"""Fine-tuning and prompt tuning as functions for programs, which `vifi finetune` and `vifi prompt-tune` call."""

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from vifi_cli.api.feedback import AUTOMATIC, Feedback, of_first_process
from vifi_cli.api.training.prepare import (
    PreparedRun,
    Resumption,
    check_test_is_unseen,
    prepare_run,
    require_named_output,
    restarted_run,
    resumed_run,
)
from vifi_cli.api.training.request import (
    TrainingOptions,
    TrainingRequest,
    require_heeded_changes,
    training_request,
)
from vifi_cli.api.training.run import carry_out
from vifi_cli.model.registry.card import Fusion
from vifi_cli.training.engine.processes.distributed import joined_processes
from vifi_cli.training.recipe.changes import Change
from vifi_cli.training.run.reports import RunResult


def finetune(
    data: Path | str | None = None,
    model: Path | str | None = None,
    *,
    device: str = "auto",
    feedback: Feedback = AUTOMATIC,
    fusion: Fusion | None = None,
    **options: Unpack[TrainingOptions],
) -> RunResult:
    """Fine-tune a model on labeled videos.

        result = finetune("~/clips", "ViT-B-16", recipe=["epochs=5"])
        result.model  # the folder of the best model, for `index_videos` and `load_model`

    Ctrl-C saves the run and raises `KeyboardInterrupt`; `resume_training` continues it.

    Args:
        data: a folder with a folder per class, a table, or the name of a public set.
        model: to start from; by default the one that `index_videos` takes.
        device: `auto`, `cuda`, `mps` or `cpu`.
        feedback: receives notes and progress.
        fusion: what is averaged over the frames of a clip: embedding (the default), decision or image.
        options: `setting` of the paper: supervised (the default), few-shot-K, base2novel or zero-shot; `tune`, the
            towers that are trained: both (the default), image or text, or a classifier on top of them, linear-probe or
            tip-adapter; `protocol`: default, or paper for the oddities
            of the published code; `recipe`, changes, each the name of a preset, a TOML file, `key=value` or a mapping;
            `texts` of the classes instead of the recipe's template, a JSON file, or `bare`, `short` or `video`;
            `output`, the folder of the run; `data_root`, the folder of public sets, by default the setting; `classes`,
            the only ones to learn: names, `present` for those with videos on disk, or a file of names; `concepts`,
            instead of data: their marked moments are written to a table beside the run, which then learns from them.

    Raises:
        InvalidInput: the data, the model or an option is wrong.
        ModelUnavailable: the model cannot be fetched.
        TrainingDiverged: the loss is not a number.
    """
    request = training_request(data, model, "finetune", options, fusion, feedback)
    return _train(prepared_training(request, feedback), device, feedback)


def prompt_tune(
    data: Path | str | None = None,
    model: Path | str | None = None,
    *,
    device: str = "auto",
    feedback: Feedback = AUTOMATIC,
    **options: Unpack[TrainingOptions],
) -> RunResult:
    """Learn prompts for a model on labeled videos; the model itself does not change.

    `tune="text"` leaves an index of the model valid. Arguments and errors are those of `finetune`.
    """
    request = training_request(data, model, "prompt", options, feedback=feedback)
    return _train(prepared_training(request, feedback), device, feedback)


def resume_training(
    run: Path | str,
    *,
    recipe: Sequence[Change] = (),
    data: Path | str | None = None,
    data_root: Path | str | None = None,
    device: str = "auto",
    feedback: Feedback = AUTOMATIC,
) -> RunResult:
    """Continue an interrupted run of `finetune` or `prompt_tune`, exactly where it stopped.

    `recipe` can only change the runtime, as in `runtime.workers=4`. If the videos were moved, `data` is where the
    folder or table is now, and `data_root` where public sets or the videos of a list are.

    Raises:
        InvalidInput: there is no such run, its videos have changed, or a change concerns more than the runtime.
    """
    resumed = resumed_run(run, Resumption(recipe, data, data_root), of_first_process(feedback))
    return _train(resumed, device, feedback)


def prepared_training(request: TrainingRequest, feedback: Feedback) -> PreparedRun:
    """Prepare one run, of either function."""
    require_named_output(request.output)
    require_heeded_changes(request)
    prepared = restarted_run(prepare_run(request, of_first_process(feedback)))
    check_test_is_unseen(prepared)
    return prepared


def _train(prepared: PreparedRun, device: str, feedback: Feedback) -> RunResult:
    with joined_processes(device, of_first_process(feedback).note) as processes:
        return carry_out(prepared, processes, feedback)
