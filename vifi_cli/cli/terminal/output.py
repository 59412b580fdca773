"""Output: data goes to stdout, notes and progress to stderr; tables on a terminal, plain lines in a pipe."""

import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from vifi_cli import stop_signals
from vifi_cli.cli.terminal.encoding import ESCAPE, LOOK_ALIKE
from vifi_cli.cli.terminal.message_stream import unfailing
from vifi_cli.stop_signals import Stopped
from vifi_cli.wording import escaped, printable

QR_MARGIN = 2  # in squares of the code
QR_COLORS = "#ffffff on #000000"
"""Also where the terminal is light: the characters are its light squares."""


class ReaderLeft(typer.Exit):
    """The reader of stdout has closed it, as `head` does."""


def prepare_streams() -> None:
    """Lets every text pass, whatever the encoding of a stream, and replaces closed streams by the null device.

    What an encoding lacks is replaced: in a pipe by escapes, and for people by something that looks alike.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name) or Path(os.devnull).open(mode)  # noqa: SIM115 - open until the end
        setattr(sys, name, stream)
        if isinstance(stream, io.TextIOWrapper):
            is_for_people = name == "stderr" or (name == "stdout" and stream.isatty())
            written = LOOK_ALIKE if is_for_people else ESCAPE
            stream.reconfigure(errors="surrogateescape" if name == "stdin" else written)
    sys.stderr = unfailing(sys.stderr)


def stdout_is_terminal() -> bool:
    """Whether a person reads stdout, not a pipe or a file."""
    return sys.stdout.isatty()


def line(text: str) -> None:
    """Writes a line of text to stdout, whatever names it holds: what a terminal could obey becomes an escape.

    In a pipe, backslashes are doubled, so that programs can undo the escapes. Raises ReaderLeft if the reader has
    closed stdout.
    """
    _write((printable(text) if stdout_is_terminal() else escaped(text)) + "\n")


def safe_line(text: str) -> None:
    """Writes a line to stdout as it is; names in it have been made safe before."""
    _write(text + "\n")


def exact_path(path: Path) -> None:
    """Writes a path to stdout in the file system's own bytes, whatever the encoding of stdout, and a NUL after it."""
    exact(f"{path}\0")


def exact(text: str) -> None:
    """Writes text to stdout as it is, with names in the file system's own bytes, whatever the encoding of stdout."""
    with _reader_may_leave():
        sys.stdout.flush()
        sys.stdout.buffer.write(_bytes_of(text))
        sys.stdout.buffer.flush()


def _bytes_of(text: str) -> bytes:
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:  # words, in a character set that lacks them
        return text.encode("utf-8", "surrogateescape")


def can_write(text: str) -> bool:
    """Whether the encoding of stdout has all characters of a text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _write(text: str) -> None:
    with _reader_may_leave():
        sys.stdout.write(text)
        sys.stdout.flush()


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ReaderLeft from None


def document(content: object) -> None:
    """Writes one JSON document to stdout; paths become text."""
    _write(json.dumps(content, indent=2, default=os.fspath) + "\n")


def json_line(content: object) -> None:
    """Writes one JSON document to stdout on a single line."""
    _write(json.dumps(content) + "\n")


@dataclass(slots=True)
class Messages:
    """Where messages go while lines at the bottom of the terminal change."""

    console: Console | None = None


messages = Messages()


def stderr() -> Console:
    """The console of notes and progress."""
    return messages.console or Console(stderr=True, soft_wrap=True, highlight=False)


def note(message: str) -> None:
    """Writes a remark to stderr."""
    stderr().print(f"[dim]{escape(printable(message))}[/dim]")


def spelling(names: Iterable[str]) -> None:
    """Writes a remark to stderr if pictures spell some of these names differently."""
    from vifi_cli.evaluation.figures.lettering import spelling_note

    if remark := spelling_note(names):
        note(remark)


def warning(message: str) -> None:
    """Writes a warning to stderr."""
    stderr().print(f"[yellow]warning:[/yellow] {escape(printable(message))}")


def error(message: str) -> None:
    """Writes an error to stderr, on one line."""
    stderr().print(f"[bold red]error:[/bold red] {escape(printable(' '.join(message.split())))}")


def stopped(stop: KeyboardInterrupt) -> None:
    """Writes to stderr that a signal ended the command."""
    note(f"{stop_signals.in_words(stop)}: run the same command again")


def ended(stop: KeyboardInterrupt) -> int:
    """Reports the end of a command that runs until it is stopped; returns its exit code, 0 for Ctrl-C."""
    code, is_usual = stop_signals.heed(stop), not isinstance(stop, Stopped)
    note("ended" if is_usual else stop_signals.in_words(stop))
    return 0 if is_usual else code


def qr_code(text: str) -> None:
    """Shows a text on stderr as a code that phones scan, unless the terminal lacks the characters for it."""
    import segno

    drawn = io.StringIO()
    segno.make(text, micro=False).terminal(drawn, border=QR_MARGIN, compact=True)
    if can_write(drawn.getvalue()):
        stderr().print(Text(drawn.getvalue().rstrip(), style=QR_COLORS))


def prompt(text: str) -> None:
    """Writes a prompt to stderr unchanged."""
    sys.stderr.write(text)
    sys.stderr.flush()


def rows(headers: Sequence[str], cells: Sequence[Sequence[str | Text]], right: Sequence[str] = ()) -> None:
    """Shows rows under their headers: as a table on a terminal, as tab-separated lines in a pipe.

    `right` names the right-aligned columns. For hits, clips and other files, of which programs read a line each, use
    `records`.
    """
    if not stdout_is_terminal():
        records([headers, *cells] if any(headers) else cells)
        return
    table = Table(box=None, header_style="bold", pad_edge=False, show_header=any(headers))
    for header in headers:
        table.add_column(header, justify="right" if header in right else "left", overflow="fold")
    for row in cells:
        table.add_row(*(cell if isinstance(cell, Text) else Text(printable(cell)) for cell in row))
    Console().print(table)


def records(cells: Sequence[Sequence[str | Text]]) -> None:
    """Writes tab-separated lines without a header, each about one file or moment, for programs."""
    for row in cells:
        _write("\t".join(escaped(str(cell)) for cell in row) + "\n")


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Shows names and values on stdout, a pair per line."""
    rows(("", ""), [(name, value) for name, value in pairs])


def styled_line(text: Text) -> None:
    """Writes a line for people that holds links, in one piece: a terminal breaks it anywhere."""
    Console().print(text, soft_wrap=True)


def path_link(path: Path) -> Text:
    """A path for a table, relative if possible, and clickable on terminals that support links."""
    try:
        shown = str(path.relative_to(Path.cwd()))
    except ValueError:
        shown = str(path)
    return Text(printable(shown), style=f"link {path.as_uri()}")
