"""Output on terminals and in pipes of any encoding, with names that hold anything a file system allows."""

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import Vifi
from vifi_cli.api.cut.moments import parse_moments
from vifi_cli.cli.terminal.encoding import ESCAPE, LOOK_ALIKE, from_pipe
from vifi_cli.wording import escaped, unescaped

ENCODINGS = ("utf-8", "ascii", "latin-1", "cp1252", "cp437", "shift_jis")
NAMES = (
    "плёнка – dog.mp4".encode(),
    "日本.mp4".encode(),
    b"evil\x1b[31m\n" + "\u202egnp.mp4".encode(),
    b"caf\xe9\x9b.mp4",
)

encodings = pytest.mark.parametrize("encoding", ENCODINGS)


@given(st.text(st.characters(exclude_categories=())), st.sampled_from(ENCODINGS))
def test_every_text_can_be_written_in_every_encoding(text: str, encoding: str) -> None:
    for_programs = escaped(text).encode(encoding, ESCAPE).decode(encoding)
    assert len(f"{for_programs}|".splitlines()) == 1
    if encoding in ("utf-8", "ascii", "latin-1"):  # others have one byte for several characters
        assert unescaped(for_programs) == text
    text.encode(encoding, LOOK_ALIKE)


@encodings
def test_a_pipe_is_read_in_the_encoding_in_which_it_is_written(encoding: str) -> None:
    name = "café – плёнка 日本.mp4"
    assert unescaped(from_pipe(name.encode(encoding, ESCAPE), encoding)) == name
    assert from_pipe(name.encode(), encoding) == name, "another program may write UTF-8"


def test_a_pipe_keeps_bytes_that_are_not_text() -> None:
    assert os.fsencode(from_pipe(b"caf\xe9\x81.mp4", "utf-8")) == b"caf\xe9\x81.mp4"


def test_what_people_see_looks_alike() -> None:
    assert "0:05 – 0:10 … ✓ ×2 ━━ █ “a”\xa0b 日 é".encode("ascii", LOOK_ALIKE).decode() == (
        '0:05 - 0:10 ... + x2 -- # "a" b \\u65e5 \\u00e9'
    )


@pytest.fixture(scope="module")
def _names_allowed(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("names")
    try:
        for name in NAMES:
            (folder / os.fsdecode(name)).touch()
    except OSError:
        pytest.skip("this file system allows no such names")


@pytest.fixture
def odd(_names_allowed: None, vifi: Vifi, clips: Path, starter: None, tmp_path: Path) -> Path:
    """A folder of indexed videos with odd names, and a file with one that is not a video."""
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(clips / "pets.mp4", folder / os.fsdecode(name))
    (folder / "broken\x1b]0;title\x07.mp4").write_bytes(b"nothing" * 99)
    outcome = vifi("index", folder, "--model", "starter", encoding="ascii")
    assert outcome.exit_code == 3
    assert r"broken\x1b]0;title\x07.mp4: " in outcome.stderr
    return folder


def test_names_are_exact_or_escaped_whatever_the_encoding(vifi: Vifi, odd: Path) -> None:
    paths = {os.fsencode(odd) + b"/" + name for name in NAMES}
    for encoding in ENCODINGS:
        exact = vifi("search", "a cat", "-0", encoding=encoding)
        assert {os.fsencode(each) for each in exact.stdout.split("\0")[:-1]} == paths, encoding
        document = json.loads(vifi("search", "a cat", "--json", encoding=encoding).stdout)
        assert {os.fsencode(hit["path"]) for hit in document["hits"]} == paths
        lines = vifi("search", "a cat", "-f", encoding=encoding).stdout
        assert "\x1b" not in lines
        assert len(lines.splitlines()) == len(NAMES)
    for encoding in ("utf-8", "ascii"):
        lines = vifi("search", "a cat", "-f", encoding=encoding).stdout.splitlines()
        assert {os.fsencode(unescaped(line)) for line in lines} == paths
        table = vifi("search", "a cat", encoding=encoding).stdout
        assert {os.fsencode(moment.path) for moment in parse_moments(table).moments} == paths


@encodings
@pytest.mark.parametrize("is_terminal", [False, True], ids=["pipe", "terminal"])
def test_no_command_fails_and_no_name_reaches_the_terminal_raw(
    vifi: Vifi, odd: Path, encoding: str, is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.chdir(odd)
    commands = (
        (0, "search", "a cat", "--min-score", 0),
        (0, "search", "a cat", "-f"),
        (0, "similar", os.fsdecode(NAMES[0]), "--by", "video"),
        (0, "status"),
        (0, "prune", odd, "--dry-run"),
        (3, "index", odd, "--retry-failed"),
        (0, "index", "--help"),
        (2, "search", "модель\x1b.mp4"),
        (2, "модель"),
    )
    for exit_code, *arguments in commands:
        outcome = vifi(*arguments, encoding=encoding, is_terminal=is_terminal)
        assert outcome.exit_code == exit_code, (arguments, outcome.stderr)
        assert "bug in vifi" not in outcome.stderr
        for text in (outcome.stdout, outcome.stderr):
            for raw in ("\x1b[31m", "\x1b]0;", "\u202e", "\x07", "\n\u202e"):
                assert raw not in text, arguments


@encodings
def test_the_checkup_is_written_in_every_encoding(vifi: Vifi, starter: None, encoding: str) -> None:
    for is_terminal in (False, True):
        outcome = vifi("doctor", encoding=encoding, is_terminal=is_terminal)
        assert "Free disk" in outcome.stdout
        assert "bug" not in outcome.stderr
        assert ("✓" in outcome.stdout) is (encoding == "utf-8")
