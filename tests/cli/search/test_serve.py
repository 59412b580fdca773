import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import cv2
import numpy as np
import pytest

from tests.cli.conftest import Vifi
from vifi_cli.cli.search.serve import _listening_host, _show_addresses


@contextmanager
def serving(*options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A running `vifi serve`, with the address that it has printed."""
    command = [sys.executable, "-m", "vifi_cli", "serve", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip(), server
        finally:
            server.kill()


def test_it_prints_its_address_serves_and_ends_by_ctrl_c(vifi_home: Path) -> None:
    with serving("--port", "0") as (address, server):
        assert address.startswith("http://127.0.0.1:")
        with urlopen(address) as page:
            assert "Nothing is indexed yet" in page.read().decode()
        server.send_signal(signal.SIGINT)
        printed, said = server.communicate()
    assert server.returncode == 0
    assert (printed, said) == ("", "Ctrl-C ends it\nended\n")


def test_a_video_that_is_playing_does_not_keep_it_from_ending(vifi: Vifi, indexed: Path) -> None:
    with serving("--port", "0", "--teach") as (address, server):
        concept = Request(f"{address}api/concepts", b'{"name": "cup", "description": "a cup"}')
        concept.headers |= {"X-vifi": "page", "X-forwarded-for": "192.168.1.7"}
        assert urlopen(concept).status == 201, "--teach lets others teach, too"
        page = urlopen(f"{address}?q=coffee&below=kitchen*").read().decode()
        key = page.split("/video/")[1].split("/")[0].split('"')[0]
        playing = urlopen(f"{address}video/{key}/file")
        assert playing.read(10)
        server.send_signal(signal.SIGINT)
        said = server.communicate()[1]
        playing.close()
    assert (server.returncode, said) == (0, "Ctrl-C ends it\nended\n")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "example.org"])
def test_others_are_let_in_only_on_purpose(vifi: Vifi, host: str) -> None:
    outcome = vifi("serve", "--host", host)
    assert outcome.exit_code == 2
    assert "--expose" in outcome.stderr


def test_who_lets_others_in_is_warned() -> None:
    with serving("--host", "0.0.0.0", "--port", "0", "--expose") as (address, server):
        assert address.startswith("http://")
        port = address.rstrip("/").rpartition(":")[2]
        with urlopen(f"http://127.0.0.1:{port}/") as page:
            assert page.status == 200
        server.send_signal(signal.SIGINT)
        assert "there is no password" in server.communicate()[1]


@pytest.mark.parametrize(
    ("host", "expose", "listens_on"),
    [
        (None, False, "127.0.0.1"),
        (None, True, "0.0.0.0"),
        ("192.168.1.7", True, "192.168.1.7"),
        ("localhost", True, "localhost"),
        ("::1", False, "::1"),
    ],
)
def test_it_listens_where_others_are_let_in_and_nowhere_else(
    host: str | None, expose: bool, listens_on: str
) -> None:
    assert _listening_host(host, expose) == listens_on


@pytest.mark.parametrize(
    ("option", "advice"),
    [
        (("--allow-host", "https://box.lan/"), "write --allow-host box.lan"),
        (("--root-path", "https://box.lan/vifi"), "write /vifi"),
        (("--root-path", "/video"), "choose another, such as /vifi"),
    ],
)
def test_a_name_or_path_that_makes_no_sense_is_refused(
    vifi: Vifi, option: tuple[str, str], advice: str
) -> None:
    outcome = vifi("serve", *option)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert advice in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1


def test_a_phone_reads_the_code_that_a_terminal_shows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("vifi_cli.cli.terminal.output.stdout_is_terminal", lambda: True)
    _show_addresses(["http://192.168.178.123:8765/vifi/", "http://127.0.0.1:8765/vifi/"], is_exposed=True)
    printed = capsys.readouterr()
    assert printed.out.splitlines() == ["http://192.168.178.123:8765/vifi/", "http://127.0.0.1:8765/vifi/"]
    lines = [line for line in printed.err.splitlines() if set(line) <= set("█▀▄ ") and line]
    halves = {"█": (255, 255), "▀": (255, 0), "▄": (0, 255), " ": (0, 0)}
    squares = np.array([[halves[letter] for letter in line] for line in lines], np.uint8)
    picture = squares.transpose(0, 2, 1).reshape(-1, len(lines[0]))
    read, *_ = cv2.QRCodeDetector().detectAndDecode(
        np.pad(picture, 4, constant_values=255).repeat(8, 0).repeat(8, 1)
    )
    assert read == "http://192.168.178.123:8765/vifi/"
    assert "Scan the code" in printed.err


def test_who_lets_others_teach_is_warned(capsys: pytest.CaptureFixture[str]) -> None:
    _listening_host(None, expose=True)
    assert "teach" not in capsys.readouterr().err
    _listening_host(None, expose=True, everyone_teaches=True)
    assert "sees all indexed videos and can teach concepts" in capsys.readouterr().err


def test_a_machine_without_a_network_shows_no_code(capsys: pytest.CaptureFixture[str]) -> None:
    _show_addresses(["http://127.0.0.1:8765/"], is_exposed=True)
    printed = capsys.readouterr()
    assert printed.out == "http://127.0.0.1:8765/\n"
    assert "this machine is on no network" in printed.err


def test_a_port_that_is_taken_is_said_plainly(vifi: Vifi) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = vifi("serve", "--port", port)
    assert outcome.exit_code == 2
    assert outcome.stdout == ""
    assert f"cannot listen on 127.0.0.1, port {port}: Address already in use; choose" in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1


def test_a_host_that_is_none_is_said_plainly(vifi: Vifi) -> None:
    outcome = vifi("serve", "--host", "203.0.113.7", "--expose")
    assert outcome.exit_code == 2
    assert "cannot listen on 203.0.113.7" in outcome.stderr.splitlines()[-1]
