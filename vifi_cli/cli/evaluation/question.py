"""What `vifi eval` is asked: the models, the data and the setting, from flags or from the newest run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.cli.evaluation.learned import run_of
from vifi_cli.cli.terminal import output
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.data.labeled_videos import LabeledVideos
    from vifi_cli.data.setting import Setting
    from vifi_cli.data.source import DataSource
    from vifi_cli.evaluation.testing.paper_settings import TestList, Trial
    from vifi_cli.training.recipe.recipe import Protocol, Recipe
    from vifi_cli.training.run.folder import RunConfig


@dataclass(frozen=True, slots=True)
class EvalRequest:
    """What the user asked for; None leaves the choice to vifi.

    Attributes:
        methods: to be trained and compared; empty where nothing is trained.
        setting: of the paper.
        models: to be tested, or the one that training starts from.
        data: as `--data` has it.
        protocol: how closely the published code is followed.
        texts: other texts for the classes, a file or a name.
        changes: of the recipe.
    """

    methods: tuple[str, ...]
    setting: str | None
    models: tuple[str, ...]
    data: str | None
    protocol: Protocol
    texts: str | None = None
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What is evaluated.

    Attributes:
        setting: of the paper.
        data: where the videos come from, absolute where it is a path.
        models: their names, absolute where they are paths; the first is what training starts from.
        protocol: how closely the published code is followed.
        changes: of the recipes of both stages of training.
        recipe: how clips are read, and the frames of a clip.
        seed: of what is drawn from the data.
    """

    setting: Setting
    data: DataSource
    models: tuple[str, ...]
    protocol: Protocol
    changes: tuple[str, ...]
    recipe: Recipe
    seed: int


def settle(request: EvalRequest) -> Question:
    """Fill in what was not said, from the run that the first model lies in, or from the newest one; and say so.

    Raises:
        InvalidInput: there is no run, or something asked for makes no sense.
    """
    from vifi_cli.api.feedback import is_first_process
    from vifi_cli.data.source import DataSource
    from vifi_cli.evaluation.testing.paper_settings import read_setting
    from vifi_cli.model.registry.source import resolve_model

    run = None if request.methods else _run(request)
    models = request.models or _models(request)
    data = request.data or (run.data if run else None)
    if data is None:
        raise InvalidInput("--data is missing: name a data set, a folder with a folder per class, or a table")
    setting = request.setting or (run.setting if run else None)
    if setting is None:
        raise InvalidInput(
            "--setting is missing: zero-shot, base2novel, few-shot, supervised or retrieval says how to test"
        )
    tested = read_setting(setting)
    source = DataSource.parse(data).absolute()
    models = tuple(resolve_model(model).name for model in models)
    is_of_run = run is not None and run.data == str(source)
    changes = _with_small_recipes(request.changes, tested, source, request.protocol)
    recipe = _recipe(changes, tested, source, request.protocol)
    seed = run.recipe.seed if run and is_of_run else recipe.seed
    frames = run.recipe.frames if run and request.protocol == "default" else recipe.frames
    root = Path(run.data_root) if run and is_of_run and run.data_root else None
    shown = ", ".join(models)
    if is_first_process():
        verb = "training starts from" if request.methods else "model"
        output.note(f"{verb}: {shown}; data: {source}; setting: {setting}")
    recipe = replace(recipe, frames=frames)
    return Question(tested, replace(source, root=root), models, request.protocol, changes, recipe, seed)


def _run(request: EvalRequest) -> RunConfig | None:
    """The run that says what the user did not."""
    from vifi_cli.training.run.folder import RUNS, newest_run

    if request.models:
        return run_of(request.models[0])
    run = newest_run(RUNS)
    if run is None:
        raise InvalidInput(
            f"there is no run below {RUNS}/ to evaluate: name a model with --model and videos with --data"
        )
    return run.read_config()


def _models(request: EvalRequest) -> tuple[str, ...]:
    from vifi_cli.model.registry.hub import choose_default_model
    from vifi_cli.training.run.folder import RUNS, newest_run

    if request.methods:
        return (choose_default_model()[0],)
    run = newest_run(RUNS)
    return (str(run.best.absolute()),) if run else ()


def _recipe(changes: tuple[str, ...], setting: Setting, data: DataSource, protocol: Protocol) -> Recipe:
    """The recipe that would train for this setting: it says how clips are read, and how many frames they have."""
    from vifi_cli.api.training.request import TrainingRequest, recipe_of
    from vifi_cli.training.recipe.changes import changes_of_stage

    own = tuple(changes_of_stage(changes, "finetune"))
    return recipe_of(TrainingRequest(data, setting=setting, protocol=protocol, recipe=own))


def _with_small_recipes(
    changes: tuple[str, ...], setting: Setting, data: DataSource, protocol: Protocol
) -> tuple[str, ...]:
    """The user's changes, after the recipes for small data where the data is the user's own.

    Those of the paper's settings take steps too small and too few for it.
    """
    is_small = protocol == "default" and setting.name != "zero-shot" and not data.is_public_set
    return (*(("small", "prompt-small") if is_small else ()), *changes)


def trials_of(question: Question, *, trains: bool) -> tuple[Trial, ...]:
    """What is trained and tested."""
    from vifi_cli.evaluation.testing.paper_settings import plan_trials

    data = question.data
    return plan_trials(
        question.setting,
        trains=trains,
        splits=data.official_splits,
        split=data.split,
        is_named=data.is_public_set,
    )


def find_list(question: Question, trial: Trial, wanted: TestList) -> LabeledVideos:
    """The videos of a list, all of them in `test`.

    Raises:
        InvalidInput: there is no such list, or it cannot be tested.
    """
    from vifi_cli.data.labeled_videos import require_usable
    from vifi_cli.data.loading import read_labeled_videos

    seed = question.seed if trial.seed is None else trial.seed
    source = replace(question.data, split=wanted.split)
    videos = read_labeled_videos(source, wanted.setting, seed=seed)
    if wanted.name in ("base", "novel") and len(videos.class_names) < 2:
        raise InvalidInput(
            f"{videos.name} has too few classes for base2novel: two are needed to learn and two others to test"
        )
    tests = videos.test or videos.val
    if not tests and videos.train:
        raise InvalidInput(f"{videos.name} has no test video: `vifi data split` holds some out")
    tested = replace(videos, train=(), val=(), test=tests)
    require_usable(tested)
    return tested
