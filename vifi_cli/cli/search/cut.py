"""`vifi cut`: hits as clips, as one reel, as a list for an editor, or as a web page."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli import wording
from vifi_cli.cli.search.cut_result import as_document, show, show_problems
from vifi_cli.cli.search.options import OUTPUT, HitSelection, HitUnit, VideoSelection
from vifi_cli.cli.search.result import tell_no_hits
from vifi_cli.cli.search.search import open_session
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.option_bundles import spliced
from vifi_cli.cli.terminal.options import JsonOption
from vifi_cli.cli.terminal.progress import ON_TERMINAL
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.api.cut.plan import CutOutputs, CutPlan
    from vifi_cli.api.cut.report import CutReport
    from vifi_cli.cli.search.cut_moments import TitledMoments

WRITTEN = "What to write"
NO_HITS, SOME_FAILED, INTERRUPTED = 1, 3, 130
FROM_STDIN = ["-"]
_option = partial(typer.Option, rich_help_panel=WRITTEN)


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """What to write of the moments, and where."""

    folder: Annotated[
        Path | None,
        _option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder for clips",
            show_default="clips, if you ask for nothing else",
        ),
    ] = None
    reel: Annotated[
        Path | None, _option("--reel", metavar="FILE.mp4", help="Join all moments into one video")
    ] = None
    lists: Annotated[
        list[Path] | None,
        _option("--list", metavar="FILE", help="List them for an editor: .edl, .otio or .m3u8 (repeatable)"),
    ] = None
    html: Annotated[
        Path | None,
        _option("--html", metavar="FILE", help="Show them on a web page that needs no other files"),
    ] = None
    copy: Annotated[
        bool, _option("--copy", help="Copy clips without re-encoding; they begin at the keyframe before")
    ] = False
    pad: Annotated[
        float,
        _option(
            "--pad",
            min=0.0,
            max=3600.0,
            metavar="SECONDS",
            help="Seconds to add before and after each moment",
        ),
    ] = 0.0
    overwrite: Annotated[
        bool, _option("--overwrite", help="Replace existing files", rich_help_panel=OUTPUT)
    ] = False

    def outputs(self) -> CutOutputs:
        """What the options ask for; raises InvalidInput if a name does not fit its content."""
        from vifi_cli.api.cut.plan import CutOutputs

        return CutOutputs(
            self.folder, self.reel, self.lists or (), self.html, self.copy, self.pad, self.overwrite
        )


@spliced
def cut(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="WHAT",
            help="Query, as for `vifi search`; moments, as in trip.mp4@1:20-1:28; or - for hits from a pipe",
            show_default=False,
        ),
    ],
    hit_selection: HitSelection,
    video_selection: VideoSelection,
    output_options: OutputOptions,
    as_json: JsonOption = False,
) -> None:
    """Cut moments into clips, a reel, an edit list or a web page.

    For any other option of a search, pass on its hits: `vifi search ... --json | vifi cut -`.

    Exit code 0 if all is written, 1 if there are no hits, 2 if something is wrong, 3 if some could not be cut.
    """
    from vifi_cli.api.cut.plan import plan_cut

    outputs = output_options.outputs()
    found = _moments(what, hit_selection, video_selection)
    if not found.moments:
        raise typer.Exit(NO_HITS)
    plan = plan_cut(found.title, found.moments, outputs)
    report = _render(plan)
    show_problems(plan, report)
    if as_json:
        output.document(as_document(plan, report))
    else:
        show(plan, report)
    if report.failed:
        raise typer.Exit(SOME_FAILED)


def _moments(
    what: Sequence[str], hit_selection: HitSelection, video_selection: VideoSelection
) -> TitledMoments:
    """Moments from a pipe, named, or found by a search."""
    from vifi_cli.api.search.query_language import SIGNS
    from vifi_cli.cli.search.cut_moments import named_moments

    video_selection.video_filter()  # a wrong option is an error even where nothing is searched
    if what == FROM_STDIN:
        return _from_stdin()
    named = None if SIGNS.keys() & set(what) else named_moments(what)
    return named or _search(what, hit_selection, video_selection)


def _from_stdin() -> TitledMoments:
    from vifi_cli.cli.search.cut_moments import written_moments

    if sys.stdin is None or sys.stdin.isatty():
        raise InvalidInput("- reads hits from a pipe: write `vifi search ... --json | vifi cut -`")
    found = written_moments(os.fsdecode(sys.stdin.buffer.read()))
    if not found.moments:
        output.note("no hits came through the pipe: there is nothing to cut")
    return found


def _search(
    what: Sequence[str], hit_selection: HitSelection, video_selection: VideoSelection
) -> TitledMoments:
    from vifi_cli.api.cut.cutting import as_moment
    from vifi_cli.api.search.query_language import parse_query
    from vifi_cli.cli.search.cut_moments import TitledMoments
    from vifi_cli.index.search.video_index import relevant_among
    from vifi_cli.video.files.recognition import VIDEO_SUFFIXES

    if len(what) == 1 and Path(video := what[0]).is_file() and Path(video).suffix.lower() in VIDEO_SUFFIXES:
        raise InvalidInput(
            f"{video} is a video: name a moment of it, as in {video}@0:05-0:12; to cut what looks like it, write "
            f"`vifi similar {video} --json | vifi cut -`"
        )
    query = parse_query(what)
    with open_session() as session:
        found = session.find(query, hit_selection.options(HitUnit.moment, video_selection.video_filter()))
    hits = relevant_among(found, hit_selection.min_score)
    if not hits:
        tell_no_hits(found, is_filtered=video_selection != VideoSelection())
    return TitledMoments(query.text, tuple(map(as_moment, hits)))


def _render(plan: CutPlan) -> CutReport:
    """Writes what is planned; an interruption keeps what was written before."""
    from vifi_cli.api.cut.render import render
    from vifi_cli.api.cut.report import CutReport

    report = CutReport()
    try:
        render(plan, report, ON_TERMINAL)
    except KeyboardInterrupt:
        written = wording.counted(len(report.clips), "clip")
        output.note(f"interrupted: {written} of {len(plan.clips):,} written and kept")
        raise typer.Exit(INTERRUPTED) from None
    return report
