"""Runs a tower by ONNX Runtime where that is faster and exact, otherwise by torch.

A tower is compiled into an ONNX file once, and kept only if it computes the same as torch.
"""

import contextlib
import logging
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vifi_cli.model.runtime.onnx_runtime import OnnxFrames, OnnxTexts, compiled_tower, open_session
from vifi_cli.model.runtime.torch_runtime import PixelTower, TorchFrames, TorchTexts
from vifi_cli.model.towers.sentence_tokenizer import SentenceTokenizer
from vifi_cli.video.decode.frames import FrameGeometry

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


class NotExact(Exception):
    """The compiled tower is missing, or differs from torch; the text says which."""


def frames_runtime(
    tower: PixelTower, geometry: FrameGeometry, device: torch.device, fingerprint: str
) -> OnnxFrames | TorchFrames:
    """Embed frames by ONNX Runtime for convolutional towers on a CPU, otherwise by torch.

    Compiling takes some seconds the first time; the result is kept by `fingerprint`. Where it fails or differs by more
    than `TOLERANCE`, torch does the work, and the description gives the reason.
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
    """Embed texts by ONNX Runtime on a CPU, which needs no torch the next time, otherwise by torch."""
    if device.type == "cpu":
        samples = [tokenizer(texts) for texts in _SAMPLE_TEXTS]
        try:
            session = compile_once(
                compiled_tower(fingerprint, "text"), lambda target: export_text_tower(tower, samples, target)
            )
        except NotExact:
            pass  # which costs only the time to import torch
        else:
            return OnnxTexts(session, tokenizer)
    return TorchTexts(tower, lambda texts: torch.from_numpy(np.asarray(tokenizer(texts))), device)


def is_convolutional(tower: nn.Module) -> bool:
    """Whether a tower is convolutional; for those ONNX Runtime is far faster on a CPU."""
    return sum(isinstance(part, nn.Conv2d) for part in tower.modules()) >= _MANY_CONVOLUTIONS


def export_image_tower(tower: nn.Module, height: int, width: int, target: Path) -> None:
    """Compile a tower of pixels, uint8 (N, height, width, 3) to (N, D), for any N.

    Raises:
        NotExact: the tower cannot be compiled exactly; no file is left.
    """
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (2, height, width, 3), np.uint8)
    ramp = np.linspace(0, 255, height * width * 3).reshape(1, height, width, 3).astype(np.uint8)
    _export(tower, "pixels", {0: "frames"}, [noise, ramp], target)


def export_text_tower(tower: nn.Module, token_rows: list[npt.NDArray[np.int64]], target: Path) -> None:
    """Compile a tower of tokens, int64 (N, L) to (N, D), for any N and L.

    Args:
        tower: the text tower.
        token_rows: tokenized texts of several shapes, to compile from and to check with.
        target: the file to write.

    Raises:
        NotExact: the tower cannot be compiled exactly; no file is left.
    """
    _export(tower, "tokens", {0: "texts", 1: "length"}, token_rows, target)


def _export(
    tower: nn.Module, name: str, free: dict[int, str], inputs: Sequence[npt.NDArray[np.generic]], target: Path
) -> None:
    temporary = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(tower, name, free, torch.from_numpy(inputs[0]), temporary)
        _check(tower, name, inputs, temporary)
        temporary.replace(target)
    except OSError as error:
        raise NotExact(f"{target.parent} cannot be written ({error.strerror})") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _write(tower: nn.Module, name: str, free: dict[int, str], example: Tensor, target: Path) -> None:
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
                input_names=[name],
                output_names=["embeddings"],
                dynamic_axes={name: free, "embeddings": {0: free[0]}},
                opset_version=_OPSET,
                dynamo=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise NotExact(f"it cannot be compiled ({str(error).splitlines()[0]})") from error


def _check(tower: nn.Module, name: str, inputs: Sequence[npt.NDArray[np.generic]], compiled: Path) -> None:
    session = open_session(compiled)
    if session is None:
        raise NotExact("onnxruntime is not installed or cannot read the compiled tower")
    for values in inputs:
        with torch.inference_mode():
            expected = tower(torch.from_numpy(values)).numpy()
        difference = np.abs(session.run(None, {name: values})[0] - expected).max() / np.abs(expected).max()
        if not difference < TOLERANCE:
            raise NotExact(f"the compiled tower differs by {difference:.1e}")


def compile_once(compiled: Path, export: Callable[[Path], None]) -> object:
    """Load a compiled tower, after compiling it where the file is missing or damaged.

    Raises:
        NotExact: it cannot be compiled; the text gives the reason.
    """
    session = open_session(compiled)
    if session is None:
        export(compiled)
        session = open_session(compiled)
    if session is None:
        raise NotExact("the compiled tower cannot be read back")
    return session
