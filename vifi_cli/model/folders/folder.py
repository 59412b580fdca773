"""Model folders: `config.json` beside `weights.safetensors`, and any named model as a network to train or evaluate.

Weights are named as the network's parts are: `visual.*`, `text.*`, `logit_scale`, and `logit_bias` of a SigLIP. A
prompt model has `prompts.safetensors` instead, its prompts alone, and names its base in `config.json`.
"""

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vifi_cli.model.folders.card import (
    BaseReference,
    Fusion,
    ModelCard,
    Tower,
    card_to_json,
    read_card,
)
from vifi_cli.model.folders.prompt_base import find_base, prompted_fingerprint
from vifi_cli.model.folders.prompt_folder import prompted_tower
from vifi_cli.model.folders.tuned_starter import read_image_tower, read_text_tower, starter_towers_of
from vifi_cli.model.prompts.prompts import PromptedImageTower, PromptedTextTower, prompt_parameters
from vifi_cli.model.registry.backbones import STARTER
from vifi_cli.model.registry.hub import cached_weights
from vifi_cli.model.registry.packaged_weights import TEXT_TOKENIZER
from vifi_cli.model.registry.source import CARD_FILE, PROMPTS_FILE, WEIGHTS_FILE, resolve_model
from vifi_cli.model.registry.weights_file import read_weights
from vifi_cli.model.runtime.fingerprint import fingerprint_of_image_tower, fingerprint_of_text_tower
from vifi_cli.model.runtime.starter_encoder import text_fingerprint, vision_fingerprint
from vifi_cli.model.towers.open_clip import describe_model, load_image_tower, load_text_tower, load_tokenizer
from vifi_cli.model.towers.preprocessing import preprocessing_from_open_clip
from vifi_cli.model.towers.sentence_tokenizer import SentenceTokenizer
from vifi_cli.model.towers.starter import build_starter
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.paths import replacing

__all__ = [
    "Fusion",
    "LoadedModel",
    "ModelCard",
    "Tower",
    "describe_base",
    "load_vifi_clip",
    "name_base",
    "read_card",
    "reference_to",
    "write_model_folder",
]

# CLIP's own before training, for weights that come without one
_UNTRAINED_SCALE = math.log(1 / 0.07)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model to train, evaluate or convert.

    Attributes:
        network: on the CPU, in evaluation mode.
        card: what it is made of; `origin` names what it was loaded from.
        tokenizer: texts to token ids int64 (N, L), as the network's text tower takes them.
    """

    network: ViFiCLIP
    card: ModelCard
    tokenizer: Callable[[Sequence[str]], Tensor]


def load_vifi_clip(name: str) -> LoadedModel:
    """Load a model by any name that `--model` takes; its weights must be on this machine.

    Raises:
        InvalidInput: no such model, or a model folder's configuration makes no sense.
        ModelUnavailable: the weights are not here or damaged.
        MissingDependency: a package that the model needs is not installed.
    """
    source = resolve_model(name)
    card = read_card(source.path) if source.kind == "vifi" and source.path else None
    if source.kind == "starter":
        return _starter()
    if card and card.prompts and source.path:
        return _prompted(source.path, card)
    if card and card.architecture == STARTER and source.path:
        return _tuned_starter(card, source.path / WEIGHTS_FILE)
    model = describe_model(source, cached_weights(source))
    card = card or ModelCard(model.config, model.preprocessing, origin={"base": source.name})
    scales = read_weights(model.weights, _is_scale, or_none=True)
    network = _joined(load_image_tower(model), load_text_tower(model), scales, card.fusion)
    return LoadedModel(network, card, load_tokenizer(model))


def _starter() -> LoadedModel:
    starter = build_starter()
    card = ModelCard(
        "starter", preprocessing_from_open_clip(starter.visual.preprocess_cfg), origin={"base": STARTER}
    )
    network = ViFiCLIP(starter.visual, starter.text, starter.logit_scale).eval()
    return LoadedModel(network, card, starter.tokenizer)


def _tuned_starter(card: ModelCard, file: Path) -> LoadedModel:
    tokenizer = SentenceTokenizer(TEXT_TOKENIZER.locate())
    scales = read_weights(file, _is_scale, or_none=True)
    network = _joined(read_image_tower(file), read_text_tower(file), scales, card.fusion)
    return LoadedModel(network, card, lambda texts: torch.from_numpy(tokenizer(texts)))


def _prompted(folder: Path, card: ModelCard) -> LoadedModel:
    name = find_base(folder, card).name
    loaded = load_vifi_clip(name)
    network, base = loaded.network, describe_base(name, loaded)
    prompted_fingerprint(folder, card, "image", base.image)
    prompted_fingerprint(folder, card, "text", base.text)
    network.visual = prompted_tower(folder, card, "image", network.visual)
    network.text = prompted_tower(folder, card, "text", network.text)
    network.fusion = card.fusion
    return replace(loaded, card=card)


def describe_base(name: str, loaded: LoadedModel) -> BaseReference:
    """Say which model prompts are learned for, so that they are never put into another.

    Args:
        name: what it was loaded by; a path is noted as an absolute one.
        loaded: what `load_vifi_clip` gave, its weights unchanged; prompts added since do not count.
    """
    source = resolve_model(name)
    if starter := starter_towers_of(source):
        return BaseReference(source.name, starter.vision_fingerprint(), starter.text_fingerprint())
    return reference_to(source.name, loaded.network, loaded.card)


def reference_to(name: str, network: ViFiCLIP, card: ModelCard) -> BaseReference:
    """The same of a model of open_clip's that need not be on disk yet."""
    config: Any = card.architecture
    visual, text = (
        tower.tower if isinstance(tower, PromptedImageTower | PromptedTextTower) else tower
        for tower in (network.visual, network.text)
    )
    image = fingerprint_of_image_tower(config, card.preprocessing, visual.state_dict())
    return BaseReference(name, image, fingerprint_of_text_tower(config, text.state_dict()))


