"""The methods that an evaluation trains and compares."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import HEADS
from vifi_cli.training.recipe.recipe import Tune


@dataclass(frozen=True, slots=True)
class Method:
    """A way to adapt a model to videos: towers to train, if any, then prompts to learn with frozen towers."""

    title: str
    tune: Tune | None = None
    fusion: Literal["embedding", "decision", "image"] | None = None
    prompts: bool = False
    preset: str | None = None  # of the recipe, in place of the setting's
    # of WiSE-FT: the share of the trained weights, the rest being those of the start; None for the trained ones alone
    alpha: float | None = None

    @property
    def trains_weights(self) -> bool:
        """Whether it trains weights of the towers, which can be averaged and can learn from any class texts."""
        return bool(self.tune) and self.tune not in HEADS and not self.prompts


METHODS: Mapping[str, Method] = {
    "vanilla": Method("vanilla CLIP"),
    "linear-probe": Method("linear probe", "linear-probe"),
    "tip-adapter": Method("Tip-Adapter", "tip-adapter"),
    "image-ft": Method("CLIP image-FT", "image"),
    "text-ft": Method("CLIP text-FT", "text"),
    "vifi": Method("ViFi-CLIP", "both"),
    "lora": Method("LoRA", "both", preset="lora-small"),
    "bridge-prompt": Method("bridge and prompt", "both", prompts=True),
    "prompt": Method("prompts alone", prompts=True),
    "fusion-decision": Method("ViFi-CLIP, decision fusion", "both", "decision"),
    "fusion-image": Method("ViFi-CLIP, image fusion", "both", "image"),
}
_ALPHA = re.compile(r"\d+(\.\d+)?|\.\d+", re.ASCII)
DEFAULT_METHODS = ("vanilla", "linear-probe", "tip-adapter", "image-ft", "text-ft", "vifi", "bridge-prompt")


def find_method(name: str) -> Method:
    """The method of a name; `NAME@ALPHA` averages the weights of method NAME with those of its start (WiSE-FT).

    Raises:
        InvalidInput: there is none, its weights cannot be averaged, or alpha is not from 0 to 1.
    """
    trained, at, alpha = name.partition("@")
    if trained not in METHODS:
        raise InvalidInput(f"{name!r} is not a method: the methods are {', '.join(METHODS)}")
    method = METHODS[trained]
    if not at:
        return method
    if not method.trains_weights:
        why = "learned prompts fit only the weights" if method.prompts else "it trains no weights"
        others = ", ".join(f"{other}@0.7" for other, its in METHODS.items() if its.trains_weights)
        why += " that they were learned for" if method.prompts else ""
        raise InvalidInput(f"{name!r} cannot be averaged: {why}; the methods that can are {others}")
    if not _ALPHA.fullmatch(alpha) or float(alpha) > 1:
        raise InvalidInput(
            f"{name!r}: after @ comes the trained weights' share, from 0 to 1, as in {trained}@0.7"
        )
    return replace(method, title=f"{method.title}, WiSE-FT {float(alpha):g}", alpha=float(alpha))


def trained_method(name: str) -> str:
    """The name of the method whose run gives the weights: `vifi` for `vifi@0.7`."""
    return name.partition("@")[0]
