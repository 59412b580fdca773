"""Loads any model as a network to train, evaluate or convert."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from vifi_cli.errors import InvalidInput
from vifi_cli.model.preprocessing import STARTER_PREPROCESSING, Preprocessing
from vifi_cli.model.prompts.class_tokens import TextReader
from vifi_cli.model.prompts.image import PromptedImageTower
from vifi_cli.model.prompts.text import PromptedTextTower
from vifi_cli.model.registry.card import BaseReference, Fusion, ModelCard
from vifi_cli.model.registry.known_models import STARTER
from vifi_cli.model.registry.model_files import WEIGHTS_FILE
from vifi_cli.model.registry.source import ModelSource
from vifi_cli.model.storage.changed_model import changed_fingerprint, changed_tower
from vifi_cli.model.storage.head_file import read_head
from vifi_cli.model.storage.starter_model import (
    fingerprint_with,
    read_image_tower,
    read_text_tower,
    starter_towers_of,
)
from vifi_cli.model.towers.open_clip import (
    describe_model,
    describe_texts,
    load_image_tower,
    load_text_tower,
    load_tokenizer,
    read_model_weights,
)
from vifi_cli.model.towers.starter import build_starter
from vifi_cli.model.towers.tokenizers.sentence_tokenizer import SentenceTokenizer
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.model.weights.fingerprint import fingerprint_of_image_tower, fingerprint_of_text_tower
from vifi_cli.model.weights.packaged_weights import TEXT_TOKENIZER
from vifi_cli.model.weights.weights_file import read_weights

# CLIP's own before training, for weights that come without one
_UNTRAINED_SCALE = math.log(1 / 0.07)


@dataclass(frozen=True, slots=True, repr=False)
class LoadedModel:
    """A model to train, evaluate or convert."""

    source: ModelSource
    network: ViFiCLIP  # on the CPU, in evaluation mode
    card: ModelCard  # its `origin` names what it was loaded from
    # texts to token ids int64 (N, L), as the network's text tower takes them
    tokenizer: Callable[[Sequence[str]], Tensor]

    @property
    def text_reader(self) -> TextReader:
        """What its text tower reads of texts, to compare classes."""
        return TextReader(self.source.name, self.tokenizer, self.network.text)

    def __repr__(self) -> str:
        return f"<LoadedModel {self.source.name}: {self.card!r}>"


def load_vifi_clip(source: ModelSource) -> LoadedModel:
    """Load a model, whose weights must be on this machine.

    Raises:
        InvalidInput: a folder's configuration makes no sense.
        ModelUnavailable: the weights are not here or damaged.
        MissingDependency: a package that the model needs is not installed.
    """
    card = source.card
    if source.kind == "starter":
        return _starter(source)
    if source.base and card:
        return _changed(source, source.base, card)
    if card and card.architecture == STARTER and source.path:
        return _tuned_starter(source, card, source.path / WEIGHTS_FILE)
    model = describe_model(source)
    if model.clip_frames:
        raise InvalidInput(
            f"{source.name} is an X-CLIP, which vifi runs for the index alone: `vifi index --model {source.name}`; "
            "choose a CLIP here"
        )
    card = card or ModelCard(model.config, model.preprocessing, origin={"base": source.name})
    scales = read_model_weights(model, _is_scale, or_none=True)
    network = _joined(load_image_tower(model), load_text_tower(model), scales, card.fusion)
    tokenizer = load_tokenizer(model)
    network.tokenizer_json = tokenizer.content
    return LoadedModel(source, network, card, tokenizer)


def load_text_reader(source: ModelSource) -> TextReader:
    """What a model reads of texts without learned prompts, for which its weights are not loaded.

    Raises MissingDependency or ModelUnavailable if its tokenizer is not here.
    """
    of_weights = source.of_weights
    is_starter = of_weights.kind == "starter" or (of_weights.card and of_weights.card.architecture == STARTER)
    tokenizer = _sentence_tokenizer() if is_starter else load_tokenizer(describe_texts(of_weights))
    return TextReader(source.name, tokenizer, nn.Identity())


def _starter(source: ModelSource) -> LoadedModel:
    card = ModelCard("starter", STARTER_PREPROCESSING, origin={"base": STARTER})
    return LoadedModel(source, build_starter(), card, _sentence_tokenizer())


def _tuned_starter(source: ModelSource, card: ModelCard, file: Path) -> LoadedModel:
    scales = read_weights(file, _is_scale, or_none=True)
    network = _joined(read_image_tower(file), read_text_tower(file), scales, card.fusion)
    return LoadedModel(source, network, card, _sentence_tokenizer())


def _sentence_tokenizer() -> Callable[[Sequence[str]], Tensor]:
    tokenizer = SentenceTokenizer(TEXT_TOKENIZER.locate())
    return lambda texts: torch.from_numpy(tokenizer(texts))


def _changed(source: ModelSource, base_source: ModelSource, card: ModelCard) -> LoadedModel:
    loaded = load_vifi_clip(base_source)
    network, base = loaded.network, describe_base(loaded, card.preprocessing)
    changed_fingerprint(source, "image", base.image)
    changed_fingerprint(source, "text", base.text)
    network.visual = changed_tower(source, "image", network.visual)
    network.text = changed_tower(source, "text", network.text)
    network.fusion, network.head = card.fusion, read_head(source)
    return replace(loaded, source=source, card=card)


def describe_base(loaded: LoadedModel, preprocessing: Preprocessing) -> BaseReference:
    """Describe the model that prompts or low-rank matrices are learned for, so that they are never put into another.

    `preprocessing` is that of the changed model, which may normalize pixels differently from its base. The weights must
    be unchanged since `load_vifi_clip`; prompts added since do not count.
    """
    source = loaded.source
    if starter := starter_towers_of(source):
        image = fingerprint_with(starter, preprocessing)
        return BaseReference(source.name, image, starter.text_fingerprint())
    seen = loaded.card.preprocessing.with_statistics_of(preprocessing)
    return reference_to(source.name, loaded.network, replace(loaded.card, preprocessing=seen))


def preprocessing_of(source: ModelSource) -> Preprocessing:
    """The preprocessing of a model, without loading it; the errors are those of `load_vifi_clip`."""
    if source.card:
        return source.card.preprocessing
    return STARTER_PREPROCESSING if source.kind == "starter" else describe_model(source).preprocessing


def reference_to(name: str, network: ViFiCLIP, card: ModelCard) -> BaseReference:
    """The same for a model of open_clip's that need not be on disk yet; ValueError for any other."""
    config = card.architecture
    if isinstance(config, str):
        raise ValueError(f"{config} is not an architecture of open_clip")
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
