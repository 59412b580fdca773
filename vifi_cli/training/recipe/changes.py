"""Puts recipes together: a preset, and the user's changes on top of it.

A recipe file is TOML. Its keys are the fields of `Recipe`, with the tables `[prompts]`, `[lora]`, `[augmentation]`,
`[mixing]` and `[runtime]`. A table `[image]` or `[text]` holds what differs when only that tower is tuned.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from vifi_cli.data.labeled_videos import LabeledVideos
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path, is_given_file
from vifi_cli.training.recipe.recipe import (
    NO_LORA,
    NO_PROMPTS,
    PUBLISHED_AUGMENTATION,
    PUBLISHED_MIXING,
    Protocol,
    Recipe,
    Runtime,
    Tune,
)
from vifi_cli.typed_files import as_dataclass

Change = str | Mapping[str, Any]
"""What a user changes: the name of a preset, the path of a TOML file, `key=value`, or TOML values."""
TOWERS: tuple[Tune, ...] = ("image", "text")
PROMPT_PRESETS = ("prompt-few-shot", "prompt-base2novel", "prompt-small")
LORA_PRESETS = ("lora-small",)
PRESETS = ("supervised", "few-shot", "base2novel", "zero-shot", "small", *LORA_PRESETS, *PROMPT_PRESETS)
_SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)
STAGES = ("finetune", "prompt")
PAPER_ODDITIES: Mapping[str, Any] = {
    "warmup_cliff": True,
    "drop_incomplete": True,
    "imagenet_statistics": True,
    "clean_class_names": False,
    "select_on_test": True,
}
"""Oddities of the published code that the default protocol fixes and `--protocol paper` keeps."""
_CONTEXT_WORDS = "a photo of a"  # CTX_INIT of utils/config.py
# docs/TRAIN.md names ckpt_epoch_10 of 11 for base-to-novel; main.py tests 4 x 3 views after the last epoch
_TESTED_AFTER_THE_LAST_EPOCH = ("supervised", "base2novel", "prompt-base2novel")


def make_recipe(
    preset: str, *, protocol: Protocol = "default", tune: Tune | None = None, changes: Sequence[Change] = ()
) -> Recipe:
    """Put a recipe together: the preset, the protocol, the tuned towers, then the user's changes by `in_order`.

    The last preset among the changes replaces `preset`. Without `tune`, the preset and the changes name the towers.

    Raises:
        InvalidInput: an unknown key or preset, a value of the wrong type, a file that is not TOML.
    """
    defaults = {
        "prompts": asdict(NO_PROMPTS),
        "lora": asdict(NO_LORA),
        "augmentation": asdict(PUBLISHED_AUGMENTATION),
        "mixing": asdict(PUBLISHED_MIXING),
        "runtime": asdict(Runtime()),
    }
    chosen_preset = [preset, *(str(change) for change in changes if change in PRESETS)][-1]
    oddities = [_oddities(chosen_preset)] if protocol == "paper" else []
    own = [change_table(change) for change in in_order(changes) if change not in PRESETS]
    layers = [defaults, _preset(chosen_preset), *oddities, *own]
    named = [tune] if tune else [layer["tune"] for layer in layers if "tune" in layer]
    chosen = named[-1] if named else "both"
    table: dict[str, Any] = {}
    for layer in layers:
        table = _merged(table, _for_towers(layer, chosen))
    return as_dataclass(Recipe, {**table, "tune": chosen}, "recipe")


def _oddities(preset: str) -> Mapping[str, Any]:
    keeps_last = preset in _TESTED_AFTER_THE_LAST_EPOCH
    words = _CONTEXT_WORDS if preset in PROMPT_PRESETS else ""
    return {**PAPER_ODDITIES, "keep_last": keeps_last, "context_words": words}


def _for_towers(layer: Mapping[str, Any], chosen: Tune) -> dict[str, Any]:
    rest = {key: value for key, value in layer.items() if key not in TOWERS}
    for tower in TOWERS:
        if not isinstance(layer.get(tower, {}), Mapping):
            raise InvalidInput(f"recipe: {tower} is a table, not {layer[tower]!r}")
    return _merged(rest, layer.get(chosen, {})) if chosen in TOWERS else rest


def with_changes(recipe: Recipe, changes: Sequence[Change]) -> Recipe:
    """Apply the user's changes to a recipe; errors are those of `make_recipe`."""
    table = asdict(recipe)
    for change in in_order(changes):
        table = _merged(table, change_table(change))
    return as_dataclass(Recipe, table, "recipe")


