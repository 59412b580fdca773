"""`vifi eval --setting retrieval`: how well an index finds the videos that captions describe."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli import __version__
from vifi_cli import paths as places
from vifi_cli.cli.models.download import fetch_model
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.feedback import ON_TERMINAL
from vifi_cli.errors import IndexMissing, InvalidInput
from vifi_cli.paths import given_path

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from vifi_cli.evaluation.report.report import Report
    from vifi_cli.evaluation.report.table import ResultRow
    from vifi_cli.evaluation.scoring.retrieval import Query
    from vifi_cli.index.catalog.catalog import Catalog
    from vifi_cli.index.encoder import Encoder, TextEncoder

TEXTS_AT_ONCE = 256
DIGEST_SHOWN = 16
_LOOKED_FOR = "files are looked for beside the CSV; put them there, or take their lines out"


@dataclass(frozen=True, slots=True)
class QueryFile:
    """The queries of a file, whose videos lie beside it.

    Attributes:
        path: absolute.
        queries: with a caption and the files that it is right for.
    """

    path: Path
    queries: tuple[Query, ...]

    def videos(self) -> tuple[Path, ...]:
        """The videos of all queries, each once, in the order of the file."""
        return tuple(dict.fromkeys(self.located(file) for query in self.queries for file in query.files))

    def located(self, file: str) -> Path:
        """Where a video lies that the file names."""
        return given_path(self.path.parent / Path(file).expanduser())


@dataclass(frozen=True, slots=True)
class MeasuredModel:
    """A model's row of the table, and what it is made of.

    Attributes:
        row: of the table.
        protocol: the model's towers and the index, in words.
    """

    row: ResultRow
    protocol: str


def evaluate_retrieval(queries: Path, models: Sequence[str] = (), device: str = "auto") -> Report:
    """Measure how well captions find their videos among all videos of the query file.

    Args:
        queries: a CSV file with the columns `file` and `caption`.
        models: a row each. Where the index was made with a model's image side, it is searched by the model's text side;
            else the query file's videos are indexed in a temporary folder. Without models the index is measured as
            `vifi search` uses it.
        device: where encoders run.

    Raises:
        InvalidInput: the query file makes no sense, or names videos that are not in the index.
        IndexMissing: nothing is indexed, and no model was named.
        EncoderMismatch: the index's own model has changed since.
    """
    from vifi_cli.api.library.encoders import load_index_text_encoder
    from vifi_cli.evaluation.report.report import Report
    from vifi_cli.evaluation.report.table import ResultTable
    from vifi_cli.evaluation.scoring.retrieval import MEASURES, read_queries

    file = QueryFile(given_path(queries), read_queries(given_path(queries)))
    with _own_index(is_needed=not models) as catalog:
        if not models and catalog:
            text = load_index_text_encoder(catalog.indexed_with, device, ON_TERMINAL)
            measured = [_measured(file, catalog, text, catalog.indexed_with.model)]
        else:
            measured = [_measured_model(file, catalog, model, device) for model in models]
    return Report(
        title=f"retrieval by {file.path.name}",
        facts=tuple(_facts(file, measured)),
        stamps=(),
        table=ResultTable(MEASURES, tuple(one.row for one in measured)),
        details=(),
    )


@contextmanager
def _own_index(*, is_needed: bool) -> Iterator[Catalog | None]:
    """The user's index, or None where there is none and none is needed."""
    from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog

    catalog = None
    try:
        catalog = Catalog(places.index_folder() / CATALOG_FILE)
    except IndexMissing:
        if is_needed:
            raise
    try:
        yield catalog
    finally:
        if catalog:
            catalog.close()


def _measured_model(file: QueryFile, catalog: Catalog | None, model: str, device: str) -> MeasuredModel:
    from vifi_cli.model.runtime.encoder import load_encoder

    source = fetch_model(model)
    with output.busy(f"Loading {model}; the first time it is compiled for this machine"):
        encoder = load_encoder(source, device)
    if catalog and catalog.indexed_with.vision_fingerprint == encoder.vision_fingerprint:
        return _measured(file, catalog, encoder, model)
    with _temporary_index(file, encoder, catalog) as made:
        return _measured(file, made, encoder, model, "an index made for this test")


