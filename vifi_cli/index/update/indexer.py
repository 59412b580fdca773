"""Brings an index up to date with the files on disk."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import EncodedVideo, FailedFile
from vifi_cli.index.encoder import Encoder
from vifi_cli.index.update.changes import Changes, Comparing, find_changes
from vifi_cli.index.update.encoding import EncodingTimes, Progress, encode_videos
from vifi_cli.index.update.shards import store_all
from vifi_cli.paths import root_of
from vifi_cli.video.files.discovery import Discovery, VideoFile


@dataclass(frozen=True, slots=True, repr=False)
class IndexReport:
    """The result of an index run."""

    added: int  # new videos, including copies of known ones
    changed: int  # indexed again because their content changed
    moved: int  # found at another path; nothing was decoded for them
    unchanged: int
    removed: int  # their file is gone
    failed: tuple[FailedFile, ...]  # cannot be read; those remembered from earlier runs come last
    remembered: int  # how many of `failed` were not tried again
    skipped: int  # exist but were not listed, for example by `--exclude`; they stay in the index
    # folders that are missing, empty or unreadable and hide videos; these stay in the index
    out_of_reach: tuple[Path, ...]
    skipped_files: Mapping[str, int] = field(default_factory=dict)  # how many files and folders, by reason
    warnings: tuple[FailedFile, ...] = ()  # videos that could be read only in part, with what was wrong
    video_seconds: float = 0.0  # length of the videos that were decoded
    wall_seconds: float = 0.0
    waiting_seconds: float = 0.0  # part of `wall_seconds` spent waiting for the decoder
    encoding_seconds: float = 0.0  # part of it spent in the encoder

    def __repr__(self) -> str:
        return f"<IndexReport: {self.in_words}>"

    @property
    def in_words(self) -> str:
        """The counts in one line: `3 added, 0 changed, …`."""
        names = ("added", "changed", "moved", "unchanged", "removed")
        counts = [f"{getattr(self, name):,} {name}" for name in names]
        return ", ".join([*counts, f"{len(self.failed):,} failed"])


@dataclass(frozen=True, slots=True)
class UpdateOptions:
    """How to bring an index up to date."""

    retry_failed: bool = False  # try files again that could not be read before
    workers: int | None = None  # decoding processes; None chooses
    # called while contents are compared, if that takes a while, with the bytes done and their total
    on_compare: Callable[[int, int], object] = lambda done, total: None


USUAL_UPDATE = UpdateOptions()


def update_index(
    catalog: Catalog,
    discovery: Discovery,
    roots: Sequence[Path],
    load_encoder: Callable[[], Encoder],
    options: UpdateOptions = USUAL_UPDATE,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> IndexReport:
    """Applies the changes that `find_changes` finds, and stores each video as soon as it is finished.

    `load_encoder` is called only if there is something to encode; `on_progress`, if there is something to decode,
    before it begins and often after.
    """
    started = time.perf_counter()
    comparing = Comparing(options.on_compare, lambda match: catalog.note_files([match]))
    changes = find_changes(catalog, discovery, roots, retry_failed=options.retry_failed, comparing=comparing)
    catalog.add_roots(_folders_and_lone_files(roots, catalog.roots()))
    copies_lost = _apply_known(catalog, changes)
    to_decode, unopenable = _part_openable([*changes.new, *changes.changed, *copies_lost])

    times = EncodingTimes()
    stored: list[EncodedVideo | FailedFile] = []
    if to_decode:
        progress = Progress(len(to_decode), sum(file.size_bytes for file in to_decode))
        on_progress(progress)

        def decoded(latest: Progress) -> None:
            nonlocal progress
            progress = replace(latest, files_stored=len(stored))
            on_progress(progress)

        sampling = catalog.indexed_with.sampling
        encoded = encode_videos(
            to_decode, load_encoder(), sampling, times=times, on_progress=decoded, workers=options.workers
        )
        for video in store_all(catalog, encoded):
            stored.append(video)
            on_progress(replace(progress, files_stored=len(stored)))
    report = _report(catalog, discovery, changes, [*stored, *unopenable], times)
    return replace(
        report,
        added=report.added + len(changes.copied) - len(copies_lost),
        wall_seconds=time.perf_counter() - started,
    )


def _folders_and_lone_files(roots: Sequence[Path], known: Sequence[Path]) -> list[Path]:
    """The roots worth remembering: not a file under another root, which is found again anyway."""
    all_roots = {*roots, *known}
    return [root for root in roots if os.path.isdir(root) or not root_of(root.parent, all_roots)]  # noqa: PTH112


def _part_openable(files: Sequence[VideoFile]) -> tuple[list[VideoFile], list[FailedFile]]:
    """Splits off files that cannot be opened now, for example without rights; what is known about them stays."""
    openable: list[VideoFile] = []
    failed: list[FailedFile] = []
    for file in files:
        try:
            with file.path.open("rb"):
                openable.append(file)
        except OSError as error:
            failed.append(FailedFile(file, f"cannot be opened: {error.strerror}"))
    return openable, failed


def _apply_known(catalog: Catalog, changes: Changes) -> list[VideoFile]:
    """Applies everything that needs no decoding; returns the copies whose original has been replaced meanwhile."""
    # Moves come first: a copy may take the place that a moved video has left.
    if changes.remounted:
        catalog.note_mounts(changes.remounted)
    if noted := (*changes.touched, *changes.learned):
        catalog.note_files(noted)
    if changes.moved:
        catalog.rename(changes.moved)
    lost = [file for original, file in changes.copied if not catalog.store_copy(original, file)]
    if changes.gone or changes.gone_failures:
        files = (*changes.gone, *changes.gone_failures)
        catalog.forget(files, roots=files)
    return lost


def _report(
    catalog: Catalog,
    discovery: Discovery,
    changes: Changes,
    stored: Sequence[EncodedVideo | FailedFile],
    times: EncodingTimes,
) -> IndexReport:
    encoded = [video for video in stored if isinstance(video, EncodedVideo)]
    changed = {file.path for file in changes.changed}
    remembered = set(changes.still_failing)
    earlier = [failed for failed in catalog.failures() if failed.file.path in remembered]
    return IndexReport(
        added=sum(video.file.path not in changed for video in encoded),
        changed=sum(video.file.path in changed for video in encoded),
        moved=len(changes.moved),
        unchanged=changes.unchanged + len(changes.touched),
        removed=len(changes.gone),
        failed=(*(video for video in stored if isinstance(video, FailedFile)), *earlier),
        remembered=len(earlier),
        skipped=len(changes.skipped),
        out_of_reach=tuple(sorted({*changes.out_of_reach.values(), *discovery.unreadable_folders})),
        skipped_files=discovery.skipped,
        warnings=tuple(FailedFile(v.file, v.info.warning) for v in encoded if v.info.warning),
        video_seconds=sum(video.info.duration_seconds for video in encoded),
        waiting_seconds=times.waiting_seconds,
        encoding_seconds=times.encoding_seconds,
    )
