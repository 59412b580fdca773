"""`vifi cut`: hits as clips, as one reel, as a list for an editor, or as a web page."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from vifi_cli import stop_signals, wording
from vifi_cli.cli.search.options import OUTPUT, HitSelection, VideoSelection
from vifi_cli.cli.search.result import Answer, note_nothing_relevant
from vifi_cli.cli.search.search import is_in_shell, session_of, why_none
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.encoding import from_pipe
from vifi_cli.cli.terminal.options.shared import JsonOption, given_options
from vifi_cli.cli.terminal.options.splicing import spliced
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.api.cut.moments import TitledMoments
    from vifi_cli.api.cut.plan import CutOutputs, CutPlan
    from vifi_cli.api.cut.render import CutReport

NO_HITS, SOME_FAILED = 1, 3
FOR_SEARCHES = {"dedupe", "unsure", "min_duration", "max_duration"}
"""Options that need the index."""

MOST_REMARKS = 20
_option = partial(typer.Option, rich_help_panel="What to write")


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Which files to write of the moments."""

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
        _option("--list", metavar="FILE", help="List them: .edl, .otio, .m3u8, .csv or .json (repeatable)"),
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
        """The outputs; raises InvalidInput if a name does not fit its content."""
        from vifi_cli.api.cut.plan import CutOutputs

        if self.copy and not self.folder and (self.reel or self.lists or self.html):
            raise InvalidInput("--copy is for clips, and you ask for none: add -o FOLDER, or omit --copy")
        return CutOutputs(
            self.folder, self.reel, self.lists or (), self.html, self.copy, self.pad, self.overwrite
        )