@contextmanager
def _temporary_index(file: QueryFile, encoder: Encoder, like: Catalog | None) -> Iterator[Catalog]:
    """An index of the query file's videos alone, with frames taken as densely as in the user's own."""
    from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
    from vifi_cli.index.update.indexer import update_index
    from vifi_cli.index.update.shards import indexed_with
    from vifi_cli.video.decode.frame_sampling import FrameSampling
    from vifi_cli.video.files.discovery import find_videos

    sampling = like.indexed_with.sampling if like else FrameSampling()
    videos = file.videos()
    if missing := [video for video in videos if not video.is_file()]:
        raise InvalidInput(
            f"{file.path} names {output.counted(len(missing), 'video')} not on disk, such as {missing[0]}: "
            f"{_LOOKED_FOR}"
        )
    with (
        tempfile.TemporaryDirectory(prefix="vifi-") as folder,
        Catalog.create(Path(folder) / CATALOG_FILE, indexed_with(encoder, sampling)) as catalog,
    ):
        with ON_TERMINAL.task("Indexing", len(videos), "videos") as report:
            update_index(
                catalog,
                find_videos(videos),
                videos,
                lambda: encoder,
                on_progress=lambda progress: report(progress.files_done),
            )
        yield catalog


def _measured(
    file: QueryFile, catalog: Catalog, text: TextEncoder, name: str, index: str = "the present index"
) -> MeasuredModel:
    import numpy as np

    from vifi_cli.evaluation.report.table import ResultRow
    from vifi_cli.evaluation.scoring.retrieval import score_retrieval
    from vifi_cli.index.search.ranking import video_scores

    ids = _ids(file, catalog)
    among = sorted(set(ids.values()))
    with output.busy(f"Searching with {name}"):
        scores = video_scores(catalog, _embedded([query.caption for query in file.queries], text), among)
    right = [{ids[file.located(named)] for named in query.files} for query in file.queries]
    relevant = np.array([[video in of_query for video in among] for of_query in right])
    made_with = catalog.indexed_with
    towers = made_with.vision_fingerprint[:DIGEST_SHOWN], text.text_fingerprint[:DIGEST_SHOWN]
    return MeasuredModel(
        ResultRow(name, score_retrieval(scores, relevant).row, remark=index),
        f"{index}, {made_with.frames_per_second:g} frames a second, {made_with.minimum_frames} at least; "
        f"image tower {towers[0]}, text tower {towers[1]}",
    )


def _embedded(captions: Sequence[str], text: TextEncoder) -> npt.NDArray[np.float32]:
    import numpy as np

    starts = range(0, len(captions), TEXTS_AT_ONCE)
    return np.concatenate([text.encode_texts(captions[start : start + TEXTS_AT_ONCE]) for start in starts])


def _ids(file: QueryFile, catalog: Catalog) -> dict[Path, int]:
    """The index's numbers of the query file's videos, by path or, where links lead to them, by the file itself."""
    by_path = {video.path: video.id for video in catalog.videos()}
    by_file = {_real(path): video_id for path, video_id in by_path.items()}
    ids = {video: by_path.get(video, by_file.get(_real(video))) for video in file.videos()}
    if missing := [video for video, video_id in ids.items() if video_id is None]:
        raise InvalidInput(_not_indexed(file, catalog, missing))
    return {video: video_id for video, video_id in ids.items() if video_id is not None}


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path


def _not_indexed(file: QueryFile, catalog: Catalog, missing: Sequence[Path]) -> str:
    reasons = {failed.file.path: failed.reason for failed in catalog.failures()}
    first = missing[0]
    said = f"{file.path} names {output.counted(len(missing), 'video')} not in the index, such as {first}"
    if first in reasons:
        return f"{said}, which cannot be read ({reasons[first]}): take its lines out"
    if not first.is_file():
        return f"{said}, which is not on disk either: {_LOOKED_FOR}"
    return f"{said}: run `vifi index {file.path.parent}`, or take their lines out"


def _facts(file: QueryFile, measured: Sequence[MeasuredModel]) -> Iterator[tuple[str, str]]:
    digest = hashlib.sha256(file.path.read_bytes()).hexdigest()[:DIGEST_SHOWN]
    videos = len(file.videos())
    yield "Setting", "retrieval"
    yield (
        "Queries",
        f"{file.path}: {len(file.queries)} captions of {output.counted(videos, 'video')}, sha256 {digest}",
    )
    yield "Ranked among", f"the {output.counted(videos, 'video')} of the query file, each by its best window"
    yield "Ties", "count as ranked before the right video"
    yield "Intervals", "95 %, percentile bootstrap over queries, 2,000 draws"
    for one in measured:
        yield f"Model {one.row.method}", one.protocol
    yield "vifi", __version__
