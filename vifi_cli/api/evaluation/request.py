"""What is evaluated: models, methods, data and setting, resolved once from options or from a run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from vifi_cli.api.evaluation.epochs import as_published
from vifi_cli.api.evaluation.leaks.leaks import run_of
from vifi_cli.api.evaluation.options import EvaluationOptions, check_options
from vifi_cli.api.feedback import Feedback
from vifi_cli.api.models.choosing import ChosenModel, choose_model, choose_start_of_training
from vifi_cli.api.training.request import TrainingRequest, as_changes, recipe_of
from vifi_cli.data.loading import read_own_splits
from vifi_cli.data.paper_setting import Setting
from vifi_cli.data.source import DataSource
from vifi_cli.data.splits.class_choice import read_class_choice
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.testing.class_text_files import read_class_texts
from vifi_cli.evaluation.testing.paper_settings import (
    Trial,
    paper_frames,
    paper_views,
    read_seeds,
    read_setting,
)
from vifi_cli.evaluation.testing.views import ONE_VIEW, Views
from vifi_cli.model.registry.class_texts import ClassTexts
from vifi_cli.model.registry.source import ModelSource, resolve_model
from vifi_cli.paths import RUNS, given_path, shown_path
from vifi_cli.settings.settings import load_settings
from vifi_cli.training.recipe.changes import Change, changes_of_stage
from vifi_cli.training.recipe.recipe import Protocol, Recipe
from vifi_cli.training.run.folder import RunConfig, begun_runs, newest_run

ZERO_SHOT_SOURCE = "k400"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is evaluated, with absolute paths.

    Training by `methods`, if any, starts from the first model. `changes` are those of the recipes of both stages of
    training. `recipe` decides how clips are read. `seed` is that of what is drawn from the data. `texts` are other
    class texts to test as well. `frames` of a test clip is None if each model gets as many as in its training.
    """

    setting: Setting
    data: DataSource
    models: tuple[ModelSource, ...]
    protocol: Protocol
    changes: tuple[Change, ...]
    recipe: Recipe
    seed: int
    methods: tuple[str, ...] = ()
    texts: ClassTexts | None = None
    views: Views = ONE_VIEW
    frames: int | None = None
    seeds: tuple[int, ...] = ()

    def seed_of(self, trial: Trial) -> int:
        """The seed of what is drawn in a trial."""
        return self.seed if trial.seed is None else trial.seed

    @property
    def model_names(self) -> str:
        """The names of the models in a row."""
        return ", ".join(model.name for model in self.models)


def resolve(
    models: Path | str | Sequence[Path | str],
    data: Path | str | Sequence[Path | str] | None,
    setting: str | None,
    options: EvaluationOptions,
    feedback: Feedback,
) -> tuple[Subject, ...]:
    """Checks the arguments of `evaluate`, and takes what they leave open from the run of a model or the newest run.

    Each set of data is a subject; all have the same models, methods and setting.

    Raises:
        InvalidInput: a run is needed and missing, or the arguments make no sense.
        TypeError: an option does not exist.
    """
    names = texts_once(models)
    methods, changes = tuple(dict.fromkeys(options.get("methods", ()))), as_changes(options.get("recipe", ()))
    protocol, texts = options.get("protocol", "default"), options.get("texts")
    check_options(options, names, methods, changes, protocol)
    if setting is not None:
        read_setting(setting)  # before anything is looked for
    class_texts = None if texts is None else read_class_texts(texts)
    views = Views.parse(given) if (given := options.get("views")) else None
    sources = _sources(data, options)
    run, names = (None, names) if methods else run_and_models(names, has_data=bool(sources))
    if not sources and run is None:
        refuse_without_data(names)
    sources = sources or _with_classes([run.source] if run else [], options)
    setting = setting or (run.setting if run else None)
    setting = setting or _usual_setting(sources, feedback, trains=bool(methods))
    if setting == "zero-shot" and options.get("seeds") is not None:
        raise InvalidInput("--seeds does not go with zero-shot: name supervised, few-shot or base2novel")
    if setting == "zero-shot":
        methods = _answering_other_classes(methods, feedback)
    if protocol == "paper" and not methods:
        is_named = bool(models)
        names = as_published(names, read_setting(setting), feedback, is_named=is_named)
    chosen = tuple(map(ChosenModel, names)) or _without_name(trains=bool(methods))
    tested, seeds = [model.name for model in chosen], read_seeds(options.get("seeds"))
    with chosen[0].explained():
        subjects = [
            subject_of(read_setting(setting), source, tested, run, protocol, changes) for source in sources
        ]
    subjects = [replace(subject, methods=methods, texts=class_texts, seeds=seeds) for subject in subjects]
    subjects = [_tested_as(subject, views, options.get("frames")) for subject in subjects]
    what, why = "training starts from" if methods else "model", chosen[0].reason
    named = f"{subjects[0].model_names} ({why})" if why else subjects[0].model_names
    on = ", ".join(str(subject.data) for subject in subjects)
    feedback.note(f"{what}: {named}; data: {on}; setting: {setting}; views: {subjects[0].views}")
    return tuple(subjects)


def _answering_other_classes(methods: tuple[str, ...], feedback: Feedback) -> tuple[str, ...]:
    """The methods without linear-probe, which answers only with classes that it was trained on.

    Raises:
        InvalidInput: no other method is there.
    """
    probe = "linear-probe"
    if methods == (probe,):
        raise InvalidInput(f"{probe} knows only the classes of its training: zero-shot tests others")
    if probe in methods:
        feedback.note(
            f"{probe} is left out: it knows only the classes of its training, and zero-shot tests others"
        )
    return tuple(name for name in methods if name != probe)


