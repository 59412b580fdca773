"""What a line of `vifi shell` means, and how Tab completes it."""

from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from vifi_cli.cli.search.cut import cut
from vifi_cli.cli.search.search import search
from vifi_cli.cli.shell.editing import completions
from vifi_cli.cli.shell.lines import read_line
from vifi_cli.cli.terminal.help import App
from vifi_cli.index.concepts.store import ConceptStore


@pytest.mark.parametrize(
    ("line", "name", "words"),
    [
        ("a cat -t 3", "search", ["a", "cat", "-t", "3"]),
        ("search open door", "search", ["open", "door"]),
        ("open", "open", []),
        ("open 3 --player mpv", "open", ["3", "--player", "mpv"]),
        ("open ./gone.mp4@0:05", "open", ["./gone.mp4@0:05"]),
        ("open door", "search", ["open", "door"]),
        ("open 24 hours", "search", ["open", "24", "hours"]),
        ('"open" 3', "search", ["open", "3"]),
        ("openings", "search", ["openings"]),
        ("similar here -t 1", "similar", ["here", "-t", "1"]),
        ("open - closed", "search", ["open", "-", "closed"]),
        ("similar --help", "similar", ["--help"]),
        ("similar shoes", "search", ["similar", "shoes"]),
        ("cut a cat -o x", "cut", ["a", "cat", "-o", "x"]),
        ("cut", "cut", []),
        ('teach wave "a person waves"', "teach", ["wave", "a person waves"]),
        ("teach wave --right 1,3", "teach", ["wave", "--right", "1,3"]),
        ("teach", "teach", []),
        ("teach children", "search", ["teach", "children"]),
        ("teach children -t 3", "search", ["teach", "children", "-t", "3"]),
        ('teach me "a b" c', "search", ["teach", "me", "a b", "c"]),
        ("similar", "similar", []),
        ("vifi search a cat", "search", ["a", "cat"]),
        ("vifi open 2", "open", ["2"]),
        ("vifi logo", "search", ["vifi", "logo"]),
        ("help", "help", []),
        ("help cut", "help", ["cut"]),
        ("help me", "search", ["help", "me"]),
    ],
)
def test_a_line_is_a_command_if_its_words_fit_one(
    line: str, name: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").touch()
    assert read_line(line, is_typed=True) == (name, words)


def test_the_name_of_a_concept_is_enough_to_teach_it(vifi_home: Path) -> None:
    ConceptStore(vifi_home / "index").add("waving", "a person waves")
    assert read_line("teach @Waving", is_typed=True) == ("teach", ["@Waving"])
    assert read_line("teach waving", is_typed=False) == ("search", ["teach", "waving"])


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("cut grass", "search"),
        ("teach wave --wrong=2", "teach"),
        ('teach wave "a person waves"', "search"),
        ("cut a cat --reel=x.mp4", "cut"),
        ("search party", "search"),
        ("similar", "search"),
        ("open 2", "open"),
        ("open", "search"),
        ("help", "search"),
        ("help cut", "help"),
    ],
)
def test_a_query_of_a_program_writes_no_files(line: str, name: str) -> None:
    found, words = read_line(line, is_typed=False)
    assert found == name
    if line in ("cut grass", "search party"):
        assert words == line.split()


@pytest.fixture(scope="module")
def commands() -> Any:
    app = App(add_completion=False)
    app.command("search")(search)
    app.command("cut")(cut)
    return get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("se", ["search "]),
        ("cu", ["cut ", "cups/"]),
        ("help c", ["cut"]),
        ("ca", ["cat.mp4 "]),
        ("a ca", ["cat.mp4 "]),
        ("tw", [r"two\ words.mp4 "]),
        (r"two\ ", [r"words.mp4 "]),
        ('"two ', ['words.mp4" ']),
        ('"tw', ['"two words.mp4" ']),
        ("cups/", ["cups/a.mp4 "]),
        ("./ca", ["./cat.mp4 "]),
        (".h", [".hidden "]),
        ("nothing/here", []),
        ("a --dev", ["--device "]),
        ("cut a --re", ["--reel "]),
        ("a --reel", []),
        ("@", ["@Walking ", "@waving "]),
        ("a + 2:@wa", ["2:@Walking ", "2:@waving "]),
        ("@WAV", ["@waving "]),
        ("me@w", []),
    ],
)
def test_tab_completes_commands_options_concepts_and_files(
    line: str,
    completed: list[str],
    commands: Any,
    tmp_path: Path,
    vifi_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("waving", "Walking"):
        ConceptStore(vifi_home / "index").add(name, "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cups").mkdir()
    for name in ("cat.mp4", "two words.mp4", ".hidden", "cups/a.mp4"):
        (tmp_path / name).touch()
    text = line[max(line.rfind(" "), line.rfind("\t")) + 1 :]
    assert completions(line, text, commands) == completed