def in_order(changes: Sequence[Change]) -> list[Change]:
    """Changes from the general to the particular: presets, TOML files, then values; each kind in the user's order.

    So `--recipe frames=4 --recipe small` keeps the 4 frames.
    """
    return sorted(changes, key=lambda change: 0 if change in PRESETS else 1 if _is_file(change) else 2)


def _is_file(change: Change) -> bool:
    if not isinstance(change, str):
        return False
    return change.endswith(".toml") or ("=" not in change and is_given_file(change))


def without_mirroring_sides(recipe: Recipe, data: LabeledVideos) -> Recipe:
    """Turn mirroring off if class names distinguish left and right, since a mirrored clip shows the other class."""
    if recipe.augmentation.flip and any(_SIDES.search(name) for name in data.class_names):
        return replace(recipe, augmentation=replace(recipe.augmentation, flip=0.0))
    return recipe


def _preset(name: str) -> dict[str, Any]:
    if name not in PRESETS:
        raise InvalidInput(f"unknown recipe {name!r}; the presets are {', '.join(PRESETS)}")
    return tomllib.loads(files(__package__).joinpath(f"presets/{name}.toml").read_text("utf-8"))


def change_table(text: Change) -> dict[str, Any]:
    """Read a change as TOML values; errors are those of `make_recipe`."""
    if not isinstance(text, str):
        return dict(text)
    if text in PRESETS:
        return _preset(text)
    if _is_file(text):
        return _toml_file(given_path(text) if is_given_file(text) else Path(text))
    key, found, value = text.partition("=")
    if not found:
        raise InvalidInput(f"--recipe {text}: not a recipe ({', '.join(PRESETS)}), a .toml file or KEY=VALUE")
    *tables, last = key.strip().split(".")
    change: dict[str, Any] = {last: _value(value.strip())}
    for table in reversed(tables):
        change = {table: change}
    return change


def _toml_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidInput(f"the recipe file {path} does not exist") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"{path} is not TOML: {error}") from error


def _value(text: str) -> Any:
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    # a template may be {} alone, which TOML reads as a table
    return text if isinstance(value, dict) else value


def _merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        inner = merged.get(key, {})
        are_tables = isinstance(value, Mapping) and isinstance(inner, Mapping)
        merged[key] = _merged(inner, value) if are_tables else value
    return merged


def is_given(changes: Sequence[Change], key: str, table: str = "") -> bool:
    """Whether it was the user, and not a preset, who set a key, perhaps of a table."""
    given = [change_table(change) for change in changes if change not in PRESETS]
    return any(key in (layer.get(table, {}) if table else layer) for layer in given)


def changes_of_lora(changes: Sequence[Change]) -> list[Change]:
    """The changes for LoRA, where it is compared with fine-tuning and prompts: its presets, and keys of no stage."""
    presets = [change for change in changes if change in LORA_PRESETS]
    return [*presets, *(_without(change, STAGES) for change in in_order(changes) if change not in PRESETS)]


def without_lora(changes: Sequence[Change]) -> list[Change]:
    """The changes for methods that are compared with LoRA."""
    given = [change for change in changes if change not in LORA_PRESETS]
    return [change if change in PRESETS else _without(change, ("lora",)) for change in given]


def _without(change: Change, tables: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in change_table(change).items() if key not in tables}


def changes_of_stage(changes: Sequence[Change], stage: Literal["finetune", "prompt"]) -> list[Change]:
    """The changes for one stage of a bridge: those under its name, which win, and those under neither name.

    Presets go to the stage that they are for. Errors are those of `make_recipe`.
    """
    presets: list[Change] = [
        change
        for change in changes
        if change in PRESETS and (change in PROMPT_PRESETS) == (stage == "prompt")
    ]
    own: list[Change] = []
    for is_file in (True, False):
        layers = [
            change_table(change)
            for change in changes
            if change not in PRESETS and _is_file(change) == is_file
        ]
        for layer in layers:
            if not isinstance(layer.get(stage, {}), Mapping):
                raise InvalidInput(f"recipe: {stage} is a table, not {layer[stage]!r}")
        own += [_without(layer, STAGES) for layer in layers]
        own += [layer.get(stage, {}) for layer in layers]
    return [*presets, *own]
