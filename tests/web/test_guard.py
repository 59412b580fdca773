from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from tests.color_encoder import ColorEncoder
from tests.web.conftest import Library
from vifi_cli.web.app import make_app
from vifi_cli.web.guard import HEADERS, is_local_viewer
from vifi_cli.web.location.hosts import Hosts, names_this_machine

OWN = ["127.0.0.1", "127.0.0.1:8765", "127.0.0.2:80", "localhost", "LOCALHOST:9000", "[::1]", "[::1]:8765"]
OTHERS = ["192.168.1.7:8765", "[fe80::1]:80", "10.0.0.1"]
FOREIGN = [
    "",
    "evil.example",
    "evil.example:8765",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "localhost.",
    "127.0.0.1@evil.example",
    "evil.example/127.0.0.1",
    "evil.example#127.0.0.1",
    "127.0.0.1:80:80",
    "127.0.0.1:http",
    "[::1",
    "2130706433",
    "0x7f.1",
]


@pytest.mark.parametrize("host", OWN)
def test_own_hosts_are_known(host: str) -> None:
    assert names_this_machine(host, exposed=False)
    assert names_this_machine(host, exposed=True)


@pytest.mark.parametrize("host", OTHERS)
def test_other_addresses_are_known_only_when_others_are_let_in(host: str) -> None:
    assert not names_this_machine(host, exposed=False)
    assert names_this_machine(host, exposed=True)


@pytest.mark.parametrize("host", FOREIGN)
def test_names_that_others_decide_on_are_never_known(host: str) -> None:
    assert not names_this_machine(host, exposed=False)
    assert not names_this_machine(host, exposed=True)


@pytest.mark.parametrize("path", ["/", "/?q=red", "/progress", "/static/page.css", "/nothing"])
def test_a_foreign_host_is_refused_everywhere(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"Host": "evil.example"})
    assert answer.status_code == 403
    assert "vifi" in answer.text


def test_two_hosts_are_refused(client: TestClient) -> None:
    headers = [("Host", "127.0.0.1"), ("Host", "evil.example")]
    assert client.get("/", headers=headers).status_code == 403


CROSS_SITE_REQUESTS = [
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "video"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "video"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:9999"},
]


@pytest.mark.parametrize("headers", CROSS_SITE_REQUESTS)
def test_other_sites_can_embed_and_fetch_nothing(
    client: TestClient, made_library: Library, headers: dict[str, str]
) -> None:
    for path in ("/", "/progress", "/static/page.js", made_library.address("day/red.mp4", "file")):
        assert client.get(path, headers=headers).status_code == 403


def test_a_link_from_elsewhere_leads_to_the_page_but_not_into_a_video(
    client: TestClient, made_library: Library
) -> None:
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert client.get("/?q=red", headers=visit).status_code == 200
    for what in ("file", "still", "preview", "moment", "sources"):
        assert client.get(made_library.address("day/red.mp4", what), headers=visit).status_code == 403


def test_the_page_itself_may_ask(client: TestClient, made_library: Library) -> None:
    own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Origin": "http://127.0.0.1:8765"}
    assert client.get("/progress", headers=own).status_code == 200
    assert client.get(made_library.address("day/red.mp4", "file"), headers=own).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(client: TestClient, made_library: Library, method: str) -> None:
    for path in ("/", "/progress", made_library.address("day/red.mp4", "file")):
        assert client.request(method, path).status_code == 405


def test_every_answer_has_its_protecting_headers(client: TestClient, made_library: Library) -> None:
    answers = [
        client.get("/"),
        client.get("/nothing"),
        client.get("/", headers={"Host": "evil.example"}),
        client.get("/static/page.js"),
        client.get("/video/1-00000000/file"),
        client.get(made_library.address("day/red.mp4", "file"), headers={"Range": "bytes=0-9"}),
        client.get(made_library.address("day/red.mp4", "still")),
    ]
    for answer in answers:
        for name in HEADERS:
            assert name in answer.headers, (answer.url, name)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]


def test_an_opener_policy_is_sent_where_browsers_heed_it(made_library: Library, tmp_path: Path) -> None:
    app = make_app(made_library.index, tmp_path, lambda _: ColorEncoder(), hosts=Hosts(exposed=True))
    with TestClient(app, "http://192.168.1.7:8765") as client:
        assert "cross-origin-opener-policy" not in client.get("/").headers
        assert "x-frame-options" in client.get("/").headers
        assert "cross-origin-opener-policy" in client.get("/", headers={"Host": "localhost:8765"}).headers


def test_a_websocket_is_not_opened(client: TestClient) -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/"):
        pass


LOCAL = {"host": "localhost:8765"}
AT_HOME: list[tuple[dict[str, str], str]] = [
    (LOCAL, "127.0.0.1"),
    ({"host": "127.0.0.1:8765", "referer": "http://127.0.0.1:8765/?q=red"}, "127.0.0.1"),
    ({"host": "[::1]:8765", "origin": "http://[::1]:8765"}, "::1"),
    (LOCAL, "::ffff:127.0.0.1"),
]
ELSEWHERE: list[tuple[dict[str, str], str]] = [
    (LOCAL, "192.168.1.7"),
    (LOCAL, "::ffff:192.168.1.7"),
    (LOCAL, "testclient"),
    ({"host": "192.168.1.7:8765"}, "127.0.0.1"),
    ({"host": "videos.example"}, "127.0.0.1"),
    (LOCAL | {"x-forwarded-for": "127.0.0.1"}, "127.0.0.1"),
    (LOCAL | {"x-forwarded-proto": "https"}, "127.0.0.1"),
    (LOCAL | {"forwarded": "for=127.0.0.1"}, "127.0.0.1"),
    (LOCAL | {"via": "1.1 caddy"}, "127.0.0.1"),
    (LOCAL | {"x-real-ip": "127.0.0.1"}, "127.0.0.1"),
    (LOCAL | {"origin": "https://videos.example"}, "127.0.0.1"),
    (LOCAL | {"origin": "null"}, "127.0.0.1"),
    (LOCAL | {"referer": "https://videos.example/"}, "127.0.0.1"),
]


def request_of(headers: dict[str, str], client: str, root_path: str = "") -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw, "client": (client, 5000), "root_path": root_path})


@pytest.mark.parametrize(("headers", "client"), AT_HOME)
def test_who_sits_at_this_machine_is_local(headers: dict[str, str], client: str) -> None:
    assert is_local_viewer(request_of(headers, client))
    assert not is_local_viewer(request_of(headers, client, "/vifi"))


@pytest.mark.parametrize(("headers", "client"), ELSEWHERE)
def test_who_comes_through_a_proxy_or_from_elsewhere_is_not(headers: dict[str, str], client: str) -> None:
    assert not is_local_viewer(request_of(headers, client))
