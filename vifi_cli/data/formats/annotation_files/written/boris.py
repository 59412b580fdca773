"""Writes projects of BORIS (`.boris`, JSON, project format 7.0): an observation for each video, labels as state events.

Source: `config.py` and the projects among the tests of BORIS 8 and 9.
"""

import json
import string
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from vifi_cli.data.formats.annotation_files.written.annotated_video import (
    AnnotatedVideo,
    Annotation,
    distinct,
    milliseconds,
)
from vifi_cli.wording import one_line

PLAYERS = 8
KEYS = string.ascii_lowercase + string.digits + string.ascii_uppercase  # that code a behavior on the keyboard
NO_FRAME = "NA"


def boris_project(videos: Sequence[AnnotatedVideo], name: str) -> bytes:
    """The project for videos, of which all have the same labels."""
    now = datetime.now().isoformat(timespec="seconds")  # BORIS has local times
    labels = videos[0].labels
    # a bar separates modifiers in BORIS
    codes = dict(
        zip(labels, distinct((one_line(each).replace("|", "/") for each in labels), "label"), strict=True)
    )
    observations = distinct((one_line(video.path.name) for video in videos), "video")
    project = {
        "time_format": "hh:mm:ss",
        "project_date": now,
        "project_name": one_line(name),
        "project_description": "Made by vifi timeline",
        "project_format_version": "7.0",
        "subjects_conf": {},
        "behaviors_conf": {
            str(number): _behavior(code, KEYS[number] if number < len(KEYS) else "")
            for number, code in enumerate(codes.values())
        },
        "behavioral_categories": [],
        "independent_variables": {},
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
        "observations": {
            observation: _observation(video, codes, now)
            for observation, video in zip(observations, videos, strict=True)
        },
    }
    return (json.dumps(project, indent=1) + "\n").encode()


def _behavior(code: str, key: str) -> dict[str, Any]:
    texts = dict.fromkeys(("description", "color", "category", "modifiers", "excluded", "coding map"), "")
    return {"type": "State event", "key": key, "code": code} | texts


def _observation(video: AnnotatedVideo, codes: dict[str, str], now: str) -> dict[str, Any]:
    file, players = str(video.path), [str(number) for number in range(1, PLAYERS + 1)]
    events = [event for each in video.annotations for event in _events(each, codes[each.label], video)]
    return {
        "file": {player: [file] if player == players[0] else [] for player in players},
        "type": "MEDIA",
        "date": now,
        "description": "",
        "time offset": 0.0,
        "events": sorted(events, key=lambda event: event[0]),
        "observation time interval": [0, 0],
        "independent_variables": {},
        "visualize_spectrogram": False,
        "visualize_waveform": False,
        "media_creation_date_as_offset": False,
        "media_scan_sampling_duration": 0,
        "image_display_duration": 1,
        "close_behaviors_between_videos": False,
        "media_info": {
            "length": {file: round(video.duration_seconds, 3)},
            "fps": {} if video.frame_rate is None else {file: round(video.frame_rate, 3)},
            "hasVideo": {file: True},
            "hasAudio": {} if video.has_sound is None else {file: video.has_sound},
            "offset": {players[0]: 0.0},
        },
    }


def _events(annotation: Annotation, code: str, video: AnnotatedVideo) -> list[list[Any]]:
    """The start and the stop: time, subject, behavior, modifiers, comment and frame."""
    rate, comments = video.frame_rate, (annotation.comment, "")
    return [
        [time / 1000, "", code, "", comment, NO_FRAME if rate is None else round(time / 1000 * rate)]
        for time, comment in zip(milliseconds(annotation), comments, strict=True)
    ]
