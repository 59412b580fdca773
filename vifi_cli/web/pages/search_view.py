"""What the search page shows: the hits or the newest videos, the filters, and the state of the index, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from vifi_cli.index.search.video_index import VideoIndex
from vifi_cli.web import wording
from vifi_cli.web.library.index_state import progress_text, state_of, state_text
from vifi_cli.web.library.question import HITS, MOST_HITS, Question
from vifi_cli.web.library.searching import Hit
from vifi_cli.web.library.videos import Folder, folders, newest_videos, video_by_key
from vifi_cli.web.pages.cards import Card, card_of

LENGTHS = ((0, "any length"), (60, "over a minute"), (600, "over 10 minutes"), (3600, "over an hour"))
"""Least lengths of videos that the page offers, in seconds and in words."""


@dataclass(frozen=True, slots=True)
class SearchView:
    """The search page.

    Attributes:
        question: what was asked.
        heading: what is shown, in words.
        state: what the index holds, in words.
        running: how far a run has come that brings the index up to date, empty if there is none.
        folders: that a search can be limited to.
        cards: the hits, or the newest videos.
        seed: the moment whose like is looked for.
        nothing_relevant: whether the hits are no more than what comes nearest.
        problem: what is wrong with the question or the index.
        nothing_indexed: whether there is no index yet.
    """

    question: Question
    heading: str = "Search"
    state: str = ""
    running: str = ""
    folders: Sequence[Folder] = ()
    cards: Sequence[Card] = ()
    seed: Card | None = None
    nothing_relevant: bool = False
    problem: str = ""
    nothing_indexed: bool = False

    @property
    def other_folder(self) -> bool:
        """Whether the search is limited to something that is none of the folders."""
        below = self.question.below
        return bool(below) and all(folder.pattern != below for folder in self.folders)

    @property
    def lengths(self) -> Sequence[tuple[int, str]]:
        """The least lengths to choose from, another one that is in the address among them."""
        shortest = self.question.shortest
        if any(seconds == shortest for seconds, _ in LENGTHS):
            return LENGTHS
        return sorted((*LENGTHS, (shortest, f"over {wording.clock(shortest)}")))

    @property
    def more(self) -> str:
        """The address that shows more hits, empty if there are none."""
        question = self.question
        if not question.is_asked or len(self.cards) < question.top or question.top >= MOST_HITS:
            return ""
        return question.address(top=min(2 * question.top, MOST_HITS))


def view_of(index: VideoIndex, question: Question) -> SearchView:
    """The page for a question, without its hits; if nothing is asked, with the newest videos."""
    catalog, seed, cards = index.catalog, None, []
    if question.like:
        video = video_by_key(catalog, question.like.video)
        span = question.like.start_seconds, question.like.end_seconds
        seed = card_of(Hit(video, *span, 0.0), question) if video else None
    elif not question.words:
        newest = newest_videos(catalog, HITS)
        cards = [card_of(Hit(video, 0.0, video.duration_seconds), question) for video in newest]
    state = state_of(index)
    return SearchView(
        question,
        heading=_heading(question),
        state=state_text(state),
        running=progress_text(state.writer),
        folders=folders(catalog),
        cards=cards,
        seed=seed,
    )


def _heading(question: Question) -> str:
    if question.like:
        return "More like this"
    return question.words or "Newest videos"
