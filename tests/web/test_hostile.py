"""What reaches a running server as bytes, past all that a client tidies up: nothing comes out that should not."""

import re
import socket
from urllib.parse import urlsplit

import pytest

from tests.web.conftest import Library
from vifi_cli.index.concepts.store import ConceptStore


def say(address: str, request: bytes) -> bytes:
    """The answer to a request that is sent as it is."""
    where = urlsplit(address)
    assert where.hostname
    assert where.port
    with socket.create_connection((where.hostname, where.port), timeout=60) as connection:
        answer = b""
        try:
            connection.sendall(request)
            while part := connection.recv(65536):
                answer += part
        except (ConnectionResetError, BrokenPipeError):  # it has not read all that was sent
            pass
    return answer


def get(address: str, target: str, headers: str = "") -> bytes:
    host = urlsplit(address).netloc
    return say(
        address,
        f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n".encode("latin-1"),
    )


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "target",
    [
        "/static/../app.py",
        "/static/../../../../../../../../etc/passwd",
        "/static/..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/static/%2e%2e/%2e%2e/app.py",
        "/static/....//app.py",
        "/static/..%5capp.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/page.css%00.py",
        "/static/file:///etc/passwd",
        "/../../../../etc/passwd",
        "//etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "/video/../../../etc/passwd",
        "/video/..%2f..%2fetc%2fpasswd/file",
        "/video//etc/passwd/file",
        "/video/%2fetc%2fpasswd/file",
        "/video/1-00000000/../../../../etc/passwd",
        "/play/..%2f..%2fetc%2fpasswd?start=0&end=1",
        "/catalog.sqlite3",
        "/index/catalog.sqlite3",
        "/%",
        "/%zz",
        "/%c0%ae%c0%ae/etc/passwd",
    ],
)
def test_no_target_leads_to_a_file(address: str, target: str) -> None:
    answer = get(address, target)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status(answer) in (400, 404)
    assert not re.search(rb"root:|import |ftyp|SQLite format", body)
    assert b"sqlite" not in head.lower()


def test_a_foreign_host_gets_nothing(address: str) -> None:
    port = urlsplit(address).port
    for hosts in (
        "Host: evil.example\r\n",
        f"Host: evil.example:{port}\r\n",
        f"Host: 127.0.0.1.evil.example:{port}\r\n",
        "Host:\r\n",
        "",
        f"Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n",
        f"Host: evil.example\r\nX-Forwarded-Host: 127.0.0.1:{port}\r\nForwarded: host=127.0.0.1\r\n",
    ):
        for target in ("/", "/?q=red", "/progress", f"http://127.0.0.1:{port}/progress"):
            for version in ("1.0", "1.1"):
                answer = say(
                    address, f"GET {target} HTTP/{version}\r\nConnection: close\r\n{hosts}\r\n".encode()
                )
                assert status(answer) in (400, 403), (target, hosts)
                assert b"red" not in answer


@pytest.mark.parametrize(
    "target", ["/?q=" + "a" * 60_000, "/?below=" + "[" * 60_000 + "&q=red", "/?like=" + "1" * 60_000]
)
def test_a_long_question_is_refused_in_words(address: str, target: str) -> None:
    answer = get(address, target)
    assert status(answer) == 400
    assert b'role="alert"' in answer


@pytest.mark.parametrize(
    "request_text",
    [
        "GET /?q=" + "a" * 5_000_000 + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + "a" * 5_000_000 + "\r\n\r\n",
        "GET / HTTP/1.1\r\n" + "X: y\r\n" * 500_000 + "\r\n",
        "\0" * 100_000,
        "GET /\0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\nConnection: close\r\n\r\n",
    ],
    ids=["long target", "long header", "many headers", "zeros", "zero in it", "proxy"],
)
def test_what_is_no_request_is_refused_and_the_server_goes_on(address: str, request_text: str) -> None:
    answer = say(address, request_text.encode("latin-1"))
    assert not answer or status(answer) >= 400
    assert b"<!doctype" not in answer
    assert status(get(address, "/?q=red")) == 200


def test_many_ranges_at_once_do_not_hold_it_up(address: str) -> None:
    page = get(address, "/?q=red").decode()
    found = re.search(r"/video/[0-9a-f-]+/", page)
    assert found
    ranges = ",".join(f"{start}-{start}" for start in range(0, 20_000, 2))
    answer = get(address, f"{found[0]}file", f"Range: bytes={ranges}\r\n")
    assert status(answer) in (200, 206, 400, 416, 422, 431)
    assert len(answer) < 10_000_000


def test_nothing_is_taught_by_a_request_that_is_not_the_pages_own(
    address: str, made_library: Library
) -> None:
    host = urlsplit(address).netloc
    concept = '{"name": "a", "description": "red"}'
    for headers, content in (
        ("", concept),
        ("X-Vifi: page\r\nOrigin: https://evil.example\r\n", concept),
        ("X-Vifi: page\r\nOrigin: null\r\n", concept),
        ("X-Vifi: page\r\nForwarded: for=127.0.0.1\r\n", concept),
        ("X-Vifi: page\r\nSec-Fetch-Site: same-site\r\n", concept),
        ("X-Vifi: page\r\nX-Vifi: other\r\nX-Forwarded-For: 127.0.0.1\r\n", concept),
        ("X-Vifi: page\r\n", concept[:-1]),
        ("X-Vifi: page\r\n", "x" * 3_000_000),
        ("X-Vifi: page\r\n", '{"name":' * 2000),
    ):
        head = f"POST /api/concepts HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}"
        lengths = f"Content-Length: {len(content)}", "Transfer-Encoding: chunked"
        bodies = content, f"{len(content):x}\r\n{content}\r\n0\r\n\r\n"
        for length, body in zip(lengths, bodies, strict=True):
            answer = say(address, f"{head}{length}\r\n\r\n{body}".encode())
            assert not answer or status(answer) in (400, 403, 413), headers
    assert status(get(address, "/api/concepts")) == 200
    assert ConceptStore(made_library.index).names() == []
