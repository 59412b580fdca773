"""The API, asked over HTTP; its searches are compared with what `vifi search --json` prints."""

import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import av
import pytest
from starlette.testclient import TestClient

from tests.color_encoder import ColorEncoder
from tests.made_videos import solid_colour_clip
from tests.web.conftest import HOST, Library
from vifi_cli.web.app import make_app
from vifi_cli.web.json_api.searches import SEARCH_PARAMETERS

CLI_KEYS = ["path", "start_seconds", "end_seconds", "relevance", "cosine", "unsure"]


def document(client: TestClient, address: str, status: int = 200) -> dict[str, object]:
    """The JSON at an address."""
    answer = client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
    found = json.loads(answer.text)
    assert isinstance(found, dict)
    return found


def problem(client: TestClient, address: str, status: int = 400) -> str:
    """What is wrong with a request, in one line."""
    found = document(client, address, status)
    assert list(found) == ["error"]
    text = str(found["error"])
    assert len(text.splitlines()) == 1
    return text


class TestSearch:
    def test_hits_have_the_keys_and_the_rounding_of_the_command_line_and_links(
        self, client: TestClient, made_library: Library
    ) -> None:
        found = document(client, "/api/search?q=red&top=2")
        assert list(found) == ["query", "model", "hits"]
        assert (found["query"], found["model"]) == ("red", ColorEncoder().model_name)
        hits = found["hits"]
        assert isinstance(hits, list)
        assert {Path(hit["path"]).name for hit in hits} == {"red.mp4", "red_then_blue.mp4"}
        for hit in hits:
            assert list(hit) == [*CLI_KEYS, "key", "links"]
            for name in ("start_seconds", "end_seconds"):
                assert hit[name] == round(hit[name], 3)
            assert hit["cosine"] == round(hit["cosine"], 4) > 0.9
            assert hit["unsure"] is False
            assert hit["key"].startswith(made_library.key(f"day/{Path(hit['path']).name}") + "@")

    def test_steps_in_order_have_their_moments(self, client: TestClient) -> None:
        found = document(client, "/api/search?q=red+then+blue&top=1&within=5s&min_score=0")
        (hit,) = found["hits"]  # type: ignore[misc]
        assert Path(hit["path"]).name == "red_then_blue.mp4"
        assert [step["query"] for step in hit["steps"]] == ["red", "blue"]
        red, blue = hit["steps"]
        assert (red["start_seconds"], blue["end_seconds"]) == (hit["start_seconds"], hit["end_seconds"])
        assert red["end_seconds"] == pytest.approx(blue["start_seconds"], abs=1.5)
        assert min(red["cosine"], blue["cosine"]) > 0.5
        assert hit["key"].endswith(f"@{hit['start_seconds']:.3f}-{hit['end_seconds']:.3f}")
        assert "put `then` between two, or omit `within`" in problem(client, "/api/search?q=red&within=5s")
        assert "not a length of time" in problem(client, "/api/search?q=red+then+blue&within=soon")

    def test_every_link_of_a_hit_leads_to_what_it_names(self, client: TestClient) -> None:
        (hit,) = document(client, "/api/search?q=blue&top=1&path=*.mkv")["hits"]  # type: ignore[misc]
        kinds = {name: client.get(link).headers["content-type"] for name, link in hit["links"].items()}
        assert kinds == {
            "self": "application/json",
            "similar": "application/json",
            "clip": "video/mp4",
            "page": "text/html; charset=utf-8",
            "still": "image/webp",
            "preview": "image/webp",
        }

    def test_options_mean_what_they_do_on_the_command_line(self, client: TestClient) -> None:
        def names(options: str) -> list[str]:
            hits = document(client, f"/api/search?q=red&{options}")["hits"]
            assert isinstance(hits, list)
            return [Path(hit["path"]).name for hit in hits]

        assert len(names("by=video&top=4&min_score=0")) == 4
        assert names("by=video&top=1") == names("top=1&by=video&dedupe=0")
        assert set(names("path=night&min_score=0")) == {"blue.mkv", "green.mp4"}
        assert set(names("path=*.mkv&min_score=0")) == {"blue.mkv"}
        assert set(names("min_duration=0:10")) == {"red_then_blue.mp4"}
        assert "red_then_blue.mp4" not in names("max_duration=10&min_score=0")
        assert names("older=2001-01-01") == []
        assert len(names("newer=7d&min_score=0&per_video=1")) == 4

    def test_terms_work_and_indexed_videos_can_be_terms(self, client: TestClient) -> None:
        hits = document(client, f"/api/search?q={quote('red - day/red.mp4 + green')}&top=1")["hits"]
        assert isinstance(hits, list)
        assert Path(hits[0]["path"]).name == "green.mp4"

    def test_unsure_hits_are_sent_only_if_asked_for(self, client: TestClient) -> None:
        asked = "/api/similar?example=green.mp4&path=day&min_score=0.99"
        assert document(client, asked)["hits"] == []
        for wanted in ("1", "true", "YES"):
            hits = document(client, f"{asked}&unsure={wanted}")["hits"]
            assert isinstance(hits, list)
            assert hits
            assert all(hit["unsure"] for hit in hits)
        assert document(client, f"{asked}&unsure=0")["hits"] == []


