"""Makes what a viewer ordered, in a folder that goes when it is not wanted any more."""

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from vifi_cli.api.cut.plan import CutOutputs, clip_name, plain_name, plan_cut
from vifi_cli.api.cut.render import CutRendering, CutReport
from vifi_cli.api.feedback import Task
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.edit_lists.edit_list import JSON, plain_list
from vifi_cli.video.moment import Moment
from vifi_cli.video.workers.isolated_worker import IsolatedWorker
from vifi_cli.web.cuts.order import CLIP, CLIPS, REEL
from vifi_cli.wording import clock, one_line


class NotWanted(Exception):
    """The viewer has left, or canceled."""


@dataclass(frozen=True, slots=True)
class MadeCut:
    """A file that was made, and what differs from the order, in words for the viewer."""

    path: Path
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


class Cutting:
    """A cut in work, in a thread; other threads may read its progress and stop it."""

    def __init__(self, kind: str, title: str, moments: tuple[Moment, ...], worker: IsolatedWorker) -> None:
        self.share, self.what = 0.0, "Waiting for another download"
        self.has_begun = False  # it no longer waits for its turn
        self._kind, self._title, self._moments = kind, title, moments
        self._worker = worker
        self._stopped, self._works = Event(), False

    def begin(self) -> None:
        """Notes that its turn has come; raises NotWanted if it was stopped."""
        self.has_begun = True
        self.watch("Preparing", 0.0)

    def stop(self) -> None:
        """Ends it as soon as possible; `make` then raises NotWanted."""
        self._stopped.set()
        if self._works:
            self._worker.end()

    def make(self, folder: Path) -> MadeCut:
        """Makes the file in a new folder; without a file, nothing is left of the folder.

        Raises:
            NotWanted: it was stopped.
            UnreadableVideo: none of the moments can be read; the text is the first one's reason.
            VifiError, OSError: it cannot be written.
        """
        try:
            folder.mkdir(parents=True)
            self._works = True
            return self._made(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            self._works = False

    def _made(self, folder: Path) -> MadeCut:
        report = CutReport()
        name = plain_name(self._title)
        outputs = {
            CLIP: CutOutputs(folder / "clip"),
            CLIPS: CutOutputs(folder / "clips"),
            REEL: CutOutputs(reel=folder / f"{name}.mp4"),
        }.get(self._kind) or CutOutputs(lists=[folder / f"{name}{self._kind}"])
        plan = plan_cut(self._title, self._moments, outputs)
        CutRendering(self._worker, _Watching(self), report).render(plan)
        self.watch("", 1.0)
        clips = [path for path, _ in report.clips.values()]
        if not clips and report.reel is None and not report.others:
            raise UnreadableVideo(next(iter(report.failed.values()), "there is nothing to cut"))
        if self._kind == CLIPS:
            path = self._packed(folder / f"{name}.zip", clips, list(report.clips))
        elif self._kind == CLIP:
            path = clips[0].rename(folder / clip_name(self._moments[0]))
        else:
            path = report.reel.path if report.reel else report.others[0]
        return MadeCut(path, tuple(self._left_out(report)), tuple(_remarks(report)))

    def _packed(self, target: Path, clips: list[Path], positions: list[int]) -> Path:
        """Packs clips, and a list of them that `vifi cut` reads; each clip is removed when it is packed."""
        self.watch("Packing", 1.0)
        with zipfile.ZipFile(target, "x", zipfile.ZIP_STORED) as archive:
            listed = [self._moments[position] for position in positions]
            archive.writestr("moments.json", plain_list(JSON, self._title, listed))
            for clip in clips:
                archive.write(clip, clip.name)
                clip.unlink()
                self.watch("Packing", 1.0)
        return target

    def _left_out(self, report: CutReport) -> Iterator[str]:
        for position, reason in sorted(report.failed.items()):
            moment = self._moments[position]
            yield f"{one_line(moment.path.name)} at {clock(moment.start_seconds)}: {reason}"

    def watch(self, what: str, share: float) -> None:
        """Notes the progress; raises NotWanted if it was stopped."""
        if self._stopped.is_set():
            raise NotWanted
        self.what, self.share = what, min(max(share, 0.0), 1.0)


def _remarks(report: CutReport) -> Iterator[str]:
    for path, clip in report.clips.values():
        yield from (f"{path.name}: {remark}" for remark in clip.remarks)
    yield from report.remarks


class _Watching:
    """Receives the progress of a cut, as `Feedback`."""

    def __init__(self, cutting: Cutting) -> None:
        self._cutting = cutting

    def note(self, message: str) -> None:
        """Receives nothing that viewers need."""

    def warn(self, message: str) -> None:
        """Receives nothing that viewers need."""

    def busy(self, what: str) -> AbstractContextManager[object]:
        """Announces work of unknown length."""
        self._cutting.watch(what, 0.0)
        return nullcontext()

    @contextmanager
    def task(self, what: str, total: float | None = None, unit: str = "") -> Iterator[Task]:
        """Announces work with known progress."""
        most, shown = total, what

        def report(done: float, total: float | None = None, *, what: str = "", at: str = "") -> None:
            nonlocal most, shown
            most, shown = total or most, what or shown
            self._cutting.watch(shown, done / most if most else 0.0)

        report(0.0)
        yield report
