"""Asks about one moment after the other; each answer is stored at once, and the next question builds on it."""

from dataclasses import dataclass, field

from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.candidates import candidates
from vifi_cli.api.teaching.marking import mark_moment, unmark_moment
from vifi_cli.index.concepts.concept import Concept
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.video.moment import Moment


@dataclass(slots=True)
class Questions:
    """The questions of one sitting about a concept."""

    session: SearchSession
    name: str
    answered: list[SearchHit] = field(default_factory=list)  # in this sitting, in their order
    skipped: list[SearchHit] = field(default_factory=list)  # of these, those that got no mark
    _asked: SearchHit | None = None

    @property
    def asked(self) -> SearchHit | None:
        """The moment that is asked about now; None if nothing is left to ask."""
        if self._asked is None:
            self._asked = next(iter(candidates(self.session, self.name, skipped=self.skipped)), None)
        return self._asked

    def mark(self, *, is_right: bool) -> Concept:
        """Marks the moment; returns what is known now.

        Raises:
            InvalidInput: its video has just left the index. The next question is about another one.
        """
        hit = self._next()
        self.skipped.append(hit)  # until it is stored
        concept = mark_moment(self.session, self.name, _moment(hit), is_right=is_right)
        self.skipped.remove(hit)
        return concept

    def skip(self) -> None:
        """Goes on without a mark."""
        self.skipped.append(self._next())

    def undo(self) -> bool:
        """Takes the last answer of this sitting back and asks again; False if there is none."""
        if not self.answered:
            return False
        hit = self.answered.pop()
        if hit in self.skipped:
            self.skipped.remove(hit)
        else:
            unmark_moment(self.session, self.name, _moment(hit))
        self._asked = hit
        return True

    def _next(self) -> SearchHit:
        hit, self._asked = self.asked, None
        assert hit is not None
        self.answered.append(hit)
        return hit


def _moment(hit: SearchHit) -> Moment:
    return Moment(hit.path, hit.start_seconds, hit.end_seconds)