WRONG = {
    "": "`q` is missing",
    "q=": "`q` is empty",
    "q=%20": "`q` is empty",
    "q=a&q=b": "`q` is given twice",
    "q=a%00b": "NUL",
    "q=a&top=0": "`top` is a whole number from 1 to 1000, not 0",
    "q=a&top=1001": "from 1 to 1000, not 1001",
    "q=a&top=-1": "not -1",
    "q=a&top=1.5": "not 1.5",
    "q=a&top=nan": "not nan",
    "q=a&top=1e3": "not 1e3",
    "q=a&top=%D9%A3": "`top` is a whole number",
    "q=a&top=" + "9" * 400: "`top` is a whole number",
    "q=a&per_video=x": "`per_video` is a whole number from 0",
    "q=a&min_score=nan": "`min_score` is a number from 0 to 1, not nan",
    "q=a&min_score=inf": "not inf",
    "q=a&min_score=-0.1": "not -0.1",
    "q=a&min_score=1.01": "not 1.01",
    "q=a&min_score=0,5": "not 0,5",
    "q=a&unsure=maybe": "`unsure` is 1 or 0, not maybe",
    "q=a&by=frame": "`by` is moment or video, not frame",
    "q=a&by=video&per_video=3": "`per_video` counts moments",
    "q=a&newer=soon": "`newer` soon: neither a date",
    "q=a&min_duration=nan": "`min_duration` nan: not a length",
    "q=a&min_duration=-5": "not a length",
    "q=a&min_duration=10&max_duration=5": "no video lasts at least 10",
    "q=a&newer=1d&older=2d": "no video is both newer",
    "q=a&tpo=5": "did you mean `top`?",
    "q=a&min-score=0.5": "did you mean `min_score`?",
    "q=a&model=clip": "it takes q, top",
    "q=a&%0Ax=1": "is not a parameter",
    "q=" + "a" * 3000: "`q` is too long",
    "q=red+%2B": "add a term, or omit it",
    "q=%22red": "is not closed",
    "q=/etc/passwd.mp4": "is not an indexed video",
}


@pytest.mark.parametrize(("query", "words"), WRONG.items())
def test_what_makes_no_sense_is_refused_in_words(client: TestClient, query: str, words: str) -> None:
    assert words in problem(client, f"/api/search?{query}")


def test_no_file_that_is_not_indexed_is_looked_at(client: TestClient, tmp_path: Path) -> None:
    there = tmp_path / "there.mp4"
    there.touch()
    for path in (there, tmp_path / "missing.mp4"):
        for address in (f"/api/search?q={quote(str(path))}", f"/api/similar?example={quote(str(path))}"):
            assert problem(client, address).replace(path.name, "") == problem(
                client, address.replace(path.name, "x.mp4")
            ).replace("x.mp4", "")


class TestSimilar:
    @pytest.mark.parametrize(
        "example", ["day/red.mp4", "red.mp4@0-2", "PATH", "PATH@1-3", "KEY", "KEY@0.5-2"]
    )
    def test_an_example_is_an_indexed_video_or_a_part_of_one(
        self, client: TestClient, made_library: Library, example: str
    ) -> None:
        path, key = str(made_library.videos / "day" / "red.mp4"), made_library.key("day/red.mp4")
        named = example.replace("PATH", path).replace("KEY", key)
        found = document(client, f"/api/similar?example={quote(named)}&top=1&by=video")
        assert found["query"] == named
        hits = found["hits"]
        assert isinstance(hits, list)
        assert [Path(hit["path"]).name for hit in hits] == ["red_then_blue.mp4"]
        assert hits[0]["relevance"] is None

    @pytest.mark.parametrize(
        ("example", "words"),
        [
            ("", "`example` is missing"),
            ("example=nothing.mp4", "is not an indexed video"),
            ("example=999-00000000", "not in the index any more"),
            ("example=999-00000000@0-1", "no longer in the index"),
            ("example=red.mp4@9-5", "is not a time in a video"),
            ("example=red.mp4@50-60", "ends"),
            ("q=red", "`q` is not a parameter"),
        ],
    )
    def test_others_are_refused(self, client: TestClient, example: str, words: str) -> None:
        assert words in problem(client, f"/api/similar?{example}")


