"""Retrieval: how well an index finds the videos that captions describe."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vifi_cli import __version__
from vifi_cli.api.evaluation.evaluate import dated, report_folder, written
from vifi_cli.api.evaluation.request import texts_once
from vifi_cli.api.evaluation.searched.tested_index import (
    MADE_INDEX,
    OWN_INDEX,
    embedded,
    index_in_words,
    indexed_ids,
    own_index,
    temporary_index,
    why_not_indexed,
)
from vifi_cli.api.evaluation.testing import DIGEST_SHOWN
from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.api.library.encoders import EncoderChoice, load_both_sides, load_query_encoder, with_reader
from vifi_cli.api.models.weights import fetch_model
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.report.report import Report
from vifi_cli.evaluation.report.table import ResultRow, ResultTable
from vifi_cli.evaluation.scoring.confidence_intervals import DRAWS
from vifi_cli.evaluation.scoring.retrieval import (
    MEASURES,
    Query,
    read_queries,
    read_split_remarks,
    score_retrieval,
)
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.encoder import TextEncoder
from vifi_cli.index.search.ranking import video_scores
from vifi_cli.paths import given_path, slug
from vifi_cli.video.files.content import is_there
from vifi_cli.wording import counted

TEXTS_AT_ONCE = 256
_FILES = "files are expected beside the CSV; put them there, or remove their lines"


@dataclass(frozen=True, slots=True)
class QueryFile:
    """The absolute path of a query file, and its queries; the videos are beside it."""

    path: Path
    queries: tuple[Query, ...]

    def videos(self) -> tuple[Path, ...]:
        """The videos of all queries, each once, in the order of the file."""
        return tuple(dict.fromkeys(self.located(file) for query in self.queries for file in query.files))

    def located(self, file: str) -> Path:
        """The path of a video that the file names."""
        return given_path(self.path.parent / Path(file).expanduser())


@dataclass(frozen=True, slots=True)
class MeasuredModel:
    """A model's row, and the towers and the index behind it, in words."""

    row: ResultRow
    protocol: str


def evaluate_retrieval(
    queries: Path | str,
    models: Path | str | Sequence[Path | str] = (),
    *,
    output: Path | str | None = None,
    device: str = "auto",
    feedback: Feedback = AUTOMATIC,
) -> Report:
    """Measure how well captions find their videos among all videos of a query file, and write a report.

    Args:
        queries: a CSV file with the columns `file` and `caption`.
        models: one row each. If the index was made with a model's image tower, the model's text tower searches it;
            otherwise the videos of the query file are indexed in a temporary folder. Without models the index is
            measured as `vifi search` uses it.
        output: folder of the report; a new one under `reports/` by default.
        device: where encoders run.
        feedback: receives notes and progress.

    Raises:
        InvalidInput: the query file makes no sense, or names videos that are not in the index.
        IndexMissing: nothing is indexed, and no model was named.
        EncoderMismatch: the index's own model has changed since.
    """
    path = given_path(queries)
    names = texts_once(models)
    folder = report_folder(output, dated(f"retrieval-{slug(str(path))}"))
    file = QueryFile(path, read_queries(path))
    with own_index(is_needed=not names) as catalog:
        if not names and catalog:
            choice = with_reader(EncoderChoice(device=device), catalog.indexed_with)
            text = load_query_encoder(catalog.indexed_with, choice, feedback)
            measured = [_measured(file, catalog, text, text.model_name, feedback)]
        else:
            measured = [_measured_model(file, catalog, model, device, feedback) for model in names]
    report = Report(
        title=f"Retrieval by {path.name}",
        facts=tuple(_facts(file, measured)),
        stamps=(),
        table=ResultTable(MEASURES, tuple(one.row for one in measured)),
        notes=read_split_remarks(path),
    )
    return written(report, folder)


def _measured_model(
    file: QueryFile, catalog: Catalog | None, model: str, device: str, feedback: Feedback
) -> MeasuredModel:
    encoder = load_both_sides(fetch_model(model, feedback), device, feedback)
    if catalog and catalog.indexed_with.vision_fingerprint == encoder.vision_fingerprint:
        return _measured(file, catalog, encoder, model, feedback)
    videos = file.videos()
    if missing := [video for video in videos if not is_there(video)]:
        raise InvalidInput(
            f"{file.path} names {counted(len(missing), 'video')} not on disk, such as {missing[0]}: {_FILES}"
        )
    with temporary_index(videos, encoder, catalog, feedback) as made:
        return _measured(file, made, encoder, model, feedback, MADE_INDEX)


def _measured(
    file: QueryFile,
    catalog: Catalog,
    text: TextEncoder,
    name: str,
    feedback: Feedback,
    index: str = OWN_INDEX,
) -> MeasuredModel:
    ids = _ids(file, catalog)
    among = sorted(set(ids.values()))
    with feedback.busy(f"Searching with {name}"):
        scores = video_scores(catalog, embedded([query.caption for query in file.queries], text), among)
    by_query = [{ids[file.located(named)] for named in query.files} for query in file.queries]
    relevant = np.array([[video in of_query for video in among] for of_query in by_query])
    return MeasuredModel(
        ResultRow(name, score_retrieval(scores, relevant).row, remark=index),
        index_in_words(catalog, text, index),
    )


def _ids(file: QueryFile, catalog: Catalog) -> dict[Path, int]:
    """The index's ids of the query file's videos; raises InvalidInput if one is not in the index."""
    ids = indexed_ids(file.videos(), catalog)
    if missing := [video for video in file.videos() if video not in ids]:
        raise InvalidInput(why_not_indexed(file.path, catalog, missing, if_absent=_FILES))
    return ids


def _facts(file: QueryFile, measured: Sequence[MeasuredModel]) -> Iterator[tuple[str, str]]:
    digest = hashlib.sha256(file.path.read_bytes()).hexdigest()[:DIGEST_SHOWN]
    videos = counted(len(file.videos()), "video")
    yield "Setting", "retrieval"
    yield "Queries", f"{file.path}: {len(file.queries)} captions of {videos}, sha256 {digest}"
    yield "Ranked among", f"the {videos} of the query file, each by its best window"
    yield "Ties", "count as ranked before the relevant video"
    yield (
        "Intervals",
        f"95 % over queries: Wilson for R@K and mAP, percentile bootstrap with {DRAWS:,} draws for the rank",
    )
    for one in measured:
        yield f"Model {one.row.method}", one.protocol
    yield "vifi", __version__
