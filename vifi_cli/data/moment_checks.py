"""Checks moments against their files: whether they end in time, and whether a frame is shown in them."""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import UnreadableVideo, VideoOutOfReach
from vifi_cli.video.clips.part_frames import holds, list_part
from vifi_cli.video.container.container import open_video
from vifi_cli.video.moment import WHOLE_VIDEO
from vifi_cli.wording import counted, timecode

ROUNDED_SECONDS = 0.5  # how much later than its file a moment may end, as where times are rounded
MOST_LOOKED_AT = 20  # files, to notice before training that times are wrong


@dataclass(frozen=True, slots=True)
class OutsideMoment:
    """A moment that begins or ends after the end of its file."""

    video: LabeledVideo
    file_seconds: float


def outside_moments(
    videos: Iterable[LabeledVideo], file_seconds: Mapping[Path, float]
) -> tuple[OutsideMoment, ...]:
    """The moments that are not in their files, of those files whose durations are known."""
    return tuple(
        OutsideMoment(video, file_seconds[video.path])
        for video in videos
        if video.is_moment and video.path in file_seconds and _is_outside(video, file_seconds[video.path])
    )


def caution_about_times(videos: Iterable[LabeledVideo]) -> str:
    """What shows in a few files that times may not be seconds, or not those of the files; empty if nothing does."""
    of_file: dict[Path, list[LabeledVideo]] = {}
    for video in videos:
        if video.is_moment:
            of_file.setdefault(video.path, []).append(video)
    some = list(of_file)[:: math.ceil(len(of_file) / MOST_LOOKED_AT) or 1]
    outside = outside_moments((video for path in some for video in of_file[path]), _declared_seconds(some))
    if not outside:
        return ""
    looked_at = sum(len(of_file[path]) for path in some)
    return (
        f"{len(outside)} of {counted(looked_at, 'moment')} looked at are not in their files, such as "
        f"{outside[0].video.name} (the file ends at {timecode(outside[0].file_seconds)}): are start and end seconds "
        "from the beginning of the file?"
    )


def _declared_seconds(paths: Iterable[Path]) -> dict[Path, float]:
    """The durations of files by their headers, without files that declare none or cannot be read."""
    seconds = {}
    for path in paths:
        with suppress(UnreadableVideo, VideoOutOfReach), open_video(path) as video:
            seconds[path] = video.duration_seconds or math.inf
    return seconds


def _is_outside(video: LabeledVideo, file_seconds: float) -> bool:
    end = video.part.end_seconds
    return video.part.start_seconds >= file_seconds or file_seconds + ROUNDED_SECONDS < end < math.inf


def empty_moments(
    videos: Iterable[LabeledVideo], file_seconds: Mapping[Path, float]
) -> tuple[LabeledVideo, ...]:
    """The moments in which their file shows no new frame, as in a recording of slides, by its packets.

    It reads no file whose packets do not tell its frames.
    """
    of_file: dict[Path, list[LabeledVideo]] = {}
    for video in videos:
        if video.is_moment and video.part.start_seconds < file_seconds.get(video.path, 0.0):
            of_file.setdefault(video.path, []).append(video)
    return tuple(video for path, moments in of_file.items() for video in _without_frame(path, moments))


def _without_frame(path: Path, moments: Iterable[LabeledVideo]) -> Iterator[LabeledVideo]:
    with suppress(UnreadableVideo):  # reported with the file
        if listed := list_part(path, WHOLE_VIDEO):
            yield from (video for video in moments if not holds(video.part, listed.seconds).any())
