"""The contents of the search page: hits or the newest videos, filters, and the state of the index."""

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from vifi_cli.api.search.session import SearchSession
from vifi_cli.errors import IndexProblem, InvalidInput
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.lock import Writer, running_writer
from vifi_cli.index.search.video_index import name_of_number
from vifi_cli.web.pages.cards import Card, Cards
from vifi_cli.web.pages.teaching_view import Offer, Teaching, is_searched_for, offer_of, taught_name
from vifi_cli.web.pages.templating import length
from vifi_cli.web.requests.address import video_by_key
from vifi_cli.web.requests.question import HITS, MOST_HITS, Question, among_of, query_of, search
from vifi_cli.wording import clock, counted

MOST_FOLDERS = 300
LENGTHS = ((0, "any length"), (60, "over a minute"), (600, "over 10 minutes"), (3600, "over an hour"))
"""Minimum lengths of videos that the page offers, in seconds and in words."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that a search can be limited to."""

    pattern: str  # for a `VideoFilter`; the folder itself where its name is text
    name: str
    depth: int  # how many folders it is under the indexed one
    videos: int  # how many are in it or under it


@dataclass(frozen=True, slots=True)
class Tier:
    """Hits that are shown together, best first."""

    cards: Sequence[Card]
    first: int = 1  # the number of the first one on the page
    kind: Literal["relevant", "unsure", "rest", "examples", "wrong"] = "relevant"


@dataclass(frozen=True, slots=True)
class SearchView:
    """The search page."""

    question: Question
    heading: str = "Search"
    state: str = ""  # what the index holds, in words
    running: str = ""  # progress of a run that updates the index, empty if there is none
    folders: Sequence[Folder] = ()  # that a search can be limited to
    cards: Sequence[Card] = ()  # the hits, or the newest videos
    number_name: str = ""  # of the numbers shown with hits
    seed: Card | None = None  # the moment to find similar ones of
    notice: str = ""  # advice on the words of the question
    problem: str = ""  # what is wrong with the question or the index
    nothing_indexed: bool = False
    concepts: Sequence[str] = ()  # that can be searched for; on the first page only
    offer: Offer | None = (
        None  # what can be taught; None where nothing is searched for, or the viewer may not
    )
    teaching: Teaching | None = None  # for which concept the hits are marked

    @property
    def tiers(self) -> list[Tier]:
        """The hits by how sure they are, then marked moments; the numbers go on from one tier to the next."""
        if self.question.asks_what_to_mark:
            return [Tier([replace(card, score="", is_relevant=True) for card in self.cards])]
        wrong = [card for card in self.cards if card.is_example and card.mark == "wrong"]
        examples = [card for card in self.cards if card.is_example and card.mark != "wrong"]
        finds = [card for card in self.cards if not card.is_example]
        relevant = [card for card in finds if card.is_relevant and not card.is_unsure]
        unsure = [card for card in finds if card.is_unsure]
        rest = [card for card in finds if not card.is_relevant and not card.is_unsure]
        first = Tier(unsure, kind="unsure") if unsure else Tier(relevant)
        later = (
            Tier(rest, len(relevant) + 1, "rest"),
            Tier(examples, len(finds) + 1, "examples"),
            Tier(wrong, len(finds) + len(examples) + 1, "wrong"),
        )
        return [first, *(tier for tier in later if tier.cards)]

    @property
    def is_rated(self) -> bool:
        """Whether the numbers shown are relevance, as opposed to cosines."""
        return self.number_name == "Relevance"

    @property
    def found(self) -> str:
        """What was found, in words: `3 relevant moments`."""
        if self.question.asks_what_to_mark:
            return counted(len(self.cards), "moment to mark", "moments to mark")
        noun, tier = ("video" if self.question.by == "video" else "moment"), self.tiers[0]
        if tier.kind == "unsure":
            return "Nothing relevant found"
        return counted(len(tier.cards), f"relevant {noun}" if self.is_rated else noun)

    @property
    def other_folder(self) -> bool:
        """Whether the search is limited to something that is not one of the folders."""
        below = self.question.below
        return bool(below) and all(folder.pattern != below for folder in self.folders)

    @property
    def lengths(self) -> Sequence[tuple[int, str]]:
        """The minimum lengths to choose from, with the one in the address."""
        shortest = self.question.shortest
        if any(seconds == shortest for seconds, _ in LENGTHS):
            return LENGTHS
        return sorted((*LENGTHS, (shortest, f"over {clock(shortest)}")))

    @property
    def more(self) -> str:
        """The address that shows more hits, empty if there are none."""
        question, finds = self.question, [card for card in self.cards if not card.is_example]
        if question.asks_what_to_mark or not question.is_asked:
            return ""
        if len(finds) < question.top or question.top >= MOST_HITS:
            return ""
        return question.address(top=min(2 * question.top, MOST_HITS))