class TestVideos:
    def test_all_are_listed_by_path_a_page_at_a_time(self, client: TestClient, made_library: Library) -> None:
        paths: list[str] = []
        address: object = "/api/videos?limit=3"
        while address:
            page = document(client, str(address))
            assert page["total"] == 4
            assert isinstance(page["videos"], list)
            paths += [video["path"] for video in page["videos"]]
            address = page["next"]
        names = ["day/red.mp4", "day/red_then_blue.mp4", "night/blue.mkv", "night/green.mp4"]
        assert paths == [str(made_library.videos / name) for name in names]

    def test_filters_stay_on_the_next_page(self, client: TestClient) -> None:
        page = document(client, "/api/videos?limit=1&path=*red*")
        assert page["total"] == 2
        second = document(client, str(page["next"]))
        assert (second["total"], second["next"]) == (2, None)

    def test_a_video_is_described_and_searched(self, client: TestClient, made_library: Library) -> None:
        (listed,) = document(client, "/api/videos?path=*then_blue*")["videos"]  # type: ignore[misc]
        assert (listed["duration_seconds"], listed["width"], listed["codec"]) == (12.0, 64, "h264")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", listed["modified"])
        assert document(client, listed["links"]["self"]) == listed
        found = document(client, f"{listed['links']['moments']}?q=blue&top=1")
        (hit,) = found["hits"]  # type: ignore[misc]
        assert hit["path"] == str(made_library.videos / "day" / "red_then_blue.mp4")
        assert 5 <= hit["start_seconds"] < hit["end_seconds"] <= 12

    @pytest.mark.parametrize(
        ("address", "words"),
        [
            ("/api/videos?limit=0", "from 1 to 1000"),
            ("/api/videos?after=%25%25", "take `next` from the answer before"),
            ("/api/videos?after=a", "take `next` from the answer before"),
            ("/api/videos?q=red", "`q` is not a parameter"),
            ("/api/status?x=1", "it takes none"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, client: TestClient, address: str, words: str) -> None:
        assert words in problem(client, address)

    @pytest.mark.parametrize("part", ["", "/moments?q=red"])
    @pytest.mark.parametrize(
        ("key", "words"),
        [("999-00000000", "not in the index any more"), ("red.mp4", "not the key of a video")],
    )
    def test_what_is_not_indexed_is_not_found(
        self, client: TestClient, key: str, part: str, words: str
    ) -> None:
        assert words in problem(client, f"/api/videos/{key}{part}", 404)

    def test_status_is_that_of_the_command_line(self, client: TestClient) -> None:
        found = document(client, "/api/status")
        assert (found["videos"], found["video_seconds"], found["failed"]) == (4, 23.0, [])


class TestMoments:
    def test_a_moment_ends_where_its_video_ends(self, client: TestClient, made_library: Library) -> None:
        found = document(client, f"/api/moments/{made_library.key('day/red.mp4')}@1.5-99")
        assert found["start_seconds"] == 1.5
        assert found["end_seconds"] == pytest.approx(4, abs=0.02)
        assert found["path"] == str(made_library.videos / "day" / "red.mp4")

    def test_a_clip_holds_the_moment_and_is_named_after_it(
        self, client: TestClient, made_library: Library
    ) -> None:
        answer = client.get(f"/api/clips/{made_library.key('day/red.mp4')}@1-2")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
        assert answer.headers["content-disposition"] == 'attachment; filename="red-0m01s.mp4"'
        with av.open(io.BytesIO(answer.content)) as clip:
            assert clip.duration / 1e6 == pytest.approx(1, abs=0.1)
        part = client.get(f"/api/clips/{made_library.key('day/red.mp4')}@1-2", headers={"Range": "bytes=4-7"})
        assert (part.status_code, part.content) == (206, b"ftyp")

    @pytest.mark.parametrize("kind", ["moments", "clips"])
    @pytest.mark.parametrize(
        ("moment", "words"),
        [
            ("KEY@4.5-6", "ends after 4.000 seconds"),
            ("KEY@2-1", "KEY@START-END"),
            ("KEY@nan-inf", "KEY@START-END"),
            ("KEY@-1-2", "KEY@START-END"),
            ("KEY", "KEY@START-END"),
            ("999-00000000@0-1", "not in the index any more"),
            ("x", "KEY@START-END"),
        ],
    )
    def test_what_is_not_there_is_not_found(
        self, client: TestClient, made_library: Library, kind: str, moment: str, words: str
    ) -> None:
        key = made_library.key("day/red.mp4")
        assert words in problem(client, f"/api/{kind}/{moment.replace('KEY', key)}", 404)


class TestProtocol:
    ADDRESSES = ("/api", "/api/", "/api/search?q=red", "/api/status", "/api/videos")

    def test_the_overview_names_all_addresses(self, client: TestClient) -> None:
        links = document(client, "/api/")["links"]
        assert isinstance(links, dict)
        assert {"search", "similar", "videos", "moments", "clip"} < set(links)
        assert document(client, "/api") == document(client, "/api/")

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_head_and_options_answer_without_content(self, client: TestClient, address: str) -> None:
        head = client.head(address)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == client.get(address).headers["content-length"]
        options = client.options(address)
        assert (options.status_code, options.content) == (204, b"")
        assert options.headers["allow"] == "GET, HEAD, OPTIONS"

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
    def test_nothing_can_be_changed(self, client: TestClient, method: str) -> None:
        for address in self.ADDRESSES[1:]:
            answer = client.request(method, address)
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
            assert "changes nothing" in answer.json()["error"]

    @pytest.mark.parametrize("address", ["/api/serach?q=a", "/api/videos/", "/api/search/"])
    def test_an_unknown_address_is_not_found(self, client: TestClient, address: str) -> None:
        assert "/api/ lists" in problem(client, address, 404)

    def test_it_is_guarded_as_the_page_is(self, client: TestClient) -> None:
        visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}, visit):
            answer = client.get("/api/search?q=red", headers=headers)
            assert (answer.status_code, list(answer.json())) == (403, ["error"])
        preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
        assert client.options("/api/search", headers=preflight).status_code == 403
        assert not any("access-control" in name for name in client.get("/api/").headers)


