"""OpenTimelineIO timelines, which carry each video's own rate, name and place (schemas as of OTIO 0.15 to 0.18).

The format is JSON; its own library is compiled code, which is no price to pay for writing it.
"""

import json
from collections.abc import Sequence
from fractions import Fraction

from vifi_cli.video.lists.edl import FIRST_HOUR
from vifi_cli.video.lists.listed_moment import ListedMoment, one_line, usual_count

Json = dict[str, object]


def otio_text(title: str, listed: Sequence[ListedMoment]) -> str:
    """The timeline: a track of pictures and, where any video has sound, one of sound beside it.

    Args:
        title: of the timeline.
        listed: at least one moment.
    """
    counted = usual_count([one.counted for one in listed])
    tracks = [_track("Video", [_clip(one) for one in listed])]
    if any(one.facts.has_sound for one in listed):
        sounding = [_clip(one) if one.facts.has_sound else _gap(one) for one in listed]
        tracks.append(_track("Audio", sounding))
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": one_line(title),
        "global_start_time": _time(counted.frame(FIRST_HOUR), counted.rate),
        "tracks": {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": tracks},
        "metadata": {},
    }
    return json.dumps(timeline, indent=2) + "\n"


def _track(kind: str, children: list[Json]) -> Json:
    return {"OTIO_SCHEMA": "Track.1", "name": kind, "kind": kind, "children": children}


def _clip(one: ListedMoment) -> Json:
    rate, begins = one.counted.rate, one.video_first_frame
    first, end = one.frames(one.counted)
    whole = max(round(one.facts.duration_seconds * rate), end)
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": one.name,
        "source_range": _range(begins + first, end - first, rate),
        "media_references": {
            "DEFAULT_MEDIA": {
                "OTIO_SCHEMA": "ExternalReference.1",
                "name": one.name,
                "target_url": one.moment.path.as_uri(),
                "available_range": _range(begins, whole, rate),
            }
        },
        "active_media_reference_key": "DEFAULT_MEDIA",
        "metadata": {"vifi": {"note": one_line(one.note)}} if one.note else {},
    }


def _gap(one: ListedMoment) -> Json:
    first, end = one.frames(one.counted)
    return {"OTIO_SCHEMA": "Gap.1", "name": "", "source_range": _range(0, end - first, one.counted.rate)}


def _range(first: int, length: int, rate: Fraction) -> Json:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": _time(first, rate),
        "duration": _time(length, rate),
    }


def _time(frames: int, rate: Fraction) -> Json:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": float(frames), "rate": float(rate)}
