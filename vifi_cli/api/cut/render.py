"""Cuts moments out of videos: clips, a reel, lists for editors, a page; a bad video costs only its own moments."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import NoneType
from typing import TypedDict, Unpack

from vifi_cli import paths
from vifi_cli.api.cut.known_clocks import keep_clocks, known_clocks
from vifi_cli.api.cut.moments import as_moment
from vifi_cli.api.cut.plan import CutOutputs, CutPlan, page_of, plan_cut
from vifi_cli.api.feedback import AUTOMATIC, Feedback, Task
from vifi_cli.errors import UnreadableVideo
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.video.edit_lists.edit_list import write_edit_list
from vifi_cli.video.edit_lists.gallery import GalleryItem, gallery_html
from vifi_cli.video.export.clip import Clip, write_clip
from vifi_cli.video.export.copied_clip import copy_clip
from vifi_cli.video.export.preview import Preview, preview_of
from vifi_cli.video.export.probe import ProbedMoment, VideoFacts, make_sure_of, padded, video_facts
from vifi_cli.video.export.reel import Reel, reel_form, write_reel
from vifi_cli.video.moment import Moment
from vifi_cli.video.workers.isolated_worker import SENT_NONSENSE, IsolatedWorker, WorkerLost
from vifi_cli.video.workers.messages import Answers
from vifi_cli.wording import counted

COPY_EFFORT, PREVIEW_EFFORT = 0.05, 0.5  # per second of video, beside encoding it
SHORTEST_TASK_SECONDS = 1e-3
FACTS, CLIP, PREVIEW = Answers(VideoFacts), Answers(Clip, (float,)), Answers(Preview, (float,))
REEL = Answers(Reel, (int, float))

Probed = Mapping[int, ProbedMoment]  # by their position in the plan


@dataclass(frozen=True, slots=True)
class WrittenReel:
    """A reel, its length, and where in it each moment begins, by the moment's position."""

    path: Path
    seconds: float
    starts_seconds: dict[int, float]


@dataclass(slots=True)
class CutReport:
    """What has been written so far; a moment's position is its place among those given."""

    clips: dict[int, tuple[Path, Clip]] = field(default_factory=dict)  # by position
    reel: WrittenReel | None = None
    others: list[Path] = field(default_factory=list)  # lists and the page
    failed: dict[int, str] = field(default_factory=dict)  # by position, why the moment was left out
    remarks: list[str] = field(default_factory=list)  # in words for the user

    def __repr__(self) -> str:
        """For example `<CutReport: 3 clips, 2 other files, 1 moment failed>`."""
        files = len(self.others) + (self.reel is not None)
        failed = f", {counted(len(self.failed), 'moment')} failed" if self.failed else ""
        return f"<CutReport: {counted(len(self.clips), 'clip')}, {counted(files, 'other file')}{failed}>"


class CutOptions(TypedDict, total=False):
    """Further options of `cut`, which `CutOutputs` explains."""

    reel: Path | str | None
    lists: Sequence[Path | str]
    html: Path | str | None
    copied: bool
    pad_seconds: float
    overwrite: bool


def cut(
    moments: Sequence[SearchHit | Moment],
    folder: Path | str | None = None,
    *,
    title: str = "Moments",
    feedback: Feedback = AUTOMATIC,
    **options: Unpack[CutOptions],
) -> CutReport:
    """Cuts moments out of their videos; a video that cannot be read costs only its own moments.

    Args:
        moments: hits of a search, or moments you name.
        folder: where clips go, one file per moment; `clips` if you ask for nothing else.
        title: of the page and the lists.
        feedback: receives progress.
        options: `reel`, an MP4 of all moments one after the other; `lists` for editors and players (.edl, .otio,
            .m3u8, .csv, .json); `html`, a page that shows them and needs no other files (many take several pages);
            `copied` copies clips without re-encoding, from the keyframe before; `pad_seconds` to add before and after
            each moment; `overwrite` existing files.

    Raises:
        InvalidInput: a name does not fit its content, or a file exists already or is one of the videos.
        MissingDependency: a list needs a package that is not installed.
        OSError: a file cannot be written.
    """
    plan = plan_cut(title, list(map(as_moment, moments)), CutOutputs(folder, **options))
    report = CutReport()
    render(plan, report, feedback)
    return report


