"""`vifi open`: opens a hit of the last search in a video player."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli import wording
from vifi_cli.cli.search.options import HitOutput
from vifi_cli.cli.terminal import output
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.api.search.hits.last_search import KeptHit
    from vifi_cli.cli.search.result import Answer

MOST_DIGITS = 9
player_option = partial(typer.Option, rich_help_panel="Player")
PlayerOption = Annotated[
    str | None,
    player_option(
        "--player",
        metavar="PLAYER",
        help="mpv, vlc, iina, quicktime, system, or a command such as 'mpv --start={start} {path}'",
        show_default="the setting, or the first that is installed",
    ),
]


def open_moment(
    what: Annotated[
        str,
        typer.Argument(
            metavar="N|FILE[@TIME]",
            help="Number of a hit of the last search, or a moment, as in trip.mp4@1:20",
            show_default="1",
        ),
    ] = "1",
    player: PlayerOption = None,
) -> None:
    """Open a hit in your video player, at its time.

    The numbers are those in the list that `vifi search` or `vifi similar` has shown last.

    Exit code 0 if the player was started, 2 if something is wrong.
    """
    from vifi_cli.api.search.hits.last_search import last_search
    from vifi_cli.api.search.query_language import parse_example
    from vifi_cli.paths import given_path, is_given_file
    from vifi_cli.video.files.content import is_there

    if what.isdecimal() and len(what) <= MOST_DIGITS:
        play_hit(last_search().hit(int(what)), player)
        return
    moment = parse_example(what)
    if not (is_given_file(moment.path) or is_there(given_path(moment.path))):
        raise InvalidInput(
            f'"{what}" is neither the number of a hit nor a file: write a number from the list of your last search'
        )
    play(moment.path, moment.part.asked_seconds if moment.part else 0.0, player)


@dataclass(frozen=True, kw_only=True)
class PlayableOutput(HitOutput):
    """The form in which hits are written, and whether one of them is opened."""

    play: Annotated[
        int | None,
        player_option(
            "--play",
            min=1,
            metavar="[N]",
            help="Open the best hit, or hit N, in your video player at its time",
        ),
    ] = None
    player: PlayerOption = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.player is not None and self.play is None:
            raise InvalidInput("--player says where to open a hit: add --play")


def keep_and_play(answer: Answer, form: PlayableOutput) -> None:
    """Keeps the hits that were shown for `vifi open`, and opens one if that was asked for."""
    from vifi_cli.api.search.hits.last_search import LastSearch

    first_of_video = {hit.path: hit for hit in reversed(answer.hits)}
    shown = [hit for hit in answer.hits if not form.is_of_paths or first_of_video[hit.path] is hit]
    search = LastSearch.of(answer.query, shown)
    try:
        search.keep()
    except OSError as error:  # such as a full disk
        if form.play is None and output.stdout_is_terminal():
            output.note(f"`vifi open` cannot open these hits, which cannot be kept ({error.strerror})")
    if form.play is not None and any(not hit.unsure for hit in answer.hits):
        play_hit(search.hit(form.play), form.player)
    elif form.play is not None and answer.hits:
        search.hit(form.play)
        output.note(f"nothing opened, since no hit is sure: `vifi open {form.play}` opens it all the same")


def play_hit(hit: KeptHit, player: str | None) -> None:
    """Opens a hit, wherever its video is now, and reports what has changed."""
    from vifi_cli.api.search.hits.last_search import find_again

    found = find_again(hit)
    for remark in found.remarks:
        output.warning(remark)
    play(found.path, hit.start_seconds, player)


def play(path: Path, seconds: float, player: str | None) -> None:
    """Opens a video in a player at a time, and reports how."""
    from vifi_cli.api.playback import open_in_player

    opened = open_in_player(path, seconds, player)
    at = f" at {wording.clock(seconds)}" if opened.begins_there else ""
    output.note(f"opened {path.name}{at} in {opened.player}")
    for remark in opened.remarks:
        output.note(remark)
