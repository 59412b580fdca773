"""Options of the commands that look for moments, and what they say together."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli.cli.search.times import instant_option, length_option
from vifi_cli.cli.terminal.options import Device
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.index.search.video_filter import VideoFilter

HITS, VIDEOS, OUTPUT, ENCODER = "Which hits", "Among which videos", "Output", "Encoder"


class HitUnit(StrEnum):
    """What a hit is."""

    moment = "moment"
    video = "video"


TopOption = Annotated[
    int,
    typer.Option("--top", "-t", min=0, help="Number of hits at most; 0 for all.", rich_help_panel=HITS),
]
PerVideoOption = Annotated[
    int, typer.Option(min=0, help="Moments of one video at most; 0 for all.", rich_help_panel=HITS)
]
ByOption = Annotated[
    HitUnit, typer.Option(help="Whether a hit is a moment or a whole video.", rich_help_panel=HITS)
]
MinScoreOption = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Leave out hits of a lower relevance, or cosine where that is shown; 0 leaves out none.",
        show_default="0.3 of relevance",
        rich_help_panel=HITS,
    ),
]
DedupeOption = Annotated[
    bool,
    typer.Option(
        "--dedupe", help="Show only the best of hits that look nearly the same.", rich_help_panel=HITS
    ),
]
PathOption = Annotated[
    str | None,
    typer.Option(metavar="GLOB", help="Whose path matches, or below a folder.", rich_help_panel=VIDEOS),
]
NewerOption = Annotated[
    str | None,
    typer.Option(
        metavar="WHEN",
        help="Changed last on this day or after it (2026-01-31), or at most so long ago (12h, 7d, 3w).",
        rich_help_panel=VIDEOS,
    ),
]
OlderOption = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="Changed last before this day, or longer ago.", rich_help_panel=VIDEOS),
]
MinDurationOption = Annotated[
    str | None,
    typer.Option(metavar="LENGTH", help="At least so long: 90, 1:30, 2h.", rich_help_panel=VIDEOS),
]
MaxDurationOption = Annotated[
    str | None, typer.Option(metavar="LENGTH", help="At most so long.", rich_help_panel=VIDEOS)
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Write one JSON document to stdout.", rich_help_panel=OUTPUT)
]
JsonLinesOption = Annotated[
    bool, typer.Option("--jsonl", help="Write one JSON document a hit.", rich_help_panel=OUTPUT)
]
FilepathOnlyOption = Annotated[
    bool,
    typer.Option("--filepath-only", "-f", help="Write only paths, each once.", rich_help_panel=OUTPUT),
]
Print0Option = Annotated[
    bool,
    typer.Option(
        "--print0",
        "-0",
        help="Like -f, ended by NUL instead of newline, for xargs -0.",
        rich_help_panel=OUTPUT,
    ),
]
ReadByOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="Read the query by this model: one that sees pictures as the index's own does, such as text "
        "prompts learned for it.",
        show_default=False,
        rich_help_panel=ENCODER,
    ),
]
EncoderDeviceOption = Annotated[
    Device,
    typer.Option(
        "--device",
        help="Where the encoder runs; auto takes a GPU if there is one.",
        rich_help_panel=ENCODER,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class HitOutput:
    """The form in which hits are written."""

    as_json: bool
    as_jsonl: bool
    filepath_only: bool
    print0: bool

    def __post_init__(self) -> None:
        if (self.as_json, self.as_jsonl, self.filepath_only or self.print0).count(True) > 1:
            raise InvalidInput("--json, --jsonl and -f/-0 are different outputs: choose one")


def video_filter(
    newer: str | None, older: str | None, min_duration: str | None, max_duration: str | None
) -> VideoFilter:
    """The videos that the options of these names ask for.

    Raises:
        InvalidInput: an option cannot be understood, or no video could fulfil them all.
    """
    from vifi_cli.index.search.video_filter import VideoFilter

    now_ns = time.time_ns()
    changed_from = None if newer is None else instant_option("--newer", newer, now_ns)
    changed_before = None if older is None else instant_option("--older", older, now_ns)
    shortest = 0.0 if min_duration is None else length_option("--min-duration", min_duration)
    longest = math.inf if max_duration is None else length_option("--max-duration", max_duration)
    if changed_from is not None and changed_before is not None and changed_from >= changed_before:
        raise InvalidInput(
            f"no video is both newer than {newer} and older than {older}: change one of the two"
        )
    if shortest > longest:
        raise InvalidInput(
            f"no video lasts both {min_duration} at least and {max_duration} at most: change one of the two"
        )
    return VideoFilter(
        changed_from_ns=changed_from,
        changed_before_ns=changed_before,
        shortest_seconds=shortest,
        longest_seconds=longest,
    )
