"""Finds every occurrence of labels in indexed videos, from what the index holds; no video is opened."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.api.library.encoders import INDEX_ENCODER, EncoderChoice
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.timeline.labels import Label
from vifi_cli.api.timeline.timeline import Occurrence, VideoTimeline
from vifi_cli.errors import IndexChanged
from vifi_cli.index.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.concepts.marked import FoundMark, found_marks
from vifi_cli.index.relevance.curve import WORTH_SHOWING
from vifi_cli.index.search.occurrences import (
    CONCEPT_LEVEL,
    OCCURRENCE_LEVEL,
    USUAL_RULES,
    FoundOccurrence,
    OccurrenceFinder,
    OccurrenceRules,
    QueryRange,
    VideoParts,
)
from vifi_cli.index.search.query import ConceptName, Query
from vifi_cli.index.search.threshold import reaches
from vifi_cli.index.search.video_index import TIME_DIGITS
from vifi_cli.index.vectors import MEAN_OF_WINDOWS, Vectors

MOST_TEACHING = 0.75
"""The largest share of an index that may be left out as what taught a concept, so that a best moment remains."""

CURVE_COSINES = np.linspace(-1.0, 1.0, 20_001, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class TimelineOptions:
    """What counts as an occurrence."""

    min_score: float = WORTH_SHOWING  # minimum relevance of its best window, as for hits of a search
    rules: OccurrenceRules = USUAL_RULES


USUAL_OPTIONS = TimelineOptions()


@dataclass(frozen=True)
class AskedLabel:
    """A label as the index sees it."""

    embedding: Float32Array  # (D,), of length 1
    range: QueryRange
    relevance: Float64Array | None = field(repr=False)  # of `CURVE_COSINES`; None where it is not rated

    def relevance_of(self, cosine: float) -> float | None:
        """The relevance of a window."""
        return None if self.relevance is None else float(np.interp(cosine, CURVE_COSINES, self.relevance))

    def least_cosine(self, min_score: float) -> float:
        """The lowest cosine whose relevance is shown as at least this; where it is not rated, any will do."""
        curve = self.relevance
        if curve is None:
            return -np.inf
        place = bisect_left(range(len(curve)), True, key=lambda at: reaches(float(curve[at]), min_score))
        return float(CURVE_COSINES[place]) if place < len(curve) else np.inf


@dataclass(frozen=True)
class TimelineSearch:
    """Labels put to an index."""

    session: SearchSession
    labels: Sequence[Label]
    options: TimelineOptions = USUAL_OPTIONS
    choice: EncoderChoice = INDEX_ENCODER

    @cached_property
    def asked(self) -> list[AskedLabel]:
        """What the index knows about each label."""
        vectors = self.session.index.vectors
        sample = vectors.spread_sample(MEAN_OF_WINDOWS)
        return [self._asked(label, vectors, sample) for label in self.labels]

    @cached_property
    def finder(self) -> OccurrenceFinder:
        """What finds the occurrences in one video after the other."""
        least = [each.least_cosine(self.options.min_score) for each in self.asked]
        return OccurrenceFinder([each.range for each in self.asked], least, self.options.rules)

    @cached_property
    def model(self) -> str:
        """The name of the model that reads the words of labels."""
        return self.session.reader(self.choice)

    def in_video(self, video: CatalogedVideo) -> VideoTimeline:
        """The timeline of a video."""
        catalog, vectors = self.session.index.catalog, self.session.index.vectors
        windows = catalog.windows(catalog.window_ids_near(video.id, -np.inf, np.inf))
        ids = np.array([window[0] for window in windows], np.int64)
        starts, ends = (np.array([window[place] for window in windows]) for place in (2, 3))
        cosines = np.stack([vectors.cosines(each.embedding, ids) for each in self.asked])
        parts = VideoParts.of(starts, ends, cosines)
        found = self.finder.find(parts, self._denied(video, parts))
        names = tuple(label.name for label in self.labels)
        occurrences = tuple(self._occurrence(one, video) for one in found)
        return VideoTimeline(
            video.path, video.duration_seconds, names, occurrences, self.model, self.session.folder
        )

    def _occurrence(self, one: FoundOccurrence, video: CatalogedVideo) -> Occurrence:
        return Occurrence(
            self.labels[one.query].name,
            round(one.start_seconds, TIME_DIGITS),
            round(min(one.end_seconds, max(video.duration_seconds, one.start_seconds)), TIME_DIGITS),
            self.asked[one.query].relevance_of(one.peak),
            one.peak,
        )

    def _asked(self, label: Label, vectors: Vectors, sample: Float32Array) -> AskedLabel:
        query, choice = label.query, self.choice
        embedding, rate = self.session.embed(query, choice), self.session.rater(query, choice)
        curve = None if rate is None else rate(vectors, embedding, CURVE_COSINES)
        _, best = vectors.search(embedding, 1, without=self._teaching_windows(query, len(vectors)))
        share = CONCEPT_LEVEL if query.sole_concept else OCCURRENCE_LEVEL
        return AskedLabel(embedding, QueryRange.of(sample @ embedding, float(best[0]), share), curve)

    def _teaching_windows(self, query: Query, all_windows: int) -> Int64Array | None:
        """Those that taught the concepts of a query, which match it better than anything new can.

        In the videos with right marks, unmarked moments show the same individuals and places, so all their windows are
        among them. Where nearly all videos have marks, it is the marked moments alone. None if nothing was taught.
        """
        catalog = self.session.index.catalog
        found = [one for one in self._marks(query) if one.mark.is_right]
        of_videos = catalog.window_ids_of(sorted({one.video.id for one in found}))
        if len(of_videos) <= MOST_TEACHING * all_windows:
            return of_videos
        near = [
            catalog.window_ids_near(one.video.id, one.mark.start_seconds, one.mark.end_seconds)
            for one in found
        ]
        of_marks = np.unique(np.concatenate(near))
        return of_marks if len(of_marks) <= MOST_TEACHING * all_windows else None

    def _denied(self, video: CatalogedVideo, parts: VideoParts) -> BoolArray:
        """The parts of a video (Q, P) that are marked as not showing the concept that is the label."""
        denied = np.zeros(parts.means.shape, bool)
        for query, marks in enumerate(self._wrong_marks):
            for one in marks:
                if one.video.id == video.id:
                    denied[query] |= parts.within(one.mark.start_seconds, one.mark.end_seconds)
        return denied

    @cached_property
    def _wrong_marks(self) -> list[list[FoundMark]]:
        """Of each label that is a concept alone, the moments that are marked wrong."""
        return [
            [one for one in self._marks(label.query) if not one.mark.is_right]
            if label.query.sole_concept
            else []
            for label in self.labels
        ]

    def _marks(self, query: Query) -> list[FoundMark]:
        """The marks of the concepts in a query, as far as their videos are in the index."""
        named = [term.meaning.name for term in query.terms if isinstance(term.meaning, ConceptName)]
        marks = [mark for name in named for mark in self.session.concepts.get(name).marks]
        return found_marks(self.session.index.catalog, marks)


def find_timelines(
    search: TimelineSearch,
    choose: Callable[[Catalog], list[CatalogedVideo]],
    feedback: Feedback = AUTOMATIC,
    check: Callable[[Sequence[Path]], None] = lambda _: None,
) -> list[VideoTimeline]:
    """The timelines of the indexed videos that `choose` names; `check` sees their paths first, and may raise.

    Raises:
        InvalidInput: a label makes no sense in this index.
        EncoderMismatch: the index's own encoder has changed since.
    """
    session = search.session

    def find() -> list[VideoTimeline]:
        index, fresh = session.index, replace(search)  # which has looked at no state of the index yet
        videos = choose(index.catalog)
        check([video.path for video in videos])
        vectors = index.vectors
        with index.catalog.snapshot():
            if index.catalog.revision != vectors.revision:
                raise IndexChanged("the index changed while it was read: run the command again")
            with feedback.task("Finding occurrences", max(len(videos), 1)) as task:
                found = []
                for number, video in enumerate(videos):
                    task(number, at=f"{number + 1:,}/{len(videos):,}")
                    found.append(fresh.in_video(video))
                return found

    return session.ask(find)
