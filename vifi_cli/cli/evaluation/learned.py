"""What a model learned from, as far as its run folder tells, and whether that gives tests away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.cli.terminal import output
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
    from vifi_cli.model.registry.card import ModelCard
    from vifi_cli.training.run.folder import RunConfig


@dataclass(frozen=True, slots=True)
class Learned:
    """What a model learned from.

    Attributes:
        start: the model that its training began with; itself where it was not trained.
        videos: that it was trained on, in all stages.
        class_names: of these videos.
        gap: why this is not all, or empty.
        met_elsewhere: names of classes learned from other public sets than the one that is tested.
    """

    start: str
    videos: tuple[LabeledVideo, ...] = ()
    class_names: tuple[str, ...] = ()
    gap: str = ""
    met_elsewhere: tuple[str, ...] = ()


def run_of(model: str) -> RunConfig | None:
    """The run that a model folder lies in; None where it lies in none."""
    from vifi_cli.training.run.folder import RunFolder

    run = Path(model).expanduser().absolute().parent
    is_in_run = Path(model).expanduser().is_dir() and (run / "config.toml").is_file()
    return RunFolder(run).read_config() if is_in_run else None


def learned_from(model: str, tested_set: str) -> Learned:
    """Follow a model's runs back to what the first of them started from.

    Args:
        model: its name.
        tested_set: the data that it is tested with. Classes that it knows from another public set count apart: the
            paper too bridges on Kinetics-400 before it learns prompts for classes that are partly there as well.
    """
    from vifi_cli.data.source import DataSource

    videos: list[LabeledVideo] = []
    names: dict[str, None] = {}
    elsewhere: dict[str, None] = {}
    gap, seen = "", {model}
    while config := run_of(model):
        try:
            data = _training_data(config)
            videos += data.train
            source = DataSource.parse(config.data)
            is_elsewhere = source.is_public_set and source.name != tested_set
            (elsewhere if is_elsewhere else names).update(dict.fromkeys(data.class_names))
        except InvalidInput as error:
            gap = gap or f"its training data {config.data} cannot be had: {error}"
        model = config.model
        if model in seen:
            break
        seen.add(model)
    card = _tuned_card(model)
    if card is not None:
        gap = gap or f"{model} lies in no run folder"
        model = card.base.model if card.base else card.origin.get("base", model)
    return Learned(model, tuple(videos), tuple(names), gap, tuple(elsewhere))


def _training_data(config: RunConfig) -> LabeledVideos:
    from vifi_cli.api.training.data import digest_of, find_data
    from vifi_cli.data.setting import Setting

    setting = Setting.parse(config.setting)
    data = find_data(config.source, setting, config.recipe.seed, protocol=config.protocol)
    if config.videos and digest_of(data) != config.videos:
        raise InvalidInput("its videos are not those of then")
    return data


def _tuned_card(model: str) -> ModelCard | None:
    """The card of a model that says it was tuned."""
    from vifi_cli.model.registry.source import resolve_model

    card = resolve_model(model).card
    return card if card and (card.tuned or card.prompts) else None


def find_leak(
    name: str, learned: Learned, tests: Sequence[LabeledVideo], novel: Sequence[str], *, by_name: bool
) -> str | None:
    """How a model gives tests away, in words; None where nothing is known that does.

    Args:
        name: of the model or method.
        learned: what it was trained on.
        tests: the videos that it is tested on.
        novel: classes that it must not have learned, of the base-to-novel setting.
        by_name: whether files of one name are one video, as in public sets.
    """
    from vifi_cli.data.leaks import leaks_between

    if leaks := leaks_between(tuple(dict.fromkeys(learned.videos)), tests, by_name=by_name):
        first = leaks[0]
        counted = output.counted(len(leaks), "training video")
        told = f"{counted} of {name} {'gives' if len(leaks) == 1 else 'give'} tests away"
        return f"{told}, such as {first.train.name} ({_ways(first.by)} {first.held_out.name})"
    if known := same_classes(novel, learned.class_names):
        return f"{name} has learned {len(known)} of the {len(novel)} novel classes, such as {known[0]!r}"
    return None


def same_classes(names: Sequence[str], others: Sequence[str]) -> list[str]:
    """Those of the class names that are among the others too, however they are spelled."""
    from vifi_cli.data.class_names import class_key

    keys = {class_key(name) for name in others}
    return [name for name in names if class_key(name) in keys]


def _ways(by: str) -> str:
    ways = {"file": "the same file as", "content": "a copy of", "name": "the same name as"}
    return ways.get(by, "of the same group as")
