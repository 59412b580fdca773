"""A loaded model as the index uses it: frames and texts in, embeddings out, all in numpy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vifi_cli.video.decode.frames import FrameGeometry

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TextEncoder:
    """The text side of a model.

    Attributes:
        model_name: resolves to this model; paths are absolute.
        text_fingerprint: digest of the text tower; equal digests give equal embeddings.
        dimension: D, the length of an embedding.
        description: the runtime in words, such as `onnxruntime on cpu`.
        embed: from at least one text to float32 (N, D), each of length 1.
    """

    model_name: str
    text_fingerprint: str
    dimension: int
    description: str
    embed: Callable[[Sequence[str]], Float32Array] = field(repr=False)

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embed texts without a template: float32 (N, D), each of length 1; long texts are cut."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        return self.embed(texts)


@dataclass(frozen=True, slots=True)
class ViFiEncoder:
    """Both sides of a model.

    Attributes:
        text: the text side.
        vision_fingerprint: digest of the image tower and its preprocessing.
        geometry: the picture that `encode_frames` takes.
        description: the runtime of the image tower in words, with a reason where it is not the fastest.
        embed: from at least one frame to float32 (N, D), not normalised.
    """

    text: TextEncoder
    vision_fingerprint: str
    geometry: FrameGeometry
    description: str
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
        """Embed frames uint8 (N, H, W, 3), RGB, cropped as in `geometry`: float32 (N, D), not normalised.

        Raises:
            ValueError: the pixels have another shape or type.
        """
        expected = (self.geometry.height, self.geometry.width, 3)
        if pixels.dtype != np.uint8 or pixels.shape[1:] != expected:
            raise ValueError(f"frames must be uint8 (N, {expected}), not {pixels.dtype} {pixels.shape}")
        if not len(pixels):
            return np.zeros((0, self.dimension), np.float32)
        return self.embed(pixels)
