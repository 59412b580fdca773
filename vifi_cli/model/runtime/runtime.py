"""Chooses what carries a tower out: torch, or ONNX Runtime where that is faster and exact."""

import numpy as np
import torch
from torch import nn

from vifi_cli.model.runtime.onnx_export import (
    NotExact,
    compile_once,
    export_image_tower,
    export_text_tower,
    is_convolutional,
)
from vifi_cli.model.runtime.onnx_runtime import OnnxFrames, OnnxTexts, compiled_tower
from vifi_cli.model.runtime.torch_runtime import PixelTower, TorchFrames, TorchTexts
from vifi_cli.model.towers.sentence_tokenizer import SentenceTokenizer
from vifi_cli.video.decode.frames import FrameGeometry

# of several lengths, so that a compiled tower which fixed one of them is found out
_SAMPLE_TEXTS = (
    ["a dog", "two children play football on a lawn in the rain", ""],
    ["a much longer text, " * 20],
)


def frames_runtime(
    tower: PixelTower, geometry: FrameGeometry, device: torch.device, fingerprint: str
) -> OnnxFrames | TorchFrames:
    """What embeds frames on a device: ONNX Runtime for convolutional towers on a CPU, else torch.

    Compiling takes some seconds at first; the result is kept by `fingerprint`. Where it fails or differs by more
    than 1e-4, torch does the work, and the description gives the reason.
    """
    if device.type != "cpu" or not is_convolutional(tower):
        return TorchFrames(tower, device)
    tower.eval()
    try:
        session = compile_once(
            compiled_tower(fingerprint, "vision"),
            lambda target: export_image_tower(tower, geometry.height, geometry.width, target),
        )
    except NotExact as reason:
        return TorchFrames(tower, device, f"not the faster onnxruntime: {reason}")
    return OnnxFrames(session)


def sentence_runtime(
    tower: nn.Module, tokenizer: SentenceTokenizer, device: torch.device, fingerprint: str
) -> OnnxTexts | TorchTexts:
    """What embeds texts by MiniLM on a device: ONNX Runtime on a CPU, since that needs no torch the next time."""
    if device.type == "cpu":
        samples = [tokenizer(texts) for texts in _SAMPLE_TEXTS]
        try:
            session = compile_once(
                compiled_tower(fingerprint, "text"), lambda target: export_text_tower(tower, samples, target)
            )
        except NotExact:
            # nothing is lost but the time to import torch
            pass
        else:
            return OnnxTexts(session, tokenizer)
    return TorchTexts(tower, lambda texts: torch.from_numpy(np.asarray(tokenizer(texts))), device)
