"""The program as a whole: how fast it starts, how it ends, what it says where."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.cli.conftest import Vifi
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "faiss", "av", "numpy", "sqlite_utils", "open_clip", "onnxruntime", "PIL")


def run(*command: str, **options: object) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, **options)  # type: ignore[call-overload,no-any-return]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from vifi_cli.cli.app import app\n"
        "try: app(['--help'])\n"
        f"except SystemExit: print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    outcome = run(sys.executable, "-c", code)
    assert b"search" in outcome.stdout
    assert outcome.stderr.strip() == b"[]"


def test_the_package_runs_as_a_module() -> None:
    outcome = run(sys.executable, "-m", "vifi_cli", "--version")
    assert outcome.returncode == 0
    assert outcome.stdout.startswith(b"vifi ")


@pytest.mark.parametrize(
    "command", ["index", "search", "similar", "shell", "status", "prune", "doctor", "demo", "model"]
)
def test_every_command_has_help(vifi: Vifi, command: str) -> None:
    outcome = vifi(command, "--help")
    assert outcome.exit_code == 0
    assert command in outcome.stdout


def test_shell_completion_completes() -> None:
    environment = {
        **os.environ,
        "_VIFI_COMPLETE": "complete_bash",
        "COMP_WORDS": "vifi sea",
        "COMP_CWORD": "1",
    }
    outcome = run(sys.executable, "-c", "from vifi_cli.__main__ import main; main()", env=environment)
    assert outcome.stdout.split() == [b"search"]


def test_no_command_has_more_than_a_dozen_flags_or_panels_of_six() -> None:
    from typer import Context
    from typer.main import get_command

    from vifi_cli.cli.app import app
    from vifi_cli.cli.terminal.help import describe

    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        sections = describe(command, Context(command, info_name=name)).sections
        panels = Counter(
            title
            for title, entries in sections.items()
            for entry in entries
            if entry.name.startswith("-") and "--help" not in entry.name
        )
        if len(panels) < 2:
            assert panels.total() <= 12, name
        else:
            assert max(panels.values()) <= 6, f"{name}: a panel is to be seen at a glance"
            # a search has filters, ways to see its hits, and steps, of its own: six panels
            most = {"search": 22, "similar": 21, "eval": 19}  # eval trains too
            assert panels.total() <= most.get(name, 18), name


def test_a_reader_that_leaves_early_sees_no_traceback(vifi: Vifi, indexed: Path) -> None:
    command = f"{sys.executable} -m vifi_cli search coffee --top 0 --per-video 0 --jsonl | head -c 1"
    outcome = run("bash", "-c", command)
    assert outcome.stdout == b"{"
    assert outcome.stderr == b""
    command = f"set -o pipefail; {sys.executable} -m vifi_cli search coffee | true"
    assert run("bash", "-c", command).returncode == 0, "1 would mean that nothing was found"


def test_streams_that_are_closed_or_full_end_in_no_traceback(vifi: Vifi, indexed: Path) -> None:
    program = f"{sys.executable} -m vifi_cli search coffee"
    closed = run("bash", "-c", f"{program} >&-")
    assert (closed.returncode, closed.stderr) == (0, b"")
    full = run("bash", "-c", f"{program} >/dev/full")
    assert full.returncode == 2
    assert b"No space left on device" in full.stderr
    assert full.stderr.count(b"\n") == 1


def test_a_data_folder_that_is_a_file_is_said_plainly(
    vifi: Vifi, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VIFI_HOME", str(tmp_path / "file"))
    for command in (["index", str(clips), "--model", "starter"], ["demo"]):
        outcome = vifi(*command)
        assert outcome.exit_code == 2
        assert str(tmp_path / "file") in outcome.stderr
        assert "bug" not in outcome.stderr
    assert vifi("doctor").exit_code == 1


def test_a_bug_of_ours_is_one_line_and_a_traceback_on_request(
    vifi: Vifi, indexed: Path, vifi_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Catalog(vifi_home / "index" / CATALOG_FILE) as catalog:
        catalog.db.execute("DROP TABLE windows")  # nothing but a bug could do this
    outcome = vifi("status")
    assert outcome.exit_code == 2
    assert outcome.stderr.count("\n") == 1
    monkeypatch.setenv("VIFI_DEBUG", "1")
    with pytest.raises(sqlite3.OperationalError):
        vifi("status")


def test_a_catalogue_damaged_in_the_middle_is_said_plainly(
    vifi: Vifi, indexed: Path, vifi_home: Path
) -> None:
    path = vifi_home / "index" / CATALOG_FILE
    with Catalog(path) as catalog:
        catalog.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = path.read_bytes()
    path.write_bytes(content[: 4 * 16384] + b"\xff" * (len(content) - 4 * 16384))
    for command in (["search", "a cat"], ["status"], ["index"], ["prune", "--yes"]):
        outcome = vifi(*command)
        assert outcome.exit_code == 2, command
        assert "bug" not in outcome.stderr
        assert outcome.stderr.count("\n") == 1
    assert vifi("doctor").exit_code == 1


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_done_and_says_how_to_go_on(starter: None, clips: Path, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    content = (clips / "launch.mp4").read_bytes()
    for number in range(24):  # each a different file, so that none counts as a copy
        (folder / f"{number:02}.mp4").write_bytes(content + bytes([number]))
    command = [sys.executable, "-m", "vifi_cli", "index", str(folder), "--model", "starter"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    catalog = Path(os.environ["VIFI_HOME"]) / "index" / "catalog.sqlite3"
    deadline = time.monotonic() + 60
    while not catalog.exists() and time.monotonic() < deadline:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr.decode()
    assert stdout == b""
    counted = re.search(rb"interrupted: (?:([0-9]+) of 24 files are done and kept|nothing had begun)", stderr)
    assert counted, stderr
    with Catalog(catalog) as kept:
        assert len(kept.videos()) == int(counted[1] or 0)
    assert b"Traceback" not in stderr
    finished = run(*command, "--json")
    document = json.loads(finished.stdout)
    assert document["added"] + document["unchanged"] == 24


def test_doctor_finds_a_damaged_index(vifi: Vifi, indexed: Path, vifi_home: Path) -> None:
    findings = json.loads(vifi("doctor", "--json").stdout)
    by_subject = {finding["subject"]: finding for finding in findings}
    assert by_subject["Index"]["state"] == "fine"
    assert by_subject["Model hub"]["state"] == "note"
    assert by_subject["Default encoder"]["detail"].startswith("starter")
    catalog = vifi_home / "index" / "catalog.sqlite3"
    catalog.write_bytes(b"damaged" * 5000)
    outcome = vifi("doctor")
    assert outcome.exit_code == 1
    assert "cannot be read as an index" in outcome.stdout


def test_models_are_listed(vifi: Vifi) -> None:
    header, *rows = [line.split("\t") for line in vifi("model", "list").stdout.splitlines()]
    assert header[:2] == ["Model", "Here"]
    assert rows[0][:2] == ["starter", "yes"]
    document = json.loads(vifi("model", "list", "--json").stdout)
    assert len(document) == len(rows)


def test_an_unknown_model_is_said_plainly(vifi: Vifi) -> None:
    outcome = vifi("model", "show", "clip-vit-b16")
    assert outcome.exit_code == 2
    assert "clip-vit-b-16" in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_a_model_that_cannot_be_fetched_never_falls_back(vifi: Vifi, clips: Path) -> None:
    outcome = vifi("index", clips, "--model", "clip-vit-b-32")
    assert outcome.exit_code == 2
    assert "cannot be reached" in outcome.stderr
    assert vifi("status").exit_code == 2, "nothing was indexed"


def test_without_a_hub_the_starter_is_used_and_said(vifi: Vifi, starter: None, clips: Path) -> None:
    outcome = vifi("index", clips)
    assert outcome.exit_code == 0
    assert "starter" in outcome.stderr
    assert "cannot be reached" in outcome.stderr
    assert json.loads(vifi("status", "--json").stdout)["model"] == "starter"