def texts_once(given: Path | str | Sequence[Path | str] | None) -> tuple[str, ...]:
    """One or several names or paths as texts, each once."""
    several = () if given is None else (given,) if isinstance(given, str | Path) else given
    return tuple(dict.fromkeys(map(str, several)))


def _sources(data: Path | str | Sequence[Path | str] | None, options: EvaluationOptions) -> list[DataSource]:
    root = options.get("data_root")
    sources = [
        DataSource.parse(text, given_path(root) if root else None) for text in texts_once(data) if text
    ]
    return _with_classes(list(dict.fromkeys(sources)), options)


def _with_classes(sources: Sequence[DataSource], options: EvaluationOptions) -> list[DataSource]:
    if options.get("classes") is None:
        return list(sources)
    classes = read_class_choice(options.get("classes"))
    return [replace(source, classes=classes) for source in sources]


def _usual_setting(several: Sequence[DataSource], feedback: Feedback, *, trains: bool) -> str:
    """The setting for data with videos held out for a test; other data has several, none of them usual.

    Raises:
        InvalidInput: the user must choose.
    """
    held_out = [] if trains else [_held_out(data) for data in several]
    if not all(held_out) or not held_out:
        raise InvalidInput(
            "--setting is missing: name zero-shot, base2novel, few-shot, supervised, retrieval or moments"
        )
    for data, split in zip(several, held_out, strict=True):
        feedback.note(f"setting: supervised, since {shown_path(data.name)} has {split} videos")
    return "supervised"


def _held_out(data: DataSource) -> str:
    """The split of a user's own data that is held out for a test; empty if there is none."""
    if data.is_public_set:
        return ""
    own = read_own_splits(data)
    return "test" if own.test else "val" if own.val else ""


def _tested_as(subject: Subject, views: Views | None, frames: int | None) -> Subject:
    """The subject with views and frames: the given ones, else the paper's in its protocol, else the user's."""
    if subject.protocol == "paper":
        drawn = replace(views or paper_views(subject.setting), drawn=True)
        return replace(subject, views=drawn, frames=frames or paper_frames(subject.setting))
    return replace(subject, views=views or _usual_views(subject.setting), frames=frames)


def _usual_views(setting: Setting) -> Views:
    """The views that the user's settings have for a setting of the paper, or for all; else one."""
    words = (load_settings().views or "").split()
    by_setting = {name: text for name, _, text in (word.rpartition("=") for word in words)}
    usual = by_setting.get(setting.name, by_setting.get(""))
    return Views.parse(usual) if usual else ONE_VIEW


def _without_name(*, trains: bool) -> tuple[ChosenModel, ...]:
    return (choose_start_of_training(None) if trains else choose_model(None),)


def run_and_models(
    models: Sequence[str], *, has_data: bool = False
) -> tuple[RunConfig | None, tuple[str, ...]]:
    """The run of the first model that has one; without models, the newest run and its best model.

    With data of its own, an evaluation needs no run: without one there is no model here.

    Raises:
        InvalidInput: there is neither a model nor a run nor data.
    """
    if models:
        return next((run for run in map(run_of, models) if run), None), tuple(models)
    run = newest_run(RUNS)
    if run is None and has_data:
        return None, ()
    if run is None and begun_runs(RUNS):
        raise InvalidInput(
            f"no run in {RUNS}/ has a best model yet: continue one, as `vifi runs` shows, or name a model with "
            "--model and videos with --data"
        )
    if run is None:
        raise InvalidInput(
            f"{RUNS}/ has no run yet: name a model with --model and videos with --data; "
            "for a run elsewhere, --model FOLDER/best is enough"
        )
    return run.read_config(), (str(run.best.absolute()),)


def refuse_without_data(models: Sequence[str]) -> NoReturn:
    """Reports that data is missing, or first a model that does not exist, whose run would have had data.

    Raises:
        InvalidInput, ModelUnavailable: always.
    """
    for model in models:
        resolve_model(model)
    raise InvalidInput("--data is missing: name a dataset, a folder with a folder per class, or a table")


def subject_of(
    setting: Setting,
    data: DataSource,
    models: Sequence[str],
    run: RunConfig | None = None,
    protocol: Protocol = "default",
    changes: tuple[Change, ...] = (),
) -> Subject:
    """Resolves names and paths, and decides how clips are read.

    The seed, the data root and the classes of `run` apply to its own data. Models that were not trained get as many
    frames as the first one that was.
    """
    source = data.absolute()
    # the recipe that would train in this setting
    own = tuple(changes_of_stage(changes, "finetune"))
    training = training_source(source, setting)
    recipe = recipe_of(TrainingRequest(training, setting=setting, protocol=protocol, recipe=own))
    seed = recipe.seed
    if run and run.data == str(source):
        seed = run.recipe.seed
        root = source.root or (Path(run.data_root) if run.data_root else None)
        source = replace(source, root=root, classes=source.classes or run.classes)
    resolved = tuple(resolve_model(model) for model in models)
    trained = (model.card.trained_frames for model in resolved if model.card)
    frames = next(filter(None, trained), recipe.frames)
    return Subject(setting, source, resolved, protocol, changes, replace(recipe, frames=frames), seed)


def training_source(data: DataSource, setting: Setting) -> DataSource:
    """What is trained on to be tested on this data: the data itself, and Kinetics-400 in the zero-shot setting."""
    is_zero_shot = setting.name == "zero-shot"
    return replace(data, name=ZERO_SHOT_SOURCE, split=None, labels=None, classes=()) if is_zero_shot else data


def shown_model(model: str) -> str:
    """A model's name for people: paths in the working folder are relative to it."""
    return shown_path(model)
