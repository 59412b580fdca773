"""Marks moments for a concept, and learns from them at once; the terminal, the page and programs share it."""

from collections.abc import Sequence
from pathlib import Path

from vifi_cli.api.search.session import SearchSession
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.concepts.concept import Concept, Mark
from vifi_cli.video.moment import Moment


def mark_moment(session: SearchSession, name: str, moment: Moment, *, is_right: bool) -> Concept:
    """Marks a moment of an indexed video as showing a concept or not, and returns what is known now.

    The mark takes the place of earlier ones of about the same moment.

    Raises:
        InvalidInput: there is no such concept, or the video is not indexed.
    """
    return mark_moments(session, name, [(moment, is_right)])


def mark_moments(session: SearchSession, name: str, answers: Sequence[tuple[Moment, bool]]) -> Concept:
    """Marks moments as showing a concept or not, as `mark_moment` does each, all or none, and learns once."""
    _check_readable(session, session.concepts.get(name))
    session.concepts.mark(
        name,
        *(
            Mark(
                moment.path,
                moment.start_seconds,
                moment.end_seconds,
                is_right,
                indexed_video(session, moment.path).fingerprint,
            )
            for moment, is_right in answers
        ),
    )
    return relearn(session, name)


def unmark_moment(session: SearchSession, name: str, moment: Moment) -> Concept:
    """Takes back the marks of about this moment, and returns what is known now; errors are those of `mark_moment`."""
    video, concept = indexed_video(session, moment.path), session.concepts.get(name)
    _check_readable(session, concept)
    about = [mark for mark in concept.marks if mark.is_about(video, moment.start_seconds, moment.end_seconds)]
    session.concepts.unmark(name, *about)
    return relearn(session, name)


def undo_last_mark(session: SearchSession, name: str) -> Concept:
    """Takes back the last mark of a concept; raises InvalidInput if it has none."""
    concept = session.concepts.get(name)
    if not concept.marks:
        raise InvalidInput(f"@{concept.name} has no marks to take back")
    _check_readable(session, concept)
    session.concepts.unmark(name, concept.marks[-1])
    return relearn(session, name)


def relearn(session: SearchSession, name: str) -> Concept:
    """Learns a concept from its present marks, keeps the result, and returns the concept."""
    concept = session.concepts.get(name)
    session.concepts.keep_learned(concept, session.learn(concept))
    return session.concepts.get(name)


def _check_readable(session: SearchSession, concept: Concept) -> None:
    """Raises before a mark is changed what learning from it would raise, so that no error comes after a change."""
    session.refresh()
    session.describe(concept.description)


def indexed_video(session: SearchSession, path: Path) -> CatalogedVideo:
    """The indexed video at a path, so that a moment of it can be marked; raises InvalidInput if there is none."""
    session.refresh()
    video = session.index.catalog.video_at(path)
    if video is None:
        raise InvalidInput(f"{path} is not in the index: only moments of indexed videos can be marked")
    return video
