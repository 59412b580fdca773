"""Cuts moments out of videos: clips, a reel, lists for editors, a page that shows them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict, Unpack

from vifi_cli.api.cut.moments import as_moment
from vifi_cli.api.cut.plan import CutOutputs, plan_cut
from vifi_cli.api.cut.render import CutReport, render
from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.video.moment import Moment


class CutOptions(TypedDict, total=False):
    """Further options of `cut`, which `CutOutputs` explains."""

    reel: Path | str | None
    lists: Sequence[Path | str]
    html: Path | str | None
    copied: bool
    pad_seconds: float
    overwrite: bool


def cut(
    moments: Sequence[SearchHit | Moment],
    folder: Path | str | None = None,
    *,
    title: str = "Moments",
    feedback: Feedback = AUTOMATIC,
    **options: Unpack[CutOptions],
) -> CutReport:
    """Cuts moments out of their videos; a video that cannot be read costs only its own moments.

    Args:
        moments: hits of a search, or moments you name.
        folder: where clips go, one file per moment; `clips` if you ask for nothing else.
        title: of the page and the lists.
        feedback: receives progress.
        options: `reel`, an MP4 of all moments one after the other; `lists` for editors and players (.edl, .otio,
            .m3u8); `html`, a page that shows them and needs no other files; `copied` copies clips without re-encoding,
            from the keyframe before; `pad_seconds` to add before and after each moment; `overwrite` existing files.

    Raises:
        InvalidInput: a name does not fit its content, or a file exists already or is one of the videos.
        MissingDependency: a list needs a package that is not installed.
        OSError: a file cannot be written.
    """
    plan = plan_cut(title, list(map(as_moment, moments)), CutOutputs(folder, **options))
    report = CutReport()
    render(plan, report, feedback)
    return report
