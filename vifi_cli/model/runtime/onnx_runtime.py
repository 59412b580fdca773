"""Runs compiled towers by ONNX Runtime: numpy in, numpy out, no torch.

On a CPU, convolutional image towers run several times faster than by torch, and the text side of `starter` answers a
query in less time than the import of torch takes.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vifi_cli import paths
from vifi_cli.processors import computing_threads

Float32Array = npt.NDArray[np.float32]
DESCRIPTION = "onnxruntime on cpu"
# raise when the export changes, so that older files are not used
_FORMAT = 1


def compiled_tower(fingerprint: str, tower: str) -> Path:
    """The file of a compiled tower in the cache folder, named by the tower's fingerprint."""
    return paths.cache_folder() / f"{tower}-{fingerprint[:32]}-v{_FORMAT}.onnx"


def open_session(compiled: Path, *, for_one_query: bool = False) -> Any | None:
    """Load a compiled tower; None if it is missing or damaged, or ONNX Runtime is not installed.

    `for_one_query` loads a third faster and computes slower, for a search, which loads the tower for each query.
    """
    if not compiled.is_file():
        return None
    try:
        import onnxruntime
    except ImportError:
        return None
    from onnxruntime.capi import onnxruntime_pybind11_state as errors

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = computing_threads()
    # spinning idle threads would take the processor from the decoder
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.disable_prepacking", "1" if for_one_query else "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(compiled, options, providers=["CPUExecutionProvider"])
    except (errors.InvalidProtobuf, errors.InvalidGraph, errors.Fail, errors.RuntimeException):
        return None


class OnnxFrames:
    """Embeds frames by a compiled image tower."""

    description = DESCRIPTION

    def __init__(self, session: Any) -> None:
        self._session = session

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Embed what the tower takes, frames uint8 (N, H, W, 3) or clips: float32 (N, D), not normalized."""
        embeddings: Float32Array = self._session.run(None, {"pixels": np.ascontiguousarray(pixels)})[0]
        return embeddings


class OnnxTexts:
    """Embeds texts by a compiled text tower and its tokenizer."""

    description = DESCRIPTION

    def __init__(self, session: Any, tokenizer: Callable[[Sequence[str]], npt.NDArray[np.int64]]) -> None:
        self._session = session
        self._tokenizer = tokenizer

    def __call__(self, texts: Sequence[str]) -> Float32Array:
        """Embed at least one text: float32 (N, D), each of length 1."""
        embeddings: Float32Array = self._session.run(None, {"tokens": self._tokenizer(texts)})[0]
        lengths: Float32Array = np.linalg.norm(embeddings, axis=1, keepdims=True)
        return np.divide(embeddings, lengths, dtype=np.float32)
