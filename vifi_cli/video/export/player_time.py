"""Where a moment is on the clock of players, which count from the file's first picture or sound."""

from dataclasses import dataclass
from pathlib import Path

from vifi_cli.video.clock.file_clock import PLAIN_CLOCK, FileClock
from vifi_cli.video.container.container import open_video


@dataclass(frozen=True, slots=True)
class PlayerTime:
    """A time for players."""

    seconds: float | None  # None if no player finds the moment, since the file's own times are set back


def player_time(path: Path, seconds: float, clock: FileClock | None, *_: object) -> PlayerTime:
    """Converts seconds from the first picture of a file, whose clock may be unknown.

    Raises:
        UnreadableVideo: the file is not a video, or cannot be read now.
    """
    known = clock or PLAIN_CLOCK
    with open_video(path, known) as video:
        lead, first = max(video.late_seconds, 0.0), video.file_seconds(0.0)
    own = known.own_seconds(first + seconds)
    if own is None and first + seconds < known.segments[0].end_seconds:
        own = first + seconds
    return PlayerTime(None if own is None else (own - first) * known.slowness + lead)
