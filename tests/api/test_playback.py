"""Opening moments in players: which one, at which time, and what happens without one. A real mpv where there is one."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.made_videos import Sound, frame_number, noise, numbered_frames, recordings_joined, write_video
from tests.recording_player import WRITE_ARGUMENTS, Pipe, make_player
from vifi_cli.api.playback import open_in_player
from vifi_cli.api.players import find_player
from vifi_cli.api.search import player_starts
from vifi_cli.errors import InvalidInput, PlayerFailed
from vifi_cli.video.container.clock_reading import read_clock

SHOW_AND_QUIT = """
mp.register_event("playback-restart", function()
  mp.commandv("screenshot-to-file", "{picture}", "video")
  local pipe = io.open("{pipe}", "w")
  pipe:write(mp.get_property("path"))
  pipe:close()
  mp.command("quit")
end)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes and shell scripts")
needs_mpv = pytest.mark.skipif(shutil.which("mpv") is None, reason="mpv is not installed")


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipe]:
    pipe = Pipe(tmp_path / "pipe")
    yield pipe
    pipe.close()


@pytest.fixture
def program(tmp_path: Path, pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes a program that writes its arguments into the pipe; only these programs are installed."""
    folder = tmp_path / "bin of players"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("DISPLAY", ":0")

    def make(name: str, script: str = WRITE_ARGUMENTS) -> Path:
        return make_player(folder / name, pipe, script)

    return make


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mp4", numbered_frames(50), fps=10)


class Mpv:
    """A real mpv without a window, which shows one picture and ends."""

    def __init__(self, folder: Path, pipe: Pipe) -> None:
        self._script, self._picture, self._pipe = folder / "show.lua", folder / "shown.png", pipe
        self._script.write_text(SHOW_AND_QUIT.format(picture=self._picture, pipe=pipe.path))

    def shows(self, video: Path, seconds: float) -> tuple[int, bytes]:
        """The number of the frame that mpv shows when a moment is opened, and the path that it plays."""
        self._picture.unlink(missing_ok=True)
        open_in_player(video, seconds, f"mpv --no-config --vo=null --ao=null --script={self._script}")
        path = self._pipe.read()
        return frame_number(np.asarray(Image.open(self._picture).convert("RGB"))), path


@pytest.fixture
def mpv(tmp_path: Path, pipe: Pipe) -> Mpv:
    return Mpv(tmp_path, pipe)


@needs_mpv
@pytest.mark.parametrize("name", ["-a b'\"$(c);.mp4", "two\nlines.mp4", os.fsdecode(b"caf\xe9.mp4")])
def test_mpv_shows_the_moment_whatever_the_name(clip: Path, mpv: Mpv, name: str) -> None:
    video = clip.rename(clip.with_name(name))
    assert mpv.shows(video, 3.0) == (30, os.fsencode(video))


@needs_mpv
@pytest.mark.parametrize("name", ["late.mkv", "late.ts"])
def test_mpv_shows_the_moment_where_sound_begins_before_the_pictures(
    tmp_path: Path, mpv: Mpv, name: str
) -> None:
    video = write_video(
        tmp_path / name, numbered_frames(40), fps=10, start_seconds=3.0, sound=Sound(noise(7.0))
    )
    assert mpv.shows(video, 1.0)[0] == 10


@needs_mpv
def test_mpv_shows_the_moment_after_a_leap(tmp_path: Path, mpv: Mpv, monkeypatch: pytest.MonkeyPatch) -> None:
    leap = [number / 10 + 100_000 * (number >= 30) for number in range(50)]
    video = write_video(tmp_path / "leap.mp4", numbered_frames(50), frame_seconds=leap)
    clock = read_clock(video)
    monkeypatch.setattr(player_starts, "known_clocks", lambda _: {video: clock})  # as the index keeps it
    assert mpv.shows(video, 4.0)[0] == 40


def test_where_no_player_finds_the_moment_it_begins_at_the_start_and_says_so(
    tmp_path: Path, program: Callable[..., Path], pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = recordings_joined(tmp_path)
    clock = read_clock(video)
    monkeypatch.setattr(player_starts, "known_clocks", lambda _: {video: clock})
    program("mpv")
    opened = open_in_player(video, 3.0)
    assert "--start=0.000" in pipe.arguments()
    assert not opened.begins_there
    assert opened.remarks == (
        f"the file's own times are set back, so it plays from the start: use `vifi cut {video}@0:03-`",
    )


def test_the_best_installed_player_is_taken(clip: Path, program: Callable[..., Path]) -> None:
    with pytest.raises(InvalidInput, match="no video player is installed: install mpv"):
        open_in_player(clip, 3.0)
    for name, expected, takes_time in (
        ("xdg-open", [str(clip)], False),
        ("vlc", [clip.as_uri(), ":start-time=3.000"], True),
        (
            "mpv",
            ["--no-terminal", "--hr-seek-demuxer-offset=2", "--start=3.000", "--", str(clip)],
            True,
        ),
    ):
        file, player = program(name), find_player(None)
        assert player.arguments(clip, 3.0) == [str(file), *expected]
        assert player.takes_time == takes_time


def test_a_player_that_takes_no_time_is_said_to(
    clip: Path, program: Callable[..., Path], pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("xdg-open")
    program("vlc")
    monkeypatch.setenv("VIFI_PLAYER", "system")
    opened = open_in_player(clip, 3.0)
    assert pipe.arguments() == [str(clip)]
    assert opened.remarks == ("the system's own player cannot be given a time: go to 0:03 in it",)
    assert not opened.begins_there


def test_a_command_says_itself_where_video_and_time_go(clip: Path, program: Callable[..., Path]) -> None:
    own, mpv = program("my player {1}"), program("mpv")
    odd = clip.with_name("a 'b' {path} $HOME.mp4")
    for command, expected, takes_time in (
        (f"'{own}' -at {{start:.1f}} '{{path}}' {{{{x}}}}", ["-at", "1.2", str(odd), "{x}"], True),
        (f"'{own}' --at={{milliseconds}}", ["--at=1250", str(odd)], True),
        (f"'{own}' --big", ["--big", str(odd)], False),
        (f"'{own}' {{uri}}", [odd.as_uri()], False),
        (f"'{mpv}' --fs", ["--fs", *find_player("mpv").arguments(odd, 1.25)[1:]], True),
    ):
        player = find_player(command)
        assert player.arguments(odd, 1.25)[1:] == expected
        assert player.takes_time == takes_time


@pytest.mark.parametrize(
    ("player", "says"),
    [
        ("vlc", "the player vlc is not installed here: install mpv, or give a command such as"),
        ("totem --fs", "the player totem is not installed here: set `player` to mpv, vlc"),
        ("mpv '", "the player's command \"mpv '\" cannot be read: no closing quotation"),
        ("  ", "the player '  ' is not installed here"),
        (
            "/bin/sh -c 'mpv {path}'",
            "the player's command \"/bin/sh -c 'mpv {path}'\" lets a shell read the name",
        ),
        ("/bin/true {strat}", "player has no field {strat}: use {path}, {uri}, {start}, {milliseconds}"),
    ],
)
def test_a_player_that_cannot_be_started_is_refused_in_words(
    clip: Path, program: Callable[..., Path], player: str, says: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        open_in_player(clip, 0.0, player)
    assert str(refused.value).startswith(says)


def test_a_player_that_ends_at_once_with_an_error_is_named_with_its_command(
    clip: Path, program: Callable[..., Path]
) -> None:
    player = program("broken", "#!/bin/sh\nexit 7\n")
    with pytest.raises(PlayerFailed) as failed:
        open_in_player(clip, 0.0, f"'{player}'")
    assert str(failed.value) == f"broken ended at once with exit code 7: to see why, run '{player}' {clip}"
    program("empty", "")
    with pytest.raises(PlayerFailed, match="empty cannot be started"):
        open_in_player(clip, 0.0, "empty")


def test_without_the_file_or_a_display_it_says_what_to_do(
    clip: Path, program: Callable[..., Path], pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("mpv")
    for gone in (clip.with_name("gone.mp4"), clip.parent, Path("x" * 5000)):
        with pytest.raises(InvalidInput, match=r"is not there: connect its disk, or run `vifi index`"):
            open_in_player(gone, 0.0)
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    for player in (None, "mpv"):
        with pytest.raises(InvalidInput, match=r"no display here to show clip.mp4 on.*`vifi serve`"):
            open_in_player(clip, 0.0, player)
    open_in_player(clip, 0.0, "mpv --vo=tct")  # who writes options knows what they want
    assert "--vo=tct" in pipe.arguments()


def test_a_file_that_vifi_cannot_read_is_left_to_the_player(
    clip: Path, program: Callable[..., Path], pipe: Pipe
) -> None:
    program("mpv")
    clip.write_bytes(b"nothing")
    opened = open_in_player(clip, 2.0)
    assert "--start=2.000" in pipe.arguments()
    assert "vifi cannot read it, so the time may be wrong" in opened.remarks[0]


def test_a_player_has_a_session_of_its_own(clip: Path, program: Callable[..., Path], pipe: Pipe) -> None:
    program("mpv", "#!/bin/sh\n/bin/ps -o sid= -p $$ >{pipe}\n")
    open_in_player(clip, 0.0)
    assert int(pipe.read()) != os.getsid(0), "a closed terminal would end it"
