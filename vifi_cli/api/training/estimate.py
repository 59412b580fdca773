"""Estimates what training would need, without training."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Unpack

from vifi_cli.api.feedback import AUTOMATIC, Feedback, of_first_process
from vifi_cli.api.training.bridge import prepared_stages
from vifi_cli.api.training.concept_data import clips_of_concepts, concept_names, run_folder_of_concepts
from vifi_cli.api.training.finetune import prepared_training
from vifi_cli.api.training.prepare import PreparedRun
from vifi_cli.api.training.request import TrainingOptions, TrainingRequest, training_request
from vifi_cli.api.training.run import require_equal_data
from vifi_cli.data.labeled_videos import LabeledVideos
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import HEADS, Fusion
from vifi_cli.paths import write_obstacle
from vifi_cli.training.engine.processes.distributed import Processes, joined_processes
from vifi_cli.training.run.folder import RunConfig, RunFolder
from vifi_cli.training.run.listener import Listener
from vifi_cli.training.trial_run import RunEstimate, TrialRun

Trained = Literal["finetune", "prompt_tune", "bridge"]


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run that was not carried out: what it would do, and what it would need."""

    folder: Path  # that it would make
    config: RunConfig
    data: LabeledVideos
    estimate: RunEstimate


def estimate_training(
    data: Path | str | None = None,
    model: Path | str | None = None,
    *,
    function: Trained = "finetune",
    device: str = "auto",
    feedback: Feedback = AUTOMATIC,
    fusion: Fusion | None = None,
    **options: Unpack[TrainingOptions],
) -> tuple[PlannedRun, ...]:
    """Estimate what `finetune`, `prompt_tune` or `bridge` would need: memory, disk and time; a bridge has two runs.

    It takes a few steps on the device, and writes nothing but caches. Arguments and errors are those of the function.
    """
    method: Literal["finetune", "prompt"] = "prompt" if function == "prompt_tune" else "finetune"
    heard = of_first_process(feedback)
    with tempfile.TemporaryDirectory() as folder, joined_processes(device, heard.note) as processes:
        if concepts := concept_names(options.pop("concepts", None), data):
            run = run_folder_of_concepts(concepts, options.get("output"))
            data, options["output"] = clips_of_concepts(concepts, Path(folder) / run.name, heard), run
        request = training_request(data, model, method, options, fusion)
        runs = _stages(request, heard) if function == "bridge" else (prepared_training(request, heard),)
        return tuple(_planned(run, request, processes, heard) for run in runs)


def _stages(request: TrainingRequest, feedback: Feedback) -> tuple[PreparedRun, PreparedRun]:
    first, second = prepared_stages(request, feedback)
    return replace(first, folder=RunFolder(second.folder.path.with_name("finetune"))), second


def _planned(
    run: PreparedRun, request: TrainingRequest, processes: Processes, feedback: Feedback
) -> PlannedRun:
    if run.config.recipe.tune in HEADS:
        raise InvalidInput(
            "--dry-run plans steps, and a head takes none: it encodes each video once; train it"
        )
    require_equal_data(run, processes)
    run = replace(run, folder=processes.from_first(lambda: run.folder))
    if processes.is_first and not run.is_begun:
        run.folder.require_unused()
        if reason := write_obstacle(run.folder.path):
            raise InvalidInput(
                f"the run cannot be written to {run.folder.path}: {reason}; name another --output"
            )
    with feedback.busy("Trying a few steps"):
        trial = TrialRun(run.folder, run.config, run.data, processes, Listener(say=feedback.note))
        return PlannedRun(run.folder.path, run.config, run.data, trial.estimate())
