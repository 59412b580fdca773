"""What a model still finds of what the present index answers well: captions asked again in a sample of videos.

Three kinds of captions are asked: everyday descriptions whose best hits the present index rates as likely, the
descriptions of concepts that are not improved, and the queries of a file that the user names. For the first kind, the
answers of the present index count as relevant, so it has an average precision near 1, and a model that answers
differently loses. For the others, marks and the file say what is relevant.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vifi_cli.api.evaluation.searched.retrieval import QueryFile
from vifi_cli.api.evaluation.searched.tested_index import embedded, indexed_ids, why_not_indexed
from vifi_cli.api.feedback import Feedback
from vifi_cli.api.search.session import SearchSession
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.scoring.retrieval import average_precision, read_queries, relevant_places
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.concepts.concept import Concept
from vifi_cli.index.concepts.marked import found_marks
from vifi_cli.index.encoder import TextEncoder
from vifi_cli.index.relevance.calibration import lines_of
from vifi_cli.index.relevance.curve import same_meaning
from vifi_cli.index.search.query import query_in_words
from vifi_cli.index.search.ranking import RankingOptions, video_scores
from vifi_cli.paths import given_path

CLEAR = 0.5
"""The least relevance of an answer that counts."""
MOST_ANSWERS = 10
"""Captions with more answers than this are about what most videos show."""
MOST_CAPTIONS = 100
SAMPLE_VIDEOS, SAMPLE_SECONDS = 100, 3600.0
"""What is encoded again to ask captions, beside the marked videos and those of the user's queries."""


@dataclass(frozen=True, slots=True)
class OldAnswers:
    """Captions of one kind, and for each the videos that are relevant, at least one."""

    kind: str
    captions: tuple[str, ...]
    relevant: tuple[frozenset[Path], ...]

    def among(self, videos: Iterable[Path]) -> "OldAnswers":
        """Only the answers that are among some videos, and the captions that still have one."""
        here = frozenset(videos)
        kept = [
            (caption, answers & here)
            for caption, answers in zip(self.captions, self.relevant, strict=True)
            if answers & here
        ]
        return OldAnswers(
            self.kind, tuple(caption for caption, _ in kept), tuple(answers for _, answers in kept)
        )

    def precision(self, catalog: Catalog, ids: dict[Path, int], text: TextEncoder) -> float:
        """The mean average precision of the captions, ranking some videos of an index by their best windows."""
        paths = sorted(ids)
        scores = video_scores(catalog, embedded(self.captions, text), [ids[path] for path in paths])
        truth = [np.array([path in answers for path in paths]) for answers in self.relevant]
        return float(
            np.mean([average_precision(relevant_places(*each)) for each in zip(scores, truth, strict=True)])
        )


@dataclass(frozen=True, slots=True)
class Recollection:
    """What is asked again, and the videos among which it is asked."""

    answers: tuple[OldAnswers, ...]
    videos: tuple[Path, ...]

    def precisions(self, catalog: Catalog, text: TextEncoder) -> tuple[float, ...]:
        """The mean average precision of each kind of captions in an index of these videos."""
        ids = indexed_ids(self.videos, catalog)
        return tuple(each.precision(catalog, ids, text) for each in self.answers)


def recollection(
    session: SearchSession,
    improved: Sequence[Concept],
    marked: Iterable[Path],
    queries: Path | None,
    feedback: Feedback,
) -> Recollection:
    """Collects what the present index answers well, and draws the videos among which that is asked again.

    Raises:
        InvalidInput: the file of queries makes no sense, or names videos that are not in the index.
    """
    answers = [_clear_captions(session, improved, feedback), _other_concepts(session, improved)]
    asked = None if queries is None else _of_file(session.index.catalog, queries)
    needed = [*marked, *(path for found in (asked.relevant if asked else ()) for path in found)]
    videos = _sample(session.index.catalog, needed, answers[0])
    found = [each.among(videos) for each in (*answers, *([asked] if asked else []))]
    return Recollection(tuple(each for each in found if each.captions), videos)


def _clear_captions(session: SearchSession, improved: Sequence[Concept], feedback: Feedback) -> OldAnswers:
    """Everyday descriptions with a few likely answers; not those that say what is being taught."""
    captions: dict[str, frozenset[Path]] = {}
    options = RankingOptions(by="video", top=MOST_ANSWERS + 1)
    lines = lines_of("descriptions")
    with feedback.task("Asking captions", len(lines), "captions") as report:
        text = session.text_encoder()
        of_lines = embedded(lines, text)
        of_concepts = embedded([concept.description for concept in improved], text)
        rate = session.rater(query_in_words(lines[0]))  # it rates any text
        is_taught = same_meaning(of_concepts, of_lines).any(axis=0)
        for number in np.flatnonzero(~is_taught).tolist():
            hits = session.index.search(of_lines[number], options, rate)
            clear = [hit.path for hit in hits if (hit.relevance or 0) >= CLEAR]
            if 0 < len(clear) <= MOST_ANSWERS and len(captions) < MOST_CAPTIONS:
                captions[lines[number]] = frozenset(clear)
            report(number + 1)
    return OldAnswers("captions", tuple(captions), tuple(captions.values()))


def _other_concepts(session: SearchSession, improved: Sequence[Concept]) -> OldAnswers:
    names = {concept.name for concept in improved}
    captions, relevant = [], []
    for concept in (each for each in session.concepts.all() if each.name not in names):
        right = [mark for mark in concept.marks if mark.is_right]
        if found := frozenset(one.video.path for one in found_marks(session.index.catalog, right)):
            captions.append(concept.description)
            relevant.append(found)
    return OldAnswers("other concepts", tuple(captions), tuple(relevant))


def _of_file(catalog: Catalog, path: Path) -> OldAnswers:
    file = QueryFile(given_path(path), read_queries(given_path(path)))
    ids = indexed_ids(file.videos(), catalog)
    if missing := [video for video in file.videos() if video not in ids]:
        raise InvalidInput(
            why_not_indexed(
                file.path,
                catalog,
                missing,
                if_absent="files are expected beside the CSV, or remove their lines",
            )
        )
    paths = catalog.paths_of(ids.values())
    relevant = (frozenset(paths[ids[file.located(name)]] for name in query.files) for query in file.queries)
    return OldAnswers("queries", tuple(query.caption for query in file.queries), tuple(relevant))


def _sample(catalog: Catalog, needed: Iterable[Path], clear: OldAnswers) -> tuple[Path, ...]:
    """The videos that are needed, then those that answer most captions, then others, up to the limits."""
    videos = {video.path: video for video in catalog.videos()}
    chosen = dict.fromkeys(path for path in needed if path in videos)
    answering = Counter(path for answers in clear.relevant for path in sorted(answers))
    rest = np.random.default_rng(0).permutation(len(videos)).tolist()
    paths = list(videos)
    seconds, count = 0.0, 0
    for path in (*(path for path, _ in answering.most_common()), *(paths[place] for place in rest)):
        length = videos[path].duration_seconds if path in videos else SAMPLE_SECONDS
        if path in chosen or count >= SAMPLE_VIDEOS or seconds + length > SAMPLE_SECONDS:
            continue
        chosen[path] = None
        seconds, count = seconds + length, count + 1
    return tuple(chosen)
