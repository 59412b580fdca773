"""How commands report progress on stderr: notes, spinners, and bars with the time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from vifi_cli import wording
from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from vifi_cli.api.feedback import Task


class TerminalFeedback:
    """Feedback on stderr; bars and spinners only if it is a terminal."""

    note = staticmethod(output.note)
    warn = staticmethod(output.warning)

    def busy(self, what: str) -> AbstractContextManager[object]:
        """Shows a spinner."""
        console = output.stderr()
        return console.status(_shown(what), spinner="line" if console.options.ascii_only else "dots")

    @contextmanager
    def task(self, what: str, total: float | None = None, unit: str = "") -> Iterator[Task]:
        """Shows a bar from the first progress on."""
        bar = _new_bar()
        shown = bar.add_task(_shown(what), total=total, at="")

        def report(done: float, total: float | None = None, *, what: str = "", at: str = "") -> None:
            bar.start()
            bar.update(shown, completed=done, total=total, description=_shown(what) if what else None)
            bar.update(shown, at=_shown(at) if at else _counted(done, bar.tasks[0].total, unit))

        try:
            yield report
        finally:
            bar.stop()


def _new_bar() -> Progress:
    console = output.stderr()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[at]}", style="dim"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _shown(text: str) -> str:
    return escape(wording.printable(text))


def _counted(done: float, total: float | None, unit: str) -> str:
    if not unit:
        return ""
    return f"{done:,.0f} {unit}" if total is None else f"{done:,.0f}/{total:,.0f} {unit}"


ON_TERMINAL = TerminalFeedback()
