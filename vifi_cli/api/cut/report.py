"""What a cut has written, and what it could not cut."""

from dataclasses import dataclass, field
from pathlib import Path

from vifi_cli.video.export.clip import Clip
from vifi_cli.wording import counted


@dataclass(frozen=True, slots=True)
class WrittenReel:
    """A reel, how long it is, and where in it each moment begins, by the moment's position."""

    path: Path
    seconds: float
    starts_seconds: dict[int, float]


@dataclass(slots=True)
class CutReport:
    """What has been written so far; a moment's position is its place among those given.

    Attributes:
        clips: by position: where the moment's clip is, and what that holds.
        reel: the reel, if there is one.
        others: lists and the page.
        failed: by position: why the moment was left out.
        remarks: further notes, in words for the user.
    """

    clips: dict[int, tuple[Path, Clip]] = field(default_factory=dict)
    reel: WrittenReel | None = None
    others: list[Path] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        """For example `<CutReport: 3 clips, 2 other files, 1 moment failed>`."""
        files = len(self.others) + (self.reel is not None)
        failed = f", {counted(len(self.failed), 'moment')} failed" if self.failed else ""
        return f"<CutReport: {counted(len(self.clips), 'clip')}, {counted(files, 'other file')}{failed}>"