def _is_scale(name: str) -> bool:
    return name in ("logit_scale", "logit_bias")


def _joined(visual: nn.Module, text: nn.Module, scales: Mapping[str, Tensor], fusion: Fusion) -> ViFiCLIP:
    scale = scales.get("logit_scale", torch.tensor(_UNTRAINED_SCALE)).float()
    bias = scales.get("logit_bias")
    return ViFiCLIP(visual, text, scale, fusion, None if bias is None else bias.float()).eval()


def write_model_folder(folder: Path, network: ViFiCLIP, card: ModelCard) -> None:
    """Write a model folder, replacing one that is there.

    Both files are written under other names first, so that a full disk leaves the older ones as they were.

    Args:
        folder: made where it is missing.
        network: on any device; its fusion is written, whatever the card says.
        card: what the network is made of; where it has prompts, they alone are written.

    Raises:
        OSError: the folder cannot be written.
    """
    card = replace(card, fusion=network.fusion, untouched=_untouched(card), base=_base_from(folder, card))
    folder.mkdir(parents=True, exist_ok=True)
    tensors: Mapping[str, Tensor] = prompt_parameters(network) if card.prompts else network.state_dict()
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # safetensors writes several facts in an order of chance, and equal models are to be equal files
    facts = {"base": f"{card.base.image} {card.base.text}"} if card.base else None
    kept, other = (PROMPTS_FILE, WEIGHTS_FILE) if card.prompts else (WEIGHTS_FILE, PROMPTS_FILE)
    with replacing(folder / CARD_FILE) as new_card, replacing(folder / kept) as new_weights:
        save_weights(weights, new_weights, facts)
        new_card.write_text(card_to_json(card), encoding="utf-8")
    (folder / other).unlink(missing_ok=True)


def _base_from(folder: Path, card: ModelCard) -> BaseReference | None:
    """The base, from the folder on where it lies inside, so that both can be moved together."""
    if card.base is None or not Path(card.base.model).is_relative_to(folder.absolute()):
        return card.base
    return replace(card.base, model=str(Path(card.base.model).relative_to(folder.absolute())))


def name_base(folder: Path, base: BaseReference) -> None:
    """Write into a prompt model's folder where its base lies now.

    Raises:
        OSError: it cannot be written; the folder is as it was.
    """
    card = replace(read_card(folder), base=base)
    with replacing(folder / CARD_FILE) as unfinished:
        unfinished.write_text(card_to_json(card), encoding="utf-8")


def save_weights(weights: Mapping[str, Tensor], file: Path, facts: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file, with facts about it in its header.

    Raises:
        OSError: it cannot be written; safetensors has an error of its own for that.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    file.touch()
    mode = file.stat().st_mode
    try:
        save_file(dict(weights), file, metadata=dict(facts or {"format": "pt"}))
        # safetensors lets nobody but the owner read what it writes
        file.chmod(mode)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(file)) from error


def _untouched(card: ModelCard) -> dict[str, str]:
    """What the index calls the towers that `starter` itself still has."""
    if card.architecture != STARTER or card.prompts:
        return {}
    towers: dict[Tower, Callable[[], str]] = {"image": vision_fingerprint, "text": text_fingerprint}
    return {tower: fingerprint() for tower, fingerprint in towers.items() if tower not in card.tuned}
