"""What a command that trains is asked for, turned into a run: data, recipe, model and folder."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vifi_cli.cli.models.download import fetch_model
from vifi_cli.cli.terminal import output
from vifi_cli.cli.training.recipe import prompt_recipe_of as prompt_recipe_of
from vifi_cli.cli.training.recipe import recipe_of as recipe_of
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.data.labeled_videos import LabeledVideos
    from vifi_cli.data.setting import Setting
    from vifi_cli.training.recipe.recipe import Change, Protocol, Tune
    from vifi_cli.training.run.folder import RunConfig, RunFolder

RUNS = Path("runs")


@dataclass(frozen=True, slots=True)
class FinetuneRequest:
    """What the user asked for; None leaves the choice to vifi.

    With the method `prompt` prompts are learned and the model itself stays as it is; `tune` are then the towers that
    get prompts.
    """

    data: str | None
    data_root: Path | None
    setting: str
    start_from: str | None
    tune: Tune | None
    fusion: str | None
    protocol: Protocol
    changes: tuple[Change, ...]
    folder: Path | None
    method: Literal["finetune", "prompt"] = "finetune"


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A run that can begin or go on.

    Attributes:
        folder: where it is kept.
        config: what it is made of.
        data: its videos.
        is_begun: whether its configuration is in the folder already.
        is_resumed: whether it goes on from what was saved.
    """

    folder: RunFolder
    config: RunConfig
    data: LabeledVideos
    is_begun: bool = False
    is_resumed: bool = False


def prepare_run(request: FinetuneRequest) -> PreparedRun:
    """Finds data, recipe and model for a new run.

    Raises:
        InvalidInput: something asked for makes no sense.
    """
    from vifi_cli.data.source import DataSource
    from vifi_cli.training.recipe.recipe import heed_sides
    from vifi_cli.training.run.folder import RunConfig, RunFolder

    if not request.data:
        raise InvalidInput("--data is missing: name a data set, a folder with a folder per class, or a table")
    setting_of_data(request.setting)  # before a recipe is looked for by its name
    recipe = recipe_of(request)
    model = _model(request.start_from)
    data = load_data(request.data, request.data_root, request.setting, recipe.seed, protocol=request.protocol)
    fetch_model(model)
    if request.method == "prompt":
        recipe = prompt_recipe_of(request, model, say)
    if request.protocol == "default":
        heeded = heed_sides(recipe, data)
        if heeded != recipe:
            say("clips are not mirrored: class names tell left from right")
        recipe = heeded
    config = RunConfig(
        model=model,
        data=str(DataSource.parse(request.data).absolute()),
        data_root=str(request.data_root or ""),
        setting=request.setting,
        protocol=request.protocol,
        recipe=recipe,
        videos=digest_of(data),
    )
    return PreparedRun(RunFolder(request.folder or new_run_folder(data.name)), config, data)


def new_run_folder(data_name: str) -> Path:
    """Where a run is kept that the user names no folder for."""
    return RUNS.absolute() / f"{slug(data_name)}-{datetime.now():%Y%m%d-%H%M%S}"


def resumed_run(path: Path, data_root: Path | None, changes: Sequence[Change]) -> PreparedRun:
    """Finds what an interrupted run needs to go on.

    Raises:
        InvalidInput: there is no such run, its videos are not what they were, or something is asked for that a
            run cannot change on its way.
    """
    from vifi_cli.training.run.folder import RunFolder

    folder = RunFolder(path)
    config = resumed_config(folder, changes)
    root = data_root or (Path(config.data_root) if config.data_root else None)
    videos = load_data(config.data, root, config.setting, config.recipe.seed, protocol=config.protocol)
    if digest_of(videos) != config.videos:
        raise InvalidInput(
            f"the videos of {config.data} are not those that {path} began with: start a new run with --from "
            f"{folder.last}"
        )
    return PreparedRun(folder, config, videos, is_begun=True, is_resumed=folder.state.exists())


