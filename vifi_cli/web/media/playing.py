"""Whether browsers play a video as it is, and what stretch of it is re-encoded where they do not."""

from dataclasses import dataclass
from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from vifi_cli.video.decode.container import MICROSECOND, open_video
from vifi_cli.video.workers.isolated import Report

LEAD_SECONDS = 2.0
"""What is shown before and after a moment that is re-encoded."""
LONGEST_SECONDS = 60.0
"""Of a re-encoded stretch, without its lead."""

PLAYABLE_PIXELS = {"yuv420p", "yuvj420p"}
MP4_SUFFIXES, WEBM_SUFFIXES = {".mp4", ".m4v", ".mov"}, {".webm"}
MP4_CODECS, WEBM_CODECS = {"h264", "vp9", "av1"}, {"vp8", "vp9", "av1"}
MP4_SOUND, WEBM_SOUND = {"aac", "mp3", "opus", "flac"}, {"opus", "vorbis"}


@dataclass(frozen=True, slots=True)
class Playability:
    """What a browser can make of a file.

    Attributes:
        media_type: under which the file is sent, None where it is better not sent at all but re-encoded.
        first_frame_seconds: when the video's first frame is shown on a browser's clock, which begins with
            whatever comes first, picture or sound.
    """

    media_type: str | None
    first_frame_seconds: float = 0.0


def playability(path: Path, _: Report) -> Playability:
    """Looks into a file; raises UnreadableVideo if it holds no video."""
    with open_video(path) as video:
        media_type = _media_type(path, video.container, video.stream)
        if video.stream.start_time is None:
            return Playability(media_type)
        lead = video.stream.start_time * video.tick_seconds - (video.container.start_time or 0) * MICROSECOND
        return Playability(media_type, max(0.0, lead))


def _media_type(path: Path, container: InputContainer, stream: VideoStream) -> str | None:
    """All browsers play 8 bits a colour at half the colour resolution, in few codecs and containers."""
    context = stream.codec_context
    if context.pix_fmt not in PLAYABLE_PIXELS:
        return None
    sound = {getattr(audio.codec_context, "name", "unknown") for audio in container.streams.audio}
    kinds, suffix, codec = container.format.name.split(","), path.suffix.lower(), context.codec.canonical_name
    if "mp4" in kinds and suffix in MP4_SUFFIXES and codec in MP4_CODECS and sound <= MP4_SOUND:
        return "video/mp4"
    if "webm" in kinds and suffix in WEBM_SUFFIXES and codec in WEBM_CODECS and sound <= WEBM_SOUND:
        return "video/webm"
    return None


def stretch_to_encode(
    start_seconds: float, end_seconds: float, duration_seconds: float
) -> tuple[float, float]:
    """The stretch that is re-encoded to play a moment, in seconds: with a lead, and no longer than bearable."""
    start = max(0.0, start_seconds - LEAD_SECONDS)
    end = min(end_seconds, start_seconds + LONGEST_SECONDS) + LEAD_SECONDS
    return start, max(min(end, duration_seconds), start + 0.04)
