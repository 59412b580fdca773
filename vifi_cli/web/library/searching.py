"""From a question to hits: words by the index's own encoder, or what looks like an indexed moment."""

from vifi_cli.api.search.session import SearchSession
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.video_filter import VideoFilter
from vifi_cli.index.search.examples import SeenExample, see_indexed
from vifi_cli.index.search.query import query_in_words
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.video.moment import TimeRange
from vifi_cli.web.library.address import MomentAddress, video_by_key
from vifi_cli.web.library.question import Question


def search(session: SearchSession, question: Question) -> list[SearchHit]:
    """The hits of a question, best first, each with its relevance if words were asked for.

    Raises:
        InvalidInput: it names a moment of a video that is not indexed, or that is not in the video.
        VifiError: the encoder cannot be loaded.
    """
    among = VideoFilter(path_pattern=question.below or None, shortest_seconds=question.shortest)
    options = RankingOptions(top=question.top, by=question.by, among=among)
    if question.like is None:
        return session.find(query_in_words(question.words), options)
    seen = _seen(session.index.catalog, question.like)
    return session.find_like(seen, options)


def _seen(catalog: Catalog, moment: MomentAddress) -> SeenExample:
    """What an indexed moment looks like, whatever has become of its file."""
    with catalog.snapshot():
        video = video_by_key(catalog, moment.video)
        if video is None:
            raise InvalidInput("that video is no longer in the index, or has changed: search for it again")
        if moment.start_seconds > video.duration_seconds:
            raise InvalidInput("that video ends before the moment in the address: search for it again")
        return see_indexed(catalog, video, TimeRange(moment.start_seconds, moment.end_seconds))
