"""The players that vifi can start at a time, how each takes it, and where each is installed."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.errors import InvalidInput
from vifi_cli.line_template import Field, LineTemplate, Value

QUICKTIME_SCRIPT = """on run argv
set theFile to POSIX file (item 1 of argv)
tell application "QuickTime Player"
activate
set theMovie to open theFile
set current time of theMovie to ((item 2 of argv) as integer) / 1000
play theMovie
end tell
end run"""
FLAG = "player"
FIELDS = {
    "path": Field("the video", "/clip.mp4"),
    "uri": Field("the video as an address", "file:///clip.mp4"),
    "start": Field("seconds on the player's clock", 0.0, ".3f"),
    "milliseconds": Field("the same in whole milliseconds", 0),
}
"""What a command may hold in braces."""


@dataclass(frozen=True, slots=True)
class Player:
    """A program that shows videos."""

    name: str  # for people
    command: tuple[str, ...]  # a template for each argument; the first is the program

    @property
    def takes_time(self) -> bool:
        """Whether it begins at a time."""
        return any({"start", "milliseconds"} & template.fields for template in self._templates)

    @property
    def takes_video(self) -> bool:
        """Whether the command says where the video goes."""
        return any({"path", "uri"} & template.fields for template in self._templates)

    @property
    def _templates(self) -> list[LineTemplate]:
        return [LineTemplate(argument, FIELDS, flag=FLAG) for argument in self.command]

    def arguments(self, path: Path, start_seconds: float) -> list[str]:
        """The command for a video, an absolute path, as a list that needs no shell."""
        values: dict[str, Value] = {
            "path": str(path),
            "uri": path.as_uri(),
            "start": start_seconds,
            "milliseconds": round(1000 * start_seconds),
        }
        return [template.filled(values) for template in self._templates]


@dataclass(frozen=True, slots=True)
class KnownPlayer:
    """A player that vifi knows by name."""

    name: str
    programs: tuple[str, ...]  # names on the search path, then places where installers put them
    arguments: tuple[str, ...]
    platforms: tuple[str, ...] = ("linux", "darwin", "win32")

    def installed(self) -> str | None:
        """The program, if this machine has it."""
        if not runs_on(self.platforms):
            return None
        return next(filter(None, map(shutil.which, map(os.path.expandvars, self.programs))), None)


def runs_on(platforms: Sequence[str]) -> bool:
    """Whether this system is one of these; `linux` stands for all other Unix systems too."""
    return (sys.platform if sys.platform in ("darwin", "win32") else "linux") in platforms


APPLICATIONS = "/Applications/{}.app/Contents/MacOS/{}"
KNOWN_PLAYERS = (
    KnownPlayer(
        "mpv",
        ("mpv", "/opt/homebrew/bin/mpv", APPLICATIONS.format("mpv", "mpv")),
        # without the offset, it begins a transport stream at the keyframe after the time
        ("--no-terminal", "--hr-seek-demuxer-offset=2", "--start={start}", "--", "{path}"),
    ),
    KnownPlayer(
        "vlc",
        ("vlc", APPLICATIONS.format("VLC", "VLC"), r"%ProgramFiles%\VideoLAN\VLC\vlc.exe"),
        ("{uri}", ":start-time={start}"),  # after the video, it is for this one alone
    ),
    KnownPlayer(
        "iina",
        ("iina", APPLICATIONS.format("IINA", "iina-cli")),
        ("--no-stdin", "--mpv-start={start}", "{path}"),
        ("darwin",),
    ),
    KnownPlayer(
        "quicktime", ("osascript",), ("-e", QUICKTIME_SCRIPT, "{path}", "{milliseconds}"), ("darwin",)
    ),
    KnownPlayer("system", ("xdg-open",), ("{path}",), ("linux",)),
    KnownPlayer("system", ("open",), ("{path}",), ("darwin",)),
    KnownPlayer("system", ("cmd",), ("{path}",), ("win32",)),  # by os.startfile, which takes no options
)
SHELLS = {"sh", "bash", "dash", "ksh", "zsh", "fish", "cmd", "powershell", "pwsh"}
NAMES = tuple(dict.fromkeys(player.name for player in KNOWN_PLAYERS))


def find_player(wanted: str | None) -> Player:
    """The player that the user wants, by name or as a command; the best one installed if they do not say.

    Raises:
        InvalidInput: it is not installed, or the command makes no sense.
    """
    if not wanted:
        return _best_installed()
    if wanted.lower() in NAMES:
        return _named(wanted.lower())
    return _of_command(wanted)


def _best_installed() -> Player:
    for known in KNOWN_PLAYERS:
        if program := known.installed():
            return Player(known.name, (_literal(program), *known.arguments))
    raise InvalidInput(
        "no video player is installed: install mpv, or name yours by `vifi config set player COMMAND`"
    )


def _named(name: str) -> Player:
    for known in KNOWN_PLAYERS:
        if known.name == name and (program := known.installed()):
            return Player(known.name, (_literal(program), *known.arguments))
    others = [known.name for known in KNOWN_PLAYERS if known.installed()]
    instead = f"use {' or '.join(dict.fromkeys(others))}" if others else "install mpv"
    raise InvalidInput(
        f"the player {name} is not installed here: {instead}, or give a command such as "
        "'mpv --start={start} {path}'"
    )


def _of_command(command: str) -> Player:
    """A command that the user wrote. Without fields, a known player gets its own options, any other the path alone."""
    try:
        words = _split(command)
    except ValueError as error:
        raise InvalidInput(f"the player's command {command!r} cannot be read: {str(error).lower()}") from None
    program = _program(words[0]) if words else None
    if program is None:
        raise InvalidInput(
            f"the player {words[0] if words else repr(command)} is not installed here: set `player` to "
            f"{', '.join(NAMES)}, or to a command such as 'mpv --start={{start}} {{path}}'"
        )
    name = Path(program).stem
    player = Player(name, (_literal(program), *words[1:]))
    if name.lower() in SHELLS and any("{path" in word and word != "{path}" for word in words):
        raise InvalidInput(
            f"the player's command {command!r} lets a shell read the name of a file, which may hold commands: write "
            f"{name} -c 'mpv \"$1\"' {name} {{path}}"
        )
    if player.takes_video:
        return player
    known = next((known for known in KNOWN_PLAYERS if known.name == name.lower()), None)
    rest = ("{path}",) if known is None or player.takes_time else known.arguments
    return Player(name, (*player.command, *rest))


def _program(name: str) -> str | None:
    """The absolute path of a program that a shell would find."""
    found = shutil.which(str(Path(name).expanduser()))
    return None if found is None else str(Path(found).absolute())


def _split(command: str) -> list[str]:
    if sys.platform != "win32":
        return shlex.split(command)
    return [word.strip('"') for word in shlex.split(command, posix=False)]


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
