"""`vifi shell`: a prompt for searching again and again, with the model and the index kept ready."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import typer
from typer.main import get_command

from vifi_cli import paths, stop_signals, wording
from vifi_cli.cli.search.search import open_session, search
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.errors import in_words
from vifi_cli.cli.terminal.help import App
from vifi_cli.cli.terminal.progress import ON_TERMINAL
from vifi_cli.errors import InvalidInput, VifiError
from vifi_cli.stop_signals import Stopped

if TYPE_CHECKING:
    from vifi_cli.api.search.session import SearchSession

OPTIONS_OF_SEARCH = {"allow_extra_args": True, "ignore_unknown_options": True}
PROMPT = "vifi> "
HISTORY_FILE = "shell-history"
HISTORY_LINES = 1000
LEAVE = {"exit", "quit"}
WRONG = 2


def shell(context: typer.Context) -> None:
    """Search repeatedly with model and index in memory.

    Each line is what follows `vifi search`. Options of `vifi search` that you give here apply to every line.

    From a pipe it reads one query per line. An empty line ends each answer; with --json, each answer is a line.

    Exit code 0, or 2 if something is wrong, even with one line of a pipe.
    """
    with open_session() as session:
        asking = Asking(session, context.args)
        if sys.stdin.isatty():
            _talk(asking)
        elif not _answer_pipe(asking):
            raise typer.Exit(WRONG)


class Asking:
    """Answers lines, each as `vifi search` would answer it, in one session."""

    def __init__(self, session: SearchSession, standing: Sequence[str]) -> None:
        """Takes the options for every line; raises if they are wrong, or if nothing is indexed."""
        app = App(add_completion=False)
        app.command()(search)
        self._search = get_command(app)
        self._session = session
        self._standing = list(standing)
        self._options: Mapping[str, Any] = self._search.make_context("search", [*standing, "query"]).params
        if self._options["query"] != ["query"]:
            raise InvalidInput(
                "`vifi shell` takes options alone: type queries at its prompt, or pipe them in"
            )
        _ = session.index

    def get_ready(self) -> str:
        """Loads everything that queries need, so that the first one does not wait; returns a summary."""
        from vifi_cli.api.library.encoders import EncoderChoice

        choice = EncoderChoice(self._options["model"], self._options["device"])
        with ON_TERMINAL.busy("Loading the index and its encoder"):
            encoder = self._session.text_encoder(choice)
            windows, videos = len(self._session.index.vectors), len(self._session.index.catalog.videos())
        return f"{wording.counted(windows, 'window')} of {wording.counted(videos, 'video')}, by {encoder.model_name}"

    def answer(self, line: str, number: int | None = None) -> bool:
        """Answers a line (its number if from a pipe), or writes the problem to stderr and returns False."""
        from vifi_cli.api.search.query_line import split_line

        options, problem = self._options, None
        try:
            words = split_line(line)
            self._session.refresh()
            with self._search.make_context("search", [*self._standing, *words], obj=self._session) as context:
                options = context.params
                self._search.invoke(context)
        except output.ReaderLeft:
            raise
        except typer.Exit:  # no hits, or help
            pass
        except typer.TyperException as error:
            problem = error.format_message()
        except (VifiError, OSError, sqlite3.Error) as error:
            problem = in_words(error)
        if problem is not None:
            output.error(problem if number is None else f"line {number}: {problem}")
        if number is not None and not (options["as_json"] or options["as_jsonl"] or options["print0"]):
            output.line("")
        return problem is None


def _answer_pipe(asking: Asking) -> bool:
    all_answered = True
    for number, line in enumerate(sys.stdin, 1):
        query = line.removeprefix("\ufeff").strip()  # some shells begin a pipe with a byte order mark
        if query:
            all_answered &= asking.answer(query, number)
    return all_answered


def _talk(asking: Asking) -> None:
    output.note(f"{asking.get_ready()}; --help lists the options, Ctrl-D or `exit` leaves")
    with _history():
        for line in _typed_lines():
            try:
                asking.answer(line)
            except Stopped:
                raise
            except KeyboardInterrupt as stop:
                stop_signals.heed(stop)
                output.note("stopped")


def _typed_lines() -> Iterator[str]:
    """The lines typed until Ctrl-D or a word to leave; Ctrl-C drops a line."""
    while True:
        try:
            line = _ask().strip()
        except Stopped:
            raise
        except KeyboardInterrupt as stop:
            stop_signals.heed(stop)
            output.prompt("\n")
            continue
        except EOFError:
            output.prompt("\n")
            return
        if line in LEAVE:
            return
        if line:
            yield line


def _ask() -> str:
    if output.stdout_is_terminal():
        return input(PROMPT)
    output.prompt(PROMPT)  # stdout is for data
    return input()


@contextmanager
def _history() -> Iterator[None]:
    """Lines can be edited, and those typed before come back with the arrow keys, where Python has readline."""
    try:
        import readline
    except ImportError:
        yield
        return
    file = paths.data_folder() / HISTORY_FILE
    with suppress(OSError):
        readline.read_history_file(file)
    readline.set_history_length(HISTORY_LINES)
    readline.set_completer_delims(" \t")
    readline.parse_and_bind("tab: complete")  # completes names of files by default
    try:
        yield
    finally:
        with suppress(OSError):
            readline.write_history_file(file)
            file.chmod(0o600)  # what somebody looked for is theirs, also in a shared data folder
