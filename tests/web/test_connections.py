"""Clients that wait, send slowly or do not read: they must not keep out the others."""

import select
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.made_videos import solid_colour_clip
from tests.web.conftest import Library, running
from tests.web.test_hostile import get, status
from vifi_cli.web.connections import FEWEST, MOST, _client_name, limits_of_system

MOST_OF_ALL, MOST_OF_ONE = 40, 12
LARGE = 20_000_000


@pytest.fixture(scope="module")
def limited(made_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with low limits on the number of connections, and one second for each request."""
    limits = {"most": MOST_OF_ALL, "most_of_one_client": MOST_OF_ONE, "request_seconds": 1.0}
    with running(made_library, tmp_path_factory.mktemp("cache"), **limits) as address:
        yield address


@pytest.fixture(scope="module")
def patient(made_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with low limits on the number of connections, and a minute for each request."""
    limits = {"most": MOST_OF_ALL, "most_of_one_client": MOST_OF_ONE, "request_seconds": 60.0}
    with running(made_library, tmp_path_factory.mktemp("cache"), **limits) as address:
        yield address


def connect(address: str, client: str = "127.0.0.1") -> socket.socket:
    where = urlsplit(address)
    assert where.hostname
    assert where.port
    return socket.create_connection((where.hostname, where.port), timeout=60, source_address=(client, 0))


def answer_on(connection: socket.socket) -> bytes:
    """A complete answer of `/progress`, which is JSON."""
    answer = b""
    while not answer.endswith(b"}"):
        part = connection.recv(65536)
        assert part, "the connection stays open"
        answer += part
    return answer


def is_closed(connection: socket.socket) -> bool:
    """Whether the server has closed a connection, on which it has sent nothing."""
    readable, _, _ = select.select([connection], [], [], 0)
    if not readable:
        return False
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def wait_until_closed(connection: socket.socket) -> None:
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass


@pytest.mark.parametrize(
    "begun",
    [b"", b"G", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "],
    ids=["nothing", "a letter", "headers"],
)
def test_a_request_must_be_complete_in_time(limited: str, begun: bytes) -> None:
    started = time.monotonic()
    with connect(limited) as connection:
        connection.sendall(begun)
        wait_until_closed(connection)
    assert 0.9 < time.monotonic() - started < 20


def test_letters_one_by_one_do_not_extend_the_time(limited: str) -> None:
    started = time.monotonic()
    with connect(limited) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        while not select.select([connection], [], [], 0.05)[0]:
            connection.sendall(b"x")
        assert is_closed(connection)
    assert 0.9 < time.monotonic() - started < 20


def test_a_kept_connection_must_ask_again_in_time_and_completely(limited: str) -> None:
    host = urlsplit(limited).netloc
    asked = f"GET /progress HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    with connect(limited) as connection:
        for _ in range(2):
            connection.sendall(asked)
            assert answer_on(connection).startswith(b"HTTP/1.1 200")
        started = time.monotonic()
        connection.sendall(asked[:-4])
        wait_until_closed(connection)
    assert 0.9 < time.monotonic() - started < 20


def test_the_rest_of_a_request_must_come_in_time(limited: str) -> None:
    host = urlsplit(limited).netloc
    with connect(limited) as connection:
        connection.sendall(
            f"GET /progress HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99999\r\n\r\nx".encode()
        )
        assert answer_on(connection).startswith(b"HTTP/1.1 200")
        while not select.select([connection], [], [], 0.05)[0]:
            connection.sendall(b"x")
        assert is_closed(connection)


def test_clients_that_wait_make_room_the_first_ones_first(patient: str) -> None:
    with ExitStack() as stack:
        waiting = [stack.enter_context(connect(patient)) for _ in range(5 * MOST_OF_ONE)]
        for connection in waiting[: 4 * MOST_OF_ONE]:
            wait_until_closed(connection)
        assert not any(map(is_closed, waiting[4 * MOST_OF_ONE + 1 :]))
        assert status(get(patient, "/progress")) == 200, "of the same address too"


def test_many_addresses_together_keep_out_nobody(patient: str) -> None:
    clients = range(2, 12)
    with ExitStack() as stack:
        waiting = [
            stack.enter_context(connect(patient, f"127.0.0.{number}"))
            for _ in range(MOST_OF_ONE)
            for number in clients
        ]
        for connection in waiting[: len(waiting) - MOST_OF_ALL]:
            wait_until_closed(connection)
        assert not any(map(is_closed, waiting[len(waiting) - MOST_OF_ALL + len(clients) :]))
        assert status(get(patient, "/progress")) == 200


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on open files")
def test_a_flood_of_connections_does_not_use_up_the_files(made_library: Library, tmp_path: Path) -> None:
    import resource

    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, allowed[1]))  # as on macOS
    limits = {"most": FEWEST, "most_of_one_client": FEWEST // 2}
    try:
        running_server = running(made_library, tmp_path / "cache", **limits)  # which must not complain
        with running_server as address, ExitStack() as opened:
            resource.setrlimit(resource.RLIMIT_NOFILE, allowed)
            for _ in range(600):
                opened.enter_context(connect(address))
            assert status(get(address, "/progress")) == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, allowed)


