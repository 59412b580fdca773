"""`vifi open N` and `--play` open the hits that were shown, in the player that the user wants."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Vifi
from tests.recording_player import Pipe, make_player
from vifi_cli.cli.terminal.help import with_usual_numbers

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes and shell scripts")


@pytest.fixture
def player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    """Receives the arguments of the player that is set."""
    pipe = Pipe(tmp_path / "pipe")
    program = make_player(tmp_path / "show", pipe)
    monkeypatch.setenv("VIFI_PLAYER", f"{program} {{start:.1f}} {{path}}")
    yield pipe
    pipe.close()


def test_hits_of_the_last_search_are_opened_by_number(vifi: Vifi, indexed: Path, player: Pipe) -> None:
    outcome = vifi("open")
    assert outcome.exit_code == 2
    assert outcome.stderr == "error: nothing has been searched for yet: run `vifi search QUERY` first\n"
    rows = vifi("search", "a cat", "-t", 3, "--min-score", 0).stdout.splitlines()
    starts = [(float(row.split("\t")[1]), row.split("\t")[3]) for row in rows]
    assert vifi("open").stderr == "opened pets.mp4 at 0:04 in show\n"
    assert player.arguments() == ["4.0", str(indexed / "pets.mp4")]
    assert vifi("open", 3).exit_code == 0
    assert player.arguments() == [f"{starts[2][0]:.1f}", starts[2][1]]
    assert vifi("open", 4).stderr == "error: there is no hit 4: the last search (a cat) has 3 hits\n"
    assert "neither the number of a hit nor a file" in vifi("open", "cat").stderr
    (row,) = (vifi("similar", f"{indexed}/pets.mp4@0:06", "--json", "-t", 1).stdout,)
    assert vifi("open", "1").exit_code == 0
    assert player.arguments()[1] in row, "`similar` counts, in any form"


def test_a_moment_can_be_opened_by_name(vifi: Vifi, indexed: Path, player: Pipe) -> None:
    for text, start in ((f"{indexed}/pets.mp4@0:03-0:05", "3.0"), (f"{indexed}/pets.mp4", "0.0")):
        assert vifi("open", text).exit_code == 0
        assert player.arguments() == [start, str(indexed / "pets.mp4")]


def test_a_search_opens_a_hit_itself(vifi: Vifi, indexed: Path, player: Pipe) -> None:
    outcome = vifi("search", "a cat", "--play")
    assert outcome.exit_code == 0
    assert player.arguments() == ["4.0", str(indexed / "pets.mp4")]
    assert outcome.stderr.splitlines()[-1] == "opened pets.mp4 at 0:04 in show"
    outcome = vifi("search", "--play", "a", "cat", "--min-score", 0, "--play", 2)
    _, start, _, path = outcome.stdout.splitlines()[1].split("\t")
    assert player.arguments() == [f"{float(start):.1f}", path]
    paths = vifi("search", "a cat", "--min-score", 0, "--play", 2, "-f").stdout.splitlines()
    assert player.arguments()[1] == paths[1], "what is shown is what counts"
    outcome = vifi("search", "a cat", "--play", 9, "-t", 1)
    assert outcome.exit_code == 2
    assert "pets.mp4" in outcome.stdout
    assert "there is no hit 9: the last search (a cat) has 1 hit" in outcome.stderr
    assert vifi("search", "a wedding", "--play", "--player", "none").exit_code == 1, (
        "there is nothing to open"
    )
    unsure = vifi("search", "a wedding", "--play", 2, "--unsure")
    assert unsure.stderr.splitlines()[-1].startswith(
        "nothing opened, since no hit is sure: `vifi open 2` opens"
    )
    assert "add --play" in vifi("search", "a cat", "--player", "mpv").stderr
    assert "the player none is not installed" in vifi("search", "a cat", "--play", "--player", "none").stderr


def test_a_format_writes_what_it_says(vifi: Vifi, indexed: Path) -> None:
    moment = ("search", "a cat", "-t", 1, "--format")
    assert vifi(*moment, r"{name}\t{start:.1f}").stdout == "pets.mp4\t4.0\n"
    assert vifi(*moment, r"{start}\0{path}\0").stdout == f"4.000\0{indexed}/pets.mp4\0"
    assert vifi("similar", f"{indexed}/pets.mp4@0:01", "--format", "{number} {name}", "-t", 1).stdout == (
        "1 kitchen.mp4\n"
    )
    refused = vifi(*moment, "{name}", "-0")
    assert refused.exit_code == 2
    assert "choose one" in refused.stderr
    assert "has no field {title}: use {path}" in vifi(*moment, "{title}").stderr


NOTE_PLACE = """
mp.register_event("playback-restart", function()
  local file = io.open("{file}", "a")
  file:write(mp.get_property("filename") .. " " .. mp.get_property("time-pos") .. "\\n")
  file:close()
  mp.command("quit")
end)
"""


@pytest.mark.skipif(shutil.which("mpv") is None, reason="mpv is not installed")
def test_the_documented_line_plays_each_hit_from_its_moment(
    vifi: Vifi, indexed: Path, tmp_path: Path
) -> None:
    documented = re.compile(r"vifi search \"[^\"]+\" --format '(\S+)' \| (xargs -0 -n2 mpv)")
    lines = [documented.search((ROOT / page).read_text()) for page in ("README.md", "docs/searching.md")]
    line = lines[0]
    assert line
    assert all(other is not None and other.groups() == line.groups() for other in lines)
    script = tmp_path / "note.lua"
    script.write_text(NOTE_PLACE.format(file=tmp_path / "played"))
    hits = vifi("search", "a cat", "-t", 2, "--min-score", 0, "--format", line[1]).stdout
    quiet = ["--no-config", "--no-terminal", "--vo=null", "--ao=null", f"--script={script}"]
    subprocess.run([*line[2].split(), *quiet], input=os.fsencode(hits), check=True)
    shown = vifi("search", "a cat", "-t", 2, "--min-score", 0, "--format", "{name} {start:.6f}").stdout
    assert (tmp_path / "played").read_text() == shown


def test_options_without_effect_are_refused(vifi: Vifi, indexed: Path) -> None:
    outcome = vifi("search", f"{indexed}/pets.mp4", "-m", "starter")
    assert (outcome.exit_code, outcome.stderr) == (
        2,
        "error: --model reads words, and your query has none: omit it\n",
    )
    assert (
        "gives one hit per video: omit one"
        in vifi("similar", f"{indexed}/pets.mp4", "--by", "video", "--per-video", 2).stderr
    )


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        ("cat --play", "cat --play=1"),
        ("--play cat", "--play=1 cat"),
        ("--play 3 cat", "--play 3 cat"),
        ("cat --play -t 3", "cat --play=1 -t 3"),
        ("--play=2 3 cats -- --play", "--play=2 3 cats -- --play"),
    ],
)
def test_an_option_may_stand_without_its_number(arguments: str, read: str) -> None:
    assert with_usual_numbers(arguments.split(), {"--play"}) == read.split()