def resumed_config(folder: RunFolder, changes: Sequence[Change]) -> RunConfig:
    """The configuration of a run that goes on, its runtime changed as the user wants.

    Raises:
        InvalidInput: there is no such run, or something is to be changed that a run cannot change on its way.
    """
    from dataclasses import replace

    from vifi_cli.training.recipe.recipe import with_changes

    config = folder.read_config()
    recipe = with_changes(config.recipe, changes)
    if replace(recipe, runtime=config.recipe.runtime) != config.recipe:
        raise InvalidInput(
            "a run goes on with the recipe it began with: only runtime.* can be changed on its way"
        )
    return replace(config, recipe=recipe)


def taken_up(prepared: PreparedRun) -> PreparedRun:
    """The run that is in the folder already, where it is the same one; else the run as it is.

    Raises:
        InvalidInput: the folder holds a run of something else.
    """
    from dataclasses import replace

    folder = prepared.folder
    if not folder.is_begun():
        return prepared
    begun, wanted = folder.read_config(), prepared.config
    if replace(begun, recipe=replace(begun.recipe, runtime=wanted.recipe.runtime)) != wanted:
        raise InvalidInput(
            f"{folder.path} holds a run of something else: name another --output, or delete it"
        )
    return replace(prepared, is_begun=True, is_resumed=folder.state.exists())


def load_data(data: str, root: Path | None, setting: str, seed: int, *, protocol: Protocol) -> LabeledVideos:
    """Loads the videos of a setting as `--data`, `--data-root` and `--setting` name them, and tells what was decided.

    Raises:
        InvalidInput: there are none, or something is wrong with them.
    """
    videos = find_data(data, root, setting, seed, protocol=protocol)
    if is_first_process():
        for remark in videos.remarks:
            output.note(remark)
        if videos.missing:
            output.warning(
                f"{output.counted(len(videos.missing), 'listed video')} not on disk, such as {videos.missing[0]}; "
                "`vifi data check` lists them"
            )
    return videos


def find_data(data: str, root: Path | None, setting: str, seed: int, *, protocol: Protocol) -> LabeledVideos:
    """The videos that `load_data` loads, without a word."""
    from vifi_cli.data.labeled_videos import without_leaks
    from vifi_cli.data.loading import load_labeled_videos
    from vifi_cli.data.source import DataSource

    videos = load_labeled_videos(DataSource.parse(data, root), setting_of_data(setting), seed=seed)
    return without_leaks(videos) if protocol == "default" else videos


def is_first_process() -> bool:
    """Whether this process talks, among those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def digest_of(videos: LabeledVideos) -> str:
    """Says in 16 letters which videos with which classes these are, wherever they lie."""
    digest = hashlib.sha256("\n".join(videos.class_names).encode())
    for split in (videos.train, videos.val, videos.test):
        for video in split:
            digest.update(f"\n{os.fsencode(video.path.name)!r} {video.label}".encode())
        digest.update(b"\n\n")
    return digest.hexdigest()[:16]


def setting_of_data(text: str) -> Setting:
    """The videos that a setting trains on.

    Raises:
        InvalidInput: there is no such setting, or it only tests.
    """
    from vifi_cli.data.public_sets.paper_settings import PAPER_BASE_SHOTS
    from vifi_cli.data.setting import SUPERVISED, Setting

    if text == "few-shot":
        return Setting("few-shot", PAPER_BASE_SHOTS)
    if text in ("supervised", "zero-shot"):
        return SUPERVISED
    if text == "base2novel" or text.startswith("few-shot-"):
        return Setting.parse(text)
    raise InvalidInput(f"--setting {text}: the settings are supervised, few-shot-K, base2novel and zero-shot")


def _model(asked: str | None) -> str:
    from vifi_cli.model.registry.hub import choose_default_model
    from vifi_cli.model.registry.source import resolve_model

    if asked is None:
        asked, reason = choose_default_model()
        say(f"model: {asked} ({reason})")
    return resolve_model(asked).name


def say(message: str) -> None:
    """Says something to the user, once where there are several processes."""
    if is_first_process():
        output.note(message)


def slug(name: str) -> str:
    """A name for a folder made of the last part of a path."""
    return re.sub(r"\W+", "-", Path(name).stem or name).strip("-").lower() or "run"
