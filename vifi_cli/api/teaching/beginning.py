"""Begins to teach a concept, or goes on with one, perhaps with moments that are known to be right or wrong."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.marking import mark_moments, relearn
from vifi_cli.api.teaching.named_moments import indexed_moment
from vifi_cli.errors import InvalidInput
from vifi_cli.index.concepts.concept import SAME_SHARE, Concept, shared_time
from vifi_cli.index.concepts.names import check_name
from vifi_cli.index.search.query import query_in_words
from vifi_cli.video.moment import Moment
from vifi_cli.wording import clock


@dataclass(frozen=True, slots=True)
class Beginning:
    """A concept to teach, and whether it is new."""

    concept: Concept
    is_new: bool
    former_description: str | None = None  # where another one has taken its place


def teach(
    session: SearchSession,
    name: str,
    description: str | None = None,
    *,
    right: Sequence[Moment] = (),
    wrong: Sequence[Moment] = (),
) -> Beginning:
    """Marks moments for a concept, all or none, and learns from them; errors are those of `begin_teaching`.

    Raises:
        InvalidInput: a moment is not in the index, or named both as right and as wrong.
    """
    rights, wrongs = ([indexed_moment(session, moment) for moment in moments] for moments in (right, wrong))
    _check_disjoint(rights, wrongs)
    beginning = begin_teaching(session, name, description)
    answers = [*((moment, True) for moment in rights), *((moment, False) for moment in wrongs)]
    if not answers:
        return beginning
    return replace(beginning, concept=mark_moments(session, beginning.concept.name, answers))


def begin_teaching(session: SearchSession, name: str, description: str | None = None) -> Beginning:
    """The concept of a name, which is made from a description if there is none, and described again if that differs.

    Raises:
        InvalidInput: there is no such concept and no description, or the name or the description cannot be one.
    """
    name = name.removeprefix("@")
    if description is not None:
        description = _embedded(session, check_name(name), description)
    known = session.concepts.find(name)
    if known is None and description is None:
        session.concepts.get(name)  # explains which names there are
    if known is None:
        return Beginning(session.concepts.add(name, description or ""), is_new=True)
    if description in (None, known.description):
        return Beginning(known, is_new=False)
    session.concepts.describe(name, description or "")
    return Beginning(relearn(session, name), is_new=False, former_description=known.description)


def _embedded(session: SearchSession, name: str, description: str) -> str:
    """The description on one line, if the encoder of the index can read it."""
    description = " ".join(description.split())
    if not description:
        raise InvalidInput(
            f'the description of @{name} is empty: write `vifi teach {name} "what it looks like"`'
        )
    if session.index.catalog.indexed_with.reads_texts:  # otherwise marks alone teach
        session.embed(query_in_words(description))
    return description


def _check_disjoint(right: Sequence[Moment], wrong: Sequence[Moment]) -> None:
    spans = defaultdict(list)
    for one in right:
        spans[one.path].append((one.start_seconds, one.end_seconds))
    for one in wrong:
        if any(
            shared_time(*span, one.start_seconds, one.end_seconds) > SAME_SHARE for span in spans[one.path]
        ):
            raise InvalidInput(
                f"{one.path.name} at {clock(one.start_seconds)} is named both as right and as wrong: omit one"
            )
