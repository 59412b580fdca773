import os
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from vifi_cli.web.media.sent_file import SentFile, SentStaticFiles, usable_range

CONTENT = bytes(range(100))
MODIFIED = 1_700_000_000
SAME, EARLIER, LATER = (
    "Tue, 14 Nov 2023 22:13:20 GMT",
    "Tue, 14 Nov 2023 22:13:19 GMT",
    "Tue, 14 Nov 2023 22:13:21 GMT",
)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a server with one file of 100 bytes, at two addresses."""
    file = tmp_path_factory.mktemp("sent") / "file"
    file.write_bytes(CONTENT)
    os.utime(file, (MODIFIED, MODIFIED))

    async def answer(_: Request) -> SentFile:
        return SentFile(file, headers={"Cache-Control": "private"}, media_type="video/mp4")

    static = Mount("/static", SentStaticFiles(directory=file.parent))
    with TestClient(Starlette(routes=[Route("/file", answer), static])) as client:
        yield client


@pytest.fixture(params=["/file", "/static/file"])
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


IGNORED = ["items=0-1", "seconds=1-2", "", "octets=0-1", "=0-1", "bytes 0-1", "byte=0-1", "none"]
INVALID = [
    "bytes",
    "bytes=",
    "bytes=,",
    "bytes=5-2",
    "bytes=a-b",
    "bytes=--1",
    "bytes=-",
    "bytes=1_0-2_0",
    "bytes=+1-2",
    "bytes=٣-٤",
    "bytes=0-1,x",
    "bytes=0-1;2",
]
PARTS = {
    "bytes=0-0": (0, 0),
    "bytes=10-19": (10, 19),
    "bytes=90-": (90, 99),
    "bytes=-10": (90, 99),
    "bytes=-1000": (0, 99),
    "bytes=95-1000": (95, 99),
    "bytes=95-99999999999999999999": (95, 99),
    "BYTES=1-2": (1, 2),
    "bytes= 3-4 ": (3, 4),
    "bytes=3-4,": (3, 4),
    "bytes=200-,5-6": (5, 6),
}


@pytest.mark.parametrize("header", IGNORED)
def test_a_range_of_another_unit_is_ignored(sent: TestClient, path: str, header: str) -> None:
    answer = sent.get(path, headers={"Range": header.encode()})
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("header", INVALID)
def test_what_is_no_range_of_bytes_is_refused(sent: TestClient, path: str, header: str) -> None:
    assert sent.get(path, headers={"Range": header.encode()}).status_code == 400


@pytest.mark.parametrize(("header", "part"), PARTS.items())
def test_a_range_of_bytes_is_sent_alone(
    sent: TestClient, path: str, header: str, part: tuple[int, int]
) -> None:
    first, last = part
    answer = sent.get(path, headers={"Range": header})
    assert (answer.status_code, answer.content) == (206, CONTENT[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/100"
    assert answer.headers["content-length"] == str(last - first + 1)


@pytest.mark.parametrize(
    "header", ["bytes=100-", "bytes=-0", "bytes=100-200,300-", "bytes=999999999999999999-"]
)
def test_a_range_beyond_the_end_is_refused_with_the_size(sent: TestClient, path: str, header: str) -> None:
    answer = sent.get(path, headers={"Range": header})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */100")


def test_several_ranges_come_in_parts(sent: TestClient) -> None:
    answer = sent.get("/file", headers={"Range": "bytes=0-1, 50-51, 500-"})
    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges")
    assert answer.content.count(b"Content-Range: bytes ") == 2
    assert b"bytes 50-51/100\r\n\r\n" + CONTENT[50:52] in answer.content


def test_head_is_as_get_without_content_and_ignores_ranges(sent: TestClient, path: str) -> None:
    whole, head = sent.get(path), sent.head(path, headers={"Range": "bytes=0-9"})
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "etag", "last-modified", "content-type", "accept-ranges"):
        assert head.headers[name] == whole.headers[name]


def test_a_range_is_sent_only_if_the_client_has_the_rest_of_the_same_file(
    sent: TestClient, path: str
) -> None:
    tag = sent.head(path).headers["etag"]
    for known, status in {
        tag: 206,
        SAME: 206,
        f"W/{tag}": 200,
        '"other"': 200,
        EARLIER: 200,
        LATER: 200,
        "x": 200,
    }.items():
        answer = sent.get(path, headers={"Range": "bytes=0-9", "If-Range": known})
        assert (known, answer.status_code) == (known, status)
    assert sent.get(path, headers={"If-Range": '"other"'}).status_code == 200


PRECONDITIONS = [
    ({"If-None-Match": "TAG"}, 304),
    ({"If-None-Match": "W/TAG"}, 304),
    ({"If-None-Match": '"a,b" , TAG'}, 304),
    ({"If-None-Match": "*"}, 304),
    ({"If-None-Match": '"other"'}, 200),
    ({"If-None-Match": '"other"', "If-Modified-Since": SAME}, 200),  # the tag counts
    ({"If-Modified-Since": SAME}, 304),
    ({"If-Modified-Since": LATER}, 304),
    ({"If-Modified-Since": EARLIER}, 200),
    ({"If-Modified-Since": "yesterday"}, 200),
    ({"If-Match": "TAG"}, 200),
    ({"If-Match": "*"}, 200),
    ({"If-Match": "W/TAG"}, 412),
    ({"If-Match": '"other"'}, 412),
    ({"If-Match": "TAG", "If-Unmodified-Since": EARLIER}, 200),  # the tag counts
    ({"If-Unmodified-Since": SAME}, 200),
    ({"If-Unmodified-Since": EARLIER}, 412),
    ({"If-Match": '"other"', "If-None-Match": "TAG"}, 412),
    ({"If-None-Match": "TAG", "Range": "bytes=0-9"}, 304),
    ({"If-Match": "TAG", "Range": "bytes=0-9"}, 206),
]


@pytest.mark.parametrize(("headers", "status"), PRECONDITIONS)
def test_a_precondition_decides_before_the_range(
    sent: TestClient, path: str, headers: dict[str, str], status: int
) -> None:
    tag = sent.head(path).headers["etag"]
    asked = {name: value.replace("TAG", tag) for name, value in headers.items()}
    for method in ("GET", "HEAD"):
        answer = sent.request(method, path, headers=asked)
        assert answer.status_code == (200 if method == "HEAD" and status == 206 else status)
        assert answer.headers["etag"] == tag
        if status == 304:
            assert (answer.content, "content-type" in answer.headers) == (b"", False)
            assert answer.headers["last-modified"] == SAME


def test_a_file_without_content_has_no_part() -> None:
    assert usable_range("bytes=0-", 0) == "bytes=0-"
    assert usable_range("bytes=-5", 0) == "bytes=-5"
