"""What a user's changes of a recipe say, before they are laid upon a preset."""

from collections.abc import Mapping, Sequence
from typing import Literal

from vifi_cli.errors import InvalidInput
from vifi_cli.training.recipe.recipe import PRESETS, PROMPT_PRESETS, Change, change_table

STAGES = ("finetune", "prompt")


def is_given(changes: Sequence[Change], table: str, key: str) -> bool:
    """Whether it was the user, and not a preset, who set a key of a table."""
    given = [change_table(change) for change in changes if change not in PRESETS]
    return any(key in layer.get(table, {}) for layer in given)


def changes_of_stage(changes: Sequence[Change], stage: Literal["finetune", "prompt"]) -> list[Change]:
    """One stage's share of the changes of a run in two: those under its name, and those under neither's.

    Presets go to the stage that they are for.

    Raises:
        InvalidInput: a change is none; see `make_recipe`.
    """
    own: list[Change] = []
    for change in changes:
        if change in PRESETS:
            own += [change] if (change in PROMPT_PRESETS) == (stage == "prompt") else []
            continue
        layer = change_table(change)
        if not isinstance(layer.get(stage, {}), Mapping):
            raise InvalidInput(f"recipe: {stage} is a table, not {layer[stage]!r}")
        own += [{key: value for key, value in layer.items() if key not in STAGES}, layer.get(stage, {})]
    return own
