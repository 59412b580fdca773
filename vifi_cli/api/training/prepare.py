"""Prepares a run to begin or continue: its data, recipe, model and folder."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from vifi_cli.api.feedback import Feedback
from vifi_cli.api.models.choosing import choose_start_of_training
from vifi_cli.api.models.weights import fetch_model
from vifi_cli.api.training.request import TrainingRequest, as_changes, prompt_recipe_of, recipe_of
from vifi_cli.data.labeled_videos import LabeledVideos, shows_several_classes
from vifi_cli.data.leaks import without_leaks
from vifi_cli.data.loading import load_labeled_videos
from vifi_cli.data.paper_setting import PAPER_BASE_SHOTS, SUPERVISED, Setting
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput, VideoOutOfReach
from vifi_cli.evaluation.testing.class_texts import texts_of_classes
from vifi_cli.model.registry.languages import class_language_hint
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.paths import RUNS, given_path, slug
from vifi_cli.training.engine.processes.launch import may_start_again, must_name_output
from vifi_cli.training.recipe.changes import Change, with_changes, without_mirroring_sides
from vifi_cli.training.recipe.recipe import Protocol
from vifi_cli.training.run.folder import RunConfig, RunFolder
from vifi_cli.video.files.digests import equal_files
from vifi_cli.wording import as_argument, counted


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A run that can begin or continue."""

    folder: RunFolder
    config: RunConfig
    data: LabeledVideos
    is_begun: bool = False  # whether the configuration is in the folder already


def prepare_run(request: TrainingRequest, feedback: Feedback) -> PreparedRun:
    """Find data, recipe and model for a new run."""
    recipe = recipe_of(request)
    start = choose_start_of_training(request.model, of_prompts=request.method == "prompt")
    with start.explained():
        resolve_model(start.name)  # a misspelt name is reported before the data is read
    data = load_data(request.data, request.setting, recipe.seed, protocol=request.protocol, feedback=feedback)
    if recipe.class_balance and shows_several_classes(data.train):
        raise InvalidInput(
            f"recipe: class_balance draws videos class by class, but videos of {data.name} show several classes: "
            "omit it"
        )
    if request.texts:
        texts_by_class = tuple(texts_of_classes(data.class_names, request.texts))
    model = start.fetch(feedback).name
    read = [text for texts in texts_by_class for text in texts] if request.texts else data.class_names
    if hint := class_language_hint(model, read):
        feedback.warn(hint)
    if request.method == "prompt":
        recipe = prompt_recipe_of(request, model, feedback)
        if request.texts and recipe.prompts.text_context:
            raise InvalidInput(
                f"--texts {request.texts.name}: learned text prompts take bare class names; omit --texts, or learn "
                "prompts for the image tower alone with --side image"
            )
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
        classes=_classes_of(request, data),
        texts=request.texts,
    )
    return PreparedRun(RunFolder(request.output or new_run_folder(data.name)), config, data)


def _classes_of(request: TrainingRequest, data: LabeledVideos) -> tuple[str, ...]:
    """The choice of classes, with names for `present`, so that a resumed run keeps them whatever has arrived since.

    In the base-to-novel setting the choice stays as it is, because it is for the novel classes too.
    """
    if request.setting.name == "base2novel":
        return request.data.classes
    return data.class_names if data.left_out else ()


def check_test_is_unseen(run: PreparedRun) -> None:
    """Checks, before a run is trained, that its own test will be accepted.

    Raises:
        InvalidInput: training videos show scenes or persons of the test.
    """
    source, data = run.config.source, run.data
    if source.is_public_set or run.config.protocol != "default":
        return
    tested = {video.group: video for video in data.test if video.group}
    leaks = [video for video in data.train if video.group in tested]
    if leaks:
        first = leaks[0]
        raise InvalidInput(
            f"{counted(len(leaks), 'training video')} of {data.name} show scenes or persons of the test, such as "
            f"{first.name} and {tested[first.group].name}: draw splits that keep them apart with "
            f"{source.command_to_split}"
        )


def new_run_folder(data_name: str) -> Path:
    """The folder of a run without --output."""
    return RUNS.absolute() / f"{slug(data_name)}-{datetime.now():%Y%m%d-%H%M%S}"


@dataclass(frozen=True, slots=True)
class Resumption:
    """How an interrupted run continues: with a changed runtime, or with data that is in another place now."""

    changes: Sequence[Change] = ()
    data: Path | str | None = None  # the place of the data, if it was moved
    data_root: Path | str | None = None  # of public sets or of the videos of a list, if they were moved


