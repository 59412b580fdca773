"""What the page needs of a video, made in a process of its own: a still, a moving preview, a moment browsers can play.

The names hold a number to be raised when what is made looks different, so that nothing old is shown.
"""

from dataclasses import dataclass
from pathlib import Path

from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.export.clip import write_clip
from vifi_cli.video.export.preview import animated_webp, preview_pictures, still
from vifi_cli.video.moment import Moment
from vifi_cli.video.workers.isolated import Report

PICTURE_HEIGHT, MOMENT_HEIGHT = 240, 720


@dataclass(frozen=True, slots=True)
class WriteStill:
    """Writes the frame in the middle of a stretch as WebP: its ends may still show what is before and after."""

    path: Path
    start_seconds: float
    end_seconds: float

    @property
    def name(self) -> str:
        """See `made_files.Make`."""
        return f"still 2 {PICTURE_HEIGHT} {self.start_seconds:.3f} {self.end_seconds:.3f}"

    def __call__(self, target: Path, report: Report) -> None:
        """Writes it; raises UnreadableVideo or OSError."""
        try:
            picture = still(self.path, (self.start_seconds + self.end_seconds) / 2, PICTURE_HEIGHT)
        except UnreadableVideo:  # the video breaks off before
            picture = still(self.path, self.start_seconds, PICTURE_HEIGHT)
        target.write_bytes(picture)


@dataclass(frozen=True, slots=True)
class WritePreview:
    """Writes a stretch as an animated WebP of a few seconds."""

    path: Path
    start_seconds: float
    end_seconds: float

    @property
    def name(self) -> str:
        """See `made_files.Make`."""
        return f"preview 1 {PICTURE_HEIGHT} {self.start_seconds:.3f} {self.end_seconds:.3f}"

    def __call__(self, target: Path, report: Report) -> None:
        """Writes it; raises UnreadableVideo or OSError."""
        moment = Moment(self.path, self.start_seconds, self.end_seconds)
        target.write_bytes(animated_webp(preview_pictures(moment, PICTURE_HEIGHT, report)))


@dataclass(frozen=True, slots=True)
class WriteMoment:
    """Writes a stretch as an MP4 that all browsers play, with its sound."""

    path: Path
    start_seconds: float
    end_seconds: float

    @property
    def name(self) -> str:
        """See `made_files.Make`."""
        return f"moment 1 {MOMENT_HEIGHT} {self.start_seconds:.3f} {self.end_seconds:.3f}"

    def __call__(self, target: Path, report: Report) -> None:
        """Writes it; raises UnreadableVideo or OSError."""
        moment = Moment(self.path, self.start_seconds, self.end_seconds)
        write_clip(moment, target, report, draft_height=MOMENT_HEIGHT)
