"""Fine-tunes a model, then learns prompts for the result: the paper's "bridge and prompt"."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

from vifi_cli import stop_signals
from vifi_cli.api.feedback import AUTOMATIC, Feedback, of_first_process
from vifi_cli.api.training.prepare import (
    PreparedRun,
    Resumption,
    check_test_is_unseen,
    new_run_folder,
    prepare_run,
    require_named_output,
    restarted_run,
    resumed_config,
    resumed_run,
)
from vifi_cli.api.training.request import (
    TrainingOptions,
    TrainingRequest,
    as_changes,
    prompt_recipe_of,
    training_request,
)
from vifi_cli.api.training.run import Interrupted, carry_out
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path
from vifi_cli.training.engine.processes.distributed import Processes, joined_processes
from vifi_cli.training.recipe.changes import Change, changes_of_stage
from vifi_cli.training.run.folder import RunFolder
from vifi_cli.training.run.model import check_class_texts
from vifi_cli.training.run.reports import RunResult


@dataclass(frozen=True, slots=True, repr=False)
class BridgeResult:
    """The results of both stages."""

    run: Path  # the folder of both
    finetune: RunResult
    prompt: RunResult

    @property
    def model(self) -> Path:
        """The folder of the best model."""
        return self.prompt.model

    def __repr__(self) -> str:
        return f"<BridgeResult {self.run}: {self.finetune!r}, then {self.prompt!r}>"


def bridge(
    data: Path | str | None = None,
    model: Path | str | None = None,
    *,
    device: str = "auto",
    feedback: Feedback = AUTOMATIC,
    **options: Unpack[TrainingOptions],
) -> BridgeResult:
    """Fine-tune a model on labeled videos, then learn prompts for the result.

    `recipe=["finetune.epochs=3"]` changes the first stage, `prompt.epochs=5` the second, `seed=3` both; `tune` names
    the towers that get prompts. Arguments and errors are those of `finetune`; `resume_bridge` continues after Ctrl-C.
    """
    request = training_request(data, model, "finetune", options, feedback=feedback)
    finetune, prompt = prepared_stages(request, of_first_process(feedback))
    with joined_processes(device, of_first_process(feedback).note) as processes:
        return _carry_out(finetune, prompt, processes, feedback)


def resume_bridge(
    run: Path | str,
    *,
    recipe: Sequence[Change] = (),
    data: Path | str | None = None,
    data_root: Path | str | None = None,
    device: str = "auto",
    feedback: Feedback = AUTOMATIC,
) -> BridgeResult:
    """Continue an interrupted run of `bridge`; arguments and errors are those of `resume_training`."""
    how = Resumption(as_changes(recipe), data, data_root)
    finetune, prompt = _resumed(given_path(run), how, of_first_process(feedback))
    with joined_processes(device, of_first_process(feedback).note) as processes:
        return _carry_out(finetune, prompt, processes, feedback)


def prepared_stages(request: TrainingRequest, feedback: Feedback) -> tuple[PreparedRun, PreparedRun]:
    """Prepare both stages, so that a mistake in the second is reported before the first one runs."""
    require_named_output(request.output)
    changes = tuple(changes_of_stage(request.recipe, "finetune"))
    first = prepare_run(replace(request, tune=None, recipe=changes), feedback)
    if first.config.recipe.lora.rank:
        raise InvalidInput("recipe: a bridge learns prompts for full weights: omit lora-small and lora.rank")
    check_test_is_unseen(first)
    run = request.output or new_run_folder(first.data.name)
    changes = tuple(changes_of_stage(request.recipe, "prompt"))
    # the first stage changes only weights, so its start has the layers of its result
    recipe = prompt_recipe_of(replace(request, recipe=changes, method="prompt"), first.config.model, feedback)
    if recipe.seed != first.config.recipe.seed:
        raise InvalidInput(
            "recipe: finetune.seed and prompt.seed must be equal: the seed decides which videos are held out"
        )
    texts = None if recipe.prompts.text_context else request.texts
    if request.texts and not texts:
        feedback.note(
            f"{request.texts.name} is for the first stage: learned text prompts take bare class names"
        )
    config = replace(first.config, recipe=recipe, texts=texts)
    prompting = PreparedRun(RunFolder(run / "prompt"), config, first.data)
    with feedback.busy("Checking the class texts"):
        check_class_texts(prompting.config, first.data)
    return first, prompting


def _resumed(run: Path, how: Resumption, feedback: Feedback) -> tuple[PreparedRun, PreparedRun]:
    second = RunFolder(run / "prompt")
    if not second.is_begun():
        raise InvalidInput(
            f"{run} is not a run of two stages: it holds no prompt/config.toml; see `vifi finetune --resume`"
        )
    config = resumed_config(second, replace(how, changes=changes_of_stage(how.changes, "prompt")))
    of_first = replace(how, changes=changes_of_stage(how.changes, "finetune"))
    first = resumed_run(run / "finetune", of_first, feedback)
    return first, PreparedRun(second, config, first.data, is_begun=True)


def _carry_out(
    finetune: PreparedRun, prompt: PreparedRun, processes: Processes, feedback: Feedback
) -> BridgeResult:
    """Carry out both stages; the second starts from the best model of the first."""
    # each process has named a new folder by its own clock, and an old one may have moved
    run = processes.gather(prompt.folder.path.parent)[0]
    finetune = restarted_run(replace(finetune, folder=RunFolder(run / "finetune")))
    config = replace(prompt.config, model=str(finetune.folder.best))
    prompt = restarted_run(replace(prompt, folder=RunFolder(run / "prompt"), config=config))
    is_new = not prompt.is_begun
    if is_new and processes.is_first:
        prompt.folder.begin(config)
    try:
        tuned = carry_out(finetune, processes, feedback)
        prompted = carry_out(replace(prompt, is_begun=True), processes, feedback)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and finetune.folder.state.exists():
            raise Interrupted(run, stop_signals.number_of(error)) from error
        if is_new and processes.is_first and not finetune.folder.is_begun():
            prompt.folder.withdraw()
        raise
    return BridgeResult(run, tuned, prompted)
