"""The values that the catalog stores and returns."""

from dataclasses import dataclass
from pathlib import Path

from vifi_cli.disk.mount_identity import MountIdentity
from vifi_cli.index.arrays import Float16Array, Float64Array
from vifi_cli.video.clips.clip_cutting import ClipLength
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.failure_kind import FailureKind
from vifi_cli.video.files.content import video_status
from vifi_cli.video.files.video_file import VideoFile
from vifi_cli.video.pictures.frames import VideoInfo


@dataclass(frozen=True, slots=True)
class IndexedWith:
    """The encoder and sampling behind every embedding of a catalog; catalogs with equal ones can be merged."""

    model: str  # the name that loads the encoder again
    vision_fingerprint: str  # digest of the image side and its preprocessing
    text_fingerprint: str  # empty for an encoder without a text side
    dimension: int
    frames_per_second: float
    minimum_frames: int  # frames taken from a video too short for the rate
    clip_frames: int = 1  # that the encoder sees at once
    clip_seconds: float = 0.0  # how long such a clip lasts; 0 for an encoder of single frames

    @property
    def sampling(self) -> FrameSampling:
        """The sampling in the decoder's type."""
        return FrameSampling(self.frames_per_second, self.minimum_frames)

    @property
    def clip_length(self) -> ClipLength:
        """What the encoder sees at once."""
        return ClipLength(self.clip_frames, self.clip_seconds)

    @property
    def reads_texts(self) -> bool:
        """Whether the encoder has a text side, so that words can be searched for."""
        return bool(self.text_fingerprint)


@dataclass(frozen=True, slots=True)
class CatalogedVideo:
    """An indexed video."""

    id: int  # reused after the video has left the catalog
    path: Path
    size_bytes: int
    modified_ns: int
    fingerprint: str  # sampled from its content; empty if an older vifi read it while it changed
    on_other_device: bool  # whether it was on another disk than the indexed folder
    # as in VideoFile; None in what an older vifi indexed, as are the next three
    status_changed_ns: int | None
    inode: int | None
    digest: str | None  # of every byte; empty as `fingerprint`
    mount: MountIdentity | None
    duration_seconds: float
    width: int  # of the upright picture, in pixels, as is `height`
    height: int
    codec: str  # FFmpeg's name


def is_as_indexed(video: CatalogedVideo) -> bool:
    """Whether a video's file seems not to have changed since it was indexed."""
    try:
        file = VideoFile.seen(video.path, video_status(video.path))
    except OSError:
        return False
    return (file.size_bytes, file.modified_ns) == (video.size_bytes, video.modified_ns)


@dataclass(frozen=True, slots=True)
class CatalogTotals:
    """The counts of a catalog."""

    videos: int
    video_seconds: float
    failures: int  # files with unreadable content
    postponed: int  # files that could not be read for a reason that may pass, indexed before or not


@dataclass(frozen=True, slots=True, eq=False)
class EncodedVideo:
    """A video ready to be stored."""

    file: VideoFile  # as it was when decoding began
    fingerprint: str  # sampled from the file's content
    info: VideoInfo
    seconds: Float64Array  # (T,), times of the sampled frames, or when clips begin
    embeddings: Float16Array  # (T, D), of these frames or clips, not normalized
    digest: str | None = None  # of every byte of the file; None if it was not read


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file that could not be read, and why."""

    file: VideoFile
    reason: str
    kind: FailureKind = FailureKind.UNREADABLE