def resumed_run(path: Path | str, how: Resumption, feedback: Feedback) -> PreparedRun:
    """Find data and recipe of an interrupted run, whose videos must be those that it began with."""
    folder = RunFolder(given_path(path))
    config = resumed_config(folder, how)
    setting, protocol = Setting.parse(config.setting), config.protocol
    try:
        videos = load_data(config.source, setting, config.recipe.seed, protocol=protocol, feedback=feedback)
    except (InvalidInput, VideoOutOfReach) as error:
        if config.source.is_public_set or Path(config.source.name).exists():
            raise
        raise InvalidInput(f"{error}; if the data was moved, name its new place with --data") from error
    if digest_of(videos) != config.videos:
        raise InvalidInput(
            f"the videos of {config.data} are not those that {folder.path} began with: name the place of those with "
            f"--data or --data-root, or start a new run with --model {as_argument(folder.last)}"
        )
    fetch_model(config.model, feedback)
    return PreparedRun(folder, config, videos, is_begun=True)


def resumed_config(folder: RunFolder, how: Resumption) -> RunConfig:
    """The configuration of an interrupted run, with what the user changes of it: the runtime, and where the data is."""
    config = folder.read_config()
    recipe = with_changes(config.recipe, as_changes(how.changes))
    if replace(recipe, runtime=config.recipe.runtime) != config.recipe:
        raise InvalidInput("a run continues with the recipe it began with: only runtime.* can be changed")
    if how.data is not None:
        config = replace(config, data=str(DataSource.parse(str(how.data)).absolute()))
    if how.data_root is not None:
        config = replace(config, data_root=str(given_path(how.data_root)))
    return replace(config, recipe=recipe)


def continued_run(prepared: PreparedRun) -> PreparedRun:
    """Continue the run in the folder, which must have the same configuration; in a new folder, begin."""
    if not prepared.folder.is_begun():
        return prepared
    if not _is_same(prepared.folder.read_config(), prepared.config):
        raise InvalidInput(f"{prepared.folder.path} holds another run: name another --output, or delete it")
    return replace(prepared, is_begun=True)


def restarted_run(prepared: PreparedRun) -> PreparedRun:
    """The run that this very command has begun before, if torchrun or SLURM has started it again; else as it is.

    In a folder with another run it does not begin, so that `RunFolder.begin` refuses it.
    """
    folder = prepared.folder
    if prepared.is_begun or not (may_start_again() and folder.is_begun()):
        return prepared
    return replace(prepared, is_begun=_is_same(folder.read_config(), prepared.config))


def require_named_output(output: Path | None) -> None:
    """Raise InvalidInput if torchrun may start a run again that has no --output, in which it would go on."""
    if output is None and must_name_output():
        raise InvalidInput(
            "torchrun may restart this run: name its folder with --output, so that it goes on there"
        )


def _is_same(begun: RunConfig, wanted: RunConfig) -> bool:
    return replace(begun, recipe=replace(begun.recipe, runtime=wanted.recipe.runtime)) == wanted


def load_data(
    data: DataSource, setting: Setting, seed: int, *, protocol: Protocol, feedback: Feedback
) -> LabeledVideos:
    """Load the videos of a setting and report what was decided about them."""
    videos = find_data(data, setting, seed, protocol=protocol)
    for remark in videos.remarks:
        feedback.note(remark)
    if videos.missing:
        feedback.warn(
            f"{counted(len(videos.missing), 'listed video')} not on disk, such as {videos.missing[0]}; "
            "`vifi data check` lists them"
        )
    return videos


def find_data(data: DataSource, setting: Setting, seed: int, *, protocol: Protocol) -> LabeledVideos:
    """The videos that `load_data` loads, without reporting anything."""
    videos = load_labeled_videos(data, _training_setting(setting), seed=seed)
    if protocol != "default":
        return videos
    copies = () if data.is_public_set else equal_files(video.path for video in videos.all_videos())
    return without_leaks(videos, copies)


def _training_setting(setting: Setting) -> Setting:
    """The videos that a setting of the paper trains on: zero-shot trains on all of another set."""
    if setting.name == "few-shot":
        return Setting("few-shot", setting.shots or PAPER_BASE_SHOTS)
    if setting.name == "novel":
        raise InvalidInput("--setting novel: choose supervised, few-shot-K, base2novel or zero-shot")
    return setting if setting.name == "base2novel" else SUPERVISED


def digest_of(videos: LabeledVideos) -> str:
    """16 hex digits that identify these videos with these classes, wherever they are stored."""
    digest = hashlib.sha256("\n".join(videos.class_names).encode())
    for split in (videos.train, videos.val, videos.test):
        for video in split:
            part = f" {video.part.start_seconds}-{video.part.end_seconds}" if video.is_moment else ""
            labels = ",".join(map(str, video.labels))
            digest.update(f"\n{os.fsencode(video.path.name)!r} {labels}{part}".encode())
        digest.update(b"\n\n")
    return digest.hexdigest()[:16]
