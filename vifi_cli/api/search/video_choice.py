"""The videos that a search looks at, as people write it: folders, dates, ages and lengths."""

import difflib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.api.search.times import instant_option, length_option
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.video_filter import VideoFilter, path_matches


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoChoice:
    """Conditions on videos in words; None where there is none."""

    path: str | None = None  # a folder, or a glob that the path matches
    newer: str | None = None  # a date such as 2026-01-31, or an age such as 7d
    older: str | None = None
    min_duration: str | None = None  # such as 90, 1:30 or 2h
    max_duration: str | None = None


def video_filter(choice: VideoChoice, spelled: Callable[[str], str] = str) -> VideoFilter:
    """The filter for videos in words; `spelled` turns the name of a condition into what the user writes.

    Raises:
        InvalidInput: a condition makes no sense, or no video can meet them all.
    """
    now_ns = time.time_ns()
    newer, older, shortest, longest = choice.newer, choice.older, choice.min_duration, choice.max_duration
    changed_from = None if newer is None else instant_option(spelled("newer"), newer, now_ns)
    changed_before = None if older is None else instant_option(spelled("older"), older, now_ns)
    shortest_seconds = 0.0 if shortest is None else length_option(spelled("min_duration"), shortest)
    longest_seconds = math.inf if longest is None else length_option(spelled("max_duration"), longest)
    if changed_from is not None and changed_before is not None and changed_from >= changed_before:
        raise InvalidInput(
            f"no video is both newer than {newer} and older than {older}: change one of the two"
        )
    if shortest_seconds > longest_seconds:
        raise InvalidInput(f"no video lasts at least {shortest} and at most {longest}: change one of the two")
    return VideoFilter(
        path_pattern=choice.path,
        changed_from_ns=changed_from,
        changed_before_ns=changed_before,
        shortest_seconds=shortest_seconds,
        longest_seconds=longest_seconds,
    )


def path_problem(pattern: str, paths: Sequence[Path]) -> str:
    """That a pattern matches none of the indexed paths, with the names that may be meant; empty if it matches one."""
    if any(path_matches(path, pattern) for path in paths):
        return ""
    problem = f"no indexed path matches {pattern}"
    part = f"*{pattern.strip('*')}*"
    if any(path_matches(path, part) for path in paths):
        return f"{problem}; did you mean '{part}'?"
    sought = Path(pattern.strip("*/")).name
    names = {name.lower(): name for path in paths for name in path.parts[1:]}
    near = difflib.get_close_matches(sought.lower(), names, n=1)
    if near and names[near[0]] != sought:
        return f"{problem}; did you mean {names[near[0]]}?"
    return f"{problem}; `vifi status` shows what is indexed"
