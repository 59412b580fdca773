"""Carrying out what `vifi cut` planned: clips, reel, lists and gallery, in which a bad video costs only itself."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from vifi_cli import paths
from vifi_cli.api.cut.gallery import gallery_page
from vifi_cli.api.cut.moments import Wanted
from vifi_cli.api.cut.plan import CutPlan, make_folders
from vifi_cli.api.cut.progress import CutProgress
from vifi_cli.api.cut.ready import ReadyMoment, padded
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.export.clip import Clip, write_clip
from vifi_cli.video.export.copied_clip import copy_clip
from vifi_cli.video.export.preview import Preview, preview_of
from vifi_cli.video.export.probe import VideoFacts, make_sure_of, video_facts
from vifi_cli.video.export.reel import Reel, reel_form, write_reel
from vifi_cli.video.lists.edit_list import write_edit_list
from vifi_cli.video.lists.listed_moment import ListedMoment
from vifi_cli.video.moment import Moment
from vifi_cli.video.workers.isolated import IsolatedWorker, ProcessLost

COPYING, LOOKING = 0.05, 0.5  # what copying a second and making its preview take beside coding it


@dataclass(frozen=True, slots=True)
class WrittenReel:
    """A reel, how long it is, and where in it each moment begins, by its place among those wanted."""

    path: Path
    seconds: float
    starts_seconds: dict[int, float]


@dataclass(slots=True)
class CutReport:
    """What has been written so far.

    Attributes:
        clips: by the place of the moment: where its clip is, and what that holds.
        reel: the reel, if there is one.
        others: the further files.
        failed: by the place of the moment: why it was left out.
        remarks: what else is to be said, in words for the user.
    """

    clips: dict[int, tuple[Path, Clip]] = field(default_factory=dict)
    reel: WrittenReel | None = None
    others: list[Path] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


class CutRun:
    """One run of `vifi cut`, which keeps account of what it has written."""

    def __init__(self, process: IsolatedWorker, progress: CutProgress, report: CutReport) -> None:
        self.report = report
        self._process = process
        self._progress = progress

    def carry_out(self, wanted: Wanted, plan: CutPlan, pad_seconds: float) -> None:
        """Writes all that is planned, and notes it in the report."""
        ready = self.look_at(wanted.moments, pad_seconds)
        if not ready:
            return
        make_folders(plan)
        clip_effort = (COPYING if plan.copied else 1.0) if plan.clips else 0.0
        effort = clip_effort + (plan.reel is not None) + (LOOKING if plan.gallery else 0.0)
        self._progress.plan("Cutting", effort * sum(one.seconds for one in ready))
        if plan.clips:
            self.write_clips(ready, plan.clips, copied=plan.copied)
        if plan.reel is not None:
            self.write_reel(self._good(ready), plan.reel)
        for target in plan.lists:
            self.write_list(self._good(ready), target, wanted.title)
        if plan.gallery is not None:
            self.write_gallery(self._good(ready), plan.gallery, wanted.title)

    def look_at(self, wanted: Sequence[Moment], pad_seconds: float) -> list[ReadyMoment]:
        """Finds out what the videos are like, and where in them the moments are."""
        facts = self._facts_of(wanted)
        ready = []
        for position, one in enumerate(wanted):
            known = facts[one.path]
            if isinstance(known, str):
                self.report.failed[position] = known
                continue
            with self._failing(position):
                if one.start_seconds >= known.duration_seconds:
                    self._make_sure_of(one)
                ready.append(ReadyMoment(position, one, padded(one, known, pad_seconds), known))
        return ready

    def _make_sure_of(self, one: Moment) -> None:
        """Decodes up to a moment that seems to be past the end of its video, since headers and clocks may be wrong."""
        moment = Moment(one.path, one.start_seconds, one.end_seconds)
        self._process.call(partial(make_sure_of, moment), lambda: None)
        if one.end_seconds == math.inf:
            raise UnreadableVideo("it does not tell how long it is: say where the moment ends")

    def _facts_of(self, wanted: Sequence[Moment]) -> dict[Path, VideoFacts | str]:
        """What each video is like, or why it cannot be read."""
        reaching: dict[Path, float] = {}
        for one in wanted:
            reaching[one.path] = max(one.start_seconds, reaching.get(one.path, 0.0))
        self._progress.plan("Looking at videos", len(reaching))
        facts: dict[Path, VideoFacts | str] = {}
        for path, seconds in reaching.items():
            self._progress.piece("Looking at videos", f"{len(facts) + 1:,}/{len(reaching):,}", 1.0)
            try:
                facts[path] = self._process.call(partial(video_facts, path, seconds), lambda: None)
            except UnreadableVideo as error:
                facts[path] = str(error)
        return facts

    def write_clips(self, ready: Sequence[ReadyMoment], targets: Sequence[Path], *, copied: bool) -> None:
        """Writes each moment as a file of its own, to the target at its place among the moments wanted."""
        write, effort = (copy_clip, COPYING) if copied else (write_clip, 1.0)
        for one in ready:
            target = targets[one.position]
            told = self._progress.piece("Cutting", target.name, one.seconds, effort)
            with self._failing(one.position), paths.replacing(target) as temporary:
                clip = self._process.call(partial(write, one.moment, temporary), told)
                self.report.clips[one.position] = target, clip

    def write_reel(self, ready: Sequence[ReadyMoment], target: Path) -> None:
        """Writes all moments one after the other; without a video that crashes the decoder, it is begun anew."""
        rest = list(ready)
        told = self._progress.piece("Joining", target.name, sum(one.seconds for one in rest))
        at_work = 0

        def report(position: int, seconds: float) -> None:
            nonlocal at_work
            at_work = position
            told(sum(one.seconds for one in rest[:position]) + seconds)

        while rest:
            form = reel_form([one.facts for one in rest])
            try:
                with paths.replacing(target) as temporary:
                    joining = partial(write_reel, [one.moment for one in rest], form, temporary)
                    reel = self._process.call(joining, report)
            except ProcessLost as lost:
                self.report.failed[rest.pop(at_work).position] = str(lost)
            except UnreadableVideo as error:
                self.report.failed |= {one.position: str(error) for one in rest}
                return
            else:
                self._note_reel(target, reel, rest)
                return

    def _note_reel(self, target: Path, reel: Reel, row: Sequence[ReadyMoment]) -> None:
        starts = {
            one.position: start
            for one, start in zip(row, reel.starts_seconds, strict=True)
            if start is not None
        }
        self.report.reel = WrittenReel(target, reel.seconds, starts)
        self.report.failed |= {row[place].position: reason for place, reason in reel.reasons}

    def write_list(self, ready: Sequence[ReadyMoment], target: Path, title: str) -> None:
        """Writes a list of the moments in the format that the target's name ends with."""
        if not ready:
            return
        notes = ["" if one.wanted.score is None else f"score {one.wanted.score:.4f}" for one in ready]
        listed = [ListedMoment(one.moment, one.facts, note) for one, note in zip(ready, notes, strict=True)]
        self.report.remarks += write_edit_list(target, title, listed)
        self.report.others.append(target)

    def write_gallery(self, ready: Sequence[ReadyMoment], target: Path, title: str) -> None:
        """Writes a page that shows the moments; a moment leads to its clip, or to its place in the video."""
        previews: dict[int, Preview] = {}
        for one in ready:
            told = self._progress.piece("Looking", one.wanted.path.name, one.seconds, LOOKING)
            with self._failing(one.position):
                previews[one.position] = self._process.call(partial(preview_of, one.moment), told)
        shown = [one for one in ready if one.position in previews]
        if not shown:
            return
        page = gallery_page(title, shown, previews, self.report.clips, target.parent)
        with paths.replacing(target) as temporary:
            temporary.write_text(page, encoding="utf-8")
        self.report.others.append(target)

    def _good(self, ready: Sequence[ReadyMoment]) -> list[ReadyMoment]:
        return [one for one in ready if one.position not in self.report.failed]

    @contextmanager
    def _failing(self, position: int) -> Iterator[None]:
        try:
            yield
        except UnreadableVideo as error:
            self.report.failed[position] = str(error)
