"""Hits of a concept alone have a relevance that means the same as for words; sums with a concept have none."""

from tests.api.teaching.conftest import MakeSession
from vifi_cli.api.search.query_language import concept, words
from vifi_cli.api.teaching.marking import mark_moment
from vifi_cli.video.moment import Moment

RED, DARK_RED, BLUE, GREEN = (1.0, 0.0, 0.0), (0.9, 0.1, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0)


def test_a_concept_alone_is_rated_and_a_sum_is_not(colored: MakeSession) -> None:
    session = colored(RED, BLUE, DARK_RED, GREEN)
    session.concepts.add("warm", "green")
    folder = session.folder.parent
    for name, is_right in (("a", True), ("b", False)):
        mark_moment(session, "warm", Moment(folder / f"{name}.mp4", 0.0, 10.0), is_right=is_right)
    finds = [hit for hit in session.find(concept("warm")) if hit.marked is None]
    relevance = {hit.path.name: hit.relevance for hit in finds}
    assert all(value is not None and 0 <= value <= 1 for value in relevance.values())
    assert relevance["c.mp4"] == max(value or 0.0 for value in relevance.values())
    assert all(hit.relevance is None for hit in session.find(concept("warm") + words("green")))
    assert session.rater(0.5 * concept("warm")) is not None
