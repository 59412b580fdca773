"""`vifi search`: finds moments by describing them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict, Unpack

import typer

from vifi_cli import paths
from vifi_cli.cli import output
from vifi_cli.cli.model_download import fetch_model
from vifi_cli.cli.options import Device, DeviceOption
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.index.calibration import Rater
    from vifi_cli.index.encoder import TextEncoder
    from vifi_cli.index.records import IndexedWith
    from vifi_cli.index.video_index import SearchHit

NO_HITS = 1


class SearchOptions(TypedDict, total=False):
    """The options of `VideoIndex.search`."""

    top: int
    by: Literal["moment", "video"]
    per_video: int
    below: str | None


class HitUnit(StrEnum):
    """What a hit is."""

    moment = "moment"
    video = "video"


def search(
    query: Annotated[str, typer.Argument(help="What to look for, in words.", show_default=False)],
    top: Annotated[int, typer.Option("--top", "-t", min=0, help="Number of hits at most; 0 for all.")] = 10,
    per_video: Annotated[int, typer.Option(min=0, help="Moments of one video at most; 0 for all.")] = 3,
    by: Annotated[HitUnit, typer.Option(help="Whether a hit is a moment or a whole video.")] = HitUnit.moment,
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
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON document to stdout.")] = False,
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="Write one JSON document a hit.")] = False,
    filepath_only: Annotated[
        bool, typer.Option("--filepath-only", "-f", help="Write only paths, each once.")
    ] = False,
    print0: Annotated[
        bool, typer.Option("--print0", "-0", help="Like -f, ended by NUL instead of newline, for xargs -0.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="Read the query by this model: one that sees pictures as the index's own does, such as text "
            "prompts learned for it.",
            show_default=False,
        ),
    ] = None,
    device: DeviceOption = Device.auto,
) -> None:
    """Find the moments in indexed videos that match QUERY best.

    Exit code 0 if there are hits, 1 if there are none or nothing relevant, 2 if something is wrong.
    """
    _check_query(query)
    if (as_json, as_jsonl, filepath_only or print0).count(True) > 1:
        raise InvalidInput("--json, --jsonl and -f/-0 are different outputs: choose one")
    read_by, found = find_hits(
        paths.index_folder(),
        query,
        device.value,
        model,
        top=top,
        per_video=per_video,
        by=by.value,
        below=path,
    )
    hits = relevant_among(found, min_score)
    if as_json:
        output.document({"query": query, "model": read_by, "hits": [_as_document(hit) for hit in hits]})
    elif as_jsonl:
        for hit in hits:
            output.json_line(_as_document(hit))
    elif filepath_only or print0:
        for video in dict.fromkeys(hit.path for hit in hits):
            output.line(str(video), end="\0" if print0 else "\n")
    elif hits:
        show_hits(hits)
    _tell_what_is_odd(hits, path, found[len(hits) :])
    if not hits:
        raise typer.Exit(NO_HITS)


def _check_query(query: str) -> None:
    if not query.strip():
        raise InvalidInput('the query is empty: say what to look for, as in `vifi search "playing guitar"`')
    try:
        query.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            "the query is not valid UTF-8 text: see that the terminal and $LANG use UTF-8"
        ) from None


def find_hits(
    index_folder: Path,
    query: str,
    device: str,
    model: str | None = None,
    **options: Unpack[SearchOptions],
) -> tuple[str, list[SearchHit]]:
    """Embeds a query, searches and rates what is found; gives the name of the model that read the query, and the hits.

    Args:
        index_folder: where the index lies.
        query: what to look for.
        device: where the encoder runs, if the query is new.
        model: reads the query; the index's own encoder unless named.
        options: as `VideoIndex.search` takes them.
    """
    from vifi_cli.index.query_cache import cached_query_embedding
    from vifi_cli.index.video_index import VideoIndex

    with VideoIndex(index_folder) as video_index:
        indexed_with = video_index.catalog.indexed_with
        other = load_fitting_text_encoder(model, indexed_with, device) if model else None
        fingerprint = other.text_fingerprint if other else indexed_with.text_fingerprint
        load = functools.cache(lambda: other or load_index_text_encoder(indexed_with, device))
        embedding = cached_query_embedding(paths.cache_folder(), fingerprint, query, load)
        rate = rater_of(index_folder, fingerprint, load)
        read_by = other.model_name if other else indexed_with.model
        return read_by, video_index.search(embedding, rate=rate, **options)


def rater_of(index_folder: Path, text_fingerprint: str, load_encoder: Callable[[], TextEncoder]) -> Rater:
    """What rates the hits of a text in an index by how neutral texts do in it."""
    from vifi_cli.index.calibration import text_rater
    from vifi_cli.index.neutral_texts import read_neutral_texts

    def load_and_tell() -> TextEncoder:
        encoder = load_encoder()
        output.note(f"the first search with {encoder.model_name} reads the texts that hits are judged by")
        return encoder

    return text_rater(index_folder, read_neutral_texts(paths.cache_folder(), text_fingerprint, load_and_tell))


def relevant_among(hits: Sequence[SearchHit], least: float | None = None) -> list[SearchHit]:
    """The hits that are worth showing, or whose number is no less than what was asked for; those not rated all are."""
    from vifi_cli.index.relevance import WORTH_SHOWING

    if least is None:
        return [hit for hit in hits if hit.relevance is None or hit.relevance >= WORTH_SHOWING]
    return [hit for hit in hits if number_shown(hit) >= least]


def number_shown(hit: SearchHit) -> float:
    """What is told of a hit: how relevant it is, or where hits are not rated the cosine."""
    return hit.score if hit.relevance is None else hit.relevance


def _name_of_number(hits: Sequence[SearchHit]) -> str:
    return "Cosine" if any(hit.relevance is None for hit in hits) else "Relevance"


def load_fitting_text_encoder(model: str, indexed_with: IndexedWith, device: str) -> TextEncoder:
    """Loads the text side of a model whose image side is the index's own.

    Raises:
        EncoderMismatch: it sees pictures otherwise.
    """
    from vifi_cli.errors import EncoderMismatch
    from vifi_cli.model.encoder import load_text_encoder, vision_fingerprint_of

    fetch_model(model)
    if vision_fingerprint_of(model, device) != indexed_with.vision_fingerprint:
        raise EncoderMismatch(
            f"the index was made with {indexed_with.model}, and {model} sees pictures otherwise: leave --model away, "
            f"or make the index anew with `vifi index --rebuild --model {model}`"
        )
    return load_text_encoder(model, device)


def load_index_text_encoder(indexed_with: IndexedWith, device: str) -> TextEncoder:
    """Loads the text side of the index's own encoder, and makes sure that it is still the same.

    Raises:
        EncoderMismatch: its weights have changed since.
    """
    from vifi_cli.errors import EncoderMismatch
    from vifi_cli.model.encoder import load_text_encoder

    fetch_model(indexed_with.model)
    encoder = load_text_encoder(indexed_with.model, device)
    if encoder.text_fingerprint != indexed_with.text_fingerprint:
        raise EncoderMismatch(
            f"the weights of {indexed_with.model} are no longer those the index was made with: "
            "bring them back, or make the index anew with `vifi index --rebuild`"
        )
    return encoder


def _as_document(hit: SearchHit) -> dict[str, object]:
    return {
        "path": str(hit.path),
        "start_seconds": round(hit.start_seconds, 3),
        "end_seconds": round(hit.end_seconds, 3),
        "relevance": None if hit.relevance is None else round(hit.relevance, 4),
        "cosine": round(hit.score, 4),
    }


def show_hits(hits: Sequence[SearchHit]) -> None:
    """A table on a terminal; in a pipe relevance, start, end (seconds) and path in tab-separated lines."""
    numbers = [number_shown(hit) for hit in hits]
    if output.stdout_is_terminal():
        name = _name_of_number(hits)
        moments = [f"{output.clock(hit.start_seconds)} – {output.clock(hit.end_seconds)}" for hit in hits]
        output.rows(
            (name, "Moment", "Video"),
            [
                (_rounded_down(number), moment, output.path_link(hit.path))
                for hit, number, moment in zip(hits, numbers, moments, strict=True)
            ],
            right=(name, "Moment"),
        )
        return
    output.rows(
        (),
        [
            (f"{number:.4f}", f"{hit.start_seconds:.3f}", f"{hit.end_seconds:.3f}", str(hit.path))
            for hit, number in zip(hits, numbers, strict=True)
        ],
    )


def _rounded_down(number: float) -> str:
    """Two decimals that are never more than the number, so that what is shown passes the `--min-score` of its own."""
    return f"{math.floor(number * 100) / 100:.2f}"


def _tell_what_is_odd(hits: Sequence[SearchHit], below: str | None, left_out: Sequence[SearchHit]) -> None:
    missing = {hit.path for hit in hits if not _exists(hit.path)}
    if missing:
        output.note(
            f"{output.counted(len(missing), 'video')} of these no longer where indexed: plug the disk in, "
            "or run `vifi index` to bring the index up to date"
        )
    if hits and left_out and output.stdout_is_terminal():
        output.note("less relevant hits are left out: `--min-score 0` shows them")
    elif not hits and left_out:
        tell_nothing_relevant(left_out)
    elif not hits:
        where = f" below {below}" if below else ""
        output.note(f"no hits{where}: `vifi status` shows what is indexed")


def tell_nothing_relevant(hits: Sequence[SearchHit]) -> None:
    """Says that all hits are too little relevant, and how relevant the best one is."""
    name, best = _name_of_number(hits).lower(), _rounded_down(number_shown(hits[0]))
    output.note(
        f"nothing relevant found: the best hit has a {name} of {best}; `--min-score 0` shows it all the same"
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