def render(plan: CutPlan, report: CutReport, feedback: Feedback) -> None:
    """Writes the planned files, and notes each in the report at once, so that an interruption leaves it true."""
    with IsolatedWorker() as worker:
        CutRendering(worker, feedback, report).render(plan)


class CutRendering:
    """A cut being rendered; its progress is the seconds of video written, in all its outputs."""

    def __init__(self, worker: IsolatedWorker, feedback: Feedback, report: CutReport) -> None:
        self.report = report
        self._worker = worker
        self._feedback = feedback
        self._task: Task | None = None
        self._done_seconds = 0.0

    def render(self, plan: CutPlan) -> None:
        """Writes the planned files, and notes them in the report."""
        probed = self.probe(plan.moments, plan.pad_seconds)
        if not probed:
            return
        for target in plan.targets:
            target.parent.mkdir(parents=True, exist_ok=True)
        clip_effort = (COPY_EFFORT if plan.copied else 1.0) if plan.clips else 0.0
        effort = clip_effort + (plan.reel is not None) + (PREVIEW_EFFORT if plan.html else 0.0)
        total_seconds = effort * sum(one.seconds for one in probed.values())
        with self._feedback.task("Cutting", max(total_seconds, SHORTEST_TASK_SECONDS)) as self._task:
            if plan.clips:
                self.write_clips(probed, plan.clips, copied=plan.copied)
            if plan.reel is not None:
                self.write_reel(self._good(probed), plan.reel)
            for target in plan.lists:
                self.write_list(self._good(probed), target, plan.title)
            if plan.html:
                self.write_pages(self._good(probed), plan.html, plan.title)

    def _piece(self, what: str, at: str, seconds: float, effort: float = 1.0) -> Callable[[float], None]:
        """Begins the next piece of the task; returns a function that takes the seconds done of it."""
        begins = self._done_seconds
        self._done_seconds += effort * seconds

        def report(done_seconds: float) -> None:
            if self._task is not None:
                self._task(begins + effort * min(done_seconds, seconds), what=what, at=at)

        report(0.0)
        return report

    def probe(self, moments: Sequence[Moment], pad_seconds: float) -> dict[int, ProbedMoment]:
        """Looks at the videos, and places the moments within them."""
        facts = self._facts_of(moments)
        probed = {}
        for position, moment in enumerate(moments):
            known = facts[moment.path]
            if isinstance(known, str):
                self.report.failed[position] = known
                continue
            with self._failing(position):
                if moment.start_seconds >= known.duration_seconds:  # headers and clocks may be wrong
                    self._worker.call(partial(make_sure_of, moment), Answers(NoneType))
                    if moment.end_seconds == math.inf:
                        raise UnreadableVideo("its length is unknown: say where the moment ends")
                probed[position] = padded(moment, known, pad_seconds)
        return probed

    def _facts_of(self, moments: Sequence[Moment]) -> dict[Path, VideoFacts | str]:
        """The facts about each video, or why it cannot be read."""
        reaching: dict[Path, float] = {}
        for one in moments:
            reaching[one.path] = max(one.start_seconds, reaching.get(one.path, 0.0))
        facts: dict[Path, VideoFacts | str] = {}
        clocks = known_clocks(reaching)
        with self._feedback.task("Looking at videos", max(len(reaching), 1)) as task:
            for path, seconds in reaching.items():
                task(len(facts), at=f"{len(facts) + 1:,}/{len(reaching):,}")
                try:
                    facts[path] = self._worker.call(
                        partial(video_facts, path, seconds, clock=clocks.get(path)), FACTS
                    )
                except UnreadableVideo as error:
                    facts[path] = str(error)
        found = {
            path: one.clock
            for path, one in facts.items()
            if not isinstance(one, str) and one.clock is not None
        }
        keep_clocks({path: clock for path, clock in found.items() if path not in clocks})
        return facts

    def write_clips(self, probed: Probed, targets: Sequence[Path], *, copied: bool) -> None:
        """Writes each moment to the target at its position."""
        write, effort = (copy_clip, COPY_EFFORT) if copied else (write_clip, 1.0)
        for position, one in probed.items():
            target = targets[position]
            report = self._piece("Cutting", target.name, one.seconds, effort)
            with self._failing(position), paths.replacing(target) as temporary:
                clip = self._worker.call(partial(write, one.moment, temporary), CLIP, report)
                self.report.clips[position] = target, clip

    def write_reel(self, probed: Probed, target: Path) -> None:
        """Writes all moments one after the other; if a video crashes the decoder, starts again without it."""
        rest = list(probed.items())
        total_seconds = sum(one.seconds for one in probed.values())
        report_seconds = self._piece("Joining", target.name, total_seconds)
        current = 0

        def report(place: int, seconds: float) -> None:
            nonlocal current
            if not 0 <= place < len(rest):
                raise WorkerLost(SENT_NONSENSE)
            current = place
            report_seconds(sum(one.seconds for _, one in rest[:place]) + seconds)

        while rest:
            form = reel_form([one.facts for _, one in rest])
            try:
                with paths.replacing(target) as temporary:
                    joining = partial(write_reel, [one.moment for _, one in rest], form, temporary)
                    reel = self._worker.call(joining, REEL, report)
                    if not reel.is_of(len(rest)):
                        raise WorkerLost(SENT_NONSENSE)
            except WorkerLost as lost:
                position, _ = rest.pop(current)
                self.report.failed[position] = str(lost)
            except UnreadableVideo as error:
                self.report.failed |= {position: str(error) for position, _ in rest}
                return
            else:
                self._note_reel(target, reel, [position for position, _ in rest])
                return

    def _note_reel(self, target: Path, reel: Reel, positions: Sequence[int]) -> None:
        starts = dict(zip(positions, reel.starts_seconds, strict=True))
        found = {position: start for position, start in starts.items() if start is not None}
        self.report.reel = WrittenReel(target, reel.seconds, found)
        self.report.failed |= {positions[place]: reason for place, reason in reel.reasons}

    def write_list(self, probed: Probed, target: Path, title: str) -> None:
        """Writes a list of the moments, if there are any, in the format of the target's suffix."""
        if probed:
            self.report.remarks += write_edit_list(target, title, list(probed.values()))
            self.report.others.append(target)

    def write_pages(self, probed: Probed, targets: Sequence[Path], title: str) -> None:
        """Writes pages of the moments, a limited number on each; each links to its clip, or to its place in the video.

        A page without any readable moment is not written.
        """
        chunks = [
            {position: one for position, one in probed.items() if page_of(position) == number}
            for number in range(len(targets))
        ]
        pages = {target: chunk for target, chunk in zip(targets, chunks, strict=True) if chunk}
        if len(pages) > 1:
            self.report.remarks.append(
                f"{counted(len(probed), 'moment')} take {len(pages)} pages that link to each other: open "
                f"{next(iter(pages)).name} first"
            )
        for target, chunk in pages.items():
            self._write_page(chunk, target, title, [page.name for page in pages])

    def _write_page(self, probed: Probed, target: Path, title: str, pages: Sequence[str]) -> None:
        previews: dict[int, Preview] = {}
        for position, one in probed.items():
            report = self._piece("Looking", one.moment.path.name, one.seconds, PREVIEW_EFFORT)
            with self._failing(position):
                previews[position] = self._worker.call(partial(preview_of, one.moment), PREVIEW, report)
        if not previews:
            return
        clips = {position: path for position, (path, _) in self.report.clips.items()}
        items = [
            GalleryItem(position + 1, probed[position], preview, clips.get(position))
            for position, preview in previews.items()
        ]
        paths.write_file(target, gallery_html(title, items, target, pages).encode())
        self.report.others.append(target)

    def _good(self, probed: Probed) -> Probed:
        return {position: one for position, one in probed.items() if position not in self.report.failed}

    @contextmanager
    def _failing(self, position: int) -> Iterator[None]:
        try:
            yield
        except UnreadableVideo as error:
            self.report.failed[position] = str(error)
