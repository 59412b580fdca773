import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.cli.conftest import Vifi


@contextmanager
def serving(*options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A running `vifi serve`, with the address that it has printed."""
    command = [sys.executable, "-m", "vifi_cli", "serve", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip(), server
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
    with serving("--port", "0") as (address, server):
        page = urlopen(f"{address}?q=coffee&below=kitchen*").read().decode()
        key = page.split("/video/")[1].split("/")[0]
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


def test_a_port_that_is_taken_is_said_plainly(vifi: Vifi) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = vifi("serve", "--port", port)
    assert outcome.exit_code == 2
    assert outcome.stdout == ""
    assert f"cannot listen on 127.0.0.1, port {port}" in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1


def test_a_host_that_is_none_is_said_plainly(vifi: Vifi) -> None:
    outcome = vifi("serve", "--host", "203.0.113.7", "--expose")
    assert outcome.exit_code == 2
    assert "cannot listen on 203.0.113.7" in outcome.stderr.splitlines()[-1]
