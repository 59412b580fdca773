"""Runs a tower by ONNX Runtime where that is faster and exact, otherwise by torch.

A tower is compiled into an ONNX file once, and kept only if it computes the same as torch.
"""

import logging
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vifi_cli.model.runtime.onnx_runtime import OnnxFrames, OnnxTexts, compiled_tower, open_session
from vifi_cli.model.runtime.torch_runtime import PixelTower, TorchFrames, TorchTexts
from vifi_cli.model.towers.tokenizers.sentence_tokenizer import SentenceTokenizer
from vifi_cli.paths import make_own_folder, replacing
from vifi_cli.video.pictures.frames import FrameGeometry

Samples = Sequence[npt.NDArray[np.generic]]

# the greatest difference from torch, as a share of the embeddings' size
TOLERANCE = 1e-4
_OPSET = 17
# this many convolutions make a network convolutional; a vision transformer has one, for its patches
_MANY_CONVOLUTIONS = 10
# of several lengths, to detect a compiled tower that takes only one of them
_SAMPLE_TEXTS = (
    ["a dog", "two children play football on a lawn in the rain", ""],
    ["a much longer text, " * 20],
)


@dataclass(frozen=True, slots=True)
class _Input:
    """The input of a compiled tower; its free axes may have any length."""

    name: str
    free_axes: dict[int, str]


_PIXELS = _Input("pixels", {0: "frames"})  # or clips
_TOKENS = _Input("tokens", {0: "texts", 1: "length"})


class NotExact(Exception):
    """The compiled tower is missing, or differs from torch; the text says which."""


def frames_runtime(
    tower: PixelTower,
    geometry: FrameGeometry,
    device: torch.device,
    fingerprint: str,
    clip_frames: int | None = None,
) -> OnnxFrames | TorchFrames:
    """Embed frames, or clips of `clip_frames`, by ONNX Runtime for convolutional towers on a CPU, otherwise by torch.

    Compiling takes some seconds the first time; the result is kept by `fingerprint`. Where it fails or differs by more
    than `TOLERANCE`, torch does the work, and the description gives the reason.
    """
    if device.type != "cpu" or not is_convolutional(tower):
        return TorchFrames(tower, device)
    tower.eval()
    try:
        session = _compiled(
            compiled_tower(fingerprint, "vision"), tower, _PIXELS, _samples(geometry, clip_frames)
        )
    except NotExact as reason:
        return TorchFrames(tower, device, f"not the faster onnxruntime: {reason}")
    return OnnxFrames(session)


def sentence_runtime(
    tower: nn.Module, tokenizer: SentenceTokenizer, device: torch.device, fingerprint: str
) -> OnnxTexts | TorchTexts:
    """Embed texts by ONNX Runtime on a CPU, which needs no torch the next time, otherwise by torch."""
    if device.type == "cpu":
        samples = [tokenizer(texts) for texts in _SAMPLE_TEXTS]
        try:
            session = _compiled(compiled_tower(fingerprint, "text"), tower, _TOKENS, samples)
        except NotExact:
            pass  # which costs only the time to import torch
        else:
            return OnnxTexts(session, tokenizer)
    return TorchTexts(tower, lambda texts: torch.from_numpy(np.asarray(tokenizer(texts))), device)


def is_convolutional(tower: nn.Module) -> bool:
    """Whether a tower is convolutional; for those ONNX Runtime is far faster on a CPU."""
    return sum(isinstance(part, nn.Conv2d) for part in tower.modules()) >= _MANY_CONVOLUTIONS


def _samples(geometry: FrameGeometry, clip_frames: int | None) -> list[npt.NDArray[np.uint8]]:
    """Noise and a ramp, in different numbers."""
    shape = (*(() if clip_frames is None else (clip_frames,)), geometry.height, geometry.width, 3)
    noise = np.random.default_rng(0).integers(0, 256, (2, *shape), np.uint8)
    ramp = np.linspace(0, 255, math.prod(shape)).reshape(1, *shape).astype(np.uint8)
    return [noise, ramp]


def _compiled(file: Path, tower: nn.Module, form: _Input, samples: Samples) -> object:
    """Load a compiled tower, after compiling it where the file is missing or damaged; NotExact leaves no file."""
    session = open_session(file)
    if session is None:
        _compile(file, tower, form, samples)
        session = open_session(file)
    if session is None:
        raise NotExact("the compiled tower cannot be read back")
    return session


def _compile(file: Path, tower: nn.Module, form: _Input, samples: Samples) -> None:
    try:
        make_own_folder(file.parent)
        with replacing(file) as temporary:
            _write(tower, form, torch.from_numpy(samples[0]), temporary)
            _check(tower, form, samples, temporary)
    except OSError as error:
        raise NotExact(f"{file.parent} cannot be written ({error.strerror})") from error


def _write(tower: nn.Module, form: _Input, example: Tensor, target: Path) -> None:
    try:
        import onnx  # noqa: F401 - torch's exporter needs it, and its own message is less clear
    except ImportError as error:
        raise NotExact("onnx is not installed") from error
    # The TorchScript exporter, because the newer one needs the package onnxscript; its notices are not for users.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                tower,
                (example,),
                str(target),
                input_names=[form.name],
                output_names=["embeddings"],
                dynamic_axes={form.name: form.free_axes, "embeddings": {0: form.free_axes[0]}},
                opset_version=_OPSET,
                dynamo=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise NotExact(f"it cannot be compiled ({str(error).splitlines()[0]})") from error


def _check(tower: nn.Module, form: _Input, samples: Samples, compiled: Path) -> None:
    session = open_session(compiled)
    if session is None:
        raise NotExact("onnxruntime is not installed or cannot read the compiled tower")
    for values in samples:
        with torch.inference_mode():
            expected = tower(torch.from_numpy(values)).numpy()
        found = session.run(None, {form.name: values})[0]
        difference = np.abs(found - expected).max() / np.abs(expected).max()
        if not difference < TOLERANCE:
            raise NotExact(f"the compiled tower differs by {difference:.1e}")
