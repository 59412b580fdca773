"""Marked moments as labeled videos: to export them, to train on them, and to hold some out.

A right mark gives its moment the class of its concept. A wrong mark says only what a moment does not show. So a moment
is of the class `something else` if it is wrong for every concept in question. If it is wrong for some and unmarked
for the others, nobody knows its class: it is left out of training, and still counts where its concept is tested.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vifi_cli.api.search.session import SearchSession
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, shows_several_classes
from vifi_cli.data.splits.plan import write_splits
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.concepts.concept import SAME_SHARE, Concept, shared_time
from vifi_cli.index.concepts.marked import FoundMark, found_marks
from vifi_cli.video.moment import TimeRange
from vifi_cli.wording import counted

SOMETHING_ELSE = "something else"
"""The class of moments that are wrong for every concept."""


@dataclass(frozen=True, slots=True)
class MarkedMoment:
    """A moment of an indexed video, and what its marks say of each concept, by its place among the concepts."""

    path: Path  # where the video is now
    part: TimeRange
    group: str  # the video; copies of it are one group
    fingerprint: str  # of the video's content, as in `Mark`
    right: frozenset[int] = frozenset()
    wrong: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class MarkedMoments:
    """The marked moments of some concepts, each once."""

    concepts: tuple[Concept, ...]
    moments: tuple[MarkedMoment, ...]
    absent_marks: int = 0  # marks of videos that are not in the index

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class of each concept in words: its description, or its name where two descriptions are alike."""
        described = [concept.description.strip() or _spoken(concept.name) for concept in self.concepts]
        times = Counter(map(str.casefold, described))
        return tuple(
            text if times[text.casefold()] == 1 else _spoken(concept.name)
            for text, concept in zip(described, self.concepts, strict=True)
        )

    def count(self, concept: int, *, right: bool, without: Collection[str] = ()) -> int:
        """How many moments are marked right, or wrong, for a concept, outside some groups."""
        return sum(
            concept in (each.right if right else each.wrong) and each.group not in without
            for each in self.moments
        )


def marked_moments(catalog: Catalog, concepts: Sequence[Concept]) -> MarkedMoments:
    """Collects the marked moments of concepts whose videos are in the index, wherever they are now."""
    groups: dict[str, str] = {}  # the first video of each content
    moments: dict[str, list[MarkedMoment]] = defaultdict(list)
    absent = 0
    with catalog.snapshot():
        for place, concept in enumerate(concepts):
            found = found_marks(catalog, concept.marks)
            absent += len(concept.marks) - len(found)
            for one in found:
                path = str(one.video.path)
                group = groups.setdefault(one.video.fingerprint or path, path)
                _add(moments[group], _moment_of(one, group, place))
    return MarkedMoments(
        tuple(concepts), tuple(each for of_video in moments.values() for each in of_video), absent
    )


def labeled_marks(marked: MarkedMoments, name: str, *, held_out: Collection[str] = ()) -> LabeledVideos:
    """The marked moments as labeled videos, a class for each concept; those of `held_out` groups are the test."""
    names = [*marked.class_names, SOMETHING_ELSE]
    labeled = [
        LabeledVideo(moment.path, classes[0], moment.group, moment.part, classes[1:])
        for moment in marked.moments
        if (classes := _classes_of(moment, len(marked.concepts)))
    ]
    has_contrast = any(video.label == len(marked.concepts) for video in labeled)
    return LabeledVideos(
        name,
        tuple(names if has_contrast else names[:-1]),
        train=tuple(video for video in labeled if video.group not in held_out),
        test=tuple(video for video in labeled if video.group in held_out),
    )


