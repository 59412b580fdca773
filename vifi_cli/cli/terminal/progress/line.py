"""One line on one piece of work: with a bar, as wide as the terminal allows, or for a log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.progress_bar import ProgressBar
from rich.text import Text

from vifi_cli import wording
from vifi_cli.cli.terminal.progress.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

SEPARATOR = " · "
NARROWEST_BAR, WIDEST_BAR = 8, 40
MOST_FOR_NAME = 0.5  # of the width
DOTS, ASCII_DOTS = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "-\\|/"
DOTS_A_SECOND = 10
SLOW_SECONDS = 3.0  # from which on the time taken is shown where the time left is unknown


@dataclass(slots=True)
class Work:
    """A piece of work that is going on; times are in seconds of one monotonic clock."""

    what: str
    started: float
    unit: str = ""  # the plural of what is counted
    total: float | None = None
    done: float | None = None  # None before the first progress
    at: str = ""  # details, separated by SEPARATOR
    is_counted: bool = True  # else only its name is shown
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace(self.started)
        self.pace.note(self.started, 0.0)

    def advance(self, now: float, done: float, total: float | None, what: str, at: str) -> None:
        """Notes progress; work under another name, or resumed far into it, has a pace of its own.

        Work whose first report is that nothing is done begins with it.
        """
        is_resumed = self.done is None and total is not None and done > total / 4
        begins = self.done is None and not done
        if (what and what != self.what) or is_resumed or begins:
            self.pace = Pace(now)
        self.done, self.what, self.at = done, what or self.what, at
        self.total = self.total if total is None else total
        self.pace.note(now, done)

    def share(self) -> float | None:
        """How much is done, 0 to 1; None if that is unknown."""
        if not self.is_counted or self.done is None or not self.total:
            return None
        return min(max(self.done / self.total, 0.0), 1.0)

    @property
    def name_width(self) -> int:
        """The cells that its name takes."""
        return cell_len(wording.printable(self.what))

    def details(self, now: float) -> list[str]:
        """What is known besides the share, the most important first."""
        if self.at:
            return self.at.split(SEPARATOR)
        if not self.unit or self.done is None:
            return []
        rate = self.pace.rate(now)
        return [self._counted(self.done), *([] if rate is None else [self._rate(rate)])]

    def time_left(self, now: float) -> str:
        """How long it still takes, in words; where that is unknown, how long slow work has taken."""
        left = None if self.share() == 1 else self.pace.seconds_left(now, self.total)
        if left is not None:
            return f"{_roughly(left)} left"
        taken = now - self.started
        return _roughly(taken) if taken >= SLOW_SECONDS and self.share() is None else ""

    def _counted(self, done: float) -> str:
        if self.unit == wording.BYTES:
            return wording.size(done) + (f" of {wording.size(self.total)}" if self.total else "")
        return f"{done:,.0f}" + (f"/{self.total:,.0f}" if self.total else "") + f" {self.unit}"

    def _rate(self, rate: float) -> str:
        if self.unit == wording.BYTES:
            return f"{wording.size(rate)}/s"
        return f"{rate:.1f} {self.unit}/s" if rate >= 1 else f"{60 * rate:.1f} {self.unit}/min"


def _roughly(seconds: float) -> str:
    return f"{max(round(seconds), 1)} s" if seconds < 59.5 else wording.duration(seconds)


def log_line(work: Work, now: float) -> str:
    """The line for a log: the time of day, how much is done, the rate, and the time left."""
    share = work.share()
    parts = [f"{share:.0%}"] if share is not None else []
    parts += filter(None, [*work.details(now), work.time_left(now)])
    return f"{datetime.now():%H:%M:%S}  {work.what} {SEPARATOR.join(parts)}".rstrip()


def bar_line(work: Work, now: float, console: Console, width: int, names: int = 0) -> Text:
    """The line for a terminal, in at most `width` cells: what does not fit is left out, the bar and details first.

    A bar begins behind `names` cells, so that several are one below the other.
    """
    share = work.share()
    name = Text(wording.printable(work.what))
    if share is not None:
        name.truncate(
            min(max(names, work.name_width), int(MOST_FOR_NAME * width)), overflow="ellipsis", pad=True
        )
    percent = "" if share is None else f"{share:4.0%}"
    details = [wording.printable(each) for each in work.details(now)] if work.is_counted else []
    for line, bar in _layouts(details, work.time_left(now)):
        texts = [name.plain, *filter(None, [percent, line])]
        room = width - sum(map(cell_len, texts)) - 2 * len(texts)
        if bar and (share is None or room < NARROWEST_BAR):
            continue
        if bar or room + 2 >= 0:
            break
    drawn = _bar(share, min(room, WIDEST_BAR), console) if bar and share is not None else None
    lead = _spinner(now, console) if share is None else None
    line_text = Text(line, "dim") if line else None
    parts = [part for part in (lead, name, drawn, percent and Text(percent, "magenta"), line_text) if part]
    shown = Text(" " if share is None else "  ").join(parts)
    shown.truncate(width, overflow="ellipsis")
    shown.no_wrap = True
    return shown


def _layouts(details: Sequence[str], time_left: str) -> Iterator[tuple[str, bool]]:
    """The texts behind the percent, and whether there is a bar before it: the fullest first."""
    lines = [SEPARATOR.join(filter(None, [*details[:n], time_left])) for n in range(len(details), -1, -1)]
    with_bar = [(line, True) for line in (lines[:-1] or lines)]
    return chain(with_bar, ((line, False) for line in lines))


def _bar(share: float, width: int, console: Console) -> Text:
    options = console.options.update(width=width)
    segments = console.render(ProgressBar(1.0, share, width=width), options)
    return Text.assemble(
        *((segment.text, segment.style or "") for segment in segments if segment.text != "\n")
    )


def _spinner(now: float, console: Console) -> Text:
    dots = ASCII_DOTS if console.options.ascii_only else DOTS
    return Text(dots[int(now * DOTS_A_SECOND) % len(dots)], "green")
