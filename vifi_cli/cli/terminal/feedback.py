"""How the commands show what goes on: notes, a sign of life, and bars with the time left, on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape

from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from vifi_cli.api.feedback import Task


class TerminalFeedback:
    """Shows on stderr what is told; bars and signs of life on a terminal only."""

    def note(self, message: str) -> None:
        """Says it."""
        output.note(message)

    def busy(self, what: str) -> AbstractContextManager[object]:
        """Shows a sign of life."""
        return output.busy(what)

    @contextmanager
    def task(self, what: str, total: float | None = None, unit: str = "") -> Iterator[Task]:
        """Shows a bar from when something is done."""
        bar = output.progress("{task.fields[at]}")
        shown = bar.add_task(_shown(what), total=total, at="")

        def report(done: float, total: float | None = None, *, what: str = "", at: str = "") -> None:
            bar.start()
            bar.update(shown, completed=done)
            if total is not None:
                bar.update(shown, total=total)
            if what:
                bar.update(shown, description=_shown(what))
            bar.update(shown, at=_shown(at) if at else _counted(done, bar.tasks[0].total, unit))

        try:
            yield report
        finally:
            bar.stop()


def _shown(text: str) -> str:
    return escape(output.printable(text))


def _counted(done: float, total: float | None, unit: str) -> str:
    if not unit:
        return ""
    return f"{done:,.0f} {unit}" if total is None else f"{done:,.0f}/{total:,.0f} {unit}"


ON_TERMINAL = TerminalFeedback()
