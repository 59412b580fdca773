"""Notes and progress of long work: to a log, to progress bars, or to a class that you write."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

from vifi_cli.errors import InvalidInput
from vifi_cli.training.engine.processes.launch import read_launch
from vifi_cli.wording import BYTES

LOGGER = logging.getLogger("vifi_cli")


class Task(Protocol):
    """Receives the progress of one task."""

    def __call__(self, done: float, total: float | None = None, *, what: str = "", at: str = "") -> None:
        """Receives the amount done, the total once it is known, and a new description or position, if any."""


class Feedback(Protocol):
    """Receives notes and progress while work is done. Write your own to show them elsewhere."""

    def note(self, message: str) -> None:
        """Receives a fact, a sentence without a full stop."""

    def warn(self, message: str) -> None:
        """Receives a problem, a sentence without a full stop."""

    def busy(self, what: str) -> AbstractContextManager[object]:
        """Announces work of unknown length, done inside the context."""

    def task(self, what: str, total: float | None = None, unit: str = "") -> AbstractContextManager[Task]:
        """Announces work with known progress, done inside the context.

        `unit` is the plural of the things counted, empty where the number means nothing to people.
        """


class Logged:
    """Logs notes under the name `vifi_cli`, at level INFO, and shows no progress."""

    def note(self, message: str) -> None:
        """Logs the message."""
        LOGGER.info("%s", message)

    def warn(self, message: str) -> None:
        """Logs the message as a warning."""
        LOGGER.warning("%s", message)

    def busy(self, what: str) -> AbstractContextManager[object]:
        """Shows nothing."""
        return nullcontext()

    @contextmanager
    def task(self, what: str, total: float | None = None, unit: str = "") -> Iterator[Task]:
        """Shows nothing."""
        yield _ignored


class ProgressBars(Logged):
    """Logs notes and shows progress bars: widgets in Jupyter, lines of text on stderr elsewhere."""

    @contextmanager
    def task(self, what: str, total: float | None = None, unit: str = "") -> Iterator[Task]:
        """Shows a bar with the time left, which disappears when the work is done."""
        with _new_bar(what, total, unit) as bar:

            def report(done: float, total: float | None = None, *, what: str = "", at: str = "") -> None:
                bar.total = bar.total if total is None else total
                bar.set_postfix_str(at, refresh=False)
                bar.update(done - bar.n)
                if what:
                    bar.set_description_str(what)

            yield report


class Automatic(Logged):
    """Shows progress bars in a notebook, and none in a script."""

    @contextmanager
    def task(self, what: str, total: float | None = None, unit: str = "") -> Iterator[Task]:
        """Shows a bar in a notebook."""
        with (ProgressBars() if in_notebook() else Logged()).task(what, total, unit) as report:
            yield report


def in_notebook() -> bool:
    """Whether this process is the kernel of a Jupyter notebook."""
    try:
        return type(get_ipython()).__name__ == "ZMQInteractiveShell"  # type: ignore[name-defined]
    except NameError:  # IPython defines it
        return False


def _new_bar(what: str, total: float | None, unit: str) -> Any:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without ipywidgets, tqdm advises to install it and shows text
        from tqdm.auto import tqdm

    if unit == BYTES:
        return tqdm(desc=what, total=total, unit="B", unit_scale=True, leave=False)
    return tqdm(desc=what, total=total, unit=f" {unit}" if unit else "", leave=False)


def _ignored(done: float, total: float | None = None, *, what: str = "", at: str = "") -> None:
    pass


AUTOMATIC = Automatic()


def is_first_process() -> bool:
    """Whether this process reports to the user, among those that torchrun started."""
    try:
        return read_launch().rank == 0
    except InvalidInput:  # only commands that join processes mind
        return True


def of_first_process(feedback: Feedback) -> Feedback:
    """The feedback in the first process, the log in the others; errors are those of `read_launch`."""
    return feedback if read_launch().rank == 0 else Logged()
