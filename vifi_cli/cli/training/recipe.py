"""The recipe that a command which trains is asked for: the preset of its setting, and the changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.cli.training.finetuning import FinetuneRequest
    from vifi_cli.training.recipe.recipe import Recipe

_FEW_SHOT = re.compile(r"few-shot-\d+")


def recipe_of(request: FinetuneRequest) -> Recipe:
    """The recipe that a request comes to: the preset of its setting, its protocol, its changes.

    Raises:
        InvalidInput: one of them makes no sense, or a fine-tuning is to learn prompts.
    """
    from vifi_cli.training.recipe.recipe import make_recipe

    changes = [*request.changes, *([{"fusion": request.fusion}] if request.fusion else [])]
    recipe = make_recipe(_preset(request), protocol=request.protocol, tune=request.tune, changes=changes)
    if recipe.prompts and request.method == "finetune":
        raise InvalidInput("recipe: prompts are learned by `vifi prompt-tune`, not by `vifi finetune`")
    return recipe


def prompt_recipe_of(request: FinetuneRequest, model: str, say: Callable[[str], None]) -> Recipe:
    """The recipe of a prompt tuning, fitted to a model that is on this machine; `say` is told what was decided.

    Raises:
        InvalidInput: it does not fit.
    """
    from vifi_cli.training.recipe.prompts import make_prompt_recipe, prompt_room

    return make_prompt_recipe(
        _preset(request),
        prompt_room(model),
        protocol=request.protocol,
        tune=request.tune,
        changes=request.changes,
        say=say,
    )


def _preset(request: FinetuneRequest) -> str:
    from vifi_cli.data.public_sets.sets import PUBLIC_SETS

    name = _FEW_SHOT.sub("few-shot", request.setting)
    if request.method == "prompt":
        if name in ("few-shot", "base2novel"):
            return f"prompt-{name}"
        if request.protocol == "paper":
            raise InvalidInput(
                "the paper learns prompts in the settings few-shot-K and base2novel: name one of them"
            )
        return "prompt-small"
    is_named = (request.data or "").partition(":")[0] in PUBLIC_SETS
    return "small" if name == "supervised" and not is_named and request.protocol == "default" else name
