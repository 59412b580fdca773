"""Cutting moments out of videos: clips, a reel, lists for editors, a page to look at."""

from collections.abc import Sequence
from pathlib import Path

from vifi_cli.api.cut.moments import Wanted
from vifi_cli.api.cut.plan import CutPlan, check_targets, clip_paths
from vifi_cli.api.cut.progress import CutProgress
from vifi_cli.api.cut.run import CutReport, CutRun
from vifi_cli.api.feedback import LOGGED, Feedback
from vifi_cli.errors import InvalidInput
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.paths import given_path
from vifi_cli.video.lists.edit_list import check_list_name
from vifi_cli.video.moment import Moment
from vifi_cli.video.workers.isolated import IsolatedWorker

USUAL_FOLDER = Path("clips")


def cut(
    moments: Sequence[SearchHit | Moment],
    folder: Path | str | None = None,
    *,
    reel: Path | str | None = None,
    lists: Sequence[Path | str] = (),
    html: Path | str | None = None,
    copied: bool = False,
    pad_seconds: float = 0.0,
    overwrite: bool = False,
    title: str = "Moments",
    feedback: Feedback = LOGGED,
) -> CutReport:
    """Cuts moments out of their videos; a video that cannot be read costs only its own moments.

    Args:
        moments: hits of a search, or moments that are named.
        folder: where clips go, a file each; `clips` if nothing else is asked for.
        reel: an MP4 of all moments one after the other.
        lists: lists of them for editors and players: .edl, .otio or .m3u8.
        html: a page that shows them and needs nothing else.
        copied: copies clips without coding anew; they begin at the keyframe before.
        pad_seconds: are added before and after each moment.
        overwrite: replaces files that are there.
        title: of the page and the lists.
        feedback: hears how far it has come.

    Returns:
        What was written, and why what could not be cut was left out.

    Raises:
        InvalidInput: a name makes no sense, a file is there already, or is one of the videos.
    """
    wanted = Wanted(title, tuple(map(wanted_moment, moments)))
    plan = plan_cut(
        wanted.moments,
        None if folder is None else Path(folder),
        None if reel is None else Path(reel),
        tuple(map(Path, lists)),
        None if html is None else Path(html),
        copied=copied,
        overwrite=overwrite,
    )
    report = CutReport()
    carry_out(wanted, plan, pad_seconds, report, feedback)
    return report


def check_names(reel: Path | None, lists: Sequence[Path]) -> None:
    """Makes sure that names end as what they are to hold.

    Raises:
        InvalidInput: one does not.
    """
    if reel is not None and reel.suffix.lower() != ".mp4":
        raise InvalidInput(f"--reel {reel}: a reel is an MP4: end its name with .mp4")
    for path in lists:
        check_list_name(path)


def plan_cut(
    moments: Sequence[Moment],
    folder: Path | None,
    reel: Path | None,
    lists: Sequence[Path],
    html: Path | None,
    *,
    copied: bool,
    overwrite: bool,
) -> CutPlan:
    """What to write: clips if a folder is named for them, or nothing else is asked for.

    Raises:
        InvalidInput: as `cut` does.
    """
    check_names(reel, lists)
    if folder is None and reel is None and not lists and html is None:
        folder = USUAL_FOLDER
    plan = CutPlan(
        clips=() if folder is None else clip_paths(given_path(folder), moments, copied=copied),
        reel=None if reel is None else given_path(reel),
        lists=tuple(given_path(path) for path in lists),
        gallery=None if html is None else given_path(html),
        copied=copied,
    )
    check_targets(plan, moments, overwrite=overwrite)
    return plan


def carry_out(
    wanted: Wanted, plan: CutPlan, pad_seconds: float, report: CutReport, feedback: Feedback
) -> None:
    """Writes all that is planned, and notes it in the report as it goes, so that an interruption leaves it true."""
    with IsolatedWorker() as process, CutProgress(feedback) as progress:
        CutRun(process, progress, report).carry_out(wanted, plan, pad_seconds)


def wanted_moment(moment: SearchHit | Moment) -> Moment:
    """A hit, or a moment that is named, as it is cut: by its absolute path, with the number it is told by."""
    if isinstance(moment, Moment):
        return Moment(given_path(Path(moment.path)), moment.start_seconds, moment.end_seconds, moment.score)
    return Moment(moment.path, moment.start_seconds, moment.end_seconds, moment.number_shown)
