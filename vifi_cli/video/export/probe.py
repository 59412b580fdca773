"""What a video is like, found out from its header and its first frame."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vifi_cli.video.decode.container import OpenVideo, measured_seconds, unwatched
from vifi_cli.video.export.clip import rate_of
from vifi_cli.video.export.open_moment import open_moment
from vifi_cli.video.export.picture_fitting import canvas_of, shown_size
from vifi_cli.video.export.sound import open_sound
from vifi_cli.video.moment import Moment

SHORTEST_SECONDS = 1e-3  # a header that tells less tells nothing


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a video is like.

    Attributes:
        duration_seconds: of its pictures.
        frame_rate: usual number of frames a second.
        height: of the picture as it is shown, upright and in square pixels, made even.
        width: likewise.
        has_sound: whether there is sound that can be decoded.
        first_timecode: of its first frame, where the camera wrote one.
    """

    duration_seconds: float
    frame_rate: Fraction
    height: int
    width: int
    has_sound: bool
    first_timecode: str | None = None


def video_facts(
    path: Path, reaching_seconds: float = 0.0, alive: Callable[[], None] = unwatched
) -> VideoFacts:
    """Look at a video.

    Args:
        path: the file.
        reaching_seconds: what it is thought to last at least: if its header tells less, its packets are read.
        alive: called between any two calls of native code.

    Raises:
        UnreadableVideo: no frame comes out of it.
    """
    with open_moment(Moment(path, 0.0, float("inf")), alive) as opened, open_sound(path) as sound:
        height, width = shown_size(canvas_of(opened.first, opened.video.stream.sample_aspect_ratio))
        seconds = opened.video.declared_seconds or 0.0
        if seconds < max(reaching_seconds, SHORTEST_SECONDS):
            seconds = measured_seconds(path, alive)
        rate, timecode = rate_of(opened.video), _first_timecode(opened.video)
        return VideoFacts(seconds, rate, height, width, sound is not None, timecode)


def make_sure_of(moment: Moment, alive: Callable[[], None] = unwatched) -> None:
    """Find a moment's first frame; raises UnreadableVideo if it is not in its video, whatever the header tells."""
    with open_moment(moment, alive):
        return


def _first_timecode(video: OpenVideo) -> str | None:
    told = [video.stream.metadata, *(stream.metadata for stream in video.container.streams)]
    return next(
        (tags["timecode"] for tags in [*told, video.container.metadata] if tags.get("timecode")), None
    )
