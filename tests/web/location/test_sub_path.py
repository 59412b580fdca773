import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import urljoin

import pytest
from starlette.testclient import TestClient

from tests.color_encoder import ColorEncoder
from tests.web.conftest import HOST, Library
from vifi_cli.errors import InvalidInput
from vifi_cli.web.app import make_app
from vifi_cli.web.location.sub_path import parse_sub_path

ADDRESS = re.compile(r'(?:href|src|action|poster|data-(?!path|media)[a-z]+)="([^"]*)"')
MEDIA = re.compile(r'data-media="([^"]*)"')  # what scripts add the kind of media to


@pytest.fixture(scope="module")
def below(made_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a server whose page is at /my/vifi."""
    cache = tmp_path_factory.mktemp("cache")
    app = make_app(made_library.index, cache, lambda _: ColorEncoder(), root_path="/my/vifi")
    with TestClient(app, HOST, follow_redirects=False) as client:
        yield client


def addresses(page: str) -> set[str]:
    """All addresses on a page that lead to the server."""
    found = {address.replace("&amp;", "&") for address in ADDRESS.findall(page)}
    return {address for address in found if address.startswith("/")}


@pytest.mark.parametrize("sent", ["/my/vifi", ""], ids=["passed on", "removed by the proxy"])
def test_all_addresses_on_all_pages_begin_with_the_path_and_lead_somewhere(
    below: TestClient, made_library: Library, sent: str
) -> None:
    like = f"/?like={made_library.key('day/red.mp4')}@0.000-2.000"
    pages = [
        "/",
        "/?q=red&top=1",
        like,
        made_library.play("day/red.mp4"),
        made_library.play("night/blue.mkv"),
    ]
    missing = below.get(f"{sent}/nothing")
    found = addresses(missing.text)
    for page in pages:
        answer = below.get(f"{sent}{page}")
        assert answer.status_code == 200
        found |= addresses(answer.text)
    assert all(address.startswith("/my/vifi/") for address in found), found
    media = MEDIA.findall(below.get(f"{sent}/?q=red").text)
    assert media
    assert all(address.startswith("/my/vifi/video/") for address in media), media
    assert {address.split("/")[3].partition("?")[0] for address in found} >= {"", "play", "static", "video"}
    for address in found:
        if "/moment" not in address and "/preview" not in address:
            assert below.get(sent + address.removeprefix("/my/vifi")).status_code == 200, address


def test_what_scripts_and_styles_load_is_below_the_path_too(below: TestClient, made_library: Library) -> None:
    sources = below.get(made_library.address("day/red.mp4", "sources")).json()["sources"]
    assert all(source["address"].startswith("/my/vifi/video/") for source in sources)
    names = [each.name for each in files("vifi_cli.web").joinpath("static").iterdir()]
    assert "page.js" in names
    for name in names:
        text = below.get(f"/my/vifi/static/{name}").text
        assert not re.search(r"""(?:fetch|url|URL|from)\s*\(?\s*["'`]/""", text), name
    assert urljoin(f"{HOST}/my/vifi/static/index.js", "../progress") == f"{HOST}/my/vifi/progress"
    assert below.get("/my/vifi/progress").json()["videos"] == 4


def test_the_root_answers_with_and_without_its_slash(below: TestClient) -> None:
    for path in ("/my/vifi", "/my/vifi/", "/"):
        assert below.get(path).status_code == 200
    for path in ("/my", "/my/", "/my/vifi2", "/my/vifi/my/vifi/", "/vifi/"):
        assert below.get(path).status_code == 404


def test_videos_below_the_path_are_as_protected(below: TestClient, made_library: Library) -> None:
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    file = made_library.address("day/red.mp4", "file")
    assert below.get("/my/vifi/", headers=visit).status_code == 200
    for prefix in ("/my/vifi", ""):
        assert below.get(f"{prefix}{file}").status_code == 200
        assert below.get(f"{prefix}{file}", headers=visit).status_code == 403
    gone = below.get("/my/vifi/video/999-00000000/file")
    assert (gone.status_code, gone.headers["content-type"]) == (404, "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/vifi", "/vifi"),
        ("vifi", "/vifi"),
        ("/vifi/", "/vifi"),
        ("/a/b-c_d.e~f", "/a/b-c_d.e~f"),
        ("/", ""),
        ("", ""),
    ],
)
def test_a_path_is_read_with_or_without_slashes(text: str, path: str) -> None:
    assert parse_sub_path(text) == path


@pytest.mark.parametrize(
    "text",
    ["/a b", "/ä", "/a//b", "/../x", "/a/./b", "/a?b", "/a#b", "/a%20b", "https://example.org/vifi", '/"x'],
)
def test_a_path_that_browsers_write_differently_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="--root-path"):
        parse_sub_path(text)


@pytest.mark.parametrize("root_path", ["/video", "/play/vifi", "/static", "/progress"])
def test_a_path_of_the_page_itself_is_refused(tmp_path: Path, root_path: str) -> None:
    with pytest.raises(InvalidInput, match="choose another, such as /vifi"):
        make_app(tmp_path, tmp_path, lambda _: ColorEncoder(), root_path=root_path)
