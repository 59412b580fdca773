"""Timelines on the clock of the programs that play their videos, with what these want to know about a file."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from vifi_cli.api.cut.known_clocks import known_clocks
from vifi_cli.api.feedback import Feedback
from vifi_cli.api.timeline.timeline import Occurrence, VideoTimeline
from vifi_cli.data.formats.annotation_files.written.annotated_video import AnnotatedVideo, Annotation
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.clock.file_clock import FileClock
from vifi_cli.video.export.probe import VideoFacts, video_facts
from vifi_cli.video.workers.isolated_worker import IsolatedWorker
from vifi_cli.video.workers.messages import Answers
from vifi_cli.wording import counted, score_text

FACTS = Answers(VideoFacts)


def annotated_videos(timelines: Sequence[VideoTimeline], feedback: Feedback) -> list[AnnotatedVideo]:
    """The videos with annotations, as players count; where a file cannot be looked at, from its first picture."""
    facts = _facts(timelines, feedback)
    absent = [each.path for each in timelines if facts[each.path] is None]
    if absent:
        more = f" and {counted(len(absent) - 1, 'more video')}" if len(absent) > 1 else ""
        feedback.note(
            f"{absent[0].name}{more} cannot be read now: times count from the first picture, and frame rates are "
            "omitted"
        )
    return [_annotated(each, facts[each.path]) for each in timelines]


def _facts(timelines: Sequence[VideoTimeline], feedback: Feedback) -> dict[Path, VideoFacts | None]:
    """What the header of each video says; None where it cannot be read now."""
    paths, facts = [each.path for each in timelines], dict[Path, VideoFacts | None]()
    clocks: dict[Path, FileClock] = {}
    for folder in {each.index_folder for each in timelines}:
        clocks |= known_clocks({each.path for each in timelines if each.index_folder == folder}, folder)
    with IsolatedWorker() as worker, feedback.task("Looking at videos", max(len(paths), 1)) as task:
        for path in paths:
            task(len(facts), at=f"{len(facts) + 1:,}/{len(paths):,}")
            try:
                facts[path] = worker.call(partial(video_facts, path, 0.0, clock=clocks.get(path)), FACTS)
            except UnreadableVideo:
                facts[path] = None
    return facts


def _annotated(timeline: VideoTimeline, facts: VideoFacts | None) -> AnnotatedVideo:
    lead = facts.lead_seconds if facts else 0.0
    return AnnotatedVideo(
        timeline.path,
        timeline.duration_seconds + lead,
        timeline.labels,
        tuple(_annotation(one, lead) for one in timeline.occurrences),
        float(facts.frame_rate) if facts else None,
        facts.has_sound if facts else None,
    )


def _annotation(one: Occurrence, lead: float) -> Annotation:
    comment = "" if one.relevance is None else f"relevance {score_text(one.relevance)}"
    return Annotation(one.label, one.start_seconds + lead, one.end_seconds + lead, comment)
