"""An index, open to be searched by programs."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, Self, TypedDict, Unpack

from vifi_cli import paths
from vifi_cli.api.cut.moments import as_moment
from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.api.library.encoders import EncoderChoice, OwnEncoder
from vifi_cli.api.search.hits.hit_list import SearchHits
from vifi_cli.api.search.query_language import seen_part, words
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.search.times import nanoseconds_of
from vifi_cli.api.teaching.beginning import teach
from vifi_cli.api.teaching.candidates import candidates
from vifi_cli.api.teaching.exchange import Exported, Imported, export_concepts, import_concepts
from vifi_cli.api.teaching.report import TeachingReport, teaching_report
from vifi_cli.api.timeline.finding import TimelineOptions, TimelineSearch, find_timelines
from vifi_cli.api.timeline.labels import labels_for
from vifi_cli.api.timeline.timeline import VideoTimeline
from vifi_cli.errors import InvalidInput
from vifi_cli.index.arrays import Float16Array, Float32Array, Float64Array
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.catalog.video_filter import VideoFilter
from vifi_cli.index.concepts.concept import Concept
from vifi_cli.index.encoder import Encoder
from vifi_cli.index.relevance.curve import WORTH_SHOWING
from vifi_cli.index.search.occurrences import USUAL_RULES, OccurrenceRules
from vifi_cli.index.search.query import AnyQuery, Query
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.threshold import shown_among
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.video.moment import Moment
from vifi_cli.wording import counted


class Choices(TypedDict, total=False):
    """Which hits you want, and from which videos; all are optional."""

    top: int  # maximum number of hits, 0 for all; 10 by default
    by: Literal["moment", "video"]  # what a hit is; a moment by default
    per_video: int  # maximum number of moments per video, 0 for all; 3 by default
    min_score: float  # minimum relevance (0.3 by default), or cosine where hits are not rated
    unsure: bool  # if no hit is likely, add up to 3 below `min_score`, which are marked `unsure`
    dedupe: bool  # keep only the best of hits that look nearly the same
    path: str | Path  # a glob that the video's path must match, or a folder above it
    newer: datetime  # only files changed at this time or later
    older: datetime  # only files changed before this time
    min_seconds: float  # minimum length of the video
    max_seconds: float


class OpenIndex:
    """An index to search, with the encoders that queries need; `open_index` returns one. Use as a context manager."""

    def __init__(self, session: SearchSession, choice: EncoderChoice) -> None:
        self._session, self._choice = session, choice

    def __repr__(self) -> str:
        catalog = self._catalog
        videos, windows = catalog.totals().videos, len(catalog.window_ids())
        held = f"{counted(videos, 'video')}, {counted(windows, 'window')}"
        return f"<OpenIndex {catalog.path.parent}: {held}, encoded by {catalog.indexed_with.model}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the files of the index."""
        self._session.close()

    @property
    def videos(self) -> list[CatalogedVideo]:
        """The indexed videos."""
        return self._catalog.videos()

    @property
    def _catalog(self) -> Catalog:
        """The catalog as it is now."""
        self._session.refresh()
        return self._session.index.catalog

    def search(self, query: str | AnyQuery, **choices: Unpack[Choices]) -> SearchHits:
        """Finds the moments, or the videos, that match a query best: the relevant ones, best first.

        A query is words, a sum of `words` and `example`s, or several such steps: `a.then(b)`. A string is always words.

        Raises:
            InvalidInput: the query makes no sense, or an example cannot be read.
            EncoderMismatch: the index's own encoder has changed since.
        """
        asked = words(query) if isinstance(query, str) else query
        found = self._session.find(asked, _options(choices), self._choice)
        return _shown(found, choices)

    def similar(
        self,
        shown: Path | str,
        start_seconds: float | None = None,
        end_seconds: float | None = None,
        **choices: Unpack[Choices],
    ) -> SearchHits:
        """Finds moments that look like a picture, a video or a part of one, without this one itself.

        Raises:
            InvalidInput: the example cannot be read.
            EncoderMismatch: the index's own encoder has changed since.
        """
        self._session.refresh()
        seen = self._session.see(seen_part(shown, start_seconds, end_seconds), self._choice.device)
        found = self._session.find_like(seen, _options(choices))
        return _shown(found, choices)

    def timeline(
        self,
        path: Path | str,
        labels: Sequence[str | Query] | Mapping[str, str | Query],
        *,
        min_score: float = WORTH_SHOWING,
        gap_seconds: float = USUAL_RULES.gap_seconds,
        least_seconds: float = USUAL_RULES.least_seconds,
        exclusive: bool = False,
    ) -> VideoTimeline:
        """Finds every occurrence of labels in an indexed video, as `vifi timeline` does.

        Args:
            path: of the video; the file may be away.
            labels: words or queries, perhaps with names: `{"walk": "a person walking", "wave": concept("waving")}`.
            min_score: minimum relevance of the best moment of an occurrence.
            gap_seconds: occurrences with at most this between them are one.
            least_seconds: shorter ones are omitted.
            exclusive: whether at any time only the label that stands out most counts.

        Raises:
            InvalidInput: the video is not indexed, or a label makes no sense.
            EncoderMismatch: the index's own encoder has changed since.
        """
        rules = OccurrenceRules(gap_seconds, least_seconds, exclusive)
        asked = TimelineSearch(
            self._session, labels_for(labels), TimelineOptions(min_score, rules), self._choice
        )
        wanted = paths.given_path(Path(path))
        found = find_timelines(asked, lambda catalog: [_indexed(catalog, wanted)])
        return found[0]

    def teach(
        self,
        name: str,
        description: str | None = None,
        *,
        right: Iterable[SearchHit | Moment] = (),
        wrong: Iterable[SearchHit | Moment] = (),
    ) -> TeachingReport:
        """Marks moments that show a concept, and some that do not, and returns what that has taught.

        `description` says in words what it looks like; it is needed the first time. All marks are stored, or none.
        `concept(name)` then searches with it.

        Raises:
            InvalidInput: there is no such concept and no description, or a moment is not in the index.
        """
        rights, wrongs = ([*map(as_moment, moments)] for moments in (right, wrong))
        self._session.refresh()
        taught = teach(self._session, name, description, right=rights, wrong=wrongs)
        return teaching_report(taught.concept)

    def candidates(self, name: str, top: int = 10) -> SearchHits:
        """The moments to mark next for a concept: see `teach`; raises InvalidInput if there is no such concept."""
        return SearchHits(candidates(self._session, name.removeprefix("@"), top))

    @property
    def concepts(self) -> list[Concept]:
        """The concepts that were taught, with their marks, in alphabetical order."""
        return self._session.concepts.all()

    def rename_concept(self, name: str, new_name: str) -> None:
        """Gives a concept another name; raises InvalidInput if that is taken, or there is no such concept."""
        self._session.concepts.rename(name.removeprefix("@"), new_name.removeprefix("@"))

    def delete_concept(self, name: str) -> None:
        """Deletes a concept with its marks; raises InvalidInput if there is no such concept."""
        self._session.concepts.delete(name.removeprefix("@"))

    def export_concepts(self, names: Sequence[str], file: Path | str) -> Exported:
        """Writes the marked moments of concepts as labeled data (.csv, .jsonl), or the concepts themselves (.json).

        Raises:
            InvalidInput: a concept does not exist or has nothing to write, or the suffix is another one.
        """
        self._session.refresh()
        return export_concepts(self._session, names, file)

    def import_concepts(
        self, file: Path | str, *, name: str | None = None, replace: bool = False
    ) -> list[Imported]:
        """Stores the concepts of a .json that `export_concepts` has written; all of them, or none.

        `name` gives the only concept in the file another name. `replace` puts them in place of those of the same names.

        Raises:
            InvalidInput: the file is damaged, or a name is taken.
        """
        self._session.refresh()
        return import_concepts(self._session, file, name=name, replace_existing=replace)

    def embed(self, query: str | AnyQuery) -> Float32Array:
        """The embedding of a query: float32 (D,), of length 1; arguments and errors are those of `search`."""
        asked = words(query) if isinstance(query, str) else query
        self._session.refresh()
        return self._session.embed(asked, self._choice)

    def frames(self, path: Path | str) -> tuple[Float64Array, Float16Array]:
        """The times, float64 (T,), and un-normalized embeddings, float16 (T, D), of an indexed video's frames.

        Of an encoder of clips, when each of its clips begins, and their embeddings.

        Raises:
            InvalidInput: the video is not indexed.
        """
        wanted = paths.given_path(Path(path))
        catalog = self._catalog
        with catalog.snapshot():
            return catalog.frames(_indexed(catalog, wanted).id)


