"""What `vifi cut` wrote, for people, for pipes and as JSON."""

from __future__ import annotations

from vifi_cli.cli import output
from vifi_cli.cli.cut_moments import Wanted
from vifi_cli.cli.cut_run import CutReport

MOST_TOLD = 20


def as_document(wanted: Wanted, report: CutReport) -> dict[str, object]:
    """The report as `--json` shows it."""
    return {
        "title": wanted.title,
        "clips": [
            {
                "clip": str(path),
                "path": str(wanted.moments[position].path),
                "start_seconds": round(clip.start_seconds, 3),
                "end_seconds": round(clip.end_seconds, 3),
                "score": wanted.moments[position].score,
                "has_sound": clip.has_sound,
                "remarks": list(clip.remarks),
            }
            for position, (path, clip) in report.clips.items()
        ],
        "reel": _reel_document(wanted, report),
        "files": [str(path) for path in report.others],
        "failed": [
            {
                "path": str(wanted.moments[position].path),
                "start_seconds": round(wanted.moments[position].start_seconds, 3),
                "reason": reason,
            }
            for position, reason in sorted(report.failed.items())
        ],
    }


def _reel_document(wanted: Wanted, report: CutReport) -> dict[str, object] | None:
    if report.reel is None:
        return None
    moments = [
        {"path": str(wanted.moments[position].path), "at_seconds": round(start, 3)}
        for position, start in report.reel.starts_seconds.items()
    ]
    return {"reel": str(report.reel.path), "seconds": round(report.reel.seconds, 3), "moments": moments}


def show(wanted: Wanted, report: CutReport) -> None:
    """A line for each file that was written: for a clip with start, end and video, in a pipe tab-separated."""
    videos = [wanted.moments[position].path for position in report.clips]
    if output.stdout_is_terminal():
        output.rows(
            ("Clip", "Moment", "Video"),
            [
                (
                    output.path_link(path),
                    f"{output.clock(clip.start_seconds)} – {output.clock(clip.end_seconds)}",
                    output.path_link(video),
                )
                for (path, clip), video in zip(report.clips.values(), videos, strict=True)
            ],
            right=("Moment",),
        )
    else:
        output.rows(
            (),
            [
                (str(path), f"{clip.start_seconds:.3f}", f"{clip.end_seconds:.3f}", str(video))
                for (path, clip), video in zip(report.clips.values(), videos, strict=True)
            ],
        )
    if report.reel is not None:
        output.rows((), [(str(report.reel.path),)])
    output.rows((), [(str(path),) for path in report.others])


def tell_what_is_odd(wanted: Wanted, report: CutReport) -> None:
    """Says on stderr what is not in the clips as in the videos, and what could not be cut."""
    remarks = [f"{path.name}: {remark}" for path, clip in report.clips.values() for remark in clip.remarks]
    for remark in remarks[:MOST_TOLD]:
        output.note(remark)
    if len(remarks) > MOST_TOLD:
        output.note(f"… and {len(remarks) - MOST_TOLD:,} more such remarks; --json has them all")
    for remark in report.remarks:
        output.warning(remark)
    for position, reason in sorted(report.failed.items()):
        one = wanted.moments[position]
        output.warning(f"not cut: {one.path} at {output.clock(one.start_seconds)}: {reason}")
