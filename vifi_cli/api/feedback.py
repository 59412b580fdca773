"""What long work tells whoever waits for it: programs hear little, the commands show it on the terminal."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

LOGGER = logging.getLogger("vifi_cli")


class Task(Protocol):
    """Is told how far a piece of work has come."""

    def __call__(self, done: float, total: float | None = None, *, what: str = "", at: str = "") -> None:
        """Takes in how much is done, of how much if that is known, and what is being done where if that is new."""


class Feedback(Protocol):
    """Hears what goes on while work is done."""

    def note(self, message: str) -> None:
        """Hears something worth knowing, a sentence without a full stop."""

    def busy(self, what: str) -> AbstractContextManager[object]:
        """Hears that something of unknown length goes on inside the context."""

    def task(self, what: str, total: float | None = None, unit: str = "") -> AbstractContextManager[Task]:
        """Hears that something goes on inside the context whose progress is known.

        Args:
            what: goes on.
            total: how much there is to do, if that is known already.
            unit: what is counted, in the plural; empty where the number means nothing to people.
        """


class Logged:
    """Passes notes on to the logger `vifi_cli`, as information, and progress to nobody."""

    def note(self, message: str) -> None:
        """Logs something worth knowing."""
        LOGGER.info("%s", message)

    def busy(self, what: str) -> AbstractContextManager[object]:
        """Nothing is shown."""
        return nullcontext()

    @contextmanager
    def task(self, what: str, total: float | None = None, unit: str = "") -> Iterator[Task]:
        """Nothing is shown."""
        yield _unheard


def _unheard(done: float, total: float | None = None, *, what: str = "", at: str = "") -> None:
    pass


LOGGED = Logged()