@spliced
def cut(
    context: typer.Context,
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
    found = _moments(context, what, hit_selection, video_selection)
    if not found.moments:
        raise typer.Exit(NO_HITS)
    plan = plan_cut(found.title, found.moments, outputs)
    report = _render(plan)
    _show_problems(plan, report)
    if as_json:
        (output.json_line if is_in_shell(context) else output.document)(_document(plan, report))
    else:
        _show(plan, report)
    if report.failed:
        raise typer.Exit(SOME_FAILED)


def _moments(
    context: typer.Context,
    what: Sequence[str],
    hit_selection: HitSelection,
    video_selection: VideoSelection,
) -> TitledMoments:
    """Moments from a pipe, named, or found by a search."""
    from vifi_cli.api.cut.moments import named_moments, parse_moments
    from vifi_cli.api.search.query_language import OPERATORS

    video_selection.video_filter()  # a wrong option is an error even where nothing is searched
    if what != ["-"]:
        named = None if OPERATORS & set(what) else named_moments(what)
        if named is None:
            return _search(context, what, hit_selection, video_selection)
        return _limited(named, hit_selection, video_selection, given_options(context))
    if is_in_shell(context):
        raise InvalidInput("- reads hits from a pipe, which the shell has not: run `vifi cut -` outside")
    if sys.stdin is None or sys.stdin.isatty():
        raise InvalidInput("- reads hits from a pipe: write `vifi search ... --json | vifi cut -`")
    found = parse_moments(from_pipe(sys.stdin.buffer.read(), sys.stdin.encoding))
    if not found.moments:
        output.note("no hits came through the pipe: there is nothing to cut")
    return _limited(found, hit_selection, video_selection, given_options(context))


def _limited(
    found: TitledMoments,
    hit_selection: HitSelection,
    video_selection: VideoSelection,
    given: Mapping[str, str],
) -> TitledMoments:
    """The moments that the given options keep; usual limits and settings are for searches alone."""
    from vifi_cli.api.cut.limits import MomentLimits

    if unfit := next((flag for name, flag in given.items() if name in FOR_SEARCHES), None):
        raise InvalidInput(
            f"{unfit} is for searches, not for moments that you name or pass on: give it to the search before the pipe"
        )
    limits = MomentLimits(
        hit_selection.top if "top" in given else 0,
        hit_selection.per_video or 0,
        hit_selection.min_score,
        video_selection.video_filter(),
    )
    kept = limits.applied(found)
    if found.moments and not kept.moments:
        output.note(f"none of {wording.counted(len(found.moments), 'moment')} meets your options")
    return kept


def _search(
    context: typer.Context,
    what: Sequence[str],
    hit_selection: HitSelection,
    video_selection: VideoSelection,
) -> TitledMoments:
    from vifi_cli.api.cut.moments import TitledMoments, as_moment
    from vifi_cli.api.search.query_language import parse_query
    from vifi_cli.paths import given_path, is_given_file
    from vifi_cli.video.files.recognition import may_be_video

    if len(what) == 1 and is_given_file(video := what[0]) and may_be_video(given_path(video)):
        raise InvalidInput(
            f"{video} is a video: name a moment of it, as in {video}@0:05-0:12; to cut what looks like it, write "
            f"`vifi similar {video} --json | vifi cut -`"
        )
    query = parse_query(what)
    with session_of(context) as session:
        found = session.find(query, hit_selection.options("moment", video_selection.video_filter()))
        read_by, why = session.reader(), why_none(session, found, video_selection, query)
    answer = Answer(query.text, read_by, found, hit_selection.min_score, hit_selection.unsure, why)
    if not answer.is_relevant:
        note_nothing_relevant(answer)
        if query.text.isdecimal():
            output.note(
                f"{query.text} was searched for as a word: to cut a hit of your last search, name its moment, as in "
                "trip.mp4@1:20-1:28"
            )
    return TitledMoments(tuple(map(as_moment, answer.hits)), query.text)


def _render(plan: CutPlan) -> CutReport:
    """Writes the planned files; an interruption keeps those written before."""
    from vifi_cli.api.cut.render import CutReport, render

    report = CutReport()
    try:
        render(plan, report, ON_TERMINAL)
    except KeyboardInterrupt as stop:
        written = wording.counted(len(report.clips), "clip")
        output.note(f"{stop_signals.in_words(stop)}: {written} of {len(plan.clips):,} written and kept")
        raise typer.Exit(stop_signals.heed(stop)) from stop
    return report


def _document(plan: CutPlan, report: CutReport) -> dict[str, object]:
    """The report as `--json` prints it."""
    return {
        "title": plan.title,
        "clips": [
            {
                "clip": str(path),
                "path": str(plan.moments[position].path),
                "start_seconds": round(clip.start_seconds, 3),
                "end_seconds": round(clip.end_seconds, 3),
                "score": plan.moments[position].score,
                "has_sound": clip.has_sound,
                "remarks": list(clip.remarks),
            }
            for position, (path, clip) in report.clips.items()
        ],
        "reel": _reel_document(plan, report),
        "files": [str(path) for path in report.others],
        "failed": [
            {
                "path": str(plan.moments[position].path),
                "start_seconds": round(plan.moments[position].start_seconds, 3),
                "reason": reason,
            }
            for position, reason in sorted(report.failed.items())
        ],
    }


def _reel_document(plan: CutPlan, report: CutReport) -> dict[str, object] | None:
    if report.reel is None:
        return None
    moments = [
        {"path": str(plan.moments[position].path), "at_seconds": round(start, 3)}
        for position, start in report.reel.starts_seconds.items()
    ]
    return {"reel": str(report.reel.path), "seconds": round(report.reel.seconds, 3), "moments": moments}


def _show(plan: CutPlan, report: CutReport) -> None:
    """Prints a line per file: for a clip with start, end and video, in a pipe tab-separated."""
    on_terminal = output.stdout_is_terminal()
    clips: list[tuple[str | Text, ...]] = []
    for position, (path, clip) in report.clips.items():
        video = plan.moments[position].path
        if on_terminal:
            times = f"{wording.clock(clip.start_seconds)} – {wording.clock(clip.end_seconds)}"
            clips.append((output.path_link(path), times, output.path_link(video)))
        else:
            clips.append((str(path), f"{clip.start_seconds:.3f}", f"{clip.end_seconds:.3f}", str(video)))
    others = [*([report.reel.path] if report.reel else []), *report.others]
    if not on_terminal:
        output.records([*clips, *((str(path),) for path in others)])
        return
    if clips:
        output.rows(("Clip", "Moment", "Video"), clips, right=("Moment",))
    if others:
        output.rows(("File",), [(output.path_link(path),) for path in others])


def _show_problems(plan: CutPlan, report: CutReport) -> None:
    """Reports on stderr where clips differ from their videos, and why moments were not cut."""
    remarks = [f"{path.name}: {remark}" for path, clip in report.clips.values() for remark in clip.remarks]
    for remark in remarks[:MOST_REMARKS]:
        output.note(remark)
    if len(remarks) > MOST_REMARKS:
        output.note(f"… and {len(remarks) - MOST_REMARKS:,} more such notes; --json lists them all")
    for remark in report.remarks:
        output.warning(remark)
    for position, reason in sorted(report.failed.items()):
        one = plan.moments[position]
        output.warning(f"not cut: {one.path} at {wording.clock(one.start_seconds)}: {reason}")
