"""What `vifi cut` is to write, and where: every name is known, and free, before anything is read."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.errors import InvalidInput
from vifi_cli.video.export.copied_clip import copied_suffix
from vifi_cli.video.moment import Moment

LONGEST_NAME = 60  # characters of a video's name in that of a clip


@dataclass(frozen=True, slots=True)
class CutPlan:
    """What is to be written.

    Attributes:
        clips: a path for each moment, or none at all if no clips are wanted.
        reel: where all moments joined go, if wanted.
        lists: lists for editors and players.
        gallery: a page to look at them, if wanted.
        copied: clips are copied and not coded anew.
    """

    clips: tuple[Path, ...]
    reel: Path | None
    lists: tuple[Path, ...]
    gallery: Path | None
    copied: bool

    @property
    def targets(self) -> tuple[Path, ...]:
        """All files to be written."""
        others = (self.reel, *self.lists, self.gallery)
        return (*self.clips, *(path for path in others if path is not None))


def clip_paths(folder: Path, moments: Sequence[Moment], *, copied: bool) -> tuple[Path, ...]:
    """Names that say what clips are and sort in their order: `01-dog-0m04s.mp4`."""
    digits = max(2, len(str(len(moments))))
    return tuple(
        folder
        / (
            f"{rank:0{digits}}-{_plain(one.path.stem)}-{_place(one.start_seconds)}"
            f"{copied_suffix(one.path) if copied else '.mp4'}"
        )
        for rank, one in enumerate(moments, start=1)
    )


def _plain(stem: str) -> str:
    """A name without what shells, other systems or eyes stumble over; letters of any script stay."""
    kept = "".join(c if c.isalnum() or c in "._" else "-" for c in stem)
    return "-".join(part for part in kept[:LONGEST_NAME].split("-") if part).strip(".") or "clip"


def _place(seconds: float) -> str:
    whole = int(seconds)
    hours, minutes, seconds = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}h{minutes:02}m{seconds:02}s" if hours else f"{minutes}m{seconds:02}s"


def check_targets(plan: CutPlan, moments: Sequence[Moment], *, overwrite: bool) -> None:
    """Makes sure that nothing is lost by writing.

    Raises:
        InvalidInput: a file is to be written twice, is one of the videos, or is there and may not be replaced.
    """
    written: set[Path] = set()
    for target in plan.targets:
        if target in written:
            raise InvalidInput(f"{target} would be written twice: give each output a name of its own")
        written.add(target)
        if target.is_dir():
            raise InvalidInput(f"{target} is a folder: name a file in it")
    there = [target for target in plan.targets if os.path.lexists(target)]
    for target in there:
        if any(_is_same(target, one.path) for one in moments):
            raise InvalidInput(f"{target} is one of the videos: write to another place")
    if there and not overwrite:
        more = f", and {len(there) - 1:,} more" if len(there) > 1 else ""
        raise InvalidInput(f"{there[0]} is there already{more}: choose another place, or add --overwrite")


def _is_same(target: Path, video: Path) -> bool:
    try:
        return target.samefile(video)
    except OSError:
        return False


def make_folders(plan: CutPlan) -> None:
    """Makes the folders that files go into, where they are not there."""
    for target in plan.targets:
        target.parent.mkdir(parents=True, exist_ok=True)
