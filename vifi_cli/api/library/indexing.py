"""Making videos searchable: choose the encoder, find the videos, bring the index up to date."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from vifi_cli import paths
from vifi_cli.api.feedback import LOGGED, Feedback
from vifi_cli.api.models.weights import fetch_model
from vifi_cli.errors import EncoderMismatch, InvalidInput, NothingToIndex
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.lock import note_progress, write_lock
from vifi_cli.index.encoder import Encoder
from vifi_cli.index.relevance.calibration import calibration_of
from vifi_cli.index.relevance.neutral_texts import read_neutral_texts
from vifi_cli.index.update.encoding import Progress
from vifi_cli.index.update.indexer import IndexReport, update_index
from vifi_cli.index.update.rebuild import check_nothing_is_lost, finish_rebuild, open_rebuild, recover
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.index.vectors import open_vectors
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.discovery import Discovery, VideoFile, find_videos


class IndexWatcher(Protocol):
    """Is told how far an index run has come."""

    def plan(self, files: Sequence[VideoFile]) -> None:
        """Takes in which files will be read."""

    def advance(self, progress: Progress) -> None:
        """Takes in how far decoding and encoding have come."""

    def stored(self, files: int) -> None:
        """Takes in how many files are done for good."""


class Unwatched:
    """Lets an index run go on unseen."""

    def plan(self, files: Sequence[VideoFile]) -> None:
        """Nothing is shown."""

    def advance(self, progress: Progress) -> None:
        """Nothing is shown."""

    def stored(self, files: int) -> None:
        """Nothing is shown."""


@dataclass(frozen=True, slots=True)
class IndexRequest:
    """What to index and how; None leaves the choice to the index, then to the defaults."""

    paths: tuple[Path, ...] = ()
    model: str | None = None
    device: str = "auto"
    frames_per_second: float | None = None
    exclude: tuple[str, ...] = ()
    retry_failed: bool = False
    rebuild: bool = False
    workers: int | None = None
    is_complete: Callable[[VideoFile], bool] = lambda _: True
    """Tells files that are still being written, which are left for a later run."""


def run_indexing(
    folder: Path, request: IndexRequest, feedback: Feedback, watcher: IndexWatcher
) -> IndexReport:
    """Brings the index in a folder up to date as asked, its vector file and what relevance is judged by with it.

    Raises:
        IndexLocked: another process is writing to the index.
        EncoderMismatch: the index was made with another encoder or sampling, and no rebuild was asked for.
        InvalidInput: there is nothing to index.
    """
    with write_lock(folder):
        recover(folder)
        if not (folder / CATALOG_FILE).exists():
            return _index_first(folder, request, feedback, watcher)
        if request.rebuild:
            return _rebuild(folder, request, feedback, watcher)
        return _update(folder, request, feedback, watcher)


def _index_first(
    folder: Path, request: IndexRequest, feedback: Feedback, watcher: IndexWatcher
) -> IndexReport:
    if not request.paths:
        raise InvalidInput("nothing is indexed yet, so there is nothing to bring up to date: name a folder")
    discovery = _only_complete(find_videos(request.paths, exclude=request.exclude), request)
    if not discovery.videos:
        names = ", ".join(str(path) for path in request.paths)
        raise NothingToIndex(f"no videos below {names}: name a folder that holds some, or a file of any name")
    encoder = _load(request.model, request.device, feedback)
    signature = indexed_with(encoder, _sampling(request))
    with Catalog.create(folder / CATALOG_FILE, signature) as catalog:
        return _bring_up_to_date(folder, catalog, request.paths, discovery, lambda: encoder, request, watcher)


def _update(folder: Path, request: IndexRequest, feedback: Feedback, watcher: IndexWatcher) -> IndexReport:
    with Catalog(folder / CATALOG_FILE) as catalog:
        _check_sampling(catalog, request)
        model = request.model or catalog.indexed_with.model
        load = functools.cache(lambda: _load_as_indexed(catalog, model, request.device, feedback))
        if model != catalog.indexed_with.model:
            load()
        roots = request.paths or tuple(catalog.roots())
        discovery = _discover(roots, request)
        return _bring_up_to_date(folder, catalog, roots, discovery, load, request, watcher)


def _rebuild(folder: Path, request: IndexRequest, feedback: Feedback, watcher: IndexWatcher) -> IndexReport:
    with Catalog(folder / CATALOG_FILE) as old:
        roots = tuple(dict.fromkeys([*old.roots(), *request.paths]))
        discovery = _discover(roots, request)
        check_nothing_is_lost(old, discovery, roots)
        model, sampling = request.model or old.indexed_with.model, old.indexed_with.sampling
    encoder = _load(model, request.device, feedback)
    with open_rebuild(folder, indexed_with(encoder, _sampling(request, sampling))) as catalog:
        report = _bring_up_to_date(folder, catalog, roots, discovery, lambda: encoder, request, watcher)
    finish_rebuild(folder)
    return report


def _bring_up_to_date(
    folder: Path,
    catalog: Catalog,
    roots: Sequence[Path],
    discovery: Discovery,
    load_encoder: Callable[[], Encoder],
    request: IndexRequest,
    watcher: IndexWatcher,
) -> IndexReport:
    planned = 0

    def plan(files: Sequence[VideoFile]) -> None:
        nonlocal planned
        planned = len(files)
        watcher.plan(files)
        note_progress(folder, planned, 0)

    def stored(files: int) -> None:
        watcher.stored(files)
        note_progress(folder, planned, files)

    report = update_index(
        catalog,
        discovery,
        roots,
        load_encoder,
        retry_failed=request.retry_failed,
        on_plan=plan,
        on_progress=watcher.advance,
        on_stored=stored,
        workers=request.workers,
    )
    vectors = open_vectors(catalog)
    if report.video_seconds:  # the encoder is at hand, so the first search need not load it for this
        neutral = read_neutral_texts(
            paths.cache_folder(), catalog.indexed_with.text_fingerprint, load_encoder
        )
        calibration_of(catalog.path.parent, vectors, neutral)
    return report


def _discover(roots: Sequence[Path], request: IndexRequest) -> Discovery:
    """Looks below the roots; those that are gone matter only if the user named them just now and knows better."""
    known = [root for root in roots if root in request.paths or root.exists()]
    return _only_complete(find_videos(known, exclude=request.exclude), request)


def _only_complete(discovery: Discovery, request: IndexRequest) -> Discovery:
    return replace(discovery, videos=tuple(video for video in discovery.videos if request.is_complete(video)))


def _load(model: str | None, device: str, feedback: Feedback) -> Encoder:
    from vifi_cli.model.runtime.encoder import load_encoder

    source = fetch_model(model, feedback)
    with feedback.busy(f"Loading {model or source.name}; the first time it is compiled for this machine"):
        return load_encoder(source, device)


def _load_as_indexed(catalog: Catalog, model: str, device: str, feedback: Feedback) -> Encoder:
    """Loads an encoder and makes sure that it is the one the index was made with."""
    encoder = _load(model, device, feedback)
    made_with = catalog.indexed_with
    if encoder.vision_fingerprint != made_with.vision_fingerprint:
        raise EncoderMismatch(
            f"the index was made with {made_with.model}, and {model} encodes images differently: leave --model away, "
            f"make the index anew with `vifi index --rebuild --model {model}`, "
            "or keep a second index by setting VIFI_HOME"
        )
    if encoder.text_fingerprint != made_with.text_fingerprint:
        raise EncoderMismatch(
            f"the index was made with {made_with.model}, and {model} sees pictures as it does and only reads texts "
            f"otherwise: leave --model away here, and search by `vifi search --model {model}`"
        )
    return encoder


def _sampling(request: IndexRequest, otherwise: FrameSampling | None = None) -> FrameSampling:
    base = otherwise or FrameSampling()
    return replace(base, frames_per_second=request.frames_per_second or base.frames_per_second)


def _check_sampling(catalog: Catalog, request: IndexRequest) -> None:
    rate = catalog.indexed_with.frames_per_second
    if request.frames_per_second not in (None, rate):
        raise EncoderMismatch(
            f"the index was made with --fps {rate:g}: leave --fps away, or make the index anew with "
            f"`vifi index --rebuild --fps {request.frames_per_second:g}`"
        )


def index_videos(
    *videos: Path | str,
    model: str | None = None,
    device: str = "auto",
    frames_per_second: float | None = None,
    exclude: Sequence[str] = (),
    retry_failed: bool = False,
    rebuild: bool = False,
    workers: int | None = None,
    folder: Path | str | None = None,
    feedback: Feedback = LOGGED,
) -> IndexReport:
    """Makes videos searchable, and brings an index up to date: only what is new or changed is read.

    Args:
        videos: folders and files; without any, all that were indexed before.
        model: the encoder, as `vifi model list` names it; the index's own if None.
        device: where it runs: `auto`, `cpu`, `cuda` or `mps`.
        frames_per_second: looked at; the index's own rate, or 1, if None.
        exclude: globs of files and folders that are passed over.
        retry_failed: tries files again that could not be read before.
        rebuild: makes the whole index anew, with another model or rate, say.
        workers: decoding processes; half as many as cores if None.
        folder: where the index lies; the user's own, as `vifi index` makes it, if None.
        feedback: hears what goes on.

    Returns:
        What was done, and which files could not be read; those cost only themselves.

    Raises:
        IndexLocked: another process is writing to the index.
        EncoderMismatch: the index was made with another encoder or rate, and no rebuild was asked for.
        InvalidInput: there is nothing to index.
    """
    request = IndexRequest(
        paths=tuple(paths.given_path(Path(video)) for video in videos),
        model=model,
        device=device,
        frames_per_second=frames_per_second,
        exclude=tuple(exclude),
        retry_failed=retry_failed,
        rebuild=rebuild,
        workers=workers,
    )
    where = paths.index_folder() if folder is None else paths.given_path(Path(folder))
    return run_indexing(where, request, feedback, Unwatched())