def export_marks(session: SearchSession, names: Sequence[str], path: Path) -> LabeledVideos:
    """Writes the marked moments of concepts as a table of labeled videos, CSV or JSONL by the suffix of its path.

    Its columns are path, label, split, group, start and end, as `finetune` reads them. The group is the video.

    Raises:
        InvalidInput: a concept does not exist, no moment has a class, or a moment has several and the table is CSV.
        OSError: the table cannot be written.
    """
    marked = marked_moments(session.index.catalog, concepts_named(session, names))
    videos = labeled_marks(marked, str(path))
    if not videos.train and marked.absent_marks and not marked.moments:
        raise InvalidInput(
            f"{counted(marked.absent_marks, 'mark')} of {_listed(marked.concepts)}: their videos are not in the index, "
            "so index them"
        )
    if not videos.train:
        raise InvalidInput(
            f"none of the marks of {_listed(marked.concepts)} gives a moment a class: mark more with `vifi teach`"
        )
    if path.suffix.lower() == ".csv" and shows_several_classes(videos.train):
        raise InvalidInput(f"{path}: some moments show several concepts: write a .jsonl table")
    write_splits(videos, path)
    return replace(videos, remarks=tuple(remarks_on(marked, videos)))


def concepts_named(session: SearchSession, names: Iterable[str]) -> tuple[Concept, ...]:
    """The concepts of these names, with or without `@`, each once; raises InvalidInput if one does not exist."""
    bare = dict.fromkeys(name.strip().removeprefix("@") for name in names)
    found = {concept.name: concept for concept in map(session.concepts.get, filter(None, bare))}
    if not found:
        raise InvalidInput("no concept is named: `vifi concepts` lists yours")
    return tuple(found.values())


def require_contrast(marked: MarkedMoments, videos: LabeledVideos) -> None:
    """Checks that a model can be trained: two classes at least, each with a moment.

    Raises:
        InvalidInput: a concept has no right mark, or a single one nothing to be told apart from.
    """
    if empty := [
        concept for place, concept in enumerate(marked.concepts) if not marked.count(place, right=True)
    ]:
        raise InvalidInput(
            f"@{empty[0].name} has no moment marked right: mark some with `vifi teach {empty[0].name}`"
        )
    if len(videos.class_names) < 2:
        name = marked.concepts[0].name
        raise InvalidInput(
            f"@{name} has no moment marked wrong, so nothing to be told apart from: mark some with "
            f"`vifi teach {name}`, or name other concepts too"
        )


def _classes_of(moment: MarkedMoment, concepts: int) -> tuple[int, ...]:
    if moment.right:
        return tuple(sorted(moment.right))
    return (concepts,) if len(moment.wrong) == concepts else ()


def remarks_on(marked: MarkedMoments, videos: LabeledVideos) -> Iterator[str]:
    """Which marks gave no labeled video, in sentences."""
    if marked.absent_marks:
        yield f"{counted(marked.absent_marks, 'mark')} left out: their videos are not in the index"
    if unknown := len(marked.moments) - len(videos.train) - len(videos.test):
        yield (
            f"{counted(unknown, 'moment')} left out: wrong for some of the concepts and not marked for the others"
        )


def _listed(concepts: Iterable[Concept]) -> str:
    return ", ".join(f"@{concept.name}" for concept in concepts)


def _spoken(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


def _moment_of(found: FoundMark, group: str, place: int) -> MarkedMoment:
    mark, marked, unmarked = found.mark, frozenset([place]), frozenset[int]()
    right, wrong = (marked, unmarked) if mark.is_right else (unmarked, marked)
    return MarkedMoment(
        found.video.path,
        TimeRange(mark.start_seconds, mark.end_seconds),
        group,
        found.video.fingerprint,
        right,
        wrong,
    )


def _add(moments: list[MarkedMoment], new: MarkedMoment) -> None:
    """Adds a moment to those of its video, or joins it with the one that it repeats without contradicting it."""
    for place, known in enumerate(moments):
        contradicts = known.right & new.wrong or known.wrong & new.right
        if not contradicts and _shared(known.part, new.part) >= SAME_SHARE:
            moments[place] = replace(known, right=known.right | new.right, wrong=known.wrong | new.wrong)
            return
    moments.append(new)


def _shared(one: TimeRange, other: TimeRange) -> float:
    return shared_time(one.start_seconds, one.end_seconds, other.start_seconds, other.end_seconds)
