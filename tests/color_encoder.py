"""An encoder that sees only colour: small enough to reason about, real enough to search with."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vifi_cli.video.pictures.frames import FrameGeometry

COLORS = {
    "red": (1, -1, -1),
    "green": (-1, 1, -1),
    "blue": (-1, -1, 1),
    "yellow": (1, 1, -1),
    "white": (1, 1, 1),
    "black": (-1, -1, -1),
}


GEOMETRY = FrameGeometry(16, 16)


@dataclass(frozen=True)
class ColorEncoder:
    """Embeds a frame as its mean colour (each channel -1..1), and a text as the colours it names."""

    model_name: str = "colors"
    dimension: int = 3
    geometry: FrameGeometry = GEOMETRY

    @property
    def vision_fingerprint(self) -> str:
        return hashlib.sha256(f"vision {self.model_name}".encode()).hexdigest()

    @property
    def text_fingerprint(self) -> str:
        return hashlib.sha256(f"text {self.model_name}".encode()).hexdigest()

    def encode_frames(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        embeddings: npt.NDArray[np.float32] = pixels.mean(axis=(1, 2), dtype=np.float32) / 127.5 - 1
        return embeddings

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        named = [
            [COLORS[word] for word in text.split() if word in COLORS] or [(0, 0, 1e-3)] for text in texts
        ]
        sums = np.array([np.sum(colors, axis=0) for colors in named], np.float32)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        unit: npt.NDArray[np.float32] = sums / np.maximum(lengths, 1e-9)
        return unit
