"""A model as the index uses it: frames and texts in, embeddings out, all in numpy.

On a CPU, `starter` and models made from it run by ONNX Runtime: their towers are compiled once and kept in the cache
folder. From then on they need neither torch nor the weights themselves, only the digests of the weights' files.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vifi_cli.model.preprocessing import STARTER_PREPROCESSING
from vifi_cli.model.registry.known_models import STARTER_DIMENSION
from vifi_cli.model.registry.source import ModelSource
from vifi_cli.model.runtime.device import choose_device, means_cpu
from vifi_cli.model.runtime.onnx_runtime import (
    Float32Array,
    OnnxFrames,
    OnnxTexts,
    compiled_tower,
    open_session,
)
from vifi_cli.model.storage.changed_model import changed_fingerprint, changed_tower
from vifi_cli.model.storage.starter_model import StarterTowers, starter_towers_of
from vifi_cli.model.towers.tokenizers.sentence_tokenizer import SentenceTokenizer
from vifi_cli.model.weights.fingerprint import fingerprint_of_image_tower, fingerprint_of_text_tower
from vifi_cli.model.weights.packaged_weights import TEXT_TOKENIZER
from vifi_cli.video.pictures.frames import FrameGeometry

if TYPE_CHECKING:
    import torch

    from vifi_cli.model.runtime.torch_runtime import TorchFrames, TorchTexts
    from vifi_cli.model.towers.open_clip import OpenClipModel

_STARTER_GEOMETRY = STARTER_PREPROCESSING.geometry


@dataclass(frozen=True, slots=True)
class TextEncoder:
    """The text side of a model; `embed` takes at least one text."""

    model_name: str  # resolves to this model; paths are absolute
    text_fingerprint: str
    dimension: int  # D, the length of an embedding
    description: str  # of the runtime, such as `onnxruntime on cpu`
    embed: Callable[[Sequence[str]], Float32Array] = field(repr=False)

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embed texts without a template: float32 (N, D), each of length 1; long texts are cut."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        return self.embed(texts)


@dataclass(frozen=True, slots=True)
class ViFiEncoder:
    """Both sides of a model; `embed` takes at least one frame."""

    text: TextEncoder
    vision_fingerprint: str  # covers the preprocessing too
    geometry: FrameGeometry
    description: str  # of the image tower's runtime, with a reason where it is not the fastest
    embed: Callable[[npt.NDArray[np.uint8]], Float32Array] = field(repr=False)

    @property
    def model_name(self) -> str:
        """Resolves to this model."""
        return self.text.model_name

    @property
    def text_fingerprint(self) -> str:
        """Digest of the text tower."""
        return self.text.text_fingerprint

    @property
    def dimension(self) -> int:
        """D, the length of an embedding."""
        return self.text.dimension

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embed texts: float32 (N, D), each of length 1."""
        return self.text.encode_texts(texts)

    def encode_frames(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Embed frames uint8 (N, H, W, 3), RGB, cropped as in `geometry`: float32 (N, D), not normalized."""
        expected = (self.geometry.height, self.geometry.width, 3)
        if pixels.dtype != np.uint8 or pixels.shape[1:] != expected:
            raise ValueError(f"frames must be uint8 (N, {expected}), not {pixels.dtype} {pixels.shape}")
        if not len(pixels):
            return np.zeros((0, self.dimension), np.float32)
        return self.embed(pixels)


def load_encoder(source: ModelSource, device: str = "auto") -> ViFiEncoder:
    """Load both sides of a model; `device` is `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.

    Raises:
        InvalidInput: no such device, or a model folder's configuration makes no sense.
        ModelUnavailable: the weights are not here or damaged.
        MissingDependency: a package that the model needs is not installed.
    """
    towers = starter_towers_of(source)
    return _load_starter(towers, device) if towers else _load_open_clip(source, device)


def is_compiled(source: ModelSource, device: str = "auto") -> bool:
    """Whether loading both sides of a model takes no compiling first; True also of models that are not compiled."""
    towers = starter_towers_of(source)
    if towers is None or not means_cpu(device):
        return True
    files = {"vision": towers.vision_fingerprint(), "text": towers.text_fingerprint()}
    return all(compiled_tower(fingerprint, tower).is_file() for tower, fingerprint in files.items())


def load_text_encoder(source: ModelSource, device: str = "auto") -> TextEncoder:
    """Load only the text side, which is enough for a search; the errors are those of `load_encoder`."""
    if towers := starter_towers_of(source):
        return _load_starter_text(towers, device)
    from vifi_cli.model.towers.open_clip import describe_model

    return _load_open_clip_text(source, describe_model(source), choose_device(device))


def vision_fingerprint_of(source: ModelSource, device: str = "auto") -> str:
    """The fingerprint of a model's image side: an index made with another model of the same fingerprint serves it.

    For `starter`, what was tuned from it, and models that change only the text side of a base, that side is not loaded.
    The errors are those of `load_encoder`.
    """
    return quick_vision_fingerprint_of(source) or load_encoder(source, device).vision_fingerprint


def quick_vision_fingerprint_of(source: ModelSource) -> str | None:
    """The fingerprint of a model's image side if it can be told without loading that; otherwise None."""
    if towers := starter_towers_of(source):
        return towers.vision_fingerprint()
    card = source.card
    return card.base.image if card and card.base and not card.changes_tower("image") else None


def _load_starter(towers: StarterTowers, device: str) -> ViFiEncoder:
    fingerprint = towers.vision_fingerprint()
    compiled = open_session(compiled_tower(fingerprint, "vision")) if means_cpu(device) else None
    frames = OnnxFrames(compiled) if compiled else _starter_frames(towers, device, fingerprint)
    text = _load_starter_text(towers, device)
    return ViFiEncoder(text, fingerprint, _STARTER_GEOMETRY, frames.description, frames)


def _starter_frames(towers: StarterTowers, device: str, fingerprint: str) -> "OnnxFrames | TorchFrames":
    from vifi_cli.model.runtime.onnx_or_torch import frames_runtime
    from vifi_cli.model.runtime.torch_runtime import PixelTower

    visual = towers.build_visual()
    tower = PixelTower(visual, towers.preprocessing)
    return frames_runtime(tower, _STARTER_GEOMETRY, choose_device(device), fingerprint)


def _load_starter_text(towers: StarterTowers, device: str) -> TextEncoder:
    """`auto` means the CPU here: a query takes milliseconds there, and a GPU would need the import of torch."""
    fingerprint = towers.text_fingerprint()
    tokenizer = SentenceTokenizer(TEXT_TOKENIZER.locate())
    device = "cpu" if device == "auto" else device
    file = compiled_tower(fingerprint, "text")
    compiled = open_session(file, for_one_query=True) if device == "cpu" else None
    texts: OnnxTexts | TorchTexts
    if compiled:
        texts = OnnxTexts(compiled, tokenizer)
    else:
        from vifi_cli.model.runtime.onnx_or_torch import sentence_runtime

        texts = sentence_runtime(towers.build_text(), tokenizer, choose_device(device), fingerprint)
    return TextEncoder(towers.model_name, fingerprint, STARTER_DIMENSION, texts.description, texts)


def _load_open_clip(source: ModelSource, device: str) -> ViFiEncoder:
    from vifi_cli.model.runtime.onnx_or_torch import frames_runtime
    from vifi_cli.model.runtime.torch_runtime import PixelTower
    from vifi_cli.model.towers.open_clip import describe_model, load_image_tower

    chosen, model = choose_device(device), describe_model(source)
    visual = load_image_tower(model)
    fingerprint = fingerprint_of_image_tower(model.config, model.preprocessing, visual.state_dict())
    fingerprint = changed_fingerprint(source, "image", fingerprint)
    tower = PixelTower(changed_tower(source, "image", visual), model.preprocessing)
    geometry = model.preprocessing.geometry
    frames = frames_runtime(tower, geometry, chosen, fingerprint)
    description = frames.description
    if model.assumed:
        description += f"; {model.assumed}"
    text = _load_open_clip_text(source, model, chosen)
    return ViFiEncoder(text, fingerprint, geometry, description, frames)


def _load_open_clip_text(source: ModelSource, model: "OpenClipModel", device: "torch.device") -> TextEncoder:
    from vifi_cli.model.runtime.torch_runtime import TorchTexts
    from vifi_cli.model.towers.open_clip import load_text_tower, load_tokenizer

    tower = load_text_tower(model)
    fingerprint = fingerprint_of_text_tower(model.config, tower.state_dict())
    fingerprint = changed_fingerprint(source, "text", fingerprint)
    texts = TorchTexts(changed_tower(source, "text", tower), load_tokenizer(model), device)
    return TextEncoder(source.name, fingerprint, model.dimension, texts.description, texts)
