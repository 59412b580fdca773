"""`vifi search`: finds moments by describing them, or by showing some that are like them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict, Unpack

import typer

from vifi_cli import paths
from vifi_cli.cli import output
from vifi_cli.cli.options import Device
from vifi_cli.cli.query_grammar import parse_query
from vifi_cli.cli.search_options import (
    ByOption,
    DedupeOption,
    EncoderDeviceOption,
    FilepathOnlyOption,
    HitOutput,
    HitUnit,
    JsonLinesOption,
    JsonOption,
    MaxDurationOption,
    MinDurationOption,
    MinScoreOption,
    NewerOption,
    OlderOption,
    PathOption,
    PerVideoOption,
    Print0Option,
    ReadByOption,
    TopOption,
    video_filter,
)
from vifi_cli.cli.search_result import Answer, relevant_among, show_answer
from vifi_cli.cli.search_session import SearchSession

if TYPE_CHECKING:
    from vifi_cli.index.query import Query
    from vifi_cli.index.ranking import Place
    from vifi_cli.index.video_filter import VideoFilter
    from vifi_cli.index.video_index import SearchHit

NO_HITS = 1


class SearchOptions(TypedDict, total=False):
    """The options of `VideoIndex.search`."""

    top: int
    by: Literal["moment", "video"]
    per_video: int
    below: str | None
    among: VideoFilter
    without: Place | None
    fold_duplicates: bool


def search(
    context: typer.Context,
    query: Annotated[
        list[str],
        typer.Argument(
            help="What to look for: words, a picture, a clip (clip.mp4@1:20-1:28), or several of these with a lone "
            '+ or - between them, as in "a dog" + beach - 0.5:rain.',
            show_default=False,
        ),
    ],
    top: TopOption = 10,
    per_video: PerVideoOption = 3,
    by: ByOption = HitUnit.moment,
    min_score: MinScoreOption = None,
    dedupe: DedupeOption = False,
    path: PathOption = None,
    newer: NewerOption = None,
    older: OlderOption = None,
    min_duration: MinDurationOption = None,
    max_duration: MaxDurationOption = None,
    as_json: JsonOption = False,
    as_jsonl: JsonLinesOption = False,
    filepath_only: FilepathOnlyOption = False,
    print0: Print0Option = False,
    model: ReadByOption = None,
    device: EncoderDeviceOption = Device.auto,
) -> None:
    """Find the moments in indexed videos that match QUERY best.

    Exit code 0 if there are hits, 1 if there are none or nothing relevant, 2 if something is wrong.
    """
    form = HitOutput(as_json=as_json, as_jsonl=as_jsonl, filepath_only=filepath_only, print0=print0)
    asked = parse_query(query)
    among = video_filter(newer, older, min_duration, max_duration)
    with _session_of(context) as session:
        read_by, found = search_in(
            session,
            asked,
            device.value,
            model,
            top=top,
            per_video=per_video,
            by=by.value,
            below=path,
            among=among,
            fold_duplicates=dedupe,
        )
    is_filtered = any((path, newer, older, min_duration, max_duration))
    hits = relevant_among(found, min_score)
    answer = Answer(asked.text, read_by, hits, found[len(hits) :], is_filtered)
    show_answer(answer, form, on_one_line=_is_in_shell(context))
    _tell_of_weight_alone(asked)
    if not hits:
        raise typer.Exit(NO_HITS)


def find_hits(
    index_folder: Path,
    query: str | Query,
    device: str,
    model: str | None = None,
    **options: Unpack[SearchOptions],
) -> tuple[str, list[SearchHit]]:
    """Embeds a query, searches and rates what is found; gives the name of the model that read it, and the hits.

    Args:
        index_folder: where the index lies.
        query: what to look for; a string is nothing but words.
        device: where the encoder runs, if the query is new.
        model: reads the query's words; the index's own encoder unless named.
        options: as `VideoIndex.search` takes them.
    """
    from vifi_cli.index.query import query_in_words

    asked = query_in_words(query) if isinstance(query, str) else query
    with SearchSession(index_folder) as session:
        return search_in(session, asked, device, model, **options)


def search_in(
    session: SearchSession,
    query: Query,
    device: str,
    model: str | None = None,
    **options: Unpack[SearchOptions],
) -> tuple[str, list[SearchHit]]:
    """As `find_hits`, in an index that is open already."""
    embedding, rate = session.embed(query, device, model), session.rater(query, device, model)
    return session.reader(device, model), session.index.search(embedding, rate=rate, **options)


@contextmanager
def _session_of(context: typer.Context) -> Generator[SearchSession]:
    """The session that the command runs in as a line of `vifi shell`, or one of its own."""
    if _is_in_shell(context):
        yield context.obj
        return
    with SearchSession(paths.index_folder()) as session:
        yield session


def _is_in_shell(context: typer.Context) -> bool:
    return isinstance(context.obj, SearchSession)


def _tell_of_weight_alone(query: Query) -> None:
    from vifi_cli.index.query import Words

    term = query.terms[0]
    if len(query.terms) == 1 and term.weight != 1 and isinstance(term.meaning, Words):
        output.note(
            f'read as "{term.meaning.text}" with the weight {term.weight:g}, which changes nothing alone; '
            f'"text:{query.text}" means the words as they are'
        )
