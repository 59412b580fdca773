"""`vifi timeline`: when videos show which labels, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli.cli.search.options import EncoderOptions
from vifi_cli.cli.search.search import open_session
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options.shared import JsonOption
from vifi_cli.cli.terminal.options.splicing import spliced
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL
from vifi_cli.cli.timeline.tables import show_timelines
from vifi_cli.errors import InvalidInput
from vifi_cli.wording import first_of

if TYPE_CHECKING:
    from vifi_cli.api.timeline.files import TimelineFiles
    from vifi_cli.api.timeline.finding import TimelineOptions
    from vifi_cli.api.timeline.labels import Label

NOTHING_FOUND = 1
MOST_NAMED = 3
GAP_SECONDS, LEAST_SECONDS, MIN_SCORE = 2.0, 1.0, 0.3
labels_option = partial(typer.Option, rich_help_panel="Labels")
rules_option = partial(typer.Option, rich_help_panel="What counts as an occurrence")
file_option = partial(typer.Option, rich_help_panel="Output")


@dataclass(frozen=True, kw_only=True)
class LabelOptions:
    """The labels that are looked for."""

    labels: Annotated[
        list[str] | None,
        labels_option(
            "--labels",
            "-l",
            metavar="LABELS",
            help='Labels: "a,b,c", or a file with one per line; each is a query, or name=query',
        ),
    ] = None
    concepts: Annotated[
        list[str] | None,
        labels_option("--concepts", metavar="NAMES", help="Concepts that you have taught: waving,walking"),
    ] = None

    def read(self) -> tuple[Label, ...]:
        """The labels; raises InvalidInput if there are none."""
        from vifi_cli.api.timeline.labels import labels_of

        return labels_of(self.labels or (), self.concepts or ())


@dataclass(frozen=True, kw_only=True)
class OccurrenceOptions:
    """What counts as an occurrence."""

    min_score: Annotated[
        float, rules_option(min=0.0, max=1.0, help="Minimum relevance of its best moment; 0 keeps all")
    ] = MIN_SCORE
    gap: Annotated[
        float,
        rules_option(min=0.0, metavar="SECONDS", help="Join occurrences with at most this between them"),
    ] = GAP_SECONDS
    min_length: Annotated[
        float, rules_option(min=0.0, metavar="SECONDS", help="Omit shorter occurrences")
    ] = LEAST_SECONDS
    exclusive: Annotated[
        bool, rules_option("--exclusive", help="Show one label at a time: the one that stands out most")
    ] = False

    @property
    def rules(self) -> TimelineOptions:
        """The same for the program."""
        from vifi_cli.api.timeline.finding import TimelineOptions
        from vifi_cli.index.search.occurrences import OccurrenceRules

        return TimelineOptions(self.min_score, OccurrenceRules(self.gap, self.min_length, self.exclusive))


@dataclass(frozen=True, kw_only=True)
class TimelineOutput:
    """The form in which timelines are written."""

    output: Annotated[
        list[Path] | None,
        file_option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write a file by suffix: csv, tsv, json, eaf (ELAN), boris, png, svg (repeatable)",
        ),
    ] = None
    overwrite: Annotated[bool, file_option("--overwrite", help="Replace existing files")] = False
    summary: Annotated[
        bool, file_option("--summary", help="Show counts and durations of each label, not its occurrences")
    ] = False
    as_json: JsonOption = False

    @property
    def files(self) -> TimelineFiles:
        """The files to write."""
        from vifi_cli.api.timeline.files import TimelineFiles

        return TimelineFiles(tuple(self.output or ()), self.overwrite, self.summary)


@spliced
def timeline(
    videos: Annotated[
        list[str],
        typer.Argument(metavar="VIDEO", help="Indexed videos: paths, folders or globs", show_default=False),
    ],
    labels: LabelOptions,
    occurrences: OccurrenceOptions,
    form: TimelineOutput,
    encoder: EncoderOptions,
) -> None:
    """Show when videos show which labels, and for how long.

    Every occurrence counts, with a time budget of each label: counts, total and mean durations, and shares.

    Exit code 0 if there are occurrences, 1 if there are none, 2 if something is wrong.
    """
    from vifi_cli.api.library.encoders import EncoderChoice
    from vifi_cli.api.timeline.files import PICTURES
    from vifi_cli.api.timeline.finding import TimelineSearch, find_timelines
    from vifi_cli.api.timeline.videos import named_videos

    if form.as_json and form.summary:
        raise InvalidInput("--json holds the summary too: omit --summary")
    wanted, choice = labels.read(), EncoderChoice(encoder.model, encoder.device)
    with open_session() as session:
        search = TimelineSearch(session, wanted, occurrences.rules, choice)
        found = find_timelines(search, partial(named_videos, patterns=videos), ON_TERMINAL, form.files.check)
    written = form.files.write(found, ON_TERMINAL)
    for path in written:
        output.note(f"written: {path}")
    if any(path.suffix.lower() in PICTURES for path in written):
        output.spelling([label.name for label in wanted])
    show_timelines(found, as_json=form.as_json, is_summary=form.summary, is_quiet=bool(written))
    unrated = dict.fromkeys(one.label for each in found for one in each.occurrences if one.relevance is None)
    if unrated and occurrences.min_score:
        output.note(
            f"without relevance, since more than words or one concept: {first_of(list(unrated), MOST_NAMED)}; "
            "--min-score omits none of these"
        )
    if not any(each.occurrences for each in found):
        if occurrences.min_score:
            output.note("no occurrence found; `--min-score 0` finds less likely ones")
        raise typer.Exit(NOTHING_FOUND)
