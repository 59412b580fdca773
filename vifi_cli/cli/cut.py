"""`vifi cut`: hits as clips, as one reel, as a list for an editor, or as a page to look at."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from vifi_cli import paths as places
from vifi_cli.cli import output
from vifi_cli.cli.cut_moments import Wanted, WantedMoment, named_moments, written_moments
from vifi_cli.cli.cut_plan import CutPlan, check_targets, clip_paths
from vifi_cli.cli.cut_progress import CutProgress
from vifi_cli.cli.cut_result import as_document, show, tell_what_is_odd
from vifi_cli.cli.cut_run import CutReport, CutRun
from vifi_cli.cli.options import JsonOption, given_path
from vifi_cli.cli.search import find_hits
from vifi_cli.cli.search_result import number_shown, relevant_among, tell_nothing_relevant
from vifi_cli.errors import InvalidInput

NO_HITS, SOME_FAILED, INTERRUPTED = 1, 3, 130
USUAL_FOLDER = Path("clips")
FROM_STDIN = ["-"]


def cut(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="WHAT",
            help="What to search for; or moments, each as in trip.mp4@1:20-1:28; or - to read what `vifi search` "
            "writes.",
            show_default=False,
        ),
    ],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Where clips go; `clips` if nothing else is asked for.",
            show_default=False,
        ),
    ] = None,
    reel: Annotated[
        Path | None,
        typer.Option(metavar="FILE.mp4", help="Join all moments to one video.", show_default=False),
    ] = None,
    lists: Annotated[
        list[Path] | None,
        typer.Option(
            "--list",
            metavar="FILE",
            help="List them for an editor or a player: .edl, .otio or .m3u8; may be given several times.",
            show_default=False,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Show them on a page that needs nothing else.", show_default=False),
    ] = None,
    copy: Annotated[
        bool,
        typer.Option("--copy", help="Copy clips without coding anew; they begin at the keyframe before."),
    ] = False,
    pad: Annotated[
        float, typer.Option(min=0.0, max=3600.0, help="Seconds to add before and after each moment.")
    ] = 0.0,
    top: Annotated[int, typer.Option("--top", "-t", min=0, help="Number of hits at most; 0 for all.")] = 10,
    per_video: Annotated[int, typer.Option(min=0, help="Moments of one video at most; 0 for all.")] = 3,
    path: Annotated[
        str | None,
        typer.Option(metavar="GLOB", help="Search only videos whose path matches, or below a folder."),
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Leave out hits of a lower relevance; 0 leaves out none.",
            show_default="0.3",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Cut moments out of videos: each as a clip, all as a reel, as a list for an editor, or as a page to look at.

    For any other option of a search, pass its hits on: `vifi search ... --json | vifi cut -`.

    Exit code 0 if all is written, 1 if there are no hits, 2 if something is wrong, 3 if some could not be cut.
    """
    _check_names(reel, lists or [])
    wanted = named_moments(what) or (
        _from_stdin() if what == FROM_STDIN else _search(" ".join(what), top, per_video, path, min_score)
    )
    if not wanted.moments:
        raise typer.Exit(NO_HITS)
    plan = _plan(wanted.moments, folder, reel, lists or [], html, copied=copy)
    check_targets(plan, wanted.moments, overwrite=overwrite)
    report = _run(wanted, plan, pad)
    tell_what_is_odd(wanted, report)
    if as_json:
        output.document(as_document(wanted, report))
    else:
        show(wanted, report)
    if report.failed:
        raise typer.Exit(SOME_FAILED)


def _check_names(reel: Path | None, lists: Sequence[Path]) -> None:
    from vifi_cli.video.edit_list import check_list_name

    if reel is not None and reel.suffix.lower() != ".mp4":
        raise InvalidInput(f"--reel {reel}: a reel is an MP4: end its name with .mp4")
    for path in lists:
        check_list_name(path)


def _from_stdin() -> Wanted:
    if sys.stdin is None or sys.stdin.isatty():
        raise InvalidInput("- reads hits from a pipe: write `vifi search ... --json | vifi cut -`")
    wanted = written_moments(os.fsdecode(sys.stdin.buffer.read()))
    if not wanted.moments:
        output.note("no hits came through the pipe: there is nothing to cut")
    return wanted


def _search(query: str, top: int, per_video: int, path: str | None, min_score: float | None) -> Wanted:
    if Path(query).is_file():
        raise InvalidInput(f"{query} is a file: say which moment of it, as in {query}@0:05-0:12")
    _, found = find_hits(
        places.index_folder(),
        query,
        "auto",
        top=top,
        per_video=per_video,
        below=path,
    )
    hits = relevant_among(found, min_score)
    if found and not hits:
        tell_nothing_relevant(found)
    elif not found:
        output.note("no hits: `vifi status` shows what is indexed")
    return Wanted(
        query,
        tuple(WantedMoment(hit.path, hit.start_seconds, hit.end_seconds, number_shown(hit)) for hit in hits),
    )


def _plan(
    moments: Sequence[WantedMoment],
    folder: Path | None,
    reel: Path | None,
    lists: Sequence[Path],
    html: Path | None,
    *,
    copied: bool,
) -> CutPlan:
    """What to write: clips if a folder is named for them, or nothing else is asked for."""
    if folder is None and reel is None and not lists and html is None:
        folder = USUAL_FOLDER
    return CutPlan(
        clips=() if folder is None else clip_paths(given_path(folder), moments, copied=copied),
        reel=None if reel is None else given_path(reel),
        lists=tuple(given_path(path) for path in lists),
        gallery=None if html is None else given_path(html),
        copied=copied,
    )


def _run(wanted: Wanted, plan: CutPlan, pad_seconds: float) -> CutReport:
    """Writes all that is planned; what was written before an interruption is kept and told."""
    from vifi_cli.video.own_process import OwnProcess

    report = CutReport()
    try:
        with OwnProcess() as process, CutProgress() as progress:
            CutRun(process, progress, report).carry_out(wanted, plan, pad_seconds)
    except KeyboardInterrupt:
        written = output.counted(len(report.clips), "clip")
        output.note(f"interrupted: {written} of {len(plan.clips):,} written and kept")
        raise typer.Exit(INTERRUPTED) from None
    return report
