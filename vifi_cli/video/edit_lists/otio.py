"""OpenTimelineIO timelines, which keep each video's own rate, name and place. Needs the extra `lists`."""

from collections.abc import Sequence
from fractions import Fraction

from opentimelineio.opentime import RationalTime, TimeRange
from opentimelineio.schema import Clip, ExternalReference, Gap, Timeline, Track

from vifi_cli.video.edit_lists.edl import FIRST_HOUR, first_frame, timecode_rate, usual_rate
from vifi_cli.video.export.probe import ProbedMoment
from vifi_cli.wording import one_line


def otio_text(title: str, moments: Sequence[ProbedMoment]) -> str:
    """The timeline of at least one moment: a track of pictures and, if any video has sound, one of sound."""
    rate = usual_rate([timecode_rate(one.facts) for one in moments])
    timeline = Timeline(one_line(title))
    timeline.global_start_time = RationalTime(rate.frame(FIRST_HOUR), float(rate.rate))
    pictures = [_clip(one) for one in moments]
    timeline.tracks.append(Track(name="Video", kind="Video", children=pictures))
    if any(one.facts.has_sound for one in moments):
        sounds = [_clip(one) if one.facts.has_sound else _gap(one) for one in moments]
        timeline.tracks.append(Track(name="Audio", kind="Audio", children=sounds))
    return f"{timeline.to_json_string(indent=2)}\n"


def _clip(one: ProbedMoment) -> Clip:
    rate, begins = timecode_rate(one.facts), first_frame(one.facts)
    first, end = rate.frames_within(one.moment.start_seconds, one.moment.end_seconds)
    frames = max(round(one.facts.duration_seconds * rate.rate), end)
    video = ExternalReference(one.moment.path.as_uri(), available_range=_range(begins, frames, rate.rate))
    video.name = one.name
    clip = Clip(one.name, media_reference=video, source_range=_range(begins + first, end - first, rate.rate))
    if one.note:
        clip.metadata["vifi"] = {"note": one.note}
    return clip


def _gap(one: ProbedMoment) -> Gap:
    rate = timecode_rate(one.facts)
    first, end = rate.frames_within(one.moment.start_seconds, one.moment.end_seconds)
    return Gap(source_range=_range(0, end - first, rate.rate))


def _range(first: int, length: int, rate: Fraction) -> TimeRange:
    return TimeRange(RationalTime(first, float(rate)), RationalTime(length, float(rate)))
