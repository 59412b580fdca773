"""Leaks: which videos and classes a model was trained on, as far as its run folder shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.api.training.prepare import digest_of, find_data
from vifi_cli.data.class_names import class_key
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.data.leaks import leaks_between
from vifi_cli.data.paper_setting import Setting
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.training.run.folder import RunConfig, RunFolder
from vifi_cli.wording import counted

RELATIONS = {"file": "the same file as", "content": "a copy of", "name": "the same name as"}


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """What a model was trained on, in all stages of training.

    `base` is the model that its training started from; the model itself if it was not trained. `gap` is why this is
    incomplete, or empty. `met_elsewhere` are class names learned from other public sets than the tested one.
    """

    base: str
    videos: tuple[LabeledVideo, ...] = ()
    class_names: tuple[str, ...] = ()
    gap: str = ""
    met_elsewhere: tuple[str, ...] = ()


def run_of(model: str) -> RunConfig | None:
    """The run whose folder contains a model folder, if any."""
    folder = run_folder_of(model)
    return folder.read_config() if folder else None


def run_folder_of(model: str) -> RunFolder | None:
    """The folder of the run that a model folder is in, if any."""
    folder = Path(model).expanduser()
    run = folder.absolute().parent
    return RunFolder(run) if folder.is_dir() and (run / "config.toml").is_file() else None


def trained_on(model: str, tested_set: str) -> TrainedOn:
    """Follows a model's runs back to the model that the first of them started from.

    Classes known from another public set than the tested one are listed separately: the paper too bridges on
    Kinetics-400 before it learns prompts for classes that are partly in it.
    """
    videos: list[LabeledVideo] = []
    names: dict[str, None] = {}
    elsewhere: dict[str, None] = {}
    gap, seen = "", {model}
    while config := run_of(model):
        try:
            data = _training_data(config)
            videos += data.train
            is_elsewhere = config.source.is_public_set and config.source.name != tested_set
            (elsewhere if is_elsewhere else names).update(dict.fromkeys(data.class_names))
        except InvalidInput as error:
            gap = gap or f"its training data {config.data} is not available: {error}"
        model = config.model
        if model in seen:
            break
        seen.add(model)
    card = resolve_model(model).card
    if card and (card.tuned or card.base):
        gap = gap or f"{model} is not in a run folder"
        model = card.base.model if card.base else card.origin.get("base", model)
    return TrainedOn(model, tuple(videos), tuple(names), gap, tuple(elsewhere))


def _training_data(config: RunConfig) -> LabeledVideos:
    setting = Setting.parse(config.setting)
    data = find_data(config.source, setting, config.recipe.seed, protocol=config.protocol)
    if config.videos and digest_of(data) != config.videos:
        raise InvalidInput("its videos have changed since")
    return data


def find_leak(
    name: str, learned: TrainedOn, tests: Sequence[LabeledVideo], novel: Sequence[str], *, by_name: bool
) -> str | None:
    """How a model gives tests away, in words; None if no leak is known.

    It must not have learned `novel` classes. With `by_name`, files of the same name are the same video, as in public
    sets.
    """
    if leaks := leaks_between(tuple(dict.fromkeys(learned.videos)), tests, by_name=by_name):
        first, videos = leaks[0], counted(len(leaks), "training video")
        verb = "gives" if len(leaks) == 1 else "give"
        relation = RELATIONS.get(first.by, "of the same group as")
        example = f"{first.train.name} ({relation} {first.held_out.name})"
        return f"{videos} of {name} {verb} tests away, such as {example}"
    if known := same_classes(novel, learned.class_names):
        return f"{name} has learned {len(known)} of the {len(novel)} novel classes, such as {known[0]!r}"
    return None


def same_classes(names: Sequence[str], others: Sequence[str]) -> list[str]:
    """The class names that are among the others too, in any spelling."""
    keys = {class_key(name) for name in others}
    return [name for name in names if class_key(name) in keys]
