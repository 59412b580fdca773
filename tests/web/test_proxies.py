"""The page behind real reverse proxies, which change paths and headers as the usual ones do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.web.conftest import Library, running
from tests.web.location.test_sub_path import addresses

NAME = "videos.example"
CADDY, NGINX, APACHE = "caddy", "nginx", "apache"


class Proxy(BaseHTTPRequestHandler):
    """Passes requests below /vifi on to the server."""

    kind = CADDY
    upstream = ""

    def do_GET(self) -> None:
        sent = self.path
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        if self.kind == CADDY:  # the name and the path as the browser sent them
            headers |= {
                "X-Forwarded-Host": headers["Host"],
                "X-Forwarded-Proto": "https",
                "X-Forwarded-For": "203.0.113.9",
            }
        elif (
            self.kind == NGINX
        ):  # location /vifi { proxy_pass http://127.0.0.1:8765/; }, without any other line
            headers |= {"Host": self.upstream}
            sent = "/" + sent.removeprefix("/vifi")
        else:  # ProxyPass /vifi/ http://127.0.0.1:8765/
            headers |= {"Host": self.upstream, "X-Forwarded-Host": headers["Host"], "Via": "1.1 apache"}
            sent = sent.removeprefix("/vifi")
        connection = HTTPConnection(self.upstream, timeout=60)
        connection.request(self.command, sent, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        connection.close()

    do_HEAD = do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def proxied(kind: str, upstream: str) -> Iterator[httpx2.Client]:
    """A client whose address is the proxy's, under the name that people know it by."""
    handler = type("OneProxy", (Proxy,), {"kind": kind, "upstream": upstream})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{proxy.server_port}"
        with httpx2.Client(base_url=address, headers={"Host": NAME}, trust_env=False, timeout=60) as client:
            yield client
        proxy.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def upstream(made_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host and port of a running server that is meant to be at `videos.example/vifi/`."""
    cache = tmp_path_factory.mktemp("cache")
    with running(made_library, cache, root_path="/vifi", allowed=[NAME]) as address:
        yield urlsplit(address).netloc


@pytest.mark.parametrize("kind", [CADDY, NGINX, APACHE])
def test_the_page_its_pictures_and_its_videos_come_through_a_proxy(
    upstream: str, made_library: Library, kind: str
) -> None:
    browser = {"Sec-Fetch-Site": "same-origin", "Referer": f"https://{NAME}/vifi/"}
    with proxied(kind, upstream) as client:
        page = client.get("/vifi/?q=red&top=1")
        assert page.status_code == 200
        found = addresses(page.text) | addresses(client.get(f"/vifi{made_library.play('day/red.mp4')}").text)
        assert len(found) > 8
        for address in found:
            if "/moment" not in address and "/preview" not in address:
                assert client.get(address, headers=browser).status_code == 200, address
        file = f"/vifi{made_library.address('day/red.mp4', 'file')}"
        part = client.get(file, headers=browser | {"Range": "bytes=4-7"})
        assert (part.status_code, part.content) == (206, b"ftyp")
        assert client.head(file).headers["content-length"] == part.headers["content-range"].rpartition("/")[2]
        for origin, status in ((f"https://{NAME}", 405), ("https://evil.example", 403)):
            assert client.post("/vifi/progress", headers={"Origin": origin}).status_code == status


def test_a_name_that_was_not_allowed_is_refused_with_the_option_that_allows_it(upstream: str) -> None:
    with proxied(CADDY, upstream) as client:
        answer = client.get("/vifi/", headers={"Host": "other.example:8443", "Accept": "text/html"})
    assert answer.status_code == 403
    assert "<p>vifi does not answer to the name other.example." in answer.text
    assert "--allow-host other.example<" in answer.text


def test_a_forwarded_name_is_never_believed(upstream: str) -> None:
    with httpx2.Client(base_url=f"http://{upstream}", trust_env=False) as client:
        for header in ("X-Forwarded-Host", "X-Original-Host", "Forwarded"):
            headers = {"Host": "evil.example", header: f"host={NAME}" if header == "Forwarded" else NAME}
            assert client.get("/vifi/", headers=headers).status_code == 403