def test_who_is_answered_stays_and_who_waits_goes(patient: str) -> None:
    """A browser with six connections, and others of the same address that send nothing."""
    host = urlsplit(patient).netloc
    with ExitStack() as stack:
        browser = [stack.enter_context(connect(patient)) for _ in range(6)]
        for _ in range(3):
            for connection in browser:
                connection.sendall(f"GET /?q=red HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            others = [stack.enter_context(connect(patient)) for _ in range(MOST_OF_ONE - 6)]
            for connection in browser:
                answer = b""
                while b"</html>" not in answer:
                    part = connection.recv(65536)
                    assert part, "a browser keeps its connections"
                    answer += part
            for connection in others:
                connection.close()


@pytest.mark.parametrize("first", [1, 100_000])
def test_who_does_not_read_is_left_after_a_while(library: Library, tmp_path: Path, first: int) -> None:
    path = solid_colour_clip(library.videos / "large.mp4", [("red", 2.0)])
    with path.open("ab") as file:
        file.write((LARGE - 8).to_bytes(4, "big") + b"free" + bytes(LARGE))  # what players skip
    library.update()
    limits = {"most": 20, "most_of_one_client": 20, "request_seconds": 20.0, "unread_seconds": 0.5}
    with running(library, tmp_path / "cache", **limits) as address:
        host, target = urlsplit(address).netloc, library.address("large.mp4", "file")
        with connect(address) as connection:
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert connection.recv(first).startswith(b"H")
            poll = select.poll()
            poll.register(connection, select.POLLRDHUP | select.POLLERR | select.POLLHUP)
            assert poll.poll(60_000), "the server has closed the connection"
        answer = get(address, target, "Range: bytes=1000-1999\r\n")
        assert status(answer) == 206, "a player connects again for the rest"
        assert len(answer.partition(b"\r\n\r\n")[2]) == 1000
        whole = get(address, target)
        assert len(whole.partition(b"\r\n\r\n")[2]) == path.stat().st_size, "who reads gets everything"


def test_limits_fit_the_number_of_files_a_process_may_open() -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    limits = limits_of_system()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        assert hard == before[1]
        assert soft >= before[0]
        assert FEWEST <= limits.most <= MOST
        assert 2 * limits.most + 256 <= soft or limits.most == FEWEST
        assert 6 * 2 <= limits.most_of_one_client <= limits.most
        assert limits.request_seconds >= 10
        behind_proxy = limits_of_system(is_behind_proxy=True)  # one client, which connects for all others
        assert behind_proxy.most_of_one_client == behind_proxy.most == limits.most
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_clients_are_counted_by_address_and_by_network() -> None:
    assert _client_name(("192.0.2.1", 1234)) == _client_name(("::ffff:192.0.2.1", 5, 0, 0)) == "192.0.2.1"
    assert _client_name(("2001:db8::1", 1)) == _client_name(("2001:db8::ffff:2", 2)) == "2001:db8::/64"
    assert _client_name(("2001:db8:0:1::1", 1)) != _client_name(("2001:db8::1", 1))
    assert _client_name(("fe80::1%eth0", 1)) == "fe80::/64"
    assert _client_name(None) == ""
