"""Reads annotation files of ELAN (`.eaf`), as the Max Planck Institute's schemas EAFv2.1.xsd to EAFv3.0.xsd have them.

A tier is the layer that holds the labels. Its annotations have times of their own, or, in a tier of symbolic
associations, those of the annotations that they refer to.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from vifi_cli.data.formats.annotation_files.media import MediaFinder
from vifi_cli.data.formats.annotation_files.moments import (
    LabeledMoment,
    Omission,
    chosen_layer,
    moment_between,
    time_in,
)
from vifi_cli.data.formats.annotation_files.structured_file import elements
from vifi_cli.errors import InvalidInput
from vifi_cli.video.files.recognition import may_be_video

PARTS = frozenset({"HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE"})
MILLISECOND = 0.001
OTHER_VIDEO = Omission("further video of a session", "further videos of sessions")
UNALIGNED = Omission("annotation without times", "annotations without times")
Interval = tuple[float, float]  # seconds


@dataclass(frozen=True, slots=True)
class _Annotation:
    identifier: str
    value: str
    interval: Interval | None  # None if it has no times of its own
    refers_to: str  # the annotation above it; empty without one


@dataclass(frozen=True, slots=True)
class _Tier:
    name: str
    kind: str  # the name of its linguistic type
    participant: str
    annotations: tuple[_Annotation, ...]


@dataclass(slots=True)
class _Document:
    media: list[dict[str, str]] = field(default_factory=list)
    slot_seconds: dict[str, float] = field(default_factory=dict)  # without slots that have no time
    tiers: list[_Tier] = field(default_factory=list)
    constraints: dict[str, str] = field(default_factory=dict)  # by linguistic type
    _by_identifier: dict[str, _Annotation] = field(default_factory=dict)

    def interval(self, annotation: _Annotation, tier: _Tier) -> Interval | None:
        """The times of an annotation, or of the one that it is associated with."""
        return annotation.interval or self._associated(annotation, tier)

    def _associated(self, annotation: _Annotation, tier: _Tier) -> Interval | None:
        # several share the time, in an unknown way
        if self.constraints.get(tier.kind) == "Symbolic_Subdivision":
            return None
        seen: set[str] = set()
        above = annotation.refers_to
        while above in self._by_identifier and above not in seen:
            seen.add(above)
            found = self._by_identifier[above]
            if found.interval:
                return found.interval
            above = found.refers_to
        return None

    def add_tier(self, tier: _Tier) -> None:
        self.tiers.append(tier)
        self._by_identifier.update({each.identifier: each for each in tier.annotations})


def elan_moments(path: Path, layer: str | None, finder: MediaFinder) -> Iterator[LabeledMoment | Omission]:
    """The annotations of a tier, or of all tiers of a type; the participant of a tier is the group.

    Raises:
        InvalidInput: several tiers could be meant, the file names no video, or it is not as ELAN writes it.
    """
    document = _read(path)
    videos = _videos(document, path)
    file, origin_seconds = _first_on_disk(videos, path, finder)
    yield from [OTHER_VIDEO] * (len(videos) - 1)
    for tier in _chosen_tiers(document, layer, path):
        for annotation in tier.annotations:
            interval = document.interval(annotation, tier)
            if interval is None:
                yield UNALIGNED
            else:
                start, end = (seconds + origin_seconds for seconds in interval)
                yield moment_between(file, [annotation.value], start, end, tier.participant)


def _chosen_tiers(document: _Document, layer: str | None, path: Path) -> list[_Tier]:
    def has_moments(tier: _Tier) -> bool:
        return any(each.value.strip() and document.interval(each, tier) for each in tier.annotations)

    tiers = [tier for tier in document.tiers if has_moments(tier)]
    names = [tier.name for tier in tiers]
    of_kind = [tier for tier in tiers if tier.kind == layer]
    if of_kind and layer not in names:
        return of_kind
    name = chosen_layer(names, layer, path, "tier")
    return [tier for tier in tiers if tier.name == name]


def _read(path: Path) -> _Document:
    document = _Document()
    for part in elements(path, PARTS):
        match part.tag:
            case "HEADER":
                _check_unit(part, path)
                document.media = [dict(media.attrib) for media in part.iterfind("MEDIA_DESCRIPTOR")]
            case "TIME_ORDER":
                document.slot_seconds = {
                    slot.get("TIME_SLOT_ID", ""): time_in(value, f"{path}, a time slot") * MILLISECOND
                    for slot in part
                    if (value := slot.get("TIME_VALUE")) is not None
                }
            case "TIER":
                annotations = (_annotation(each, document) for each in part.iterfind("ANNOTATION/*"))
                kind, participant = part.get("LINGUISTIC_TYPE_REF", ""), part.get("PARTICIPANT", "").strip()
                document.add_tier(_Tier(part.get("TIER_ID", ""), kind, participant, tuple(annotations)))
            case _:
                kind = part.get("LINGUISTIC_TYPE_ID", "")
                document.constraints[kind] = part.get("CONSTRAINTS", "")
    return document


def _check_unit(header: Element, path: Path) -> None:
    unit = header.get("TIME_UNITS", "milliseconds")
    if unit != "milliseconds":
        raise InvalidInput(f"{path} counts times in {unit!r}: save it with a present version of ELAN")


def _annotation(element: Element, document: _Document) -> _Annotation:
    slots = (element.get(f"TIME_SLOT_REF{number}", "") for number in (1, 2))
    start, end = (document.slot_seconds.get(slot) for slot in slots)
    return _Annotation(
        element.get("ANNOTATION_ID", ""),
        element.findtext("ANNOTATION_VALUE") or "",
        None if start is None or end is None else (start, end),
        element.get("ANNOTATION_REF", ""),
    )


def _videos(document: _Document, path: Path) -> list[dict[str, str]]:
    videos = [media for media in document.media if any(_is_video(each, media) for each in _references(media))]
    if not videos:
        raise InvalidInput(f"{path} names no video: link it with Edit > Linked Files in ELAN")
    return videos


def _references(media: dict[str, str]) -> list[str]:
    return [media[name] for name in ("RELATIVE_MEDIA_URL", "MEDIA_URL") if media.get(name)]


def _first_on_disk(videos: list[dict[str, str]], path: Path, finder: MediaFinder) -> tuple[str, float]:
    """The first video that is on disk, else the first, and where in it the time of the annotations begins."""
    spelled = [(reference, media) for media in videos for reference in _references(media)]
    reference, media = next((each for each in spelled if finder.find(each[0])), spelled[0])
    return reference, time_in(media.get("TIME_ORIGIN", "0"), f"{path}, TIME_ORIGIN") * MILLISECOND


def _is_video(reference: str, media: dict[str, str]) -> bool:
    return media.get("MIME_TYPE", "").startswith("video/") or may_be_video(Path(reference))
