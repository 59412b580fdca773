"""The methods that an evaluation trains and compares."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vifi_cli.errors import InvalidInput
from vifi_cli.training.recipe.recipe import Tune


@dataclass(frozen=True, slots=True)
class Method:
    """A way to adapt a model to videos: towers to train, if any, then prompts to learn with frozen towers."""

    title: str
    tune: Tune | None = None
    fusion: Literal["embedding", "decision", "image"] | None = None
    prompts: bool = False
    preset: str | None = None  # of the recipe, in place of the setting's


METHODS: Mapping[str, Method] = {
    "vanilla": Method("vanilla CLIP"),
    "image-ft": Method("CLIP image-FT", "image"),
    "text-ft": Method("CLIP text-FT", "text"),
    "vifi": Method("ViFi-CLIP", "both"),
    "lora": Method("LoRA", "both", preset="lora-small"),
    "bridge-prompt": Method("bridge and prompt", "both", prompts=True),
    "prompt": Method("prompts alone", prompts=True),
    "fusion-decision": Method("ViFi-CLIP, decision fusion", "both", "decision"),
    "fusion-image": Method("ViFi-CLIP, image fusion", "both", "image"),
}
DEFAULT_METHODS = ("vanilla", "image-ft", "text-ft", "vifi", "bridge-prompt")


def find_method(name: str) -> Method:
    """The method of a name.

    Raises:
        InvalidInput: there is none.
    """
    if name not in METHODS:
        raise InvalidInput(f"{name!r} is not a method: the methods are {', '.join(METHODS)}")
    return METHODS[name]
