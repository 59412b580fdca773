"""Reads project files of BORIS (`.boris`, JSON, project formats 4.0 to 7.0).

The classes are the behaviors that the ethogram has as state events. Source: `config.py` and `project_functions.py` of
BORIS 8 and 9.
"""

from collections.abc import Iterator
from pathlib import Path

from vifi_cli.data.formats.annotation_files.boris_time import (
    NO_VIDEO,
    POINT,
    ObservedVideos,
    StateMark,
    lengths_of,
    paired,
)
from vifi_cli.data.formats.annotation_files.media import MediaFinder
from vifi_cli.data.formats.annotation_files.moments import LabeledMoment, Omission, time_in
from vifi_cli.data.formats.annotation_files.structured_file import Json, list_in, load_json, object_in
from vifi_cli.errors import InvalidInput

FIRST_PLAYER = "1"
OTHER_PLAYER = Omission(
    "video of a second player, beside the first", "videos of further players, beside the first"
)
ODD_CLOCK = Omission(
    "observation with times from the creation date of its video, or with an offset of its first player",
    "observations with times from the creation dates of their videos, or with an offset of the first player",
)
UNKNOWN_BEHAVIOR = Omission("event that the ethogram does not have", "events that the ethogram does not have")
FEWEST_FIELDS = 4  # of an event: time, subject, behavior and modifiers; more follow


def boris_project_moments(
    path: Path, layer: str | None, finder: MediaFinder
) -> Iterator[LabeledMoment | Omission]:
    """The state events of all observations, their subject as group."""
    project = object_in(load_json(path), str(path))
    kinds = _kinds(project, path)
    for name, value in object_in(project.get("observations"), f"{path}, observations").items():
        where = f"{path}, observation {name!r}"
        observation = object_in(value, where)
        files = _files(observation, where)
        if observation.get("type", "MEDIA") != "MEDIA" or not files.get(FIRST_PLAYER):
            yield NO_VIDEO
            continue
        if observation.get("media_creation_date_as_offset") or _offset(observation, where):
            yield ODD_CLOCK
            continue
        for player, others in files.items():
            yield from [OTHER_PLAYER] * (0 if player == FIRST_PLAYER else len(others))
        yield from _moments(observation, kinds, files[FIRST_PLAYER], where)


def _kinds(project: Json, path: Path) -> dict[str, str]:
    """The type of each behavior, by its code."""
    kinds = {}
    for key, value in object_in(project.get("behaviors_conf"), f"{path}, behaviors_conf").items():
        behavior = object_in(value, f"{path}, behavior {key}")
        kinds[str(behavior.get("code"))] = str(behavior.get("type"))
    return kinds


def _moments(
    observation: Json, kinds: dict[str, str], files: tuple[str, ...], where: str
) -> Iterator[LabeledMoment | Omission]:
    offset = time_in(observation.get("time offset") or 0.0, where)
    observed = ObservedVideos(files, _lengths(observation, files, where), offset)
    marks = []
    for event in list_in(observation.get("events"), f"{where}, events"):
        fields = list_in(event, f"{where}, an event")
        if len(fields) < FEWEST_FIELDS:
            raise InvalidInput(
                f"{where}: an event has {len(fields)} fields, not time, subject, behavior and modifiers"
            )
        subject, code, modifiers = (str(field or "") for field in fields[1:FEWEST_FIELDS])
        kind = kinds.get(code, "")
        if kind.startswith("State event"):
            marks.append(StateMark(time_in(fields[0], where), code, subject, modifiers))
        else:
            yield POINT if kind else UNKNOWN_BEHAVIOR
    yield from paired(marks, observed)


def _files(observation: Json, where: str) -> dict[str, tuple[str, ...]]:
    """The videos of each player; live observations have an empty list."""
    listed = observation.get("file") or {}
    return {
        player: tuple(str(file) for file in list_in(files, f"{where}, player {player}"))
        for player, files in object_in(listed, f"{where}, file").items()
    }


def _media_info(observation: Json, key: str, where: str) -> Json:
    info = object_in(observation.get("media_info") or {}, f"{where}, media_info")
    return object_in(info.get(key) or {}, f"{where}, media_info {key}")


def _offset(observation: Json, where: str) -> float:
    return time_in(_media_info(observation, "offset", where).get(FIRST_PLAYER) or 0.0, where)


def _lengths(observation: Json, files: tuple[str, ...], where: str) -> tuple[float, ...]:
    listed = _media_info(observation, "length", where)
    return lengths_of([time_in(listed.get(file) or 0.0, where) for file in files])
