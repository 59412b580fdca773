"""A model as the index uses it: frames and texts in, embeddings out, all in numpy.

On a CPU, `starter` and models made from it run by ONNX Runtime: their towers are compiled once and kept in the cache
folder. From then on they need neither torch nor the weights themselves, only the digests of the weights' files.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from vifi_cli.model.preprocessing import STARTER_PREPROCESSING, Preprocessing
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
from vifi_cli.model.weights.fingerprint import (
    fingerprint_of_files,
    fingerprint_of_image_tower,
    fingerprint_of_text_tower,
)
from vifi_cli.model.weights.packaged_weights import TEXT_TOKENIZER
from vifi_cli.video.clips.clip_cutting import ClipLength
from vifi_cli.video.pictures.frames import FrameGeometry

if TYPE_CHECKING:
    import torch
    from torch import nn

    from vifi_cli.model.runtime.torch_runtime import TorchFrames, TorchTexts
    from vifi_cli.model.towers.open_clip import OpenClipModel

CLIP_SECONDS, IMAGE_FUSION_FRAMES = 2.0, 8
"""What a model of clips sees at once: as much as the shortest windows of an index. With `image` fusion, in as many
frames as it was tuned with, or so many if that is unknown; the mean picture of a longer part is a blur."""

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
class _BothSides:
    """Both sides of a model; `embed` takes at least one frame, or clip."""

    text: TextEncoder
    vision_fingerprint: str  # covers the preprocessing too, and the length of clips
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

    def _embedded(self, pixels: npt.NDArray[np.uint8], clip: tuple[int, ...] = ()) -> Float32Array:
        expected = (*clip, self.geometry.height, self.geometry.width, 3)
        if pixels.dtype != np.uint8 or pixels.shape[1:] != expected:
            raise ValueError(f"pixels must be uint8 (N, {expected}), not {pixels.dtype} {pixels.shape}")
        return self.embed(pixels) if len(pixels) else np.zeros((0, self.dimension), np.float32)


@dataclass(frozen=True, slots=True)
class ViFiEncoder(_BothSides):
    """A model that embeds each frame."""

    def encode_frames(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Embed frames uint8 (N, H, W, 3), RGB, cropped as in `geometry`: float32 (N, D), not normalized."""
        return self._embedded(pixels)


