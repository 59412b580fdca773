"""Opens a moment of a video in the user's player."""

import os
import shlex
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path, PurePath

from vifi_cli.api.players import NAMES, Player, find_player, runs_on
from vifi_cli.api.search.player_starts import player_starts
from vifi_cli.errors import InvalidInput, PlayerFailed, UnreadableVideo
from vifi_cli.paths import given_path
from vifi_cli.settings.settings import own_player
from vifi_cli.video.files.content import is_there
from vifi_cli.video.files.virtual.tar_shards import split_at_shard
from vifi_cli.wording import as_argument
from vifi_cli.wording import clock as shown_clock

EARLY_END_SECONDS = 0.5
"""A player that ends within this time with an error has shown nothing."""


@dataclass(frozen=True, slots=True)
class OpenedMoment:
    """What was opened, and how."""

    path: Path
    player: str  # its name
    player_seconds: float  # the moment on the player's clock
    begins_there: bool  # whether the player was told to begin there
    remarks: tuple[str, ...] = ()  # for the user


def open_in_player(path: Path | str, start_seconds: float, player: str | None = None) -> OpenedMoment:
    """Opens a video in a player at a time, counted from its first picture, and returns while it plays.

    The player goes on when vifi ends or the terminal is closed.

    Args:
        path: the video.
        start_seconds: where to begin.
        player: `mpv`, `vlc`, `iina`, `quicktime` or `system`; a command, such as `mpv --fs` or
            `mpv --start={start} {path}`. If omitted, the setting `player`, or else the best one that is installed.

    Raises:
        InvalidInput: the file is not there, the player is not installed or was set by others, or there is no display.
        PlayerFailed: the player ended at once with an error.
    """
    video = given_path(path)
    _check_there(video)
    _check_is_file(video, start_seconds)
    player = player or own_player()
    chosen = find_player(player)
    if not player or player.lower() in NAMES:
        _check_display(video)
    at, remarks = _player_time(video, start_seconds)
    if at is not None and not chosen.takes_time:
        remarks += (f"{_in_words(chosen)} cannot be given a time: go to {shown_clock(at)} in it",)
    _start(chosen, video, at or 0.0)
    return OpenedMoment(video, chosen.name, at or 0.0, at is not None and chosen.takes_time, remarks)


def _in_words(player: Player) -> str:
    return "the system's own player" if player.name == "system" else player.name


def _check_there(video: Path) -> None:
    if not is_there(video):
        raise InvalidInput(
            f"{video} is not there: connect its disk, or run `vifi index` if you moved or deleted it"
        )


def _check_is_file(video: Path, seconds: float) -> None:
    if video.is_dir() or split_at_shard(video):
        what = "a folder of frames" if video.is_dir() else "inside a tar file"
        moment = as_argument(PurePath(f"{video}@{shown_clock(seconds)}-"))
        raise InvalidInput(
            f"{video} is {what}, which players do not open: use `vifi cut {moment}` or `vifi serve`"
        )


def _check_display(video: Path) -> None:
    if runs_on(("linux",)) and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise InvalidInput(
            f"there is no display here to show {video.name} on, as in an SSH session: use `vifi serve` and its page, "
            "or run vifi where you watch"
        )


def _player_time(video: Path, seconds: float) -> tuple[float | None, tuple[str, ...]]:
    """The moment on the clock of players, None if none finds it, and remarks for the user."""
    (at,) = player_starts([(video, seconds)])
    if isinstance(at, UnreadableVideo):
        return seconds, (f"vifi cannot read it, so the time may be wrong ({at})",)
    if at is not None:
        return at, ()
    moment = as_argument(PurePath(f"{video}@{shown_clock(seconds)}-"))
    return None, (f"the file's own times are set back, so it plays from the start: use `vifi cut {moment}`",)


def _start(player: Player, video: Path, seconds: float) -> None:
    if sys.platform == "win32" and player.name == "system":
        os.startfile(video)
        return
    command = player.arguments(video, seconds)
    try:
        process = _apart(command, video.anchor)
    except OSError as error:
        raise PlayerFailed(
            f"{player.name} cannot be started ({error.strerror}): choose another player"
        ) from error
    try:
        code = process.wait(EARLY_END_SECONDS)
    except subprocess.TimeoutExpired:
        threading.Thread(target=process.wait, daemon=True).start()  # so that it leaves no zombie behind
        return
    if code:
        raise PlayerFailed(
            f"{player.name} ended at once with exit code {code}: to see why, run {shlex.join(command)}"
        )


def _apart(command: list[str], folder: str) -> subprocess.Popen[bytes]:
    """Starts a program that gets neither the signals of vifi's terminal nor its end, and holds no folder in use."""
    nothing = subprocess.DEVNULL
    flags, is_unix = 0, sys.platform != "win32"
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
    return subprocess.Popen(
        command,
        stdin=nothing,
        stdout=nothing,
        stderr=nothing,
        cwd=folder,
        creationflags=flags,
        start_new_session=is_unix,
    )
