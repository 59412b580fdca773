"""The encoder as the index sees it; `vifi_cli.model` implements it, and tests bring small ones."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vifi_cli.index.arrays import Float32Array
from vifi_cli.video.pictures.frames import FrameGeometry


class TextEncoder(Protocol):
    """Turns queries into embeddings."""

    @property
    def model_name(self) -> str:
        """The name that loads this encoder again."""

    @property
    def text_fingerprint(self) -> str:
        """Digest of the text side; encoders with the same one give the same embeddings."""

    @property
    def dimension(self) -> int:
        """D, the length of an embedding."""

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embeds texts: float32 (N, D), each of length 1."""


class Encoder(TextEncoder, Protocol):
    """Turns queries and frames into embeddings in one space."""

    @property
    def vision_fingerprint(self) -> str:
        """Digest of the vision side and its preprocessing."""

    @property
    def geometry(self) -> FrameGeometry:
        """The picture size and layout that `encode_frames` takes."""

    def encode_frames(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Embeds frames uint8 (N, H, W, 3): float32 (N, D), not normalized."""