def _indexed(catalog: Catalog, path: Path) -> CatalogedVideo:
    video = catalog.video_at(path)
    if video is None:
        raise InvalidInput(f"{path} is not in the index: index it first")
    return video


def open_index(
    folder: Path | str | None = None,
    *,
    model: str | None = None,
    encoder: Encoder | None = None,
    device: str = "auto",
    feedback: Feedback = AUTOMATIC,
) -> OpenIndex:
    """Opens an index to be searched: the one that `vifi search` uses, or the one in a folder.

    `model` reads the words of queries, such as one with text prompts, in place of the index's own encoder. `device` is
    where encoders run: `auto`, `cpu`, `cuda` or `mps`. An index that `index_videos` made with an encoder of your own
    needs the same `encoder` for words and for files that are not indexed.

    Raises:
        IndexMissing: nothing is indexed there.
        IndexDamaged: the catalog cannot be read.
        EncoderMismatch: the encoder is not the one that made the index.
    """
    where = paths.searched_index_folder() if folder is None else Path(folder)
    if encoder is None:
        session = SearchSession(where, feedback)
        _ = session.index
    else:
        own = OwnEncoder(encoder)
        session = SearchSession(where, feedback, load_text_encoder=own.load_text_side, load_encoder=own.load)
        own.load(session.index.catalog.indexed_with, device, feedback)
    return OpenIndex(session, EncoderChoice(model, device))


def _shown(found: Sequence[SearchHit], choices: Choices) -> SearchHits:
    return SearchHits(shown_among(found, choices.get("min_score"), with_unsure=choices.get("unsure", False)))


def _options(choices: Choices) -> RankingOptions:
    path = choices.get("path")
    among = VideoFilter(
        path_pattern=None if path is None else str(path),
        changed_from_ns=_nanoseconds(choices.get("newer")),
        changed_before_ns=_nanoseconds(choices.get("older")),
        shortest_seconds=choices.get("min_seconds", 0.0),
        longest_seconds=choices.get("max_seconds", math.inf),
    )
    return RankingOptions(
        top=choices.get("top", 10),
        by=choices.get("by", "moment"),
        per_video=choices.get("per_video", 3),
        among=among,
        fold_duplicates=choices.get("dedupe", False),
    )


def _nanoseconds(instant: datetime | None) -> int | None:
    return None if instant is None else nanoseconds_of(instant)
