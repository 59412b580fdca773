"""What the catalogue takes in and gives out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.decode.frames import VideoInfo
from vifi_cli.video.files.discovery import VideoFile


@dataclass(frozen=True, slots=True)
class IndexedWith:
    """What every embedding of one catalogue was made with; two catalogues can be merged if this is the same.

    Attributes:
        model: the name that loads the encoder again.
        vision_fingerprint: digest of the image side and its preprocessing.
        text_fingerprint: digest of the text side.
        dimension: length of an embedding.
        frames_per_second: sampling rate.
        minimum_frames: frames taken of a clip too short for the rate.
    """

    model: str
    vision_fingerprint: str
    text_fingerprint: str
    dimension: int
    frames_per_second: float
    minimum_frames: int

    @property
    def sampling(self) -> FrameSampling:
        """The sampling as the decoder takes it."""
        return FrameSampling(self.frames_per_second, self.minimum_frames)


@dataclass(frozen=True, slots=True)
class CatalogedVideo:
    """What tells whether a file on disk is the one that was indexed."""

    id: int
    path: Path
    size_bytes: int
    modified_ns: int
    fingerprint: str
    on_other_device: bool


@dataclass(frozen=True, slots=True, eq=False)
class EncodedVideo:
    """A video ready to be stored.

    Attributes:
        file: path, size and time of change when decoding began.
        fingerprint: of the file's content.
        info: what decoding found out.
        seconds: float64 (T,), times of the sampled frames.
        embeddings: float16 (T, D), of these frames, not normalised.
    """

    file: VideoFile
    fingerprint: str
    info: VideoInfo
    seconds: npt.NDArray[np.float64]
    embeddings: npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file that could not be read, and why."""

    file: VideoFile
    reason: str
