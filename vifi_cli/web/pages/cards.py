"""Cards: a moment on a page, as addresses and words ready to be written."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from urllib.parse import urlencode

from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.catalog.video_filter import VideoFilter
from vifi_cli.index.concepts.concept import Concept, Mark
from vifi_cli.index.concepts.marked import found_marks
from vifi_cli.index.search.threshold import is_relevant
from vifi_cli.index.search.video_index import SearchHit, StepMoment
from vifi_cli.web.pages.templating import shown
from vifi_cli.web.requests.address import MomentAddress, key_of
from vifi_cli.web.requests.question import Question
from vifi_cli.wording import clock, score_text


@dataclass(frozen=True, slots=True)
class CardStep:
    """A step of a moment that was found by an ordered query."""

    words: str
    time: str  # where in the video it is
    span: str  # its start and end, as a query
    play: str  # the page that plays it


@dataclass(frozen=True, slots=True)
class Card:
    """A moment on a page; the last three are addresses, and what is shown of it is under `media`."""

    name: str
    folder: str  # from the indexed folder on: `holiday/day 2`
    path: str
    typed_path: str  # to be typed or pasted elsewhere; empty if it holds what cannot be
    time: str  # where in the video the moment is, or the length of a video
    begins: str  # where it begins, as players and `vifi` read it
    seconds: int  # how long it is, rounded up
    score: str  # relevance, or cosine where hits are not rated; empty if it was not searched for
    is_relevant: bool
    is_unsure: bool  # nothing is relevant, and this comes near
    is_example: bool  # listed because it is marked for the concept asked for, after what was found
    mark: str  # "right" or "wrong" as it is marked for the concept that is taught; empty if it is not
    moment: str  # its name for this server
    span: str  # its start and end, as a query
    play: str  # the page that plays it
    like: str  # the search for similar moments
    media: str  # of the video
    steps: tuple[CardStep, ...] = ()  # of a hit of an ordered query

    @property
    def still(self) -> str:
        """The address of the frame in its middle, or in that of its first step: between steps may be anything."""
        return f"{self.media}/still?{self.steps[0].span if self.steps else self.span}"

    @property
    def preview(self) -> str:
        """The address of a moving picture."""
        return f"{self.media}/preview?{self.span}"


class Cards:
    """Makes the cards of moments; the searches for similar ones keep the filters of a question."""

    def __init__(
        self, catalog: Catalog, question: Question | None = None, concept: Concept | None = None
    ) -> None:
        """`concept` is the one for which moments are marked."""
        self._catalog, self._question, self._concept = catalog, question or Question(), concept
        self._roots = sorted(catalog.roots())

    def of_hits(self, hits: Iterable[SearchHit]) -> list[Card]:
        """The cards of hits, except those whose video has just left the index."""
        hits = list(hits)
        videos = self._catalog.videos_at(hit.path for hit in hits)
        return [
            replace(
                self.of_moment(videos[hit.path], hit.start_seconds, hit.end_seconds),
                score=score_text(hit.number_shown),
                is_relevant=is_relevant(hit) or hit.marked is not None,
                is_unsure=hit.unsure,
                is_example=hit.marked is not None,
                steps=tuple(_step(videos[hit.path], step) for step in hit.steps),
            )
            for hit in hits
            if hit.path in videos
        ]

    def of_wrong(self, marks: Iterable[Mark], among: VideoFilter, most: int) -> list[Card]:
        """The cards of moments marked wrong in these videos, the last one first: there its mark can be taken back."""
        in_question = set(self._catalog.video_ids_among(among))
        wrong = found_marks(self._catalog, (mark for mark in marks if not mark.is_right))
        found = [one for one in reversed(wrong) if one.video.id in in_question][:most]
        return [
            replace(self.of_moment(one.video, one.mark.start_seconds, one.mark.end_seconds), is_example=True)
            for one in found
        ]

    def of_videos(self, videos: Iterable[CatalogedVideo]) -> list[Card]:
        """The cards of videos from their beginning to their end."""
        return [
            replace(self.of_moment(video, 0.0, video.duration_seconds), time=clock(video.duration_seconds))
            for video in videos
        ]

    def of_moment(self, video: CatalogedVideo, start_seconds: float, end_seconds: float) -> Card:
        """The card of a moment that was not searched for."""
        key = key_of(video)
        span = _span(start_seconds, end_seconds)
        like = MomentAddress(key, start_seconds, end_seconds)
        return Card(
            name=shown(video.path.name),
            folder=self._folder_of(video.path),
            path=shown(str(video.path)),
            typed_path=str(video.path) if shown(str(video.path)) == str(video.path) else "",
            time=_time(start_seconds, end_seconds),
            begins=_typed_time(start_seconds),
            seconds=ceil(end_seconds - start_seconds),
            score="",
            is_relevant=True,
            is_unsure=False,
            is_example=False,
            mark=self._mark_of(video, start_seconds, end_seconds),
            moment=str(like),
            span=span,
            play=f"/play/{key}?{span}",
            like=self._question.address(words="", like=like, top=Question().top),
            media=f"/video/{key}",
        )

    def _mark_of(self, video: CatalogedVideo, start_seconds: float, end_seconds: float) -> str:
        mark = self._concept.mark_of(video, start_seconds, end_seconds) if self._concept else None
        return "" if mark is None else "right" if mark.is_right else "wrong"

    def _folder_of(self, path: Path) -> str:
        root = next((root for root in self._roots if root in path.parents), path.parent)
        return shown(str(path.parent.relative_to(root.parent)))


def _step(video: CatalogedVideo, step: StepMoment) -> CardStep:
    span = _span(step.start_seconds, step.end_seconds)
    time = _time(step.start_seconds, step.end_seconds)
    return CardStep(shown(step.query), time, span, f"/play/{key_of(video)}?{span}")


def _span(start_seconds: float, end_seconds: float) -> str:
    return urlencode({"start": f"{start_seconds:.3f}", "end": f"{end_seconds:.3f}"})


def _time(start_seconds: float, end_seconds: float) -> str:
    return f"{clock(start_seconds)} – {clock(end_seconds)}"


def _typed_time(seconds: float) -> str:
    """A time with tenths where it is not a full second: `0:05`, `1:02:03.5`."""
    tenths = round(seconds * 10)
    return f"{clock(tenths // 10)}.{tenths % 10}" if tenths % 10 else clock(tenths // 10)
