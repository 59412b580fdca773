"""The lines of `vifi shell`: a search each, or one of the commands that are at home there."""

from __future__ import annotations

import inspect
import os
import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from typer.main import get_command

from vifi_cli import paths, wording
from vifi_cli.cli.search.cut import cut
from vifi_cli.cli.search.open import PlayableOutput, open_moment
from vifi_cli.cli.search.options import HitChoice, VideoSelection
from vifi_cli.cli.search.search import search
from vifi_cli.cli.search.similar import similar
from vifi_cli.cli.teaching.teach import teach
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.errors import in_words
from vifi_cli.cli.terminal.help import App
from vifi_cli.cli.terminal.options.shared import given_options
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL
from vifi_cli.errors import InvalidInput, VifiError

if TYPE_CHECKING:
    from vifi_cli.api.search.session import SearchSession

Bundle = TypeVar("Bundle")
SEARCH, SIMILAR, CUT, OPEN, TEACH, HELP = "search", "similar", "cut", "open", "teach", "help"
COMMANDS = {SEARCH: search, SIMILAR: similar, CUT: cut, OPEN: open_moment, TEACH: teach}
LEAVE = ("exit", "quit")
MARKS = ("--right", "--wrong", "--undo", "--list")
WRITES_FILES = ("-o", "--output", "--reel", "--list", "--html")
PROGRAM = re.compile(rf"vifi\s+({'|'.join((*COMMANDS, HELP))})\b")  # from a command line
HELP_TEXT = """\
a cat -t 3             search, with the options of `vifi search`
search WORDS           search for words that begin with one of these commands
open [N]               open hit N of the last search in your video player
similar FILE[@TIME]    find what looks alike
cut WHAT -o FOLDER     cut hits of a search, or moments, into clips
teach NAME "WORDS"     teach a concept, as with `--right 1,3 --wrong 2` after a search
help [COMMAND]         show this, or the options of a command
exit                   leave, as Ctrl-D does"""


class ShellLines:
    """Answers lines as the command line would answer the same words, in one session."""

    def __init__(self, session: SearchSession, standing: Sequence[str]) -> None:
        """Takes the options for every search; raises if they are wrong, or if nothing is indexed."""
        app = App(add_completion=False)
        for name, function in COMMANDS.items():
            app.command(name)(function)
        self.commands: Mapping[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
        self._session = session
        first = self.commands[SEARCH].make_context(f"vifi {SEARCH}", [*standing, "query"])
        self._options: Mapping[str, Any] = first.params
        if self._options["query"] != ["query"]:
            raise InvalidInput(
                "`vifi shell` takes options alone: type queries at its prompt, or pipe them in"
            )
        _check_together(self._options)
        self._standing = {SEARCH: list(standing), SIMILAR: _options_for(self.commands[SIMILAR], first)}
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
        options, problem = self._options, None
        try:
            name, words = read_line(line, is_typed=number is None)
            if name == HELP and not words:
                output.safe_line(HELP_TEXT)
            else:
                options = self._run(name, words)
        except output.ReaderLeft:
            raise
        except typer.Exit:  # no hits, or help
            pass
        except typer.TyperException as error:
            problem = error.format_message()
        except (VifiError, OSError, sqlite3.Error) as error:
            problem = in_words(error)
        except Exception as error:
            if os.environ.get("VIFI_DEBUG"):
                raise
            problem = in_words(error)
        if problem is not None:
            output.error(problem if number is None else f"line {number}: {problem}")
        if number is not None and not _ends_itself(options):
            output.line("")
        return problem is None

    def _run(self, name: str, words: Sequence[str]) -> Mapping[str, Any]:
        """Runs a command, or shows its help; returns its options."""
        if name == HELP:
            name, words = words[0], ["--help"]
        self._session.refresh()
        command = self.commands[name]
        arguments = [*self._standing.get(name, ()), *words]
        with command.make_context(
            name, arguments, obj=self._session, help_option_names=["-h", "--help"]
        ) as context:
            command.invoke(context)
        options: Mapping[str, Any] = context.params
        return options


def read_line(line: str, *, is_typed: bool) -> tuple[str, list[str]]:
    """The command of a line and its arguments; raises InvalidInput if a quotation mark is not closed.

    A line is a command only if its further words fit one, since `open door`, `open 24 hours` and `similar shoes` are
    searches. A line of a pipe, where programs write queries, begins no command by `search` or by one word alone, and
    none that writes files without an option that says so.
    """
    from vifi_cli.api.search.query_line import split_line

    if is_typed and PROGRAM.match(line):
        line = line.split(maxsplit=1)[1]
    words = split_line(line)
    first = line.split(maxsplit=1)[0]  # a word in quotation marks is a word
    rest = words[1:]
    fits = {
        HELP: (len(rest) == 1 and rest[0] in COMMANDS) if rest else is_typed,
        OPEN: _says_what_to_open(rest) if rest else is_typed,
        SIMILAR: (_is_option(rest[0]) or _is_file(rest[0])) if rest else is_typed,
        TEACH: _says_what_to_teach(rest, is_typed=is_typed),
        CUT: is_typed or any(word.startswith(WRITES_FILES) for word in rest),
        SEARCH: bool(rest) and is_typed,
    }
    return (first, rest) if fits.get(first) else (SEARCH, words)


def _says_what_to_open(words: Sequence[str]) -> bool:
    if words[0].isdecimal():
        return len(words) == 1 or _is_option(words[1])
    return _is_option(words[0]) or _is_file(words[0])


def _says_what_to_teach(words: Sequence[str], *, is_typed: bool) -> bool:
    """Whether marks are named, or a concept that is known or described by words in quotation marks."""
    from vifi_cli.index.concepts.names import is_name
    from vifi_cli.index.concepts.store import ConceptStore

    if any(word.startswith(MARKS) for word in words):
        return True
    if not is_typed or not words:
        return is_typed
    name = words[0].removeprefix("@")
    if len(words) == 2 and " " in words[1]:
        return is_name(name)
    return len(words) == 1 and ConceptStore(paths.searched_index_folder()).find(name) is not None


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != "-"  # which subtracts


def _is_file(word: str) -> bool:
    from vifi_cli.api.search.query_language import means_file
    from vifi_cli.paths import is_given_file

    return means_file(word) or is_given_file(word)


def _check_together(given: Mapping[str, Any]) -> None:
    """Raises InvalidInput if options of a search do not fit each other."""
    for bundle in (HitChoice, PlayableOutput):
        _taken(bundle, given)
    _taken(VideoSelection, given).video_filter()


def _taken(bundle: Callable[..., Bundle], given: Mapping[str, Any]) -> Bundle:
    return bundle(**{name: given[name] for name in inspect.signature(bundle).parameters})


def _options_for(command: Any, given: typer.Context) -> list[str]:
    """The options on a command line that another command has too."""
    known = {each.name for each in command.params}
    values = given.params
    return [
        flag if values[name] is True else f"{flag}={values[name]}"
        for name, flag in given_options(given).items()
        if name in known
    ]


def _ends_itself(options: Mapping[str, Any]) -> bool:
    """Whether programs see where an answer ends without an empty line."""
    if options.get("as_json") or options.get("as_jsonl") or options.get("print0"):
        return True
    template = options.get("template")
    if template is None:
        return False
    from vifi_cli.api.search.hits.line_format import HitFormat

    return HitFormat(template).is_exact
