"""What decoding reports while it goes through many videos; `position` is a video's place in the list given."""

from dataclasses import dataclass

from vifi_cli.video.decode.frames import Frames, VideoInfo


@dataclass(frozen=True, slots=True)
class DecodedChunk:
    """Frames of one video, which follow those of its earlier chunks."""

    position: int
    frames: Frames


@dataclass(frozen=True, slots=True)
class DecodedVideo:
    """A video is done: all its frames have been given."""

    position: int
    info: VideoInfo


@dataclass(frozen=True, slots=True)
class FailedVideo:
    """A video cannot be decoded, for the reason told; frames given before are to be dropped."""

    position: int
    reason: str


DecodingEvent = DecodedChunk | DecodedVideo | FailedVideo
