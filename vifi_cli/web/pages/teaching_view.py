"""What a page offers to teach, and how far the concept is for which its hits are marked."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from vifi_cli.api.search.session import SearchSession
from vifi_cli.errors import InvalidInput
from vifi_cli.index.concepts.concept import Concept
from vifi_cli.index.concepts.names import is_name, key_of
from vifi_cli.index.search.query import Query
from vifi_cli.web.requests.progress import progress_of
from vifi_cli.web.requests.question import Question, query_of, words_alone

ARTICLES = re.compile(r"(?:an?|the)\W+", re.IGNORECASE)
LONGEST_PROPOSAL = 40


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be taught from a search."""

    new_name: (
        str  # proposed for a concept that the words of the search describe; empty if they are not words alone
    )
    concepts: Sequence[str]  # for which hits can be marked


@dataclass(frozen=True, slots=True)
class Teaching:
    """The concept for which the hits of a question are marked."""

    concept: Concept
    question: Question

    @property
    def marks(self) -> str:
        """How many marks it has: `3 right, 6 wrong`."""
        return self.concept.marks_in_words

    @property
    def progress(self) -> str:
        """What they have taught, in words."""
        return progress_of(self.concept)

    @property
    def search(self) -> str:
        """The address that searches for it."""
        return self.question.address(words=f"@{self.concept.name}", like=None, teach="")

    @property
    def next(self) -> str:
        """The address of the next moments to mark."""
        return Question(teach=self.concept.name).address()

    @property
    def done(self) -> str:
        """The address of the same hits without teaching, or of the first page."""
        is_chosen = self.question.teach and (self.question.words or self.question.like)
        return self.question.address(teach="") if is_chosen else "/"


def taught_name(session: SearchSession, question: Question) -> str:
    """The concept for which hits are marked: the one in the address, or the only one in the words; else empty."""
    if question.teach or not question.words:
        return question.teach
    try:
        query = query_of(session, question.words)
    except InvalidInput:
        return ""
    return query.sole_concept or "" if isinstance(query, Query) else ""


def is_searched_for(session: SearchSession, concept: Concept, question: Question) -> bool:
    """Whether a question is for a concept alone: what is marked for it is no find then."""
    return key_of(taught_name(session, replace(question, teach=""))) == key_of(concept.name)


def offer_of(session: SearchSession, question: Question) -> Offer:
    """What can be taught from a search that is not for a concept."""
    names = session.concepts.names()
    try:
        new_name = proposed_name(words_alone(session, question.words), names) if question.words else ""
    except InvalidInput:
        new_name = ""
    return Offer(new_name, names)


def proposed_name(description: str, taken: Iterable[str]) -> str:
    """A name for a concept, from its description: `person-waves` for "a person waves", with a number if it is taken."""
    short = ARTICLES.sub("", description, count=1) if ARTICLES.match(description) else description
    letters = (letter if is_name(f"a{letter}") else " " for letter in short.casefold())
    name = "-".join("".join(letters).replace("-", " ").split()) or "concept"
    if len(name) > LONGEST_PROPOSAL:
        name = name[: LONGEST_PROPOSAL + 1].rpartition("-")[0] or name[:LONGEST_PROPOSAL]
    known = {key_of(each) for each in taken}
    numbered = (f"{name}-{number}" for number in range(2, len(known) + 3))
    return next(each for each in (name, *numbered) if key_of(each) not in known)