@dataclass(frozen=True, slots=True)
class ViFiClipEncoder(_BothSides):
    """A model that embeds clips, such as one that was tuned with `--fusion image`."""

    clip_length: ClipLength

    def encode_clips(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Embed clips uint8 (N, T, H, W, 3), frames as in `ViFiEncoder`: float32 (N, D), not normalized."""
        return self._embedded(pixels, (self.clip_length.frames,))


ModelEncoder: TypeAlias = ViFiEncoder | ViFiClipEncoder


def load_encoder(source: ModelSource, device: str = "auto") -> ModelEncoder:
    """Load both sides of a model; `device` is `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.

    Raises:
        InvalidInput: no such device, or a model folder's configuration makes no sense.
        ModelUnavailable: the weights are not here or damaged.
        MissingDependency: a package that the model needs is not installed.
    """
    towers = starter_towers_of(source)
    return _load_starter(source, towers, device) if towers else _load_open_clip(source, device)


def is_compiled(source: ModelSource, device: str = "auto") -> bool:
    """Whether loading both sides of a model takes no compiling first; True also of models that are not compiled."""
    towers = starter_towers_of(source)
    if towers is None or not means_cpu(device):
        return True
    vision = _fused_fingerprint(source, towers.vision_fingerprint())
    files = {"vision": vision, "text": towers.text_fingerprint()}
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
        return _fused_fingerprint(source, towers.vision_fingerprint())
    card = source.card
    if card and card.base and not card.changes_tower("image"):
        return _fused_fingerprint(source, card.base.image)
    return None


def clip_length_of(source: ModelSource) -> ClipLength | None:
    """What a model sees at once if it embeds clips; None for one that embeds each frame."""
    card = source.card
    if card is None or card.fusion != "image":
        return None
    return ClipLength(card.trained_frames or IMAGE_FUSION_FRAMES, CLIP_SECONDS)


def _fused_fingerprint(source: ModelSource, fingerprint: str) -> str:
    """The fingerprint of an image tower as a model uses it."""
    length = clip_length_of(source)
    if length is None:
        return fingerprint
    fusion = {"tower": fingerprint, "fusion": "image", "frames": length.frames, "seconds": length.seconds}
    return fingerprint_of_files(fusion, ())


def _both_sides(
    source: ModelSource,
    text: TextEncoder,
    fingerprint: str,
    geometry: FrameGeometry,
    frames: "OnnxFrames | TorchFrames",
    remark: str = "",
) -> ModelEncoder:
    """The encoder of a model; `fingerprint` is that of the image tower as the model uses it."""
    length = clip_length_of(source)
    sides = text, fingerprint, geometry, frames.description + remark, frames
    return ViFiClipEncoder(*sides, length) if length else ViFiEncoder(*sides)


def _load_starter(source: ModelSource, towers: StarterTowers, device: str) -> ModelEncoder:
    fingerprint = _fused_fingerprint(source, towers.vision_fingerprint())
    compiled = open_session(compiled_tower(fingerprint, "vision")) if means_cpu(device) else None
    if compiled:
        frames: OnnxFrames | TorchFrames = OnnxFrames(compiled)
    else:
        visual = towers.build_visual()
        frames = _run(source, visual, towers.preprocessing, choose_device(device), fingerprint)
    return _both_sides(source, _load_starter_text(towers, device), fingerprint, _STARTER_GEOMETRY, frames)


def _run(
    source: ModelSource,
    visual: "nn.Module",
    preprocessing: Preprocessing,
    device: "torch.device",
    fingerprint: str,
) -> "OnnxFrames | TorchFrames":
    """Runs an image tower on frames, or on the mean picture of each clip if that is how the model fuses them."""
    from vifi_cli.model.runtime.onnx_or_torch import frames_runtime
    from vifi_cli.model.runtime.torch_runtime import ClipPixelTower, PixelTower

    length = clip_length_of(source)
    tower = (ClipPixelTower if length else PixelTower)(visual, preprocessing)
    return frames_runtime(
        tower, preprocessing.geometry, device, fingerprint, length.frames if length else None
    )


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


def _load_open_clip(source: ModelSource, device: str) -> ModelEncoder:
    from vifi_cli.model.towers.open_clip import describe_model, load_image_tower

    chosen, model = choose_device(device), describe_model(source)
    visual = load_image_tower(model)
    fingerprint = fingerprint_of_image_tower(model.config, model.preprocessing, visual.state_dict())
    if model.clip_frames:
        return _video_model(source, model, visual, fingerprint, chosen)
    fingerprint = _fused_fingerprint(source, changed_fingerprint(source, "image", fingerprint))
    frames = _run(source, changed_tower(source, "image", visual), model.preprocessing, chosen, fingerprint)
    text = _load_open_clip_text(source, model, chosen)
    remark = f"; {model.assumed}" if model.assumed else ""
    return _both_sides(source, text, fingerprint, model.preprocessing.geometry, frames, remark)


def _video_model(
    source: ModelSource, model: "OpenClipModel", visual: "nn.Module", fingerprint: str, device: "torch.device"
) -> ViFiClipEncoder:
    """The encoder of a model whose image tower sees clips."""
    from vifi_cli.model.runtime.torch_runtime import TorchFrames, VideoPixelTower

    length = ClipLength(model.clip_frames or 1, CLIP_SECONDS)
    fingerprint = fingerprint_of_files({"tower": fingerprint, "seconds": length.seconds}, ())
    frames = TorchFrames(VideoPixelTower(visual, model.preprocessing), device)
    text = _load_open_clip_text(source, model, device)
    description = f"{frames.description}; {model.assumed}"
    return ViFiClipEncoder(text, fingerprint, model.preprocessing.geometry, description, frames, length)


def _load_open_clip_text(source: ModelSource, model: "OpenClipModel", device: "torch.device") -> TextEncoder:
    from vifi_cli.model.runtime.torch_runtime import TorchTexts
    from vifi_cli.model.towers.open_clip import load_text_tower, load_tokenizer

    tower = load_text_tower(model)
    fingerprint = fingerprint_of_text_tower(model.config, tower.state_dict())
    fingerprint = changed_fingerprint(source, "text", fingerprint)
    texts = TorchTexts(changed_tower(source, "text", tower), load_tokenizer(model), device)
    return TextEncoder(source.name, fingerprint, model.dimension, texts.description, texts)
