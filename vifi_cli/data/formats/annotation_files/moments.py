"""Labeled moments, as annotation files name them, and what they become: class names and listed videos."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vifi_cli.data.formats.listing import ListedVideo, Listing, Split
from vifi_cli.errors import InvalidInput
from vifi_cli.video.moment import WHOLE_VIDEO, TimeRange
from vifi_cli.wording import counted, seconds_of


@dataclass(frozen=True, slots=True)
class LabeledMoment:
    """A moment of a video, or all of it, and the classes that it shows."""

    file: str  # as the annotation file spells it
    class_names: tuple[str, ...]  # one or more
    part: TimeRange = WHOLE_VIDEO
    group: str = ""
    split: Split = "train"


@dataclass(frozen=True, slots=True)
class Omission:
    """An annotation that gives no moment; equal ones are counted in one remark."""

    singular: str  # such as "point event, which has no end"
    plural: str


MOST_EARLY_SECONDS = 1.0
"""How long before its video an annotation may begin, since players and tools count differently."""


class LayerAbsent(InvalidInput):
    """An annotation file has no labels where they are looked for."""


NO_DURATION = Omission("annotation that does not last", "annotations that do not last")
CONTRADICTION = Omission(
    "video or segment that is listed with several classes",
    "videos or segments that are listed with several classes",
)
TOO_EARLY = Omission("annotation from before its video", "annotations from before their videos")
NO_LABEL = Omission("annotation without a label", "annotations without a label")


def moment_between(
    file: str, class_names: Sequence[str], start_seconds: float, end_seconds: float, group: str = ""
) -> LabeledMoment | Omission:
    """A moment from its times, which may begin a little before the video, or why it is none."""
    names = tuple(dict.fromkeys(" ".join(name.split()) for name in class_names if name.strip()))
    if not names:
        return NO_LABEL
    if not (math.isfinite(start_seconds) and start_seconds < end_seconds):
        return NO_DURATION
    if start_seconds < -MOST_EARLY_SECONDS or end_seconds <= 0:
        return TOO_EARLY
    return LabeledMoment(file, names, TimeRange(max(0.0, start_seconds), end_seconds), group)


def listing_of(
    found: Iterable[LabeledMoment | Omission],
    name: str,
    class_names: Sequence[str] | None = None,
    *,
    one_class_each: bool = False,
) -> Listing:
    """Numbers the classes of moments, and counts omissions in remarks; `name` is that of the source, for messages.

    The classes are `class_names`, or else all that occur, sorted. Moments of the same part of a file become one with
    all its classes, or are left out if the source has one for each. Groups are omitted if a video shows several.

    Raises:
        InvalidInput: there is no moment, or one has a class that is not among `class_names`.
    """
    omitted: Counter[Omission] = Counter()
    moments = _merged(found, omitted)
    if one_class_each:
        single = [moment for moment in moments if len(moment.class_names) == 1]
        omitted[CONTRADICTION] += len(moments) - len(single)
        moments = single
    remarks = [
        f"left out {counted(number, each.singular, each.plural)}"
        for each, number in omitted.items()
        if number
    ]
    if not moments:
        raise InvalidInput(": ".join(filter(None, (f"{name} has no labeled moment", "; ".join(remarks)))))
    if _share_files(moments):
        remarks.append("several subjects are in one video: a video is a group, not a subject")
        moments = [replace(moment, group="") for moment in moments]
    classes = tuple(class_names or sorted({name for each in moments for name in each.class_names}))
    label_of = {name: label for label, name in enumerate(classes)}
    return Listing(classes, tuple(_listed(each, label_of, name) for each in moments), tuple(remarks))


def _merged(found: Iterable[LabeledMoment | Omission], omitted: Counter[Omission]) -> list[LabeledMoment]:
    """The moments, one for each part of a file in a split, with all its classes."""
    merged: dict[tuple[str, TimeRange, Split], LabeledMoment] = {}
    for each in found:
        if isinstance(each, Omission):
            omitted[each] += 1
            continue
        key = (each.file, each.part, each.split)
        before = merged.setdefault(key, each)
        if before is not each:
            names = tuple(dict.fromkeys((*before.class_names, *each.class_names)))
            merged[key] = replace(before, class_names=names, group=before.group or each.group)
    return list(merged.values())


def _share_files(moments: Iterable[LabeledMoment]) -> bool:
    """Whether a video shows several groups, so that these cannot be told apart by splits."""
    groups: dict[str, str] = {}
    return any(groups.setdefault(each.file, each.group) != each.group for each in moments)


def _listed(moment: LabeledMoment, label_of: dict[str, int], source: str) -> ListedVideo:
    if stranger := next((name for name in moment.class_names if name not in label_of), None):
        raise InvalidInput(f"{source}: the list of classes has no class {stranger!r}")
    label, *more = sorted({label_of[name] for name in moment.class_names})
    return ListedVideo(moment.file, label, moment.split, moment.group, moment.part, tuple(more))


def time_in(value: object, where: str) -> float:
    """Seconds from a number or text such as `12.5` or `00:01:02.50`; `where` is the place, for messages.

    Raises:
        InvalidInput: it is not a time.
    """
    try:
        return float(value) if isinstance(value, int | float) else float(str(value))
    except (ValueError, OverflowError):
        seconds = seconds_of(str(value).strip())
    if seconds is None:
        raise InvalidInput(f"{where}: {str(value)[:40]!r} is not a time in seconds")
    return seconds


def chosen_layer(layers: Sequence[str], asked: str | None, path: Path, kind: str) -> str:
    """The one of an annotation file's layers that holds the labels; `kind` is what the tool calls it, such as `tier`.

    Raises:
        LayerAbsent: the layer that is asked for is absent, or there is none.
        InvalidInput: none is asked for, and there are several.
    """
    if asked is None and len(layers) == 1:
        return layers[0]
    named = ", ".join(repr(layer) for layer in layers)
    if not layers:
        raise LayerAbsent(f"{path} has no {kind} with labeled moments")
    if asked is None:
        raise InvalidInput(f"{path} has several {kind}s: name one as in '{path}:{layers[0]}' ({named})")
    if asked not in layers:
        raise LayerAbsent(f"{path} has no {kind} {asked!r} with labeled moments; it has {named}")
    return asked