@pytest.fixture(scope="module")
def below(made_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    app = make_app(
        made_library.index, tmp_path_factory.mktemp("cache"), lambda _: ColorEncoder(), root_path="/vifi"
    )
    with TestClient(app, HOST) as client:
        yield client


def test_links_begin_with_the_path_of_the_page(below: TestClient) -> None:
    (hit,) = document(below, "/vifi/api/search?q=red&top=1")["hits"]  # type: ignore[misc]
    page = document(below, "/vifi/api/videos?limit=1")
    links = [*hit["links"].values(), *document(below, "/vifi/api/")["links"].values(), page["next"]]  # type: ignore[attr-defined]
    assert all(link.startswith("/vifi/") for link in links)
    assert document(below, hit["links"]["self"])["key"] == hit["key"]
    assert problem(below, "/vifi/api/nothing", 404)


def test_without_an_index_it_says_what_to_do(own_client: TestClient) -> None:
    for address in ("/api/search?q=red", "/api/videos", "/api/status", "/api/similar?example=a.mp4"):
        assert "vifi index" in problem(own_client, address, 503)
    assert document(own_client, "/api/")


def test_a_name_that_is_not_text_is_listed_and_paged(own_client: TestClient, library: Library) -> None:
    made = solid_colour_clip(library.videos / "a.mp4", [("red", 2.0)])
    odd = library.videos / "b\udcff\n.mp4"
    shutil.copy(made, odd)
    library.update()
    first = document(own_client, "/api/videos?limit=1")
    second = document(own_client, str(first["next"]))
    assert [video["path"] for video in second["videos"]] == [str(odd)]  # type: ignore[attr-defined]
    found = document(own_client, "/api/search?q=red&by=video")
    assert {hit["path"] for hit in found["hits"]} == {str(made), str(odd)}  # type: ignore[attr-defined]


def test_the_documentation_names_all_parameters_and_addresses(client: TestClient) -> None:
    page = (Path(__file__).parents[3] / "docs" / "http-api.md").read_text()
    rows = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    named = set(re.findall(r"`([^`]+)`", " ".join(rows)))
    assert {name for name in named if not name.startswith("/")} == {*SEARCH_PARAMETERS, "within"}
    links = document(client, "/api/")["links"]
    assert isinstance(links, dict)
    in_table = {name for name in named if name.startswith("/")} - {"/api/"}
    assert {link.replace("FILE@START-END", "EXAMPLE") for link in links.values()} == in_table
