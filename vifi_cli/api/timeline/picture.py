"""A timeline as a picture."""

from vifi_cli.api.timeline.timeline import LabelTime, VideoTimeline
from vifi_cli.evaluation.figures.ethogram import Lane, ethogram
from vifi_cli.wording import duration


def timeline_picture(timeline: VideoTimeline, suffix: str) -> bytes:
    """A lane over time for each label, with its part of the time budget; PNG or SVG by the suffix."""
    lanes = [
        Lane(
            one.label,
            tuple((each.start_seconds, each.end_seconds) for each in timeline.of(one.label)),
            _note(one),
        )
        for one in timeline.budget
    ]
    return ethogram(timeline.path.name, timeline.duration_seconds, lanes, suffix.removeprefix(".").lower())


def _note(one: LabelTime) -> str:
    return f"{one.count:,} ×  {duration(one.total_seconds)}  {one.share:.1%}" if one.count else "none"
