"""Retrieval: how well an index finds the videos that captions describe."""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli import __version__
from vifi_cli.api.evaluation.evaluate import dated, report_folder, written
from vifi_cli.api.evaluation.testing import DIGEST_SHOWN
from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.api.library.encoders import EncoderChoice, load_both_sides, load_query_encoder, with_reader
from vifi_cli.api.models.weights import fetch_model
from vifi_cli.disk.replacement import temporary_folder
from vifi_cli.errors import IndexMissing, InvalidInput
from vifi_cli.evaluation.report.report import Report
from vifi_cli.evaluation.report.table import ResultRow, ResultTable
from vifi_cli.evaluation.scoring.confidence_intervals import DRAWS
from vifi_cli.evaluation.scoring.retrieval import MEASURES, Query, read_queries, score_retrieval
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.encoder import Encoder, TextEncoder
from vifi_cli.index.search.ranking import video_scores
from vifi_cli.index.update.indexer import update_index
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.paths import given_path, index_folder, slug, unicode_form
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.content import is_there
from vifi_cli.video.files.discovery import find_videos
from vifi_cli.wording import as_argument, counted

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
    models: Sequence[Path | str] = (),
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
    folder = report_folder(output, dated(f"retrieval-{slug(str(path))}"))
    file = QueryFile(path, read_queries(path))
    with _own_index(is_needed=not models) as catalog:
        if not models and catalog:
            choice = with_reader(EncoderChoice(device=device), catalog.indexed_with)
            text = load_query_encoder(catalog.indexed_with, choice, feedback)
            measured = [_measured(file, catalog, text, text.model_name, feedback)]
        else:
            measured = [_measured_model(file, catalog, str(model), device, feedback) for model in models]
    report = Report(
        title=f"Retrieval by {path.name}",
        facts=tuple(_facts(file, measured)),
        stamps=(),
        table=ResultTable(MEASURES, tuple(one.row for one in measured)),
    )
    return written(report, folder)


def _own_index(*, is_needed: bool) -> AbstractContextManager[Catalog | None]:
    """The user's index, or None if there is none and none is needed."""
    try:
        return Catalog(index_folder() / CATALOG_FILE)
    except IndexMissing:
        if is_needed:
            raise
        return nullcontext()


def _measured_model(
    file: QueryFile, catalog: Catalog | None, model: str, device: str, feedback: Feedback
) -> MeasuredModel:
    encoder = load_both_sides(fetch_model(model, feedback), device, feedback)
    if catalog and catalog.indexed_with.vision_fingerprint == encoder.vision_fingerprint:
        return _measured(file, catalog, encoder, model, feedback)
    with _temporary_index(file, encoder, catalog, feedback) as made:
        return _measured(file, made, encoder, model, feedback, "an index made for this test")


@contextmanager
def _temporary_index(
    file: QueryFile, encoder: Encoder, like: Catalog | None, feedback: Feedback
) -> Iterator[Catalog]:
    """An index of the query file's videos, with frames as dense as in the user's own index."""
    sampling = like.indexed_with.sampling if like else FrameSampling()
    videos = file.videos()
    if missing := [video for video in videos if not is_there(video)]:
        raise InvalidInput(
            f"{file.path} names {counted(len(missing), 'video')} not on disk, such as {missing[0]}: {_FILES}"
        )
    with (
        temporary_folder(Path(tempfile.gettempdir(), "retrieval")) as folder,
        Catalog.create(folder / CATALOG_FILE, indexed_with(encoder, sampling)) as catalog,
        feedback.task("Indexing", len(videos), "videos") as report,
    ):
        update_index(
            catalog,
            find_videos(videos),
            videos,
            lambda: encoder,
            on_progress=lambda progress: report(progress.files_done),
        )
        yield catalog


def _measured(
    file: QueryFile,
    catalog: Catalog,
    text: TextEncoder,
    name: str,
    feedback: Feedback,
    index: str = "the present index",
) -> MeasuredModel:
    ids = _ids(file, catalog)
    among = sorted(set(ids.values()))
    with feedback.busy(f"Searching with {name}"):
        scores = video_scores(catalog, _embedded([query.caption for query in file.queries], text), among)
    by_query = [{ids[file.located(named)] for named in query.files} for query in file.queries]
    relevant = np.array([[video in of_query for video in among] for of_query in by_query])
    made_with = catalog.indexed_with
    towers = made_with.vision_fingerprint[:DIGEST_SHOWN], text.text_fingerprint[:DIGEST_SHOWN]
    return MeasuredModel(
        ResultRow(name, score_retrieval(scores, relevant).row, remark=index),
        f"{index}, {made_with.frames_per_second:g} frames a second, {made_with.minimum_frames} at least; "
        f"image tower {towers[0]}, text tower {towers[1]}",
    )


def _embedded(captions: Sequence[str], text: TextEncoder) -> npt.NDArray[np.float32]:
    starts = range(0, len(captions), TEXTS_AT_ONCE)
    return np.concatenate([text.encode_texts(captions[start : start + TEXTS_AT_ONCE]) for start in starts])


def _ids(file: QueryFile, catalog: Catalog) -> dict[Path, int]:
    """The index's ids of the query file's videos, by path or, through links, by the file itself."""
    by_path = {video.path: video.id for video in catalog.videos()}
    by_file = {os.path.realpath(path): video_id for path, video_id in by_path.items()}
    by_form = {unicode_form(path): video_id for path, video_id in by_path.items()}
    ids = {
        video: by_path.get(video, by_file.get(os.path.realpath(video), by_form.get(unicode_form(video))))
        for video in file.videos()
    }
    if missing := [video for video, video_id in ids.items() if video_id is None]:
        raise InvalidInput(_not_indexed(file, catalog, missing))
    return {video: video_id for video, video_id in ids.items() if video_id is not None}


def _not_indexed(file: QueryFile, catalog: Catalog, missing: Sequence[Path]) -> str:
    reasons = {failed.file.path: failed.reason for failed in catalog.failures()}
    passing = {failed.file.path: failed.reason for failed in catalog.postponed()}
    first = missing[0]
    problem = f"{file.path} names {counted(len(missing), 'video')} not in the index, such as {first}"
    if first in reasons:
        return f"{problem}, which cannot be read ({reasons[first]}): remove its lines"
    if first in passing:
        return f"{problem}, which was out of reach ({passing[first]}): run `vifi index` again"
    if not is_there(first):
        return f"{problem}, which is not on disk either: {_FILES}"
    return f"{problem}: run `vifi index {as_argument(file.path.parent)}`, or remove their lines"


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
