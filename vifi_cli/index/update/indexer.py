"""Brings an index up to date with the files on disk."""

import os
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import EncodedVideo, FailedFile
from vifi_cli.index.encoder import Encoder
from vifi_cli.index.update.changes import Changes, Comparing, find_changes
from vifi_cli.index.update.encoding import EncodingTimes, Progress, encode_videos
from vifi_cli.index.update.shards import store_all
from vifi_cli.paths import root_of
from vifi_cli.video.failure_kind import FailureKind
from vifi_cli.video.files.content import is_there, open_content
from vifi_cli.video.files.discovery import Discovery
from vifi_cli.video.files.recognition import may_be_video
from vifi_cli.video.files.skipping import is_in_search
from vifi_cli.video.files.video_file import VideoFile
from vifi_cli.wording import counted


@dataclass(frozen=True, slots=True, repr=False)
class IndexReport:
    """The result of an index run."""

    added: int  # new videos, including copies of known ones
    changed: int  # indexed again because their content changed
    moved: int  # found at another path; nothing was decoded for them
    unchanged: int
    removed: int  # their file is gone
    failed: tuple[FailedFile, ...]  # with unreadable content; those remembered from earlier runs come last
    remembered: int  # how many of `failed` were not tried again
    skipped: int  # exist but were not listed, for example by `--exclude`; they stay in the index
    # folders that are missing, empty or unreadable and hide videos; these stay in the index
    out_of_reach: tuple[Path, ...]
    hidden: int = 0  # how many videos they hide
    skipped_files: Mapping[str, int] = field(default_factory=dict)  # how many files and folders, by reason
    # could not be read for a reason that may pass: what is indexed of them stays, and the next run tries again
    postponed: tuple[FailedFile, ...] = ()
    warnings: tuple[FailedFile, ...] = ()  # videos that could be read only in part, with what was wrong
    video_seconds: float = 0.0  # length of the videos that were decoded
    wall_seconds: float = 0.0
    loading_seconds: float = 0.0  # part of `wall_seconds` spent fetching, compiling and loading the encoder
    waiting_seconds: float = 0.0  # part of `wall_seconds` spent waiting for the decoder
    encoding_seconds: float = 0.0  # part of it spent in the encoder
    without_videos: tuple[Path, ...] = ()  # folders named for this run that hold no video

    def __repr__(self) -> str:
        return f"<IndexReport: {self.in_words}>"

    @property
    def in_words(self) -> str:
        """What matters, in one line: `3 videos added, 14 up to date`, or `no videos`."""
        return _counted(self._counts()) or "no videos"

    def __bool__(self) -> bool:
        """Whether there is anything to report."""
        return any(self._counts().values())

    @property
    def news(self) -> str:
        """What this run did or met for the first time, in one line; empty if that is nothing."""
        failed = len(self.failed) - self.remembered
        return _counted({**self._changes(), "failed": failed, "out of reach": len(self.postponed)})

    def _counts(self) -> dict[str, int]:
        return {
            **self._changes(),
            "up to date": self.unchanged,
            "skipped": self.skipped,
            "failed": len(self.failed),
            "out of reach": len(self.postponed) + self.hidden,
        }

    def _changes(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("added", "changed", "moved", "removed")}


def _counted(counts: Mapping[str, int]) -> str:
    """The counts other than zero; only the first names what it counts."""
    present = [(number, what) for what, number in counts.items() if number]
    if not present:
        return ""
    (first, what), *others = present
    noun = counted(first, "file" if what == "failed" else "video")
    return ", ".join([f"{noun} {what}", *(f"{number:,} {what}" for number, what in others)])


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

    encoding = _Encoding(catalog, options.workers, on_progress)
    stored = [*store_all(catalog, iter(unopenable)), *encoding.run(to_decode, changes.delicate, load_encoder)]
    report = _report(catalog, discovery, changes, stored, encoding.times)
    return replace(
        report,
        added=report.added + len(changes.copied) - len(copies_lost),
        wall_seconds=time.perf_counter() - started,
    )


