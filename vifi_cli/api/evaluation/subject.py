"""What is evaluated: models, data and setting, resolved once from a request or from a run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vifi_cli.api.evaluation.leaks import run_of
from vifi_cli.api.evaluation.request import EvaluationRequest
from vifi_cli.api.feedback import Feedback
from vifi_cli.api.training.request import TrainingRequest, recipe_of
from vifi_cli.data.setting import Setting
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.testing.paper_settings import read_setting
from vifi_cli.model.registry.hub import choose_default_model
from vifi_cli.model.registry.source import ModelSource, resolve_model
from vifi_cli.training.recipe.changes import Change, changes_of_stage
from vifi_cli.training.recipe.recipe import Protocol, Recipe
from vifi_cli.training.run.folder import RUNS, RunConfig, newest_run

NO_DATA = "--data is missing: name a data set, a folder with a folder per class, or a table"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is evaluated.

    Attributes:
        setting: of the paper.
        data: where the videos come from, with absolute paths.
        models: training starts from the first.
        protocol: `paper` follows the published code in every detail.
        changes: of the recipes of both stages of training.
        recipe: how clips are read, with the number of frames per clip.
        seed: of what is drawn from the data.
    """

    setting: Setting
    data: DataSource
    models: tuple[ModelSource, ...]
    protocol: Protocol
    changes: tuple[Change, ...]
    recipe: Recipe
    seed: int

    @property
    def model_names(self) -> str:
        """The names of the models in a row."""
        return ", ".join(model.name for model in self.models)


def resolve(request: EvaluationRequest, feedback: Feedback) -> Subject:
    """Takes what the request leaves open from the run of the first model, or from the newest run.

    Raises:
        InvalidInput: a run is needed and missing, or the request makes no sense.
    """
    run, models = (None, request.models) if request.methods else run_and_models(request.models)
    models = models or (choose_default_model()[0],)
    data = request.data or (run.source if run else None)
    setting = request.setting or (run.setting if run else None)
    if data is None:
        raise InvalidInput(NO_DATA)
    if setting is None:
        raise InvalidInput(
            "--setting is missing: name zero-shot, base2novel, few-shot, supervised or retrieval"
        )
    subject = subject_of(read_setting(setting), data, models, run, request.protocol, request.recipe)
    what = "training starts from" if request.methods else "model"
    feedback.note(
        f"{what}: {', '.join(model.name for model in subject.models)}; data: {subject.data}; setting: {setting}"
    )
    return subject


def run_and_models(models: Sequence[str]) -> tuple[RunConfig | None, tuple[str, ...]]:
    """The run of the first model, if it has one; without models, the newest run and its best model.

    Raises:
        InvalidInput: there is neither a model nor a run.
    """
    if models:
        return run_of(models[0]), tuple(models)
    run = newest_run(RUNS)
    if run is None:
        raise InvalidInput(
            f"{RUNS}/ has no run to evaluate: name a model with --model and videos with --data"
        )
    return run.read_config(), (str(run.best.absolute()),)


def subject_of(
    setting: Setting,
    data: DataSource,
    models: Sequence[str],
    run: RunConfig | None = None,
    protocol: Protocol = "default",
    changes: tuple[Change, ...] = (),
) -> Subject:
    """Resolves names and paths, and decides how clips are read.

    The seed and the data root of `run` apply to its own data, its number of frames to all data.
    """
    source = data.absolute()
    is_of_run = run is not None and run.data == str(source)
    changes = _with_small_recipes(changes, setting, source, protocol)
    recipe = _recipe(changes, setting, source, protocol)
    seed = run.recipe.seed if run and is_of_run else recipe.seed
    frames = run.recipe.frames if run and protocol == "default" else recipe.frames
    if run and is_of_run and run.data_root:
        source = replace(source, root=source.root or Path(run.data_root))
    resolved = tuple(resolve_model(model) for model in models)
    return Subject(setting, source, resolved, protocol, changes, replace(recipe, frames=frames), seed)


def _recipe(changes: tuple[Change, ...], setting: Setting, data: DataSource, protocol: Protocol) -> Recipe:
    """The recipe that would train in this setting: it decides how clips are read, and their frames."""
    own = tuple(changes_of_stage(changes, "finetune"))
    return recipe_of(TrainingRequest(data, setting=setting, protocol=protocol, recipe=own))


def _with_small_recipes(
    changes: tuple[Change, ...], setting: Setting, data: DataSource, protocol: Protocol
) -> tuple[Change, ...]:
    """The changes, after the recipes for small data if the data is the user's own.

    The recipes of the paper's settings take too few and too small steps for small data.
    """
    is_small = protocol == "default" and setting.name != "zero-shot" and not data.is_public_set
    return (*(("small", "prompt-small") if is_small else ()), *changes)


def shown_model(model: str) -> str:
    """A model's name for people: paths in the working folder are relative to it."""
    path = Path(model)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else model
