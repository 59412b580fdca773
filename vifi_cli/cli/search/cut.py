"""`vifi cut`: hits as clips, as one reel, as a list for an editor, or as a page to look at."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli.cli.search.cut_result import as_document, show, tell_what_is_odd
from vifi_cli.cli.search.options import OUTPUT, HitSelection, VideoSelection
from vifi_cli.cli.search.query_grammar import SIGNS, parse_query
from vifi_cli.cli.search.result import tell_no_hits, tell_nothing_relevant
from vifi_cli.cli.search.search import open_session
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.feedback import ON_TERMINAL
from vifi_cli.cli.terminal.option_bundles import spliced
from vifi_cli.cli.terminal.options import JsonOption
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vifi_cli.api.cut.moments import Wanted
    from vifi_cli.api.cut.plan import CutPlan
    from vifi_cli.api.cut.run import CutReport
    from vifi_cli.api.search.session import SearchOptions

WRITTEN = "What is written"
NO_HITS, SOME_FAILED, INTERRUPTED = 1, 3, 130
FROM_STDIN = ["-"]


@spliced
def cut(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="WHAT",
            help="What to search for, as `vifi search` takes it; or moments, each as in trip.mp4@1:20-1:28; or - to "
            "read what `vifi search` writes.",
            show_default=False,
        ),
    ],
    hit_selection: HitSelection,
    video_selection: VideoSelection,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Where clips go; `clips` if nothing else is asked for.",
            show_default=False,
            rich_help_panel=WRITTEN,
        ),
    ] = None,
    reel: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.mp4",
            help="Join all moments to one video.",
            show_default=False,
            rich_help_panel=WRITTEN,
        ),
    ] = None,
    lists: Annotated[
        list[Path] | None,
        typer.Option(
            "--list",
            metavar="FILE",
            help="List them for an editor or a player: .edl, .otio or .m3u8; may be given several times.",
            show_default=False,
            rich_help_panel=WRITTEN,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Show them on a page that needs nothing else.",
            show_default=False,
            rich_help_panel=WRITTEN,
        ),
    ] = None,
    copy: Annotated[
        bool,
        typer.Option(
            "--copy",
            help="Copy clips without coding anew; they begin at the keyframe before.",
            rich_help_panel=WRITTEN,
        ),
    ] = False,
    pad: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=3600.0,
            help="Seconds to add before and after each moment.",
            rich_help_panel=WRITTEN,
        ),
    ] = 0.0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there.", rich_help_panel=OUTPUT)
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Cut moments out of videos: each as a clip, all as a reel, as a list for an editor, or as a page to look at.

    For any other option of a search, pass its hits on: `vifi search ... --json | vifi cut -`.

    Exit code 0 if all is written, 1 if there are no hits, 2 if something is wrong, 3 if some could not be cut.
    """
    from vifi_cli.api.cut.cutting import check_names, plan_cut
    from vifi_cli.cli.search.cut_moments import named_moments

    check_names(reel, lists or [])
    among = video_selection.video_filter()
    wanted = None if SIGNS.keys() & set(what) else named_moments(what)
    if what == FROM_STDIN:
        wanted = _from_stdin()
    elif wanted is None:
        options: SearchOptions = {
            "top": hit_selection.top,
            "per_video": hit_selection.per_video,
            "below": video_selection.path,
            "among": among,
            "fold_duplicates": hit_selection.dedupe,
        }
        wanted = _search(what, hit_selection.min_score, options)
    if not wanted.moments:
        raise typer.Exit(NO_HITS)
    plan = plan_cut(wanted.moments, folder, reel, lists or [], html, copied=copy, overwrite=overwrite)
    report = _carry_out(wanted, plan, pad)
    tell_what_is_odd(wanted, report)
    if as_json:
        output.document(as_document(wanted, report))
    else:
        show(wanted, report)
    if report.failed:
        raise typer.Exit(SOME_FAILED)


def _from_stdin() -> Wanted:
    from vifi_cli.cli.search.cut_moments import written_moments

    if sys.stdin is None or sys.stdin.isatty():
        raise InvalidInput("- reads hits from a pipe: write `vifi search ... --json | vifi cut -`")
    wanted = written_moments(os.fsdecode(sys.stdin.buffer.read()))
    if not wanted.moments:
        output.note("no hits came through the pipe: there is nothing to cut")
    return wanted


def _search(what: Sequence[str], min_score: float | None, options: SearchOptions) -> Wanted:
    from vifi_cli.api.cut.cutting import wanted_moment
    from vifi_cli.api.cut.moments import Wanted
    from vifi_cli.index.search.video_filter import VideoFilter
    from vifi_cli.index.search.video_index import relevant_among
    from vifi_cli.video.files.recognition import VIDEO_SUFFIXES

    if len(what) == 1 and Path(video := what[0]).is_file() and Path(video).suffix.lower() in VIDEO_SUFFIXES:
        raise InvalidInput(
            f"{video} is a video: say which moment of it, as in {video}@0:05-0:12; to cut what looks like it, write "
            f"`vifi similar {video} --json | vifi cut -`"
        )
    asked = parse_query(what)
    with open_session() as session:
        _, found = session.find(asked, "auto", **options)
    hits = relevant_among(found, min_score)
    if found and not hits:
        tell_nothing_relevant(found)
    elif not found:
        tell_no_hits(is_filtered=options["below"] is not None or options["among"] != VideoFilter())
    return Wanted(asked.text, tuple(map(wanted_moment, hits)))


def _carry_out(wanted: Wanted, plan: CutPlan, pad_seconds: float) -> CutReport:
    """Writes all that is planned; what was written before an interruption is kept and told."""
    from vifi_cli.api.cut.cutting import carry_out
    from vifi_cli.api.cut.run import CutReport

    report = CutReport()
    try:
        carry_out(wanted, plan, pad_seconds, report, ON_TERMINAL)
    except KeyboardInterrupt:
        written = output.counted(len(report.clips), "clip")
        output.note(f"interrupted: {written} of {len(plan.clips):,} written and kept")
        raise typer.Exit(INTERRUPTED) from None
    return report
