"""Reads CVAT's annotations of videos: XML 1.1 "for video" (tracks) and "for images" (frames), as docs.cvat.ai has it.

A moment is a run of frames that show a label: a track from where it begins to where it is outside, or frames in a row
with the same tag or shape. With a layer, the value of that attribute is the label. CVAT counts the frames of the file
from 0; the file's own clock turns them into seconds.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree.ElementTree import Element

from vifi_cli.data.formats.annotation_files.media import MediaFinder
from vifi_cli.data.formats.annotation_files.moments import NO_LABEL, LabeledMoment, Omission, moment_between
from vifi_cli.data.formats.annotation_files.structured_file import elements
from vifi_cli.data.formats.listing import SPLIT_NAMES, Split
from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.video.clips.frame_times import FrameTimes, frame_times
from vifi_cli.wording import first_of

PARTS = frozenset({"meta", "track", "image"})
FRAME_NAME = re.compile(r"(?:.*/)?frame_(\d+)(?:\.\w+)?")
STEP = re.compile(r"step\s*=\s*(\d+)")
MOST_NAMED = 5
AFTER_THE_END = Omission(
    "run of frames after the end of the video", "runs of frames after the end of the video"
)
UNREADABLE = Omission(
    "run of frames of a video that cannot be read", "runs of frames of a video that cannot be read"
)


@dataclass(frozen=True, slots=True)
class _Task:
    source: str  # the video
    step: int  # every how many frames are annotated
    split: Split
    attributes: tuple[str, ...]  # of all labels


@dataclass(frozen=True, slots=True)
class _Run:
    """Frames in a row with one label."""

    label: str
    first: int
    stop: int  # the frame after the last


def cvat_moments(path: Path, layer: str | None, finder: MediaFinder) -> Iterator[LabeledMoment | Omission]:
    """The runs of frames with a label, or with a value of the attribute `layer`; a task's subset is the split.

    Raises:
        InvalidInput: the file annotates no video or several, or has no such attribute.
    """
    task, runs = _read(path, layer)
    labels = sorted({run.label for run in runs})
    if layer is None and len(labels) == 1 and task.attributes:
        named = first_of([repr(name) for name in task.attributes], MOST_NAMED)
        raise InvalidInput(
            f"{path} has only the label {labels[0]!r}: name the attribute that holds the classes, "
            f"as in '{path}:{task.attributes[0]}' ({named})"
        )
    video = finder.find(task.source)
    try:
        times = frame_times(video) if video else None
    except UnreadableVideo:
        yield from [UNREADABLE] * len(runs)
        return
    for run in runs:
        moment = _moment(run, task.source, times)
        yield replace(moment, split=task.split) if isinstance(moment, LabeledMoment) else moment


def _moment(run: _Run, file: str, times: FrameTimes | None) -> LabeledMoment | Omission:
    if not run.label.strip():
        return NO_LABEL
    if times is None:  # the video is absent, and the moment is only counted
        return LabeledMoment(file, (run.label,))
    if math.isinf(times.of(run.first)):
        return AFTER_THE_END
    return moment_between(file, [run.label], times.of(run.first), times.of(run.stop))


def _read(path: Path, layer: str | None) -> tuple[_Task, list[_Run]]:
    task: _Task | None = None
    runs: list[_Run] = []
    tagged: dict[str, list[int]] = defaultdict(list)  # frames by label
    for part in elements(path, PARTS):
        if part.tag == "meta":
            task = _task(part, path)
            if layer is not None and layer not in task.attributes:
                named = (
                    f"it has {first_of(task.attributes, MOST_NAMED)}" if task.attributes else "it has none"
                )
                raise InvalidInput(f"{path}: no label has an attribute {layer!r}; {named}")
        elif task is None:
            raise InvalidInput(f"{path} lacks the element meta: export the task again from CVAT")
        elif part.tag == "track":
            runs += _runs_of_track(part, layer, task.step, path)
        else:
            frame = _frame_of_image(part, path)
            for label in {_label(shape, shape.get("label", ""), layer) for shape in part}:
                tagged[label].append(frame)
    if task is None:
        raise InvalidInput(f"{path} lacks the element meta: export the task again from CVAT")
    for label, frames in tagged.items():
        runs += _runs_in(label, sorted(frames), task.step)
    return task, runs


def _task(meta: Element, path: Path) -> _Task:
    tasks = [element for element in meta.iter() if element.tag in ("task", "job")]
    if len(tasks) != 1:
        raise InvalidInput(f"{path} holds {len(tasks)} tasks of CVAT: export each task separately")
    task = tasks[0]
    source = (task.findtext("source") or meta.findtext("source") or "").strip()
    if not source:
        raise InvalidInput(
            f"{path} names no video: export a task of CVAT whose data is a video, not pictures"
        )
    step = STEP.search(task.findtext("frame_filter") or "")
    subset = (task.findtext("subset") or "").strip().lower()
    names = (attribute.findtext("name") or "" for attribute in meta.iterfind(".//label/attributes/attribute"))
    attributes = tuple(dict.fromkeys(name for name in names if name))
    return _Task(source, max(1, int(step[1])) if step else 1, SPLIT_NAMES.get(subset, "train"), attributes)


def _runs_of_track(track: Element, layer: str | None, step: int, path: Path) -> Iterator[_Run]:
    """The runs of a track, which lasts from one listed frame to the next, unless it is outside there."""
    shown = sorted(
        (
            _number(shape.get("frame"), path),
            "" if _is_outside(shape) else _label(shape, track.get("label", ""), layer),
        )
        for shape in track
        if shape.get("frame") is not None
    )
    begun: _Run | None = None
    for frame, label in shown:
        if begun and label != begun.label:
            yield replace(begun, stop=frame)
            begun = None
        if label:
            begun = replace(begun, stop=frame + step) if begun else _Run(label, frame, frame + step)
    if begun:
        yield begun


def _runs_in(label: str, frames: list[int], step: int) -> Iterator[_Run]:
    begun: _Run | None = None
    for frame in frames:
        if begun and frame > begun.stop:
            yield begun
            begun = None
        begun = replace(begun, stop=frame + step) if begun else _Run(label, frame, frame + step)
    if begun:
        yield begun


def _is_outside(shape: Element) -> bool:
    """Whether an object is not in the picture; a skeleton is not if none of its points are."""
    if shape.tag == "skeleton":
        return all(point.get("outside") == "1" for point in shape.iterfind("points"))
    return shape.get("outside") == "1"


def _label(shape: Element, label: str, layer: str | None) -> str:
    if layer is None:
        return label
    values = (each.text or "" for each in shape.iterfind("attribute") if each.get("name") == layer)
    return next(values, "").strip()


def _frame_of_image(image: Element, path: Path) -> int:
    named = FRAME_NAME.fullmatch(image.get("name", ""))
    return _number(named[1] if named else image.get("id"), path)


def _number(text: str | None, path: Path) -> int:
    if text is None or not text.isdecimal():
        raise InvalidInput(f"{path}: {text!r} is not the number of a frame")
    return int(text)
