"""Loads `starter` for the index.

Its towers are compiled for ONNX Runtime once and kept in the cache folder. From then on, a CPU needs neither torch nor
the weights themselves, only the digests of their files.
"""

from typing import TYPE_CHECKING

from vifi_cli.model.folders.starter_model import StarterTowers
from vifi_cli.model.preprocessing import preprocessing_from_open_clip
from vifi_cli.model.registry.known_models import STARTER_DIMENSION
from vifi_cli.model.runtime.device import choose_device, means_cpu
from vifi_cli.model.runtime.onnx_runtime import OnnxFrames, OnnxTexts, compiled_tower, open_session
from vifi_cli.model.runtime.vifi_encoder import TextEncoder, ViFiEncoder
from vifi_cli.model.towers.sentence_tokenizer import SentenceTokenizer
from vifi_cli.model.weights.packaged_weights import TEXT_TOKENIZER
from vifi_cli.video.decode.frames import FrameGeometry

if TYPE_CHECKING:
    from vifi_cli.model.runtime.torch_runtime import TorchFrames, TorchTexts

GEOMETRY = FrameGeometry(224, 224, "shortest", "bicubic")


def load_starter(towers: StarterTowers, device: str) -> ViFiEncoder:
    """Load both sides; see `encoder.load_encoder`."""
    fingerprint = towers.vision_fingerprint()
    compiled = open_session(compiled_tower(fingerprint, "vision")) if means_cpu(device) else None
    frames = OnnxFrames(compiled) if compiled else _frames_by_torch(towers, device, fingerprint)
    return ViFiEncoder(load_starter_text(towers, device), fingerprint, GEOMETRY, frames.description, frames)


def load_starter_text(towers: StarterTowers, device: str) -> TextEncoder:
    """Load only the text side; see `encoder.load_text_encoder`.

    `auto` means the CPU here: a query takes milliseconds there, and a GPU would need the import of torch.
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
    return TextEncoder(towers.model_name, fingerprint, STARTER_DIMENSION, texts.description, texts)


def _frames_by_torch(towers: StarterTowers, device: str, fingerprint: str) -> "OnnxFrames | TorchFrames":
    from vifi_cli.model.runtime.onnx_or_torch import frames_runtime
    from vifi_cli.model.runtime.torch_runtime import PixelTower

    visual = towers.build_visual()
    tower = PixelTower(visual, preprocessing_from_open_clip(visual.preprocess_cfg))
    return frames_runtime(tower, GEOMETRY, choose_device(device), fingerprint)


def _texts_by_torch(
    towers: StarterTowers, device: str, fingerprint: str, tokenizer: SentenceTokenizer
) -> "OnnxTexts | TorchTexts":
    import torch

    from vifi_cli.model.runtime.onnx_or_torch import sentence_runtime

    chosen = torch.device("cpu") if device == "auto" else choose_device(device)
    return sentence_runtime(towers.build_text(), tokenizer, chosen, fingerprint)