@dataclass(slots=True)
class _Encoding:
    """Encodes the videos of a run and stores each as soon as it is finished."""

    catalog: Catalog
    workers: int | None
    on_progress: Callable[[Progress], None]
    times: EncodingTimes = field(default_factory=EncodingTimes)

    def run(
        self, files: Sequence[VideoFile], delicate: Container[Path], load_encoder: Callable[[], Encoder]
    ) -> list[EncodedVideo | FailedFile]:
        """Encodes files, and last, one at a time, the delicate ones: they may need much memory or hang."""
        stored: list[EncodedVideo | FailedFile] = []
        before = latest = Progress(len(files), sum(file.size_bytes for file in files))
        if not files:
            return stored
        self.on_progress(before)
        encoder = load_encoder()

        def decoded(part: Progress) -> None:
            nonlocal latest
            latest = replace(before.plus(part), files_stored=len(stored))
            self.on_progress(latest)

        sturdy = [file for file in files if file.path not in delicate]
        for group, workers in ((sturdy, self.workers), ([f for f in files if f.path in delicate], 1)):
            for video in store_all(self.catalog, self._encoded(group, encoder, decoded, workers)):
                stored.append(video)
                self.on_progress(replace(latest, files_stored=len(stored)))
            before = latest
        return stored

    def _encoded(
        self,
        files: Sequence[VideoFile],
        encoder: Encoder,
        on_progress: Callable[[Progress], None],
        workers: int | None,
    ) -> Iterator[EncodedVideo | FailedFile]:
        sampling = self.catalog.indexed_with.sampling
        return encode_videos(
            files, encoder, sampling, times=self.times, on_progress=on_progress, workers=workers
        )


def _folders_and_lone_files(roots: Sequence[Path], known: Sequence[Path]) -> list[Path]:
    """The roots worth remembering: not a file that a search of another root finds again anyway."""
    all_roots = {*roots, *known}
    return [root for root in roots if os.path.isdir(root) or not _is_found_below(root, all_roots)]  # noqa: PTH112


def _is_found_below(file: Path, roots: set[Path]) -> bool:
    """Whether a search of one of the roots takes a file for a video, or may do so where it cannot be seen now."""
    root = root_of(file.parent, roots)
    return root is not None and is_in_search(file, root) and (may_be_video(file) or not is_there(file))


def _part_openable(files: Sequence[VideoFile]) -> tuple[list[VideoFile], list[FailedFile]]:
    """Splits off files that cannot be opened now, for example without rights; what is known about them stays."""
    openable: list[VideoFile] = []
    failed: list[FailedFile] = []
    for file in files:
        try:
            with open_content(file.path):
                openable.append(file)
        except OSError as error:
            failed.append(FailedFile(file, f"cannot be opened: {error.strerror}", FailureKind.OUT_OF_REACH))
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
    if changes.healed:
        catalog.forget_failures(changes.healed)
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
    failed = [video for video in stored if isinstance(video, FailedFile)]
    remembered, resting = set(changes.still_failing), set(changes.resting)
    earlier = [known for known in catalog.failures() if known.file.path in remembered]
    waiting = [_resting(known) for known in catalog.postponed() if known.file.path in resting]
    return IndexReport(
        added=sum(video.file.path not in changed for video in encoded),
        changed=sum(video.file.path in changed for video in encoded),
        moved=len(changes.moved),
        unchanged=changes.unchanged + len(changes.touched),
        removed=len(changes.gone),
        failed=(*(video for video in failed if not video.kind.may_pass), *earlier),
        postponed=(*(video for video in failed if video.kind.may_pass), *waiting),
        remembered=len(earlier),
        skipped=len(changes.skipped),
        hidden=len(changes.out_of_reach),
        out_of_reach=tuple(sorted({*changes.out_of_reach.values(), *discovery.unreadable_folders})),
        skipped_files=discovery.skipped,
        warnings=tuple(FailedFile(v.file, v.info.warning) for v in encoded if v.info.warning),
        video_seconds=sum(video.info.duration_seconds for video in encoded),
        waiting_seconds=times.waiting_seconds,
        encoding_seconds=times.encoding_seconds,
    )


def _resting(failed: FailedFile) -> FailedFile:
    return replace(failed, reason=f"{failed.reason}; not tried now, as this happened in the last runs too")
