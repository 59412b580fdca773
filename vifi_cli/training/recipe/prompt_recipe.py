"""Fits the recipe of prompt tuning to a model: which towers take prompts, and in how many layers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import Fusion
from vifi_cli.training.recipe.changes import Change, is_given, make_recipe
from vifi_cli.training.recipe.recipe import MOST_FROM_WORDS, Protocol, Recipe, Tune


@dataclass(frozen=True, slots=True)
class PromptRoom:
    """Where a model takes prompts."""

    text: int  # layers of the text tower
    image: int  # layers of the image tower; 0 where it takes no prompts
    most_text: int  # how many prompts leave room for a class name
    fusion: Fusion = "embedding"
    why_no_image: str = ""  # the reason where the image tower takes none


def make_prompt_recipe(
    preset: str,
    room: PromptRoom,
    *,
    protocol: Protocol = "default",
    tune: Tune | None = None,
    changes: Sequence[Change] = (),
    say: Callable[[str], None] = lambda message: None,
) -> Recipe:
    """Put a recipe together as `make_recipe` does, for the towers that take prompts.

    Fusion stays that of the model. Without `tune`, all towers that can get prompts do. `say` receives
    what was decided.

    Raises:
        InvalidInput: no tower gets prompts, a tower cannot take them, or they are deeper than its layers.
    """
    recipe = make_recipe(preset, protocol=protocol, tune=tune, changes=changes)
    if recipe.tune != "text" and not room.image:
        if tune:
            raise InvalidInput(f"--side {tune}: {room.why_no_image}")
        say("the image tower is not a plain vision transformer: only the text tower gets prompts")
        recipe = make_recipe(preset, protocol=protocol, tune="text", changes=changes)
    if not recipe.prompts:
        raise InvalidInput(
            "recipe: no prompts to learn: name prompt-small, or set prompts.text_context and prompts.text_depth"
        )
    if recipe.prompts.text_context > room.most_text:
        raise InvalidInput(
            f"recipe: prompts.text_context = {recipe.prompts.text_context} leaves no room for a name: at most "
            f"{room.most_text} fit into this model's texts"
        )
    recipe = _begun_by_words(replace(recipe, fusion=room.fusion), changes, say)
    recipe = _no_deeper(recipe, "text_depth", room.text, changes, say)
    return _no_deeper(recipe, "image_depth", room.image, changes, say)


def _begun_by_words(recipe: Recipe, changes: Sequence[Change], say: Callable[[str], None]) -> Recipe:
    """Drop words that begin no prompts; of words that do, the text keeps those behind the prompts.

    Source: ViFi-CLIP's `trainers/vificlip.py`, VLPromptLearner.
    """
    count = recipe.prompts.text_context
    if not 0 < count <= MOST_FROM_WORDS:
        if count and recipe.context_words and is_given(changes, "context_words"):
            say(f"{count} text prompts begin at random: context_words is for {MOST_FROM_WORDS} at most")
        return replace(recipe, context_words="")
    words = recipe.context_words.replace("_", " ").split()
    if words and len(words) < count:
        raise InvalidInput(
            f"recipe: context_words = {recipe.context_words!r} is too short for {count} text prompts: give "
            f"{count} words or more, or set prompts.text_context={len(words)}"
        )
    template = " ".join([*words[count:], recipe.template])
    return replace(recipe, context_words=" ".join(words), template=template)


def _no_deeper(
    recipe: Recipe, key: str, layers: int, changes: Sequence[Change], say: Callable[[str], None]
) -> Recipe:
    """Limit prompts to the layers of the tower, unless the user asked for more."""
    depth, tower = getattr(recipe.prompts, key), key.partition("_")[0]
    if depth <= layers:
        return recipe
    if is_given(changes, key, "prompts"):
        raise InvalidInput(f"recipe: prompts.{key} = {depth}, but the {tower} tower has {layers} layers")
    say(f"the {tower} tower has {layers} layers, so prompts go {layers} layers deep, not {depth}")
    return replace(recipe, prompts=replace(recipe.prompts, **{key: layers}))
