"""Teaching over HTTP: what is stored, what is answered, and who is refused."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.web.conftest import Library, teaching_client
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.concepts.concept import Mark
from vifi_cli.index.concepts.database import writing
from vifi_cli.index.concepts.store import ConceptStore
from vifi_cli.web.json_api import concepts

RED, BLUE, GREEN = "day/red.mp4", "night/blue.mkv", "night/green.mp4"
MARKS = "/api/concepts/ripe/marks"


def moment(library: Library, name: str, span: str = "0-2") -> str:
    return f"{library.key(name)}@{span}"


def send(client: TestClient, method: str, address: str, status: int = 200, **content: object) -> Any:
    answer = client.request(method, address, json=content or None)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def marks_of(folder: Path, name: str = "ripe") -> list[tuple[str, float, float, bool]]:
    """What the store holds, as another process reads it."""
    marks = ConceptStore(folder / "index").get(name).marks
    return [(mark.path.name, mark.start_seconds, mark.end_seconds, mark.is_right) for mark in marks]


def test_a_concept_is_taught_by_marks_and_searched_for(
    teacher: TestClient, made_library: Library, tmp_path: Path
) -> None:
    made = send(teacher, "POST", "/api/concepts", 201, name="Ripe", description="red")
    assert (made["name"], made["description"], made["right"], made["wrong"]) == ("Ripe", "red", 0, 0)
    assert made["is_learned"] is False
    first = send(teacher, "POST", MARKS, moment=moment(made_library, RED), right=True)
    assert (first["right"], first["wrong"], first["is_learned"]) == (1, 0, False)
    assert marks_of(tmp_path) == [("red.mp4", 0.0, 2.0, True)]
    both = send(teacher, "POST", MARKS, moment=moment(made_library, BLUE), right=False)
    assert (both["right"], both["wrong"], both["is_learned"]) == (1, 1, True)
    assert both["progress"].endswith(".")
    assert send(teacher, "GET", "/api/concepts") == {"concepts": [both]}
    assert send(teacher, "GET", "/api/concepts/ripe") == both
    hits = send(teacher, "GET", both["links"]["search"] + "&top=1&min_score=0")["hits"]
    assert Path(hits[0]["path"]).name in {"red.mp4", "red_then_blue.mp4"}
    assert teacher.get(both["links"]["page"]).status_code == 200
    listed = send(teacher, "GET", both["links"]["marks"])["marks"]
    assert [(one["key"], one["right"]) for one in listed] == [
        (f"{made_library.key(RED)}@0.000-2.000", True),
        (f"{made_library.key(BLUE)}@0.000-2.000", False),
    ]


def test_a_mark_is_replaced_and_taken_back(
    teacher: TestClient, made_library: Library, tmp_path: Path
) -> None:
    send(teacher, "POST", "/api/concepts", 201, name="ripe", description="red")
    send(teacher, "POST", MARKS, moment=moment(made_library, RED, "0-4"), right=True)
    send(teacher, "POST", MARKS, moment=moment(made_library, RED, "0.5-99"), right=False)
    assert marks_of(tmp_path) == [("red.mp4", 0.5, pytest.approx(4.0, abs=0.011), False)]
    gone = send(teacher, "DELETE", f"{MARKS}?moment={moment(made_library, RED, '0-4')}")
    assert (gone["right"], gone["wrong"]) == (0, 0)
    assert marks_of(tmp_path) == []
    send(teacher, "DELETE", f"{MARKS}?moment={moment(made_library, RED, '0-4')}")


def test_the_marks_of_a_video_that_has_moved_are_listed_where_it_is_now(
    teacher: TestClient, made_library: Library, tmp_path: Path
) -> None:
    store = ConceptStore(tmp_path / "index")
    store.add("ripe", "red")
    with Catalog(made_library.index / CATALOG_FILE) as catalog:
        red = catalog.video_at(made_library.videos / RED)
    assert red is not None
    store.mark("ripe", Mark(Path("/before/red.mp4"), 0.0, 2.0, True, red.fingerprint))
    listed = send(teacher, "GET", MARKS)["marks"]
    assert [(one["key"], one["right"]) for one in listed] == [(f"{made_library.key(RED)}@0.000-2.000", True)]


def test_candidates_are_moments_that_are_not_marked(teacher: TestClient, made_library: Library) -> None:
    send(teacher, "POST", "/api/concepts", 201, name="ripe", description="red")
    address = "/api/concepts/ripe/candidates?top=3"
    first = send(teacher, "GET", address)["hits"][0]
    assert Path(first["path"]).name in {"red.mp4", "red_then_blue.mp4"}
    assert {"key", "links", "start_seconds", "end_seconds"} < set(first)
    send(teacher, "POST", MARKS, moment=first["key"], right=True)
    assert first["key"] not in [hit["key"] for hit in send(teacher, "GET", address)["hits"]]
    assert "`top`" in send(teacher, "GET", address.replace("3", "0"), 400)["error"]


@pytest.mark.parametrize(
    ("method", "address", "content", "status", "reason"),
    [
        ("POST", "/api/concepts", b"", 400, "not a JSON object"),
        ("POST", "/api/concepts", b"[]", 400, "not a JSON object"),
        ("POST", "/api/concepts", b"\xff\xfe{", 400, "not a JSON object"),
        ("POST", "/api/concepts", b"[" * 19_000, 400, "not a JSON object"),
        ("POST", "/api/concepts", b'{"name": "a"}', 400, "`description` in the content is not a text"),
        ("POST", "/api/concepts", b'{"name": "a", "description": "red", "x": 1}', 400, "other fields"),
        ("POST", "/api/concepts", b'{"name": "../a", "description": "red"}', 400, "cannot name a concept"),
        ("POST", "/api/concepts", b'{"name": "a\\u0000", "description": "red"}', 400, "cannot name"),
        ("POST", "/api/concepts", b'{"name": "a", "description": "red + blue"}', 400, "in words alone"),
        ("POST", "/api/concepts", b'{"name": "a", "description": "2:red"}', 400, "in words alone"),
        ("POST", "/api/concepts", b'{"name": "a", "description": "@ripe"}', 400, "in words alone"),
        ("POST", "/api/concepts", b'{"name": "a", "description": "/etc/passwd"}', 400, "not an indexed"),
        ("POST", "/api/concepts", b'{"name": "a", "description": " "}', 400, "empty"),
        ("POST", "/api/concepts", b'{"name": "a", "description": "\\ud800"}', 400, "not valid"),
        ("POST", "/api/concepts", b'{"name": "RIPE", "description": "red"}', 409, "already called ripe"),
        ("POST", "/api/concepts", b" " * 20_001, 413, "too long"),
        ("POST", MARKS, b'{"moment": "1", "right": true}', 400, "`moment` is KEY@START-END"),
        (
            "POST",
            MARKS,
            b'{"moment": "1-00000000@0-1", "right": 1}',
            400,
            "`right` in the content is not true",
        ),
        ("POST", MARKS, b'{"moment": "1-00000000@0-1", "right": true}', 404, "not in the index any more"),
        ("POST", MARKS, b'{"moment": "RED@nan-1", "right": true}', 400, "`moment` is KEY@START-END"),
        ("POST", MARKS, b'{"moment": "RED@1-1.0004", "right": true}', 400, "`moment` is KEY@START-END"),
        ("POST", MARKS, b'{"moment": "RED@7-8", "right": true}', 400, "begins after this video ends"),
        ("POST", MARKS, b'{"moment": "RED@4.0098-8", "right": true}', 400, "begins after this video ends"),
        ("POST", "/api/concepts/none/marks", b'{"moment": "RED@0-1", "right": true}', 404, "no concept"),
        (
            "POST",
            f"{MARKS}?right=1",
            b'{"moment": "RED@0-1", "right": true}',
            400,
            "`right` is not a parameter",
        ),
        ("DELETE", MARKS, b"", 400, "`moment` is missing"),
        ("DELETE", f"{MARKS}?moment=RED@0-1&moment=RED@0-1", b"", 400, "given twice"),
        ("DELETE", "/api/concepts/ripe", b"", 405, "changes nothing"),
        ("PUT", MARKS, b"{}", 405, "use one of GET, HEAD, OPTIONS, POST, DELETE here"),
        ("GET", "/api/concepts/none", b"", 404, "no concept"),
        ("GET", "/api/concepts/none/candidates", b"", 404, "no concept"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    teacher: TestClient,
    made_library: Library,
    tmp_path: Path,
    method: str,
    address: str,
    content: bytes,
    status: int,
    reason: str,
) -> None:
    send(teacher, "POST", "/api/concepts", 201, name="ripe", description="red")
    key = made_library.key(RED)
    answer = teacher.request(
        method, address.replace("RED", key), content=content.replace(b"RED@", key.encode() + b"@")
    )
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert reason in answer.json()["error"]
    assert len(answer.json()["error"].splitlines()) == 1
    assert ConceptStore(tmp_path / "index").names() == ["ripe"]
    assert marks_of(tmp_path) == []


@pytest.mark.parametrize(
    ("viewer", "headers", "everyone", "status"),
    [
        ("127.0.0.1", {}, False, 201),
        ("127.0.0.1", {"X-Vifi": ""}, False, 403),
        ("127.0.0.1", {"X-Vifi": ""}, True, 403),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, False, 403),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, True, 201),
        ("192.168.1.7", {}, False, 403),
        ("192.168.1.7", {}, True, 201),
        ("192.168.1.7", {"Origin": "https://evil.example"}, True, 403),
        ("127.0.0.1", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, True, 403),
        ("127.0.0.1", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, False, 403),
    ],
)
def test_who_may_teach(
    made_library: Library, tmp_path: Path, viewer: str, headers: dict[str, str], everyone: bool, status: int
) -> None:
    with teaching_client(made_library, tmp_path, viewer, everyone_teaches=everyone) as client:
        content = {"name": "ripe", "description": "red"}
        answer = client.post("/api/concepts", json=content, headers=headers)
        assert answer.status_code == status, answer.text
        for method in ("POST", "DELETE"):
            changed = client.request(method, MARKS, headers=headers, json={})
            assert changed.status_code == (400 if status == 201 else 403)
        store = ConceptStore(tmp_path / "index")
        assert store.names() == (["ripe"] if status == 201 else [])
        assert store.path.exists() == (status == 201)


def test_teaching_can_be_refused_by_the_disk(
    teacher: TestClient, made_library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(teacher, "POST", "/api/concepts", 201, name="ripe", description="red")
    monkeypatch.setattr("os.access", lambda path, mode: "sqlite3" not in str(path))
    refused = send(teacher, "POST", MARKS, 403, moment=moment(made_library, RED), right=True)
    assert "is not writable" in refused["error"]
    assert send(teacher, "GET", "/api/concepts/ripe")["right"] == 0


def test_viewers_and_other_programs_mark_at_once(
    teacher: TestClient, made_library: Library, tmp_path: Path
) -> None:
    send(teacher, "POST", "/api/concepts", 201, name="ripe", description="red")
    other = ConceptStore(tmp_path / "index")

    def mark(number: int) -> None:
        span = f"{number}-{number + 1}"
        send(teacher, "POST", MARKS, moment=moment(made_library, "day/red_then_blue.mp4", span), right=True)
        other.mark("ripe", Mark(Path("/v/other.mp4"), number, number + 1.0, False, "other"))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(mark, range(10)))
    right = sorted(start for _, start, _, is_right in marks_of(tmp_path) if is_right)
    wrong = sorted(start for _, start, _, is_right in marks_of(tmp_path) if not is_right)
    assert right == wrong == [float(number) for number in range(10)]


def test_a_search_does_not_wait_for_who_marks(
    teacher: TestClient, made_library: Library, tmp_path: Path
) -> None:
    send(teacher, "POST", "/api/concepts", 201, name="ripe", description="red")
    answers = list[int]()

    def mark() -> None:
        content = {"moment": moment(made_library, RED), "right": True}
        answers.append(teacher.post(MARKS, json=content).status_code)

    with writing(tmp_path / "index"):  # another process stores something that takes long
        marking = threading.Thread(target=mark)
        marking.start()
        assert teacher.get("/?q=red").status_code == 200
        assert answers == []
    marking.join()
    assert answers == [200]
    assert marks_of(tmp_path) == [("red.mp4", 0.0, 2.0, True)]


def test_what_is_kept_stays_small(
    teacher: TestClient, made_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(concepts, "MOST_CONCEPTS", 1)
    monkeypatch.setattr(concepts, "MOST_MARKS", 1)
    send(teacher, "POST", "/api/concepts", 201, name="ripe", description="red")
    assert (
        "1 concepts already"
        in send(teacher, "POST", "/api/concepts", 429, name="b", description="blue")["error"]
    )
    send(teacher, "POST", MARKS, moment=moment(made_library, RED), right=True)
    assert (
        "1 marks already"
        in send(teacher, "POST", MARKS, 429, moment=moment(made_library, BLUE), right=True)["error"]
    )
    monkeypatch.setattr(concepts, "MOST_WAITING", 0)
    assert "waiting" in send(teacher, "DELETE", f"{MARKS}?moment={moment(made_library, RED)}", 429)["error"]


def test_options_name_the_methods(teacher: TestClient) -> None:
    allowed = {
        address: teacher.options(address).headers["allow"]
        for address in ("/api/concepts", "/api/concepts/ripe", MARKS)
    }
    assert list(allowed.values()) == [
        "GET, HEAD, OPTIONS, POST",
        "GET, HEAD, OPTIONS",
        "GET, HEAD, OPTIONS, POST, DELETE",
    ]
