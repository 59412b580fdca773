"""Plans a cut: names every file to write, and checks that the name is free, before any video is read."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path
from vifi_cli.video.edit_lists.edit_list import check_list_name
from vifi_cli.video.export.copied_clip import copied_suffix
from vifi_cli.video.moment import Moment

USUAL_FOLDER = Path("clips")
PAGE_SUFFIXES = {".html", ".htm"}
MOST_ON_PAGE = 100  # moments; their pictures take about 0.14 MB each
LONGEST_NAME = 60  # characters of a video's name in that of a clip


@dataclass(frozen=True, slots=True)
class CutOutputs:
    """What to write of some moments; clips if you ask for nothing else.

    Raises:
        InvalidInput: a file's name does not fit its content.
        MissingDependency: a list needs a package that is not installed.
    """

    folder: Path | str | None = None  # for clips, one file per moment
    reel: Path | str | None = None  # an MP4 of all moments, one after the other
    lists: Sequence[Path | str] = ()  # for editors and players: .edl, .otio, .m3u8, .csv or .json
    html: Path | str | None = None  # a page of the moments that needs no other files; many take several
    copied: bool = False  # copy clips without re-encoding, from the keyframe before
    pad_seconds: float = 0.0  # to add before and after each moment
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.reel is not None and Path(self.reel).suffix.lower() != ".mp4":
            raise InvalidInput(f"{self.reel}: a reel is an MP4: end its name with .mp4")
        for path in self.lists:
            check_list_name(Path(path))


@dataclass(frozen=True, slots=True)
class CutPlan:
    """The files to write of some moments; see `CutOutputs`."""

    title: str
    moments: tuple[Moment, ...]  # in the order in which they are shown, with absolute paths
    clips: tuple[Path, ...]  # one for each moment, or none at all
    reel: Path | None
    lists: tuple[Path, ...]
    html: tuple[Path, ...]  # a page per `MOST_ON_PAGE` moments
    copied: bool
    pad_seconds: float

    @property
    def targets(self) -> tuple[Path, ...]:
        """All files to write."""
        others = (self.reel, *self.lists, *self.html)
        return (*self.clips, *(path for path in others if path is not None))


def plan_cut(title: str, moments: Sequence[Moment], outputs: CutOutputs) -> CutPlan:
    """Names each file, and makes sure that writing it loses nothing.

    Raises:
        InvalidInput: a page does not end with .html, or a file would be written twice, is one of the videos, or exists
            and may not be replaced.
    """
    folder, reel, html = (
        None if path is None else given_path(path) for path in (outputs.folder, outputs.reel, outputs.html)
    )
    lists = tuple(given_path(path) for path in outputs.lists)
    if folder is None and reel is None and not lists and html is None:
        folder = given_path(USUAL_FOLDER)
    clips = () if folder is None else clip_paths(folder, moments, copied=outputs.copied)
    pages = () if html is None else page_paths(html, len(moments))
    plan = CutPlan(title, tuple(moments), clips, reel, lists, pages, outputs.copied, outputs.pad_seconds)
    _check_targets(plan, overwrite=outputs.overwrite)
    if html is not None and html.suffix.lower() not in PAGE_SUFFIXES:
        raise InvalidInput(f"{outputs.html}: a page is HTML: end its name with .html")
    return plan


def clip_paths(folder: Path, moments: Sequence[Moment], *, copied: bool) -> tuple[Path, ...]:
    """Names that describe clips and sort in their order: `01-dog-0m04s.mp4`."""
    digits = max(2, len(str(len(moments))))
    return tuple(
        folder / f"{rank:0{digits}}-{clip_name(one, copied=copied)}"
        for rank, one in enumerate(moments, start=1)
    )


def clip_name(moment: Moment, *, copied: bool = False) -> str:
    """A name that describes a clip: `dog-0m04s.mp4`."""
    suffix = copied_suffix(moment.path) if copied else ".mp4"
    return f"{plain_name(moment.path.stem)}-{_place(moment.start_seconds)}{suffix}"


def page_paths(first: Path, moments: int) -> tuple[Path, ...]:
    """The pages for a number of moments: `cats.html`, `cats-2.html`."""
    others = range(2, page_of(moments - 1) + 2)
    return (first, *(first.with_name(f"{first.stem}-{number}{first.suffix}") for number in others))


def page_of(position: int) -> int:
    """The page on which a moment is, by their positions."""
    return position // MOST_ON_PAGE


def plain_name(stem: str) -> str:
    """A file's name without characters that trouble shells, other systems or readers; letters of any script stay."""
    kept = "".join(c if c.isalnum() or c in "._" else "-" for c in stem)
    return "-".join(part for part in kept[:LONGEST_NAME].split("-") if part).strip(".-") or "clip"


def _place(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m{seconds:02}s" if hours else f"{minutes}m{seconds:02}s"


def _check_targets(plan: CutPlan, *, overwrite: bool) -> None:
    written: set[Path] = set()
    for target in plan.targets:
        if target in written:
            raise InvalidInput(f"{target} would be written twice: give each output its own name")
        written.add(target)
        if target.is_dir():
            raise InvalidInput(f"{target} is a folder: name a file in it")
    existing = [target for target in plan.targets if os.path.lexists(target)]
    for target in existing:
        if any(_is_same(target, one.path) for one in plan.moments):
            raise InvalidInput(f"{target} is one of the videos: write to another place")
    if existing and not overwrite:
        more = f", and {len(existing) - 1:,} more" if len(existing) > 1 else ""
        raise InvalidInput(f"{existing[0]} already exists{more}: choose another place, or add --overwrite")


def _is_same(target: Path, video: Path) -> bool:
    try:
        return target.samefile(video)
    except OSError:
        return False
