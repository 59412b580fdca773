"""What `vifi cut` wrote, for people, for pipes and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from vifi_cli import wording
from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from vifi_cli.api.cut.plan import CutPlan
    from vifi_cli.api.cut.report import CutReport

MOST_REMARKS = 20


def as_document(plan: CutPlan, report: CutReport) -> dict[str, object]:
    """The report as `--json` prints it."""
    return {
        "title": plan.title,
        "clips": [
            {
                "clip": str(path),
                "path": str(plan.moments[position].path),
                "start_seconds": round(clip.start_seconds, 3),
                "end_seconds": round(clip.end_seconds, 3),
                "score": plan.moments[position].score,
                "has_sound": clip.has_sound,
                "remarks": list(clip.remarks),
            }
            for position, (path, clip) in report.clips.items()
        ],
        "reel": _reel_document(plan, report),
        "files": [str(path) for path in report.others],
        "failed": [
            {
                "path": str(plan.moments[position].path),
                "start_seconds": round(plan.moments[position].start_seconds, 3),
                "reason": reason,
            }
            for position, reason in sorted(report.failed.items())
        ],
    }


def _reel_document(plan: CutPlan, report: CutReport) -> dict[str, object] | None:
    if report.reel is None:
        return None
    moments = [
        {"path": str(plan.moments[position].path), "at_seconds": round(start, 3)}
        for position, start in report.reel.starts_seconds.items()
    ]
    return {"reel": str(report.reel.path), "seconds": round(report.reel.seconds, 3), "moments": moments}


def show(plan: CutPlan, report: CutReport) -> None:
    """Prints a line per file: for a clip with start, end and video, in a pipe tab-separated."""
    on_terminal = output.stdout_is_terminal()
    clips: list[tuple[str | Text, ...]] = []
    for position, (path, clip) in report.clips.items():
        video = plan.moments[position].path
        if on_terminal:
            times = f"{wording.clock(clip.start_seconds)} – {wording.clock(clip.end_seconds)}"
            clips.append((output.path_link(path), times, output.path_link(video)))
        else:
            clips.append((str(path), f"{clip.start_seconds:.3f}", f"{clip.end_seconds:.3f}", str(video)))
    if clips:
        output.rows(("Clip", "Moment", "Video"), clips, right=("Moment",))
    others = [*([report.reel.path] if report.reel else []), *report.others]
    if others:
        output.rows(("File",), [(output.path_link(path) if on_terminal else str(path),) for path in others])


def show_problems(plan: CutPlan, report: CutReport) -> None:
    """Reports on stderr where clips differ from their videos, and what could not be cut."""
    remarks = [f"{path.name}: {remark}" for path, clip in report.clips.values() for remark in clip.remarks]
    for remark in remarks[:MOST_REMARKS]:
        output.note(remark)
    if len(remarks) > MOST_REMARKS:
        output.note(f"… and {len(remarks) - MOST_REMARKS:,} more such notes; --json lists them all")
    for remark in report.remarks:
        output.warning(remark)
    for position, reason in sorted(report.failed.items()):
        one = plan.moments[position]
        output.warning(f"not cut: {one.path} at {wording.clock(one.start_seconds)}: {reason}")
