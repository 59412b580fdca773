"""Checks labeled videos: missing, broken and duplicate files, leaks, and classes without videos."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vifi_cli.data.formats.listing import Split
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.data.leaks import Leak, find_leaks
from vifi_cli.data.moment_checks import OutsideMoment, empty_moments, outside_moments
from vifi_cli.data.overview import ClassBalance, Durations, class_balance, durations
from vifi_cli.processors import usable_processors
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.digests import equal_files
from vifi_cli.video.pictures.frames import FrameGeometry
from vifi_cli.video.workers.decode_ahead import DecodedChunk, Decoders, FailedVideo, decode_ahead
from vifi_cli.wording import timecode

DECODED = FrameSampling(frames_per_second=0.1, minimum_frames=8)  # from the start to the end of any video
THUMBNAIL = FrameGeometry(32, 32)
MOST_WORKERS = 16


@dataclass(frozen=True, slots=True)
class BrokenVideo:
    """A video that cannot be read, or only in part, and why."""

    path: Path
    reason: str
    is_readable: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of the data.

    Its kind is `missing`, `unreadable`, `cut short`, `outside`, `without frame`, `duplicate`, `file leak`,
    `content leak`, `group leak`, `moment leak`, `near duplicate`, `empty class` or `too few groups`.
    """

    kind: str
    subject: str  # video, as the source lists it if it is missing, or class
    detail: str = ""  # the reason, or the other video
    split: Split | Literal[""] = ""  # of the held-out video that a training video gives away


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """A training video that shows the footage of a held-out one in another file."""

    train: LabeledVideo
    held_out: LabeledVideo
    split: Split  # of the held-out video
    similarity: float  # of what moves in them: 1 for equal pictures


@dataclass(frozen=True, slots=True, repr=False)
class DataCheck:
    """What a check found."""

    videos: LabeledVideos
    broken: tuple[BrokenVideo, ...]  # empty without decoding
    duplicates: tuple[tuple[Path, ...], ...]  # files of equal content, two or more each
    leaks: tuple[Leak, ...]  # at most one for each training video and held-out split
    outside: tuple[OutsideMoment, ...] = ()  # none without decoding
    without_frame: tuple[LabeledVideo, ...] = ()  # moments, none without decoding
    unsplittable: str = ""  # why no videos can be held out fairly, where there is no split
    refusals: tuple[str, ...] = ()  # why training refuses the data
    durations: Durations | None = None  # None without decoding
    near_duplicates: tuple[NearDuplicate, ...] | None = None  # the most similar first; None if not looked for

    @property
    def class_balance(self) -> ClassBalance | None:
        """How unequal the classes are; None with fewer than two."""
        return class_balance(self.videos)

    @property
    def empty_classes(self) -> tuple[str, ...]:
        """Classes without a training video, or without any video if the data is only for testing."""
        used = {label for video in self.videos.train or self.videos.all_videos() for label in video.labels}
        return tuple(name for label, name in enumerate(self.videos.class_names) if label not in used)

    @property
    def untested_classes(self) -> tuple[str, ...]:
        """Classes that are trained and have no test video where others have some.

        This is no finding: leaving out a person or a scene may do so.
        """
        splits = (self.videos.train, self.videos.test)
        trained, tested = ({label for video in split for label in video.labels} for split in splits)
        names = enumerate(self.videos.class_names)
        return tuple(name for label, name in names if tested and label in trained - tested)

    @property
    def is_fine(self) -> bool:
        """Whether the check found nothing."""
        return not self.findings()

    def findings(self) -> tuple[Finding, ...]:
        """All that was found, a row each: `pandas.DataFrame(check.findings())`."""
        return tuple(self._findings())

    def _findings(self) -> Iterator[Finding]:
        for file in self.videos.missing:
            yield Finding("missing", file)
        for video in self.broken:
            yield Finding("cut short" if video.is_readable else "unreadable", str(video.path), video.reason)
        for moment in self.outside:
            yield Finding(
                "outside", moment.video.address, f"the file ends at {timecode(moment.file_seconds)}"
            )
        for one in self.without_frame:
            yield Finding("without frame", one.address)
        for first, *more in self.duplicates:
            yield Finding("duplicate", str(first), ", ".join(map(str, more)))
        for leak in self.leaks:
            other = "" if leak.held_out.key == leak.train.key else leak.held_out.address
            yield Finding(f"{leak.by} leak", leak.train.address, other, leak.split)
        for pair in self.near_duplicates or ():
            detail = f"{pair.held_out.address} ({pair.similarity:.2f})"
            yield Finding("near duplicate", pair.train.address, detail, pair.split)
        for name in self.empty_classes:
            yield Finding("empty class", name)
        if self.unsplittable:
            yield Finding("too few groups", self.unsplittable)
        for refusal in self.refusals:
            yield Finding("refused", refusal)

    def __repr__(self) -> str:
        kinds = Counter(finding.kind for finding in self.findings())
        found = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "no problems"
        return f"<DataCheck {self.videos.name!r}: {len(self.videos.all_videos())} videos, {found}>"


def check_videos(
    videos: LabeledVideos, *, decode: bool = True, on_decoded: Callable[[int], None] = lambda _: None
) -> DataCheck:
    """Finds what spoils training and results.

    Decoding reads every file at eight places or more; `on_decoded` receives the number of files that are done.
    """
    paths = list(dict.fromkeys(video.path for video in videos.all_videos()))
    copies = equal_files(paths)
    seconds: dict[Path, float] = {}
    broken = tuple(_decode(paths, seconds, on_decoded)) if decode else ()
    every = videos.all_videos()
    outside, empty = outside_moments(every, seconds), empty_moments(every, seconds)
    leaks = tuple(find_leaks(videos, copies))
    return DataCheck(
        videos, broken, tuple(copies), leaks, outside, empty, durations=durations(videos, seconds)
    )


def _decode(
    paths: list[Path], seconds: dict[Path, float], on_decoded: Callable[[int], None]
) -> Iterator[BrokenVideo]:
    """Decodes files, notes the duration of those that can be read, and yields what is wrong with the others."""
    done = 0
    problems: dict[int, BrokenVideo] = {}
    workers = max(1, min(len(paths), usable_processors(), MOST_WORKERS))
    with closing(decode_ahead(paths, DECODED, THUMBNAIL, Decoders(workers, threads=1))) as events:
        for event in events:
            if isinstance(event, DecodedChunk):
                continue
            if isinstance(event, FailedVideo):
                problems[event.position] = BrokenVideo(paths[event.position], event.reason, is_readable=False)
            else:
                seconds[paths[event.position]] = event.info.duration_seconds
                if warning := event.info.warning:
                    problems[event.position] = BrokenVideo(paths[event.position], warning, is_readable=True)
            done += 1
            on_decoded(done)
    yield from (problems[position] for position in sorted(problems))
