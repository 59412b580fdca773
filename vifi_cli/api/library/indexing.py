"""Making videos searchable: choose the encoder, find the videos, bring the index up to date."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from vifi_cli import paths, stop_signals
from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.api.library.encoders import changed_encoder, fetch_index_model, load_both_sides, sees_alike
from vifi_cli.api.library.indexing_progress import ShownProgress
from vifi_cli.api.models.choosing import ChosenModel, choose_for_new_index, choose_for_rebuild
from vifi_cli.errors import EncoderMismatch, InvalidInput, NothingToIndex
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.lock import write_lock
from vifi_cli.index.encoder import Encoder, check_encoder, reads_texts
from vifi_cli.index.relevance.calibration import calibration_of, read_neutral_texts
from vifi_cli.index.update.indexer import IndexReport, UpdateOptions, update_index
from vifi_cli.index.update.presence import is_absent
from vifi_cli.index.update.rebuild import (
    check_complete,
    check_nothing_is_lost,
    finish_rebuild,
    open_rebuild,
    recover,
)
from vifi_cli.index.update.shards import indexed_with, sampling_for
from vifi_cli.index.vectors import open_vectors
from vifi_cli.paths import root_of
from vifi_cli.settings.settings import load_settings
from vifi_cli.video.files.discovery import Discovery, find_videos
from vifi_cli.video.files.video_file import VideoFile
from vifi_cli.video.files.virtual.frame_folders import PICTURE_CODECS, WantedFrameFolders
from vifi_cli.video.files.virtual.frame_rates import RATE_FILE, USUAL_RATE, rate_is_guessed
from vifi_cli.wording import counted, size

if TYPE_CHECKING:
    from vifi_cli.model.registry.source import ModelSource


class IndexChoices(TypedDict, total=False):
    """How to index; all are optional."""

    model: str | None  # as `vifi model list` names it; by default the index's own, for a new one the setting
    encoder: Encoder | None  # one of your own instead of a model
    device: str  # where it runs: `auto` (the default), `cpu`, `cuda` or `mps`
    frames_per_second: float | None  # sampling rate; by default the index's own, as clips need, or 1
    exclude: Sequence[str]  # globs of files and folders to skip
    include: Sequence[str]  # globs of files and folders to search although they are hidden, trash or copies
    frame_folders: bool  # index folders of numbered pictures as videos; by default the setting
    retry_failed: bool  # try files again that could not be read before
    rebuild: bool  # make the index again, for example with another model or rate
    workers: int | None  # decoding processes; by default half as many as cores


@dataclass(frozen=True, slots=True)
class IndexRequest:
    """What to index and how (see `IndexChoices`); None leaves the choice to the index, then to the defaults."""

    paths: tuple[Path, ...] = ()  # folders and files; without any, all that were indexed before
    model: str | None = None
    encoder: Encoder | None = None
    device: str = "auto"
    frames_per_second: float | None = None
    exclude: Sequence[str] = ()
    include: Sequence[str] = ()
    frame_folders: bool = False
    retry_failed: bool = False
    rebuild: bool = False
    workers: int | None = None
    # the others, still being written, are left for a later run
    is_complete: Callable[[VideoFile], bool] = lambda _: True


def index_videos(
    *videos: Path | str,
    folder: Path | str | None = None,
    feedback: Feedback = AUTOMATIC,
    **choices: Unpack[IndexChoices],
) -> IndexReport:
    """Makes videos searchable, and brings an index up to date: only what is new or changed is read.

    Without videos (folders or files), it takes all that were indexed before. The default folder is that of `vifi
    index`. The report names the files that could not be read; these do not stop the run.

    Raises:
        IndexLocked: another process is writing to the index.
        EncoderMismatch: the index was made with another encoder or rate, and no rebuild was asked for.
        InvalidInput: there is nothing to index.
    """
    request = index_request(videos, **choices)
    where = paths.index_folder() if folder is None else paths.given_path(Path(folder))
    return run_indexing(where, request, feedback)


def index_request(videos: Iterable[Path | str], **choices: Unpack[IndexChoices]) -> IndexRequest:
    """The request to index videos, with what the settings `exclude` and `frame_folders` add."""
    if choices.get("model") is not None and choices.get("encoder") is not None:
        raise InvalidInput("name a model or pass an encoder, not both")
    if (encoder := choices.get("encoder")) is not None:
        check_encoder(encoder)
    given = tuple(paths.given_path(Path(video)) for video in videos)
    request = IndexRequest(given, **choices)
    own = load_settings()
    return replace(
        request,
        exclude=(*own.exclude, *request.exclude),
        frame_folders=request.frame_folders or own.frame_folders,
    )


def run_indexing(folder: Path, request: IndexRequest, feedback: Feedback) -> IndexReport:
    """Brings the index in a folder up to date, with its vector file and its calibration.

    When it is stopped, as by Ctrl-C, it notes how many files are done and kept. Errors are those of `index_videos`.
    """
    started, run = time.perf_counter(), _IndexRun(folder, request, feedback)
    try:
        with write_lock(folder):
            recover(folder)
            if not (folder / CATALOG_FILE).exists():
                report = run.first()
            else:
                report = run.rebuild() if request.rebuild else run.update()
    except KeyboardInterrupt as stop:
        feedback.note(
            f"{stop_signals.in_words(stop)}: {run.progress.summary()}; the same command continues from there"
        )
        raise
    wall_seconds = time.perf_counter() - started
    return replace(report, wall_seconds=wall_seconds, loading_seconds=run.loading_seconds)


class _IndexRun:
    def __init__(self, folder: Path, request: IndexRequest, feedback: Feedback) -> None:
        self._folder, self._request, self._feedback = folder, request, feedback
        self.progress, self.loading_seconds = ShownProgress(folder), 0.0

    def first(self) -> IndexReport:
        request = self._request
        if not request.paths:
            raise InvalidInput("nothing is indexed yet, so there is nothing to update: name a folder")
        discovery = self._discover(request.paths)
        if not discovery.videos:
            if discovery.unreadable_folders:
                folder = discovery.unreadable_folders[0]
                raise InvalidInput(
                    f"{folder} cannot be read: check its rights and its disk, or name another folder"
                )
            raise NothingToIndex(no_videos_under(request.paths), discovery.skipped)
        encoder = request.encoder or self._load(choose_for_new_index(request.model).fetch)
        signature = indexed_with(encoder, sampling_for(encoder, request.frames_per_second))
        with Catalog.create(self._folder / CATALOG_FILE, signature) as catalog:
            return self._bring_up_to_date(catalog, request.paths, discovery, lambda: encoder)

    def update(self) -> IndexReport:
        request = self._request
        with Catalog(self._folder / CATALOG_FILE) as catalog:
            _check_sampling(catalog, request)
            model = request.model or catalog.indexed_with.model

            @cache
            def load() -> Encoder:
                is_own = model == catalog.indexed_with.model
                fetch = (
                    partial(fetch_index_model, catalog.indexed_with) if is_own else ChosenModel(model).fetch
                )
                encoder = request.encoder or self._load(fetch)
                return _checked(encoder, encoder.model_name if request.encoder else model, catalog)

            if request.encoder or model != catalog.indexed_with.model:
                load()
            roots = request.paths or tuple(catalog.roots())
            return self._bring_up_to_date(catalog, roots, self._discover(self._present(roots), catalog), load)

    def rebuild(self) -> IndexReport:
        request = self._request
        with Catalog(self._folder / CATALOG_FILE) as old:
            roots = tuple(dict.fromkeys([*old.roots(), *request.paths]))
            discovery = self._discover(self._present(roots), old)
            check_nothing_is_lost(old, discovery, roots)
            made_with = old.indexed_with
        encoder = request.encoder or self._load(choose_for_rebuild(request.model, made_with.model).fetch)
        signature = indexed_with(encoder, sampling_for(encoder, request.frames_per_second, like=made_with))
        with open_rebuild(self._folder, signature) as catalog:
            report = self._bring_up_to_date(catalog, roots, discovery, lambda: encoder)
            with Catalog(self._folder / CATALOG_FILE) as old:
                check_complete(old, catalog)
        finish_rebuild(self._folder)
        return report

    def _bring_up_to_date(
        self,
        catalog: Catalog,
        roots: Sequence[Path],
        discovery: Discovery,
        load_encoder: Callable[[], Encoder],
    ) -> IndexReport:
        indexed = {*catalog.paths()}
        with self._feedback.task("Indexing") as task:

            def compared(done: int, total: int) -> None:
                task(done, total, what="Comparing files", at=f"{size(done)} of {size(total)}")

            options = UpdateOptions(self._request.retry_failed, self._request.workers, compared)
            show = partial(self.progress.show, task)
            report = update_index(catalog, discovery, roots, load_encoder, options, show)
        self._note_rate({*catalog.paths()} - indexed)
        vectors = open_vectors(catalog)
        encoder = load_encoder() if report.video_seconds else None
        if reads_texts(encoder):  # the first search need not load it
            fingerprint = catalog.indexed_with.text_fingerprint
            neutral = read_neutral_texts(
                paths.cache_folder(), fingerprint, lambda: encoder, dimension=catalog.indexed_with.dimension
            )
            calibration_of(catalog.path.parent, vectors, neutral)
        named = {*self._request.paths} - {*discovery.unreadable_folders}
        empty = tuple(root for root in discovery.roots_without_videos() if root in named)
        return replace(report, without_videos=empty)

    def _note_rate(self, new: Iterable[Path]) -> None:
        if guessed := sum(map(rate_is_guessed, new)):
            self._feedback.note(
                f"{counted(guessed, 'frame folder')} read at {USUAL_RATE} frames a second: write the rate into "
                f"{RATE_FILE} beside or above the pictures if it is another"
            )

    def _load(self, fetch: Callable[[Feedback], "ModelSource"]) -> Encoder:
        started = time.perf_counter()
        try:
            source = fetch(self._feedback)
            if source.card and source.card.fusion == "decision":
                self._feedback.note(
                    f"{source.name} was tuned with --fusion decision: the index averages embeddings of frames, "
                    "so a search can rank differently from `vifi classify`"
                )
            return load_both_sides(source, self._request.device, self._feedback)
        finally:
            self.loading_seconds += time.perf_counter() - started

    def _present(self, roots: Sequence[Path]) -> list[Path]:
        """The roots to index; a missing one is an error only if the user has just named it."""
        return [root for root in roots if root in self._request.paths or not is_absent(root)]

    def _discover(self, roots: Sequence[Path], known: Catalog | None = None) -> Discovery:
        request = self._request
        frame_folders = _frame_folders_to_find(known, are_wanted=request.frame_folders)
        found = find_videos(
            roots, exclude=request.exclude, include=request.include, frame_folders=frame_folders
        )
        return replace(found, videos=tuple(filter(self._request.is_complete, found.videos)))


def _frame_folders_to_find(catalog: Catalog | None, *, are_wanted: bool) -> WantedFrameFolders:
    """Which frame folders a search takes: those that are indexed, and new ones under roots that have had some."""
    if catalog is None:
        return WantedFrameFolders(are_wanted)
    roots = {*catalog.roots()}
    of_pictures = (video.path for video in catalog.videos() if video.codec in PICTURE_CODECS)
    known = [path for path in of_pictures if os.path.isdir(path)]  # noqa: PTH112 - Path.is_dir() raises where it may not look
    below = {root_of(path, roots) for path in known} - {None}
    return WantedFrameFolders(are_wanted, frozenset(filter(None, below)), frozenset(known))


def no_videos_under(folders: Sequence[Path]) -> str:
    """What is wrong where folders that somebody names hold no videos, and what to do."""
    names = ", ".join(map(str, folders))
    return f"no videos under {names}: name a folder with videos, or a file of any name"


def _checked(encoder: Encoder, model: str, catalog: Catalog) -> Encoder:
    """The encoder, if it is the one that the index was made with; otherwise raises EncoderMismatch."""
    made_with = catalog.indexed_with
    if not sees_alike(encoder, made_with):
        if model == made_with.model:
            raise changed_encoder(made_with)
        raise EncoderMismatch(
            f"the index was made with {made_with.model}, and {model} encodes images differently: omit --model, "
            f"rebuild the index with `vifi index --rebuild --model {model}`, "
            "or keep a second index by setting VIFI_HOME"
        )
    if made_with.text_fingerprint != (encoder.text_fingerprint if reads_texts(encoder) else ""):
        raise EncoderMismatch(
            f"the index was made with {made_with.model}, and {model} encodes images as it does and texts "
            f"differently: omit --model here, and search with `vifi search --model {model}`"
        )
    return encoder


def _check_sampling(catalog: Catalog, request: IndexRequest) -> None:
    rate = catalog.indexed_with.frames_per_second
    if request.frames_per_second not in (None, rate):
        raise EncoderMismatch(
            f"the index was made with --fps {rate:g}: omit --fps, or rebuild the index with "
            f"`vifi index --rebuild --fps {request.frames_per_second:g}`"
        )
