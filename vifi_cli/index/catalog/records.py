"""What the catalogue stores and returns."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.decode.frames import VideoInfo
from vifi_cli.video.files.discovery import VideoFile


@dataclass(frozen=True, slots=True)
class IndexedWith:
    """What made every embedding of a catalogue; two catalogues can be merged if this is the same.

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
    """An indexed video.

    Attributes:
        id: in the catalogue; ids are used again.
        fingerprint: of its content; empty if it changed while it was read.
        on_other_device: whether it was on another disk than the folder that was indexed.
        width: of the upright picture, in pixels, as `height`.
        codec: of its pictures, by FFmpeg's name.
    """

    id: int
    path: Path
    size_bytes: int
    modified_ns: int
    fingerprint: str
    on_other_device: bool
    duration_seconds: float
    width: int
    height: int
    codec: str


@dataclass(frozen=True, slots=True)
class CatalogedWindow:
    """A window of a video; `is_whole` if it stands for the video, not for a moment."""

    id: int
    video_id: int
    start_seconds: float
    end_seconds: float
    is_whole: bool


@dataclass(frozen=True, slots=True)
class CatalogTotals:
    """How many videos can be searched, their total length, and how many files could not be read."""

    videos: int
    video_seconds: float
    failures: int


@dataclass(frozen=True, slots=True, eq=False)
class EncodedVideo:
    """A video ready to be stored.

    Attributes:
        file: path, size and time of change when decoding began.
        fingerprint: of the file's content.
        info: from the decoder.
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
