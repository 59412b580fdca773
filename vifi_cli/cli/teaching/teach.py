"""`vifi teach`: teaches a concept by marking moments as right or wrong."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli import wording
from vifi_cli.cli.search.open import PlayerOption
from vifi_cli.cli.search.options import output_form_option
from vifi_cli.cli.search.result import show_hits, show_with_pictures
from vifi_cli.cli.search.search import is_in_shell, session_of
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.encoding import from_pipe
from vifi_cli.cli.terminal.options import completion
from vifi_cli.cli.terminal.options.shared import JsonOption, given_options
from vifi_cli.cli.terminal.options.splicing import spliced
from vifi_cli.errors import InvalidInput
from vifi_cli.stop_signals import Stopped

if TYPE_CHECKING:
    from vifi_cli.api.search.session import SearchSession
    from vifi_cli.api.teaching.beginning import Beginning
    from vifi_cli.index.concepts.concept import Concept
    from vifi_cli.video.moment import Moment

FROM_PIPE = "-"
LONGEST_QUESTION = 60
marks_option = partial(typer.Option, rich_help_panel="Marks")


@dataclass(frozen=True, kw_only=True)
class MarkOptions:
    """Moments to mark without being asked."""

    right: Annotated[
        list[str] | None,
        marks_option(
            "--right",
            metavar="MOMENT",
            help="Hits of your last search (2 or 1,4-6), FILE@1:20-1:24, FILE, or - for a pipe (repeatable)",
        ),
    ] = None
    wrong: Annotated[
        list[str] | None,
        marks_option("--wrong", metavar="MOMENT", help="Moments that do not show it (repeatable)"),
    ] = None
    undo: Annotated[bool, marks_option("--undo", help="Take back the last mark")] = False

    def __post_init__(self) -> None:
        if self.undo and (self.right or self.wrong):
            raise InvalidInput("--undo takes a mark back, and --right and --wrong add some: do one at a time")
        if [*(self.right or []), *(self.wrong or [])].count(FROM_PIPE) > 1:
            raise InvalidInput("- reads one pipe: give it once, to --right or to --wrong")

    @property
    def is_given(self) -> bool:
        """Whether marks are named, so that none is asked for."""
        return bool(self.undo or self.right or self.wrong)


@dataclass(frozen=True, kw_only=True)
class CandidateOptions:
    """How moments that might be marked are shown."""

    listed: Annotated[
        bool, output_form_option("--list", help="List the moments to mark next, and ask nothing")
    ] = False
    top: Annotated[
        int, output_form_option("--top", "-t", min=1, max=1000, help="Maximum number of moments to list")
    ] = 10
    thumbs: Annotated[
        bool | None,
        output_form_option(
            "--thumbs/--no-thumbs", help="Show frames beside moments", show_default="where they fit"
        ),
    ] = None
    as_json: JsonOption = False


@spliced
def teach(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            autocompletion=completion.concepts,
            help="Name of the concept: `vifi search @NAME` finds it",
        ),
    ],
    marks: MarkOptions,
    candidates: CandidateOptions,
    description: Annotated[
        str | None,
        typer.Argument(
            metavar="DESCRIPTION",
            help='What it looks like, such as "a person waves"; needed the first time',
            show_default=False,
        ),
    ] = None,
    player: PlayerOption = None,
) -> None:
    """Teach a concept by marking moments right or wrong.

    It shows one moment after the other and learns from each answer: y, n, s to skip, o to open, u to undo, q to quit.
    Your marks are stored at once, and `vifi teach NAME` goes on later.

    Exit code 0, or 2 if something is wrong.
    """
    from vifi_cli.api.teaching.beginning import teach as teach_concept
    from vifi_cli.api.teaching.marking import undo_last_mark

    if "top" in given_options(context) and not candidates.listed:
        raise InvalidInput("--top says how many moments to list: add --list")
    asks = not (marks.is_given or candidates.listed or candidates.as_json)
    if asks and not (sys.stdin.isatty() and output.stdout_is_terminal()):
        raise InvalidInput(
            "there is no terminal to ask on: mark with --right and --wrong, or list moments with --list"
        )
    with session_of(context) as session:
        right, wrong = (_moments(session, texts or []) for texts in (marks.right, marks.wrong))
        beginning = teach_concept(session, name, description, right=right, wrong=wrong)
        _note_description(beginning)
        concept = undo_last_mark(session, beginning.concept.name) if marks.undo else beginning.concept
        if asks:
            _ask(session, concept, candidates, player)
        else:
            _show(context, session, concept, candidates)


def _note_description(beginning: Beginning) -> None:
    concept = beginning.concept
    if beginning.former_description is not None:
        output.note(
            f'@{concept.name} is "{concept.description}" now, and was "{beginning.former_description}"; its marks stay'
        )


def _moments(session: SearchSession, texts: list[str]) -> list[Moment]:
    from vifi_cli.api.cut.moments import parse_moments
    from vifi_cli.api.teaching.named_moments import indexed_moment, named_moments

    moments = named_moments(session, [text for text in texts if text != FROM_PIPE])
    if FROM_PIPE in texts:
        if sys.stdin.isatty():
            raise InvalidInput(
                "- reads moments from a pipe: write `vifi search ... --json | vifi teach NAME --right -`"
            )
        piped = parse_moments(from_pipe(sys.stdin.buffer.read(), sys.stdin.encoding))
        if not piped.moments:
            output.note("no moments came through the pipe: there is nothing to mark")
        moments += [indexed_moment(session, moment) for moment in piped.moments]
    return moments


def _ask(session: SearchSession, concept: Concept, candidates: CandidateOptions, player: str | None) -> None:
    """Asks until the user quits; what was marked is kept, however that ends."""
    from vifi_cli.api.teaching.questions import Questions
    from vifi_cli.cli.teaching.dialog import Dialog, view_of_terminal
    from vifi_cli.cli.terminal.keys import single_keys

    question = wording.printable(concept.description)
    if len(question) > LONGEST_QUESTION:
        question = f"{question[:LONGEST_QUESTION]}…"
    questions = Questions(session, concept.name)
    output.note("y if a moment shows it, n if it does not, ? for all keys; your marks are stored at once")
    if concept.marks:
        _report(session, concept.name)
    try:
        with (
            view_of_terminal(with_pictures=candidates.thumbs is not False) as view,
            single_keys() as read_key,
        ):
            Dialog(questions, f"{question}?", view, player).talk(read_key)
    except Stopped:
        raise
    except KeyboardInterrupt as stop:
        output.prompt("\n")
        code = output.ended(stop)
        _report(session, concept.name)
        raise typer.Exit(code) from None
    _report(session, concept.name)


def _report(session: SearchSession, name: str) -> None:
    from vifi_cli.api.teaching.report import teaching_report

    output.note(teaching_report(session.concepts.get(name)).line)


def _show(
    context: typer.Context, session: SearchSession, concept: Concept, candidates: CandidateOptions
) -> None:
    from vifi_cli.api.search.hits.documents import hit_document
    from vifi_cli.api.teaching.candidates import candidates as find_candidates
    from vifi_cli.api.teaching.overview import overview_document, overview_of
    from vifi_cli.api.teaching.report import teaching_report

    report = teaching_report(concept)
    hits = find_candidates(session, concept.name, candidates.top) if candidates.listed else []
    if candidates.as_json:
        listed = {"candidates": [hit_document(hit) for hit in hits]} if candidates.listed else {}
        known = overview_document(overview_of(session, concept.name))
        (output.json_line if is_in_shell(context) else output.document)(
            known | {"result": report.result, "advice": report.advice} | listed
        )
        return
    if hits and candidates.thumbs and output.stdout_is_terminal():
        show_with_pictures(hits)
    elif hits:
        show_hits(hits)
    output.note(report.line)
