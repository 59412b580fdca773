"""The question in the address of a page: words, filters, or a moment to find similar ones of; and its hits."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal
from urllib.parse import urlencode

from vifi_cli.api.search.query_language import parse_query
from vifi_cli.api.search.query_line import split_line
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.candidates import candidates
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.video_filter import VideoFilter
from vifi_cli.index.concepts.names import check_name
from vifi_cli.index.search.examples import SeenExample, see_indexed
from vifi_cli.index.search.query import AnyQuery, Words
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.threshold import relevant_among, unsure_among
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.settings.settings import setting_of
from vifi_cli.video.moment import TimeRange
from vifi_cli.web.requests.address import MomentAddress, parse_moment, video_by_key

MOST_LETTERS = 2000
HITS, MOST_HITS = 24, 1000
TO_MARK = 12  # moments at once: each mark changes which ones teach most
LONGEST_SECONDS = 1_000_000

By = Literal["moment", "video"]


def usual_top() -> int:
    """How many hits a page shows that is asked for no number: the setting `top` if the user has set it."""
    try:
        setting = setting_of("top")
    except InvalidInput:  # a file that is being edited is no reason to answer nothing
        return HITS
    return HITS if setting.source == "default" else min(setting.value or MOST_HITS, MOST_HITS)


@dataclass(frozen=True, slots=True)
class Question:
    """A search; without words or a moment, only the page itself is asked for."""

    words: str = ""  # as after `vifi search`; files in it are indexed videos
    like: MomentAddress | None = None  # a moment to find similar ones of, unless there are words
    below: str = ""  # a folder or glob that limits the search; empty for all videos
    by: By = "moment"  # what a hit is
    shortest: int = 0  # minimum length of the videos, in seconds
    top: int = field(default_factory=usual_top)  # maximum number of hits
    teach: str = ""  # the concept for which hits are marked; alone, it asks for moments to mark

    @property
    def is_asked(self) -> bool:
        """Whether there is something to look for."""
        return bool(self.words or self.like or self.teach)

    @property
    def asks_what_to_mark(self) -> bool:
        """Whether it asks for moments to mark, whatever else may be in the address."""
        return bool(self.teach and not self.words and not self.like)

    def address(self, **changes: object) -> str:
        """The address that asks this, or the same with some changes; without default values."""
        changed = replace(self, **changes)  # type: ignore[arg-type]
        usual = Question()
        values = {each.name: getattr(changed, each.name) for each in fields(Question)}
        given = {
            "q" if name == "words" else name: str(value)
            for name, value in values.items()
            if value != getattr(usual, name)
        }
        return f"/?{urlencode(given)}" if given else "/"


def parse_question(parameters: Mapping[str, str]) -> Question:
    """Reads the parameters of an address; unknown ones are ignored.

    Raises:
        InvalidInput: one of them makes no sense; the text says which.
    """
    words, like = parameters.get("q", "").strip(), parameters.get("like", "")
    if len(words) > MOST_LETTERS:
        raise InvalidInput(f"the description is too long: say it in fewer than {MOST_LETTERS:,} letters")
    below = parameters.get("below", "").strip().replace("\0", "")
    if len(below) > MOST_LETTERS:
        raise InvalidInput(
            f"the folder or pattern is too long: name it in fewer than {MOST_LETTERS:,} letters"
        )
    moment = parse_moment(like) if like and not words else None
    if like and not words and moment is None:
        raise InvalidInput("the address does not name a moment: go back to the search and choose one again")
    by = parameters.get("by") or "moment"
    return Question(
        words=words,
        like=moment,
        below=below,
        by=_by(by),
        shortest=_number("shortest", parameters.get("shortest") or "0", range(LONGEST_SECONDS)),
        top=_number("top", parameters.get("top") or str(usual_top()), range(1, MOST_HITS + 1)),
        teach=check_name(teach) if (teach := parameters.get("teach", "").strip()[:MOST_LETTERS]) else "",
    )


def _by(text: str) -> By:
    if text == "moment":
        return "moment"
    if text == "video":
        return "video"
    raise InvalidInput("the address asks for hits by something other than `moment` or `video`")


def _number(name: str, text: str, allowed: range) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:9]) not in allowed:
        raise InvalidInput(f"`{name}` in the address is a number from {allowed[0]} to {allowed[-1]:,}")
    return int(text[:9])


def search(session: SearchSession, question: Question) -> list[SearchHit]:
    """The hits of a question, best first; if none is relevant, only the nearest ones, marked as unsure.

    Raises:
        InvalidInput: it names a video that is not indexed or a moment that is not in it, or its terms make no sense.
        VifiError: the encoder cannot be loaded.
    """
    options = RankingOptions(top=question.top, by=question.by, among=among_of(question))
    if question.asks_what_to_mark:
        return candidates(session, question.teach, TO_MARK)
    if question.like is None:
        found = session.find(query_of(session, question.words), options)
    else:
        found = session.find_like(seen_moment(session.index.catalog, question.like), options)
    return found if relevant_among(found) else unsure_among(found) + [hit for hit in found if hit.marked]


def among_of(question: Question) -> VideoFilter:
    """The videos to which a question is limited."""
    return VideoFilter(path_pattern=question.below or None, shortest_seconds=question.shortest)


def query_of(session: SearchSession, words: str) -> AnyQuery:
    """Words, read as on the command line; raises InvalidInput if they make no sense."""
    return parse_query(split_line(words), session.files)


def words_alone(session: SearchSession, words: str) -> str:
    """What words say, if they are a description alone; raises InvalidInput otherwise."""
    terms = query_of(session, words).terms
    if len(terms) != 1 or not isinstance(terms[0].meaning, Words) or terms[0].weight != 1:
        raise InvalidInput(
            "a concept is described in words alone, without + or -, weights, files, concepts and steps"
        )
    return terms[0].meaning.text


def seen_moment(catalog: Catalog, moment: MomentAddress) -> SeenExample:
    """The example for an indexed moment, whatever has become of its file."""
    with catalog.snapshot():
        video = video_by_key(catalog, moment.video)
        if video is None:
            raise InvalidInput("that video is no longer in the index, or has changed: search for it again")
        if moment.start_seconds > video.duration_seconds:
            raise InvalidInput("that video ends before the moment in the address: search for it again")
        return see_indexed(catalog, video, TimeRange(moment.start_seconds, moment.end_seconds))
