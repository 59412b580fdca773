"""The server as a program: what it writes to stdout, and how it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.mcp_server.test_tools import document
from tests.web.conftest import Library

HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


def command(library: Library, clips: Path) -> list[str]:
    return ["-m", "tests.mcp_server.served", str(library.index), str(clips)]


def test_the_sdks_client_starts_it_and_searches(made: Library, tmp_path: Path) -> None:
    async def ask() -> None:
        started = StdioServerParameters(
            command=sys.executable, args=command(made, tmp_path), env=dict(os.environ), cwd=Path.cwd()
        )
        async with Client(started) as client:
            assert len((await client.list_tools()).tools) == 7
            found = document(await client.call_tool("search", {"query": "green", "top": 1}))
            assert Path(found["hits"][0]["path"]).name == "green.mp4"

    anyio.run(ask)


@contextmanager
def started(library: Library, clips: Path) -> Iterator["subprocess.Popen[str]"]:
    """A server that has greeted its client."""
    program = [sys.executable, *command(library, clips)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(program, text=True, bufsize=1, **pipes) as server:  # type: ignore[call-overload]
        try:
            send(server, {"id": 0, "method": "initialize", "params": HELLO})
            assert receive(server)["result"]["serverInfo"]["name"] == "vifi"
            send(server, {"method": "notifications/initialized"})
            yield server
        finally:
            server.kill()


def send(server: "subprocess.Popen[str]", message: dict[str, Any]) -> None:
    assert server.stdin
    server.stdin.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")


def receive(server: "subprocess.Popen[str]") -> dict[str, Any]:
    assert server.stdout
    received: dict[str, Any] = json.loads(server.stdout.readline())
    return received


def call(tool: str, **arguments: object) -> dict[str, Any]:
    return {"method": "tools/call", "params": {"name": tool, "arguments": arguments}}


def test_what_libraries_print_goes_to_stderr_and_the_end_of_input_ends_it(
    made: Library, tmp_path: Path
) -> None:
    with started(made, tmp_path) as server:
        send(server, {"id": 1} | call("search", query="red", top=1))
        answer = receive(server)
        assert (answer["id"], answer["result"]["isError"]) == (1, False)
        assert server.stdin
        server.stdin.write("this is not JSON\n")
        send(server, {"id": 2} | call("status"))
        while receive(server).get("id") != 2:
            pass
        rest, said = server.communicate()
    assert (server.returncode, rest) == (0, "")
    assert "a library that prints" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_at_once_and_leaves_no_unfinished_clip(
    made: Library, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with started(made, tmp_path) as server:
        send(server, {"id": 1} | call("cut_clip", video="red_then_blue.mp4", start_seconds=0, end_seconds=12))
        send(server, {"id": 2} | call("status"))
        answers = [receive(server)]
        while answers[-1]["id"] != 2:  # the first call is on its way, or done
            answers.append(receive(server))
        server.send_signal(number)
        assert server.stdout
        answers += map(json.loads, server.stdout)
        assert server.wait(timeout=60) == code
        assert server.stderr
        assert "Traceback" not in server.stderr.read()
    left = [path.name for path in tmp_path.iterdir()] if tmp_path.exists() else []
    assert left in ([], ["red_then_blue-0m00s.mp4"])
    assert not left or all(path.stat().st_size for path in tmp_path.iterdir())
    done = [each["id"] for each in answers if not each["result"]["isError"]]
    assert left or 1 not in done


def test_a_client_that_crashes_ends_it(made: Library, tmp_path: Path) -> None:
    with started(made, tmp_path) as server:
        assert server.stdout
        assert server.stdin
        server.stdout.close()
        send(server, {"id": 1} | call("status"))
        server.stdin.close()
        assert server.wait(timeout=60) == 0
        assert server.stderr
        assert server.stderr.read() == ""
