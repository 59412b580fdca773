"""Loads `starter` for the index.

Its towers are compiled for ONNX Runtime once and kept in the cache folder; from then on neither torch nor the
weights themselves need to be read on a CPU, only hashed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.model.registry.backbones import STARTER
from vifi_cli.model.registry.packaged_weights import IMAGE_WEIGHTS, TEXT_TOKENIZER, TEXT_WEIGHTS
from vifi_cli.model.runtime.device import means_cpu
from vifi_cli.model.runtime.fingerprint import fingerprint_of_files
from vifi_cli.model.runtime.onnx_runtime import OnnxFrames, OnnxTexts, compiled_tower, open_session
from vifi_cli.model.runtime.vifi_encoder import TextEncoder, ViFiEncoder
from vifi_cli.model.towers.sentence_tokenizer import SentenceTokenizer
from vifi_cli.video.decode.frames import FrameGeometry

if TYPE_CHECKING:
    from torch import nn

    from vifi_cli.model.runtime.torch_runtime import TorchFrames, TorchTexts
    from vifi_cli.model.towers.minilm import SentenceTransformer
    from vifi_cli.model.towers.starter import StarterImageTower

DIMENSION = 384
GEOMETRY = FrameGeometry(224, 224, "shortest", "bicubic")
# raise when the way the towers are made from the files changes
_RECIPE = {"architecture": "starter", "recipe": 1}


def text_fingerprint() -> str:
    """Digest of the text tower, from the files it is made of."""
    return fingerprint_of_files({**_RECIPE, "tower": "text"}, _text_files())


def vision_fingerprint() -> str:
    """Digest of the image tower; its head is made by the text tower, so it hangs on those files too."""
    return fingerprint_of_files({**_RECIPE, "tower": "vision"}, [IMAGE_WEIGHTS.locate(), *_text_files()])


def _text_files() -> list[Path]:
    return [TEXT_WEIGHTS.locate(), TEXT_TOKENIZER.locate()]


@dataclass(frozen=True, slots=True)
class StarterTowers:
    """The towers of `starter`, or of a model tuned from it; nothing is read before it is needed.

    Attributes:
        model_name: what loads them again.
        vision_fingerprint: gives the digest of the image tower.
        text_fingerprint: gives the digest of the text tower.
        build_visual: gives the image tower, a `StarterImageTower`.
        build_text: gives the text tower, a `SentenceTransformer` or one with prompts.
    """

    model_name: str
    vision_fingerprint: Callable[[], str]
    text_fingerprint: Callable[[], str]
    build_visual: "Callable[[], StarterImageTower]"
    build_text: "Callable[[], nn.Module]"


def starter_towers() -> StarterTowers:
    """The towers of `starter` itself."""
    return StarterTowers(STARTER, vision_fingerprint, text_fingerprint, _packaged_visual, _packaged_text)


def load_starter(towers: StarterTowers, device: str) -> ViFiEncoder:
    """Load both sides; see `encoder.load_encoder`."""
    fingerprint = towers.vision_fingerprint()
    compiled = open_session(compiled_tower(fingerprint, "vision")) if means_cpu(device) else None
    frames = OnnxFrames(compiled) if compiled else _frames_by_torch(towers, device, fingerprint)
    return ViFiEncoder(load_starter_text(towers, device), fingerprint, GEOMETRY, frames.description, frames)


def load_starter_text(towers: StarterTowers, device: str) -> TextEncoder:
    """Load the text side alone; see `encoder.load_text_encoder`.

    `auto` means the CPU here: a query takes it milliseconds, and to ask for a GPU means to import torch.
    """
    fingerprint = towers.text_fingerprint()
    tokenizer = SentenceTokenizer(TEXT_TOKENIZER.locate())
    on_cpu = device in ("auto", "cpu")
    file = compiled_tower(fingerprint, "text")
    compiled = open_session(file, for_one_query=True) if on_cpu else None
    texts = (
        OnnxTexts(compiled, tokenizer)
        if compiled
        else _texts_by_torch(towers, device, fingerprint, tokenizer)
    )
    return TextEncoder(towers.model_name, fingerprint, DIMENSION, texts.description, texts)


def _frames_by_torch(towers: StarterTowers, device: str, fingerprint: str) -> "OnnxFrames | TorchFrames":
    from vifi_cli.model.runtime.device import choose_device
    from vifi_cli.model.runtime.runtime import frames_runtime
    from vifi_cli.model.runtime.torch_runtime import PixelTower
    from vifi_cli.model.towers.preprocessing import preprocessing_from_open_clip

    visual = towers.build_visual()
    tower = PixelTower(visual, preprocessing_from_open_clip(visual.preprocess_cfg))
    return frames_runtime(tower, GEOMETRY, choose_device(device), fingerprint)


def _texts_by_torch(
    towers: StarterTowers, device: str, fingerprint: str, tokenizer: SentenceTokenizer
) -> "OnnxTexts | TorchTexts":
    import torch

    from vifi_cli.model.runtime.device import choose_device
    from vifi_cli.model.runtime.runtime import sentence_runtime

    chosen = torch.device("cpu") if device == "auto" else choose_device(device)
    return sentence_runtime(towers.build_text(), tokenizer, chosen, fingerprint)


def _packaged_visual() -> "StarterImageTower":
    from vifi_cli.model.towers.starter import build_starter

    return build_starter().visual


def _packaged_text() -> "SentenceTransformer":
    from vifi_cli.model.towers.minilm import load_minilm

    return load_minilm(TEXT_WEIGHTS.locate())
