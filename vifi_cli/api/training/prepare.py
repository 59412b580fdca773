"""Prepares a run to begin or continue: its data, recipe, model and folder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from vifi_cli.api.feedback import Feedback
from vifi_cli.api.models.weights import fetch_model
from vifi_cli.api.training.data import digest_of, load_data
from vifi_cli.api.training.request import TrainingRequest, prompt_recipe_of, recipe_of
from vifi_cli.data.labeled_videos import LabeledVideos
from vifi_cli.data.setting import Setting
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.paths import slug
from vifi_cli.training.recipe.changes import Change, with_changes, without_mirroring_sides
from vifi_cli.training.run.folder import RUNS, RunConfig, RunFolder


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A run that can begin or continue."""

    folder: RunFolder
    config: RunConfig
    data: LabeledVideos
    is_begun: bool = False  # whether the configuration is in the folder already
    is_resumed: bool = False  # whether it continues from a saved state


def prepare_run(request: TrainingRequest, feedback: Feedback) -> PreparedRun:
    """Find data, recipe and model for a new run.

    Raises:
        InvalidInput: something in the request is wrong.
    """
    recipe = recipe_of(request)
    if request.model:
        resolve_model(request.model)  # a misspelt name is reported before the data is read
    data = load_data(request.data, request.setting, recipe.seed, protocol=request.protocol, feedback=feedback)
    model = fetch_model(request.model, feedback).name
    if request.method == "prompt":
        recipe = prompt_recipe_of(request, model, feedback)
    if request.protocol == "default":
        unmirrored = without_mirroring_sides(recipe, data)
        if unmirrored != recipe:
            feedback.note("clips are not mirrored: class names tell left from right")
        recipe = unmirrored
    config = RunConfig(
        model=model,
        data=str(request.data.absolute()),
        data_root=str(request.data.root or ""),
        setting=str(request.setting),
        protocol=request.protocol,
        recipe=recipe,
        videos=digest_of(data),
    )
    return PreparedRun(RunFolder(request.output or new_run_folder(data.name)), config, data)


def new_run_folder(data_name: str) -> Path:
    """The folder of a run without --output."""
    return RUNS.absolute() / f"{slug(data_name)}-{datetime.now():%Y%m%d-%H%M%S}"


def resumed_run(
    path: Path, data_root: Path | None, changes: Sequence[Change], feedback: Feedback
) -> PreparedRun:
    """Find data and recipe of an interrupted run.

    Without `data_root`, public sets are where they were; `changes` can only concern the recipe's runtime.

    Raises:
        InvalidInput: there is no such run, its videos have changed, or a change concerns more than the runtime.
    """
    folder = RunFolder(path)
    config = resumed_config(folder, changes)
    source = config.source if data_root is None else replace(config.source, root=data_root)
    setting, protocol = Setting.parse(config.setting), config.protocol
    videos = load_data(source, setting, config.recipe.seed, protocol=protocol, feedback=feedback)
    if digest_of(videos) != config.videos:
        raise InvalidInput(
            f"the videos of {config.data} are not those that {path} began with: start a new run with --model "
            f"{folder.last}"
        )
    return PreparedRun(folder, config, videos, is_begun=True, is_resumed=folder.state.exists())


def resumed_config(folder: RunFolder, changes: Sequence[Change]) -> RunConfig:
    """The configuration of an interrupted run, with the user's changes of its runtime.

    Raises:
        InvalidInput: there is no such run, or a change concerns more than the runtime.
    """
    config = folder.read_config()
    recipe = with_changes(config.recipe, changes)
    if replace(recipe, runtime=config.recipe.runtime) != config.recipe:
        raise InvalidInput("a run continues with the recipe it began with: only runtime.* can be changed")
    return replace(config, recipe=recipe)


def continued_run(prepared: PreparedRun) -> PreparedRun:
    """Continue the run in the folder if it has the same configuration; a run in a new folder stays as it is.

    Raises:
        InvalidInput: the folder holds another run.
    """
    folder = prepared.folder
    if not folder.is_begun():
        return prepared
    begun, wanted = folder.read_config(), prepared.config
    if replace(begun, recipe=replace(begun.recipe, runtime=wanted.recipe.runtime)) != wanted:
        raise InvalidInput(
            f"{folder.path} holds a run of something else: name another --output, or delete it"
        )
    return replace(prepared, is_begun=True, is_resumed=folder.state.exists())