def view_of(session: SearchSession, question: Question) -> SearchView:
    """The page for a question, without its hits; if nothing is asked, with the newest videos."""
    catalog, cards = session.index.catalog, Cards(session.index.catalog, question)
    seed, newest, concepts = None, list[Card](), list[str]()
    if question.like:
        video = video_by_key(catalog, question.like.video)
        span = question.like.start_seconds, question.like.end_seconds
        seed = cards.of_moment(video, *span) if video else None
    elif not question.is_asked:
        newest = cards.of_videos(catalog.newest_videos(HITS))
        with suppress(IndexProblem):  # which a search for one reports
            concepts = session.concepts.names()
    return SearchView(
        question,
        heading=_heading(question),
        state=state_text(catalog),
        running=progress_text(running_writer(catalog.path.parent)),
        notice=_notice(session, question),
        folders=folders(catalog),
        cards=newest,
        seed=seed,
        concepts=concepts,
    )


def folders(catalog: Catalog) -> list[Folder]:
    """The indexed folders and those under them, without empty ones, each followed by its own folders."""
    roots = sorted(catalog.roots())
    counts: Counter[Path] = Counter()
    for path in catalog.paths():
        parents = path.parents
        root = next((root for root in roots if root in parents), None)  # the outermost: roots are sorted
        if root is not None:
            counts.update(folder for folder in parents if folder == root or root in folder.parents)
    outermost = [folder for folder in counts if not any(parent in counts for parent in folder.parents)]
    names = Counter(folder.name for folder in outermost)
    return [_folder(path, outermost, names, counts[path]) for path in sorted(counts)][:MOST_FOLDERS]


def _folder(path: Path, outermost: Sequence[Path], names: Counter[str], videos: int) -> Folder:
    root = next(root for root in outermost if path.is_relative_to(root))
    depth = len(path.relative_to(root).parts)
    is_plain = depth or names[path.name] == 1
    return Folder(pattern_for(path), path.name if is_plain else str(path), depth, videos)


def pattern_for(folder: Path) -> str:
    """Text that means a folder and can stand in an address: bytes that are not text become `?`."""
    text = str(folder)
    if text == os.fsencode(folder).decode(errors="replace"):
        return text
    return "".join("?" if "\udc80" <= letter <= "\udcff" else _literal(letter) for letter in text)


def _literal(letter: str) -> str:
    return f"[{letter}]" if letter in "*?[" else letter


def _notice(session: SearchSession, question: Question) -> str:
    """Advice on the words of a question; empty if they make no sense, which the search reports."""
    try:
        return session.language_hint(query_of(session, question.words)) if question.words else ""
    except InvalidInput:
        return ""


def with_hits(session: SearchSession, view: SearchView) -> SearchView:
    """The page with the hits of its question, marked as the concept that is taught has them.

    Errors are those of `question.search`.
    """
    hits = search(session, view.question)
    concept = view.teaching.concept if view.teaching else None
    cards = Cards(session.index.catalog, view.question, concept)
    shown = cards.of_hits(hits)
    if concept and is_searched_for(session, concept, view.question):
        shown += cards.of_wrong(concept.marks, among_of(view.question), view.question.top)
    return replace(view, cards=shown, number_name=name_of_number(hits))


def with_teaching(session: SearchSession, view: SearchView) -> SearchView:
    """The page with what can be taught on it, for a viewer who may; raises InvalidInput for an unknown concept."""
    name = taught_name(session, view.question)
    if not name:
        with suppress(IndexProblem):  # where concepts cannot be read, none is taught
            view = replace(view, offer=offer_of(session, view.question))
        return view
    concept = session.concepts.get(name)
    question = replace(view.question, teach=concept.name) if view.question.teach else view.question
    return replace(view, question=question, heading=_heading(question), teaching=Teaching(concept, question))


def state_text(catalog: Catalog) -> str:
    """One line on what an index holds: `3,512 videos · 45 hours · clip-vit-b-16`."""
    totals = catalog.totals()
    parts = [counted(totals.videos, "video"), length(totals.video_seconds), catalog.indexed_with.model]
    if totals.failures:
        parts.append(f"{counted(totals.failures, 'file')} could not be read")
    if totals.postponed:
        parts.append(f"{counted(totals.postponed, 'file')} to be tried again")
    return " · ".join(parts)


def progress_text(writer: Writer | None) -> str:
    """One line on a run that is going on, empty if there is none."""
    if writer is None:
        return ""
    if not writer.files:
        return "Looking for new videos"
    return f"Indexing: {writer.files_done:,} of {writer.files:,} files done"


def _heading(question: Question) -> str:
    if question.like:
        return "More like this"
    if question.asks_what_to_mark:
        return f"Moments to mark for @{question.teach}"
    return question.words or "Newest videos"
