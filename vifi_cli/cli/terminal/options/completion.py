"""What the shell completes as values of options and arguments; where nothing fits, shells complete file names."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from typing import ParamSpec

import typer

from vifi_cli.errors import VifiError
from vifi_cli.paths import REPORTS, RUNS

Candidates = list[tuple[str, str]]
"""Values, each with a text that some shells show beside it."""

Given = ParamSpec("Given")
DATA_SUFFIXES = (".csv", ".jsonl", ".txt", ".tsv", ".eaf", ".boris", ".xml", ".json")


def _nothing_on_errors(find: Callable[Given, Candidates]) -> Callable[Given, Candidates]:
    """Finds nothing where a folder cannot be read: an error would end up in the line that the user types."""

    @functools.wraps(find)
    def find_quietly(*arguments: Given.args, **options: Given.kwargs) -> Candidates:
        try:
            return find(*arguments, **options)
        except (OSError, ValueError, VifiError):
            return []

    return find_quietly


def join_words_of_bash() -> None:
    """Undoes that bash gives `--model=st` as three words, of which Typer understands only the first two."""
    words, place = os.environ.get("COMP_WORDS", "").split("\n"), os.environ.get("COMP_CWORD", "")
    if os.environ.get("_VIFI_COMPLETE") != "complete_bash" or not place.isdecimal():
        return
    last = int(place)
    if 2 <= last < len(words) and words[last - 1] == "=":
        words[last - 2 : last + 1] = ["".join(words[last - 2 : last + 1])]
        os.environ |= {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(last - 2)}


@_nothing_on_errors
def models(incomplete: str) -> Candidates:
    """The models known by name, and those of the runs here."""
    from vifi_cli.model.registry.known_models import KNOWN_MODELS

    return [*((known.name, known.good_for) for known in KNOWN_MODELS), *_models_of_runs()]


@_nothing_on_errors
def runs(incomplete: str) -> Candidates:
    """The runs here."""
    configs = [*RUNS.glob("*/config.toml"), *RUNS.glob("*/*/config.toml")]
    return [(str(file.parent), "") for file in sorted(configs)]


@_nothing_on_errors
def reports(incomplete: str) -> Candidates:
    """The reports here that have predictions."""
    return [(str(file.parent), "") for file in sorted(REPORTS.glob("*/predictions.csv"))]


@_nothing_on_errors
def datasets(incomplete: str) -> Candidates:
    """The public sets, and the folders and tables here whose names begin as what is typed."""
    from pathlib import Path

    from vifi_cli.data.public_datasets.datasets import PUBLIC_SETS

    here = sorted(Path().iterdir()) if incomplete else []
    data = [path for path in here if path.is_dir() or path.suffix in DATA_SUFFIXES]
    return [
        *((name, known.title) for name, known in PUBLIC_SETS.items()),
        *((str(path), "") for path in data),
    ]


def public_sets(incomplete: str) -> Candidates:
    """The names of the public sets."""
    from vifi_cli.data.public_datasets.datasets import PUBLIC_SETS

    return [(name, f"the classes of {known.title}") for name, known in PUBLIC_SETS.items()]


def training_settings(incomplete: str) -> Candidates:
    """The settings of the paper that training knows."""
    return [
        ("supervised", "all training videos"),
        *((f"few-shot-{shots}", f"{shots} videos per class") for shots in (2, 4, 8, 16)),
        ("base2novel", "train on half of the classes"),
        ("zero-shot", "train on all of another dataset"),
    ]


def tested_settings(incomplete: str) -> Candidates:
    """The settings of the paper that an evaluation knows."""
    return [
        *training_settings(incomplete),
        ("few-shot", "2, 4, 8 and 16 videos per class"),
        ("retrieval", "captions find videos"),
        ("moments", "queries find moments in their videos"),
        ("corpus-moments", "queries find moments in all videos"),
    ]


def recipes(incomplete: str) -> Candidates:
    """The presets of recipes."""
    from vifi_cli.training.recipe.changes import PRESETS

    return [(name, "") for name in PRESETS]


def methods(incomplete: str) -> Candidates:
    """The methods that an evaluation trains and compares; after an @, the one before it with shares of its weights."""
    name, at, _ = incomplete.partition("@")
    if at:
        return [(f"{name}@{alpha}", "averaged with the start") for alpha in ("0.3", "0.5", "0.7", "0.9")]
    names = (
        "vanilla linear-probe tip-adapter image-ft text-ft vifi lora bridge-prompt prompt fusion-decision "
        "fusion-image"
    )
    return [(name, "") for name in names.split()]


def methods_or_command(context: typer.Context, incomplete: str) -> Candidates:
    """The methods, and as the first word of `vifi eval` what else it does."""
    is_first = not context.params.get("train") and not context.params.get("methods")
    return [*methods(incomplete), *([("compare", "two reports on the same videos")] if is_first else [])]


def class_texts(incomplete: str) -> Candidates:
    """The class texts that vifi ships."""
    return [("bare", "names alone"), ("short", "a few templates"), ("video", "templates for videos")]


def setting_keys(incomplete: str) -> Candidates:
    """The keys of the user's settings."""
    from vifi_cli.settings.settings import variable_of
    from vifi_cli.settings.values import KEYS

    return [(key, variable_of(key)) for key in KEYS]


def setting_values(context: typer.Context, incomplete: str) -> Candidates:
    """The values of the setting that the line names."""
    from typing import get_args

    from vifi_cli.settings.values import Colors, Device

    key = context.params.get("key")
    if key == "model":
        return models(incomplete)
    if key == "player":
        from vifi_cli.api.players import NAMES

        return [(name, "") for name in NAMES]
    choices = {
        "device": get_args(Device),
        "colors": get_args(Colors),
        "frame_folders": ("true", "false"),
    }.get(str(key), ())
    return [(choice, "") for choice in choices]


@_nothing_on_errors
def concepts(incomplete: str) -> Candidates:
    """The concepts of the index that is searched, with the @ of queries if one is typed."""
    from vifi_cli.index.concepts.store import ConceptStore
    from vifi_cli.paths import searched_index_folder

    at = "@" if incomplete.startswith("@") else ""
    return [
        (f"{at}{concept.name}", concept.description)
        for concept in ConceptStore(searched_index_folder()).all()
    ]


def query_words(incomplete: str) -> Candidates:
    """The concepts that a query may name after an @; other words are anybody's."""
    return concepts(incomplete) if incomplete.startswith("@") else []


def _models_of_runs() -> Iterator[tuple[str, str]]:
    from vifi_cli.model.registry.model_files import CARD_FILE

    cards = [*RUNS.glob(f"*/best/{CARD_FILE}"), *RUNS.glob(f"*/*/best/{CARD_FILE}")]
    yield from ((str(file.parent), "best model of a run") for file in sorted(cards))
