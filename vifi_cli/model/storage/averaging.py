"""Averages the weights of models: WiSE-FT of two, uniform soups of more.

Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022: (1 - alpha) of a plain model's weights and alpha
of those of a model tuned from it, the temperature included. Wortsman et al., Model soups, ICML 2022: the mean of
models tuned from the same one.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from torch import Tensor

from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import Fusion, ModelCard, Tower
from vifi_cli.model.storage.loading import LoadedModel

OF_ONE_RUN = {"epoch", "val_top1", "test_top1", "val_mAP", "test_mAP"}
"""Origins that say how far one run came and how well its model scored, which a mixture does not inherit."""


@dataclass(frozen=True, slots=True)
class MergedModel:
    """A model made of several, with the source, preprocessing, class text and class names of the last of them."""

    model: LoadedModel
    remarks: tuple[str, ...]  # warnings for the user, a sentence each


@dataclass(frozen=True, slots=True)
class _Form:
    """What two models must share before their weights can be averaged."""

    shapes: Mapping[str, tuple[int, ...]]
    layers: str
    heads: tuple[int, ...]


def average_models(models: Iterable[LoadedModel], shares: Sequence[float]) -> MergedModel:
    """Average the weights of models, which stay unchanged and need not be in memory together.

    The shares add up to 1; a share of 1 gives that model's weights bit for bit. Models that differ in architecture or
    fusion, or are made of learned prompts, raise InvalidInput.
    """
    total: dict[str, Tensor] = {}
    cards: dict[str, ModelCard] = {}
    first: tuple[str, _Form] | None = None
    for model, share in zip(models, shares, strict=True):
        name = model.source.name
        require_own_weights(name, model.card)
        if name in cards:
            raise InvalidInput(f"{name} is named twice: name different models")
        form = _form(model)
        first = first or (name, form)
        _require_same_form(*first, name, form)
        cards[name] = model.card
        add_weights(total, model.network.state_dict(), share)
    card = _merged_card(cards, shares)
    network = copy.deepcopy(model.network)
    network.load_state_dict(averaged(total, network.state_dict()))
    network.fusion = card.fusion
    return MergedModel(replace(model, network=network, card=card), tuple(_remarks(cards)))


def add_weights(total: dict[str, Tensor], weights: Mapping[str, Tensor], share: float) -> None:
    """Add a share of a model's weights to a sum in float64; integers, such as counters, are not averaged."""
    for name, tensor in weights.items():
        if share and tensor.is_floating_point():
            part = tensor.detach().cpu().double() * share
            total[name] = total[name].add_(part) if name in total else part


def averaged(total: Mapping[str, Tensor], otherwise: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The sum in the types of a network's weights; what was not summed comes from `otherwise`."""
    return {
        name: total[name].to(tensor.dtype) if name in total else tensor for name, tensor in otherwise.items()
    }


def require_own_weights(name: str, card: ModelCard) -> None:
    """Raises InvalidInput for a head or prompts, which belong to the frozen weights of another model.

    Low-rank matrices are in the weights of a loaded model already.
    """
    if (base := card.base) and card.head:
        raise InvalidInput(
            f"{name} holds {card.changes}, which fit the frozen towers of {base.model} alone, and has no weights of "
            "its own to merge: merge models of complete weights, and train on the result"
        )
    if base and not card.lora:
        raise InvalidInput(
            f"{name} is made of prompts that were learned for the frozen weights of {base.model}: "
            "other weights would not fit them; merge first, and learn prompts for the merged model"
        )


def _form(model: LoadedModel) -> _Form:
    modules = [module for tower in (model.network.visual, model.network.text) for module in tower.modules()]
    return _Form(
        {name: tuple(tensor.shape) for name, tensor in model.network.state_dict().items()},
        f"{model.network.visual}\n{model.network.text}",
        tuple(heads for module in modules if isinstance(heads := getattr(module, "num_heads", None), int)),
    )


def _require_same_form(first: str, wanted: _Form, name: str, form: _Form) -> None:
    for weight in dict.fromkeys((*wanted.shapes, *form.shapes)):
        there, here = wanted.shapes.get(weight), form.shapes.get(weight)
        if there != here:
            raise InvalidInput(
                f"{first} and {name} are not of one architecture: {weight} is {_size(there)} in the first and "
                f"{_size(here)} in the other; merge models that stem from the same one"
            )
    if (wanted.layers, wanted.heads) != (form.layers, form.heads):
        raise InvalidInput(
            f"{first} and {name} are not of one architecture: their weights have the same shapes and other layers "
            "around them; merge models that stem from the same one"
        )


def _size(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else " x ".join(map(str, shape)) or "one number"


def _merged_card(cards: Mapping[str, ModelCard], shares: Sequence[float]) -> ModelCard:
    last = list(cards.values())[-1]
    tuned = {tower for card in cards.values() for tower in card.tuned}
    recipe = " + ".join(f"{share:.4g} x {name}" for name, share in zip(cards, shares, strict=True))
    return replace(
        last,
        fusion=_fusion(cards),
        tuned=tuple(tower for tower in get_args(Tower) if tower in tuned),
        base=None,
        lora=None,
        origin={
            **{key: value for key, value in last.origin.items() if key not in OF_ONE_RUN},
            "merged": recipe,
        },
    )


def _fusion(cards: Mapping[str, ModelCard]) -> Fusion:
    """How the merged model fuses frames; a model that was not tuned goes with any fusion."""
    tuned = {name: card.fusion for name, card in cards.items() if card.tuned}
    for name, fusion in tuned.items():
        first = next(iter(tuned))
        if fusion != tuned[first]:
            raise InvalidInput(
                f"{first} was tuned to fuse frames by {tuned[first]}, and {name} by {fusion}: "
                "merge models that fuse alike"
            )
    return next(iter(tuned.values()), list(cards.values())[-1].fusion)


def _remarks(cards: Mapping[str, ModelCard]) -> Iterable[str]:
    last, card = list(cards.items())[-1]
    for name, other in cards.items():
        if other.preprocessing != card.preprocessing:
            yield f"{name} preprocesses pictures differently from {last}: the merged model does it as {last} does"
        if other.trained_frames and card.trained_frames and other.trained_frames != card.trained_frames:
            yield (
                f"{name} was trained with {other.trained_frames} frames and {last} with {card.trained_frames}: the "
                f"merged model is tested with {card.trained_frames}, or as --frames says"
            )
        if other.class_names and other.class_names != card.class_names:
            yield f"{name} was tuned on other classes than {last}: the merged model has the classes of {last}"
