"""`vifi search`: finds moments by a description or by examples."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli import paths
from vifi_cli.cli.search.open import PlayableOutput, keep_and_play
from vifi_cli.cli.search.options import EncoderOptions, HitChoice, StepOptions, VideoSelection
from vifi_cli.cli.search.result import Answer, show_answer, wants_unsure
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options import completion
from vifi_cli.cli.terminal.options.splicing import spliced
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.api.search.session import SearchSession
    from vifi_cli.index.search.query import AnyQuery
    from vifi_cli.index.search.video_index import SearchHit

NO_HITS = 1


@spliced
def search(
    context: typer.Context,
    query: Annotated[
        list[str],
        typer.Argument(
            help="Words, a picture, a clip (a.mp4@1:20-1:28), @CONCEPT, a sum (dog + beach - 0.5:rain), or A then B",
            show_default=False,
            autocompletion=completion.query_words,
        ),
    ],
    hits: HitChoice,
    steps: StepOptions,
    videos: VideoSelection,
    form: PlayableOutput,
    encoder: EncoderOptions,
) -> None:
    """Find moments that match a description.

    Exit code 0 if there are hits, 1 if there are none or nothing relevant, 2 if something is wrong.
    """
    from vifi_cli.api.library.encoders import EncoderChoice
    from vifi_cli.api.search.concept_queries import count_marked_wrong
    from vifi_cli.api.search.query_language import note_on_time, parse_query, within
    from vifi_cli.index.search.query import OrderedQuery

    asked = parse_query(query)
    if isinstance(asked, OrderedQuery) or not is_in_shell(context):  # there, it stands for lines with steps
        asked = within(asked, steps.within)
    if encoder.model and not asked.has_words and not is_in_shell(context):
        raise InvalidInput("--model reads words, and your query has none: omit it")
    options = hits.options(hits.by, videos.video_filter())
    choice = EncoderChoice(encoder.model, encoder.device)
    with session_of(context) as session:
        found = session.find(asked, options, choice)
        read_by, why = session.reader(choice), why_none(session, found, videos, asked)
        wrong = count_marked_wrong(session.index.catalog, session.marks_searched_with(asked), options)
    answer = Answer(
        *(asked.text, read_by, found, hits.min_score, wants_unsure(form, is_asked=hits.unsure), why), wrong
    )
    show_answer(answer, form, on_one_line=is_in_shell(context))
    _note_lone_weight(asked)
    if remark := note_on_time(query):
        output.note(remark)
    keep_and_play(answer, form)
    if not answer.is_relevant:
        raise typer.Exit(NO_HITS)


@contextmanager
def session_of(context: typer.Context) -> Generator[SearchSession]:
    """The session of `vifi shell` if the command is a line of it, or a new one."""
    if is_in_shell(context):
        yield context.obj
        return
    with open_session() as session:
        yield session


def open_session(index_folder: Path | None = None) -> SearchSession:
    """A session of the user's index, or of another one; notes and bars go to the terminal."""
    from vifi_cli.api.search.session import SearchSession

    return SearchSession(index_folder or index_to_search(), ON_TERMINAL)


def index_to_search() -> Path:
    """The folder of the user's index; without one, that of the demo, which is noted."""
    folder = paths.searched_index_folder()
    if folder != paths.index_folder():
        output.note("in the clips of `vifi demo`; `vifi index FOLDER` makes your own index")
    return folder


def why_none(
    session: SearchSession,
    found: Sequence[SearchHit],
    videos: VideoSelection,
    query: AnyQuery | None = None,
) -> str:
    """Why a search has not found a single hit, and what helps; empty if it has."""
    from vifi_cli.index.search.query import OrderedQuery

    if found:
        return ""
    if (
        isinstance(query, OrderedQuery)
        and len(session.index.vectors)
        and not session.path_problem(videos.path)
    ):
        return "no hits: no video asked for shows the steps in this order; search for each alone to see where it is"
    if videos == VideoSelection():
        return "no hits: the index has no videos to compare this with; `vifi index FOLDER` adds some"
    problem = session.path_problem(videos.path) or "`vifi status` shows what is indexed"
    return f"no hits among the videos asked for: {problem}"


def is_in_shell(context: typer.Context) -> bool:
    """Whether a command is a line of `vifi shell`."""
    return context.obj is not None


def _note_lone_weight(query: AnyQuery) -> None:
    from vifi_cli.index.search.query import Words

    term = query.terms[0]
    if len(query.terms) == 1 and term.weight != 1 and isinstance(term.meaning, Words):
        output.note(
            f'read as "{term.meaning.text}" with the weight {term.weight:g}, which changes nothing alone; '
            f'"text:{query.text}" searches for the literal words'
        )
