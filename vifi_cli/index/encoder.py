"""The encoder as the index sees it; `vifi_cli.model` implements it, and tests bring small ones."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from vifi_cli.errors import InvalidInput
from vifi_cli.index.arrays import Float32Array
from vifi_cli.video.clips.clip_cutting import SINGLE_FRAME, ClipLength
from vifi_cli.video.pictures.frames import FrameGeometry

if TYPE_CHECKING:
    from typing_extensions import TypeIs


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


class VisionEncoder(Protocol):
    """What both kinds of encoder have in common."""

    @property
    def model_name(self) -> str:
        """The name that loads this encoder again, or that you know it by."""

    @property
    def dimension(self) -> int:
        """D, the length of an embedding."""

    @property
    def vision_fingerprint(self) -> str:
        """Digest of the vision side and its preprocessing; the index adds the length of clips."""

    @property
    def geometry(self) -> FrameGeometry:
        """The picture size and layout that the encoder takes."""


class FrameEncoder(VisionEncoder, Protocol):
    """Turns frames into embeddings, one by one."""

    def encode_frames(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Embeds frames uint8 (N, H, W, 3): float32 (N, D), not normalized."""


class ClipEncoder(VisionEncoder, Protocol):
    """Turns clips of several frames into embeddings, so that it can see movement and order."""

    @property
    def clip_length(self) -> ClipLength:
        """T, and how many seconds of a video a clip lasts."""

    def encode_clips(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Embeds clips uint8 (N, T, H, W, 3): float32 (N, D), not normalized."""


Encoder: TypeAlias = FrameEncoder | ClipEncoder
"""Turns videos into embeddings, and texts too if it is a `TextEncoder`."""


def sees_clips(encoder: Encoder) -> "TypeIs[ClipEncoder]":
    """Whether an encoder sees several frames at once."""
    return hasattr(encoder, "encode_clips")


def reads_texts(encoder: object) -> "TypeIs[TextEncoder]":
    """Whether an encoder embeds texts in the space of its videos; many video models have no text side."""
    return hasattr(encoder, "encode_texts")


def clip_length_of(encoder: Encoder) -> ClipLength:
    """What an encoder sees at once; a single frame if it does not see clips."""
    return encoder.clip_length if sees_clips(encoder) else SINGLE_FRAME


def embed_clips(encoder: Encoder, pixels: npt.NDArray[np.uint8]) -> Float32Array:
    """Embeds clips of any encoder, uint8 (N, T, H, W, 3) with its own T: float32 (N, D), not normalized.

    Raises:
        InvalidInput: the encoder returns anything else, which would damage the index.
    """
    returned = encoder.encode_clips(pixels) if sees_clips(encoder) else encoder.encode_frames(pixels[:, 0])
    embeddings, wanted = np.asarray(returned), (len(pixels), encoder.dimension)
    if embeddings.shape != wanted or embeddings.dtype.kind not in "fiu":
        raise InvalidInput(
            f"{encoder.model_name} has to return an array of numbers, {wanted}, not "
            f"{type(returned).__name__} of {embeddings.dtype}, {embeddings.shape}"
        )
    return embeddings.astype(np.float32, copy=False)


def embed_still(encoder: Encoder, picture: npt.NDArray[np.uint8]) -> Float32Array:
    """Embeds a picture uint8 (H, W, 3), which an encoder of clips sees as one in which nothing moves: (1, D)."""
    frames = clip_length_of(encoder).frames
    return embed_clips(encoder, np.broadcast_to(picture, (1, frames, *picture.shape)))


def check_encoder(encoder: object) -> None:
    """Raises InvalidInput where an encoder of a user's own lacks something, and says what."""
    if isinstance(encoder, type):
        raise InvalidInput(f"encoder={encoder.__name__} is a class: pass an encoder, {encoder.__name__}()")
    if problem := next(_problems(encoder), None):
        raise InvalidInput(
            f"{type(encoder).__name__} is no encoder: {problem}. `docs/models.md` describes encoders"
        )


def _problems(encoder: object) -> Iterator[str]:
    """What an encoder lacks, most important first."""
    if not hasattr(encoder, "encode_clips") and not hasattr(encoder, "encode_frames"):
        yield "it has neither encode_clips nor encode_frames"
    texts = ["model_name", "vision_fingerprint", *(["text_fingerprint"] if reads_texts(encoder) else [])]
    for name in texts:
        if not isinstance(value := getattr(encoder, name, None), str) or not value:
            yield f"its {name} has to be a text, not {value!r}"
    dimension = getattr(encoder, "dimension", None)
    if not isinstance(dimension, int) or dimension < 1:
        yield f"its dimension has to be a number above 0, not {dimension!r}"
    if not isinstance(geometry := getattr(encoder, "geometry", None), FrameGeometry):
        yield f"its geometry has to be a FrameGeometry, not {geometry!r}"
    length = getattr(encoder, "clip_length", None)
    if hasattr(encoder, "encode_clips") and not isinstance(length, ClipLength):
        yield f"its clip_length has to be a ClipLength, not {length!r}"
    if hasattr(encoder, "text_fingerprint") and not reads_texts(encoder):
        yield "it has a text_fingerprint, but no encode_texts"
