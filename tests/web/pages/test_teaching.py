"""What the page offers to teach, and how it shows marks; the marks themselves come through the API."""

import re
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.web.conftest import Library, teaching_client
from vifi_cli.index.concepts.store import ConceptStore
from vifi_cli.web.pages.teaching_view import proposed_name

RED, BLUE = "day/red.mp4", "night/blue.mkv"


def test_a_name_in_any_script_is_taught_and_searched_for(teacher: TestClient, made_library: Library) -> None:
    teach(teacher, made_library, "हाथ-ß_1")
    page = teacher.get("/", params={"q": "@हाथ-ß_1"}).text
    (address,) = re.findall(r'data-marks="(/api/concepts/[!-~]+/marks)"', page)
    assert len(teacher.get(address).json()["marks"]) == 2
    (following,) = re.findall(r'href="(/\?teach=[!-~]+)">Next', page)
    assert "Which of these show @हाथ-ß_1?" in teacher.get(following).text


def teach(client: TestClient, library: Library, name: str = "ripe") -> None:
    """Makes a concept with a right and a wrong mark."""
    assert client.post("/api/concepts", json={"name": name, "description": "red"}).status_code == 201
    for video, right in ((RED, True), (BLUE, False)):
        content = {"moment": f"{library.key(video)}@0-4", "right": right}
        assert client.post(f"/api/concepts/{name}/marks", json=content).status_code == 200


def marks(page: str) -> dict[str, str]:
    """The marks that a page shows, by the names of the hits."""
    found = re.findall(r'data-mark="(\w*)">.*?data-name="([^"]+)"', page, re.DOTALL)
    return {name: mark for mark, name in found}


def pressed(page: str) -> list[str]:
    return re.findall(r'data-judge="(\w+)" aria-pressed="true"', page)


def test_words_alone_can_be_taught_under_a_name_that_is_free(
    teacher: TestClient, made_library: Library
) -> None:
    page = teacher.get("/?q=a+red+thing").text
    assert "Teach this" in page
    assert re.search(r'<input name="name" value="red-thing"', page)
    assert "data-judge" not in page, "nobody is asked who does not teach"
    assert 'id="teaching"' not in page
    teach(teacher, made_library, "red-thing")
    page = teacher.get("/?q=a+red+thing").text
    assert re.search(r'<input name="name" value="red-thing-2"', page)
    assert 'href="/?q=a+red+thing&amp;teach=red-thing">@red-thing</a>' in page


@pytest.mark.parametrize("words", ["red - blue", "2:red", "day/red.mp4", "red then blue"])
def test_other_searches_can_be_marked_for_concepts_that_are_there(
    teacher: TestClient, made_library: Library, words: str
) -> None:
    assert 'class="offer"' not in teacher.get("/", params={"q": words}).text
    teach(teacher, made_library)
    page = teacher.get("/", params={"q": words}).text
    assert "<summary>Teach</summary>" in page
    assert 'name="name"' not in page
    (address,) = re.findall(r'href="([^"]*)">@ripe</a>', page)
    chosen = teacher.get(unescape(address)).text
    assert 'aria-label="Teaching @ripe"' in chosen
    assert marks(chosen)["red.mp4"] == "right"
    assert '<input type="hidden" name="teach" value="ripe">' in chosen, "other words keep it"


def test_a_search_for_a_concept_shows_its_marks_and_what_was_learned(
    teacher: TestClient, made_library: Library
) -> None:
    teach(teacher, made_library)
    page = teacher.get("/?q=@ripe").text
    assert marks(page)["red.mp4"] == "right"
    assert marks(page)["red_then_blue.mp4"] == ""
    assert pressed(page) == ["right", "wrong"]
    found, marked = page.split("Marked right</h2>")
    examples, wrong = marked.split("Marked wrong</summary>")
    assert ("red_then_blue.mp4" in found, "red.mp4" in found) == (True, False)
    assert re.findall(r'<span class="name">(.*?)</span>', examples) == ["red.mp4"]
    assert 'class="card"' in examples, "it is shown as clearly as the finds"
    assert "blue.mkv" not in found
    assert re.findall(r'<span class="name">(.*?)</span>', wrong) == ["blue.mkv"], "its mark can be taken back"
    assert marks(page)["blue.mkv"] == "wrong"
    assert re.findall(r'id="(hit-\d+)"', page) == [
        f"hit-{number + 1}" for number in range(page.count('id="hit-'))
    ]
    assert "blue.mkv" not in teacher.get("/?q=@ripe&below=*/day").text
    assert "blue.mkv" in teacher.get("/?q=@RIPE&teach=ripe").text
    assert "1 right, 1 wrong" in page
    assert 'data-marks="/api/concepts/ripe/marks"' in page
    assert 'href="/?q=%40ripe"' in page
    assert 'href="/?teach=ripe"' in page
    assert 'class="offer"' not in page
    others = teacher.get("/?q=blue&teach=ripe").text
    assert marks(others)["blue.mkv"] == "wrong"
    assert 'href="/?q=blue">Done' in others


def test_the_next_moments_to_mark_are_a_page_of_their_own(teacher: TestClient, made_library: Library) -> None:
    teach(teacher, made_library)
    page = teacher.get("/?teach=RIPE").text
    assert "<title>Moments to mark for @ripe – vifi</title>" in page
    assert set(marks(page)) <= {"red_then_blue.mp4", "green.mp4"}
    assert marks(page)
    assert 'class="score"' not in page, "it would answer the question"
    assert "Show more" not in page
    assert 'name="below"' not in page


def test_a_concept_that_cannot_be_searched_yet_can_be_taught(
    teacher: TestClient, made_library: Library
) -> None:
    teacher.post("/api/concepts", json={"name": "ripe", "description": "red"})
    answer = teacher.get("/?q=@ripe")
    assert answer.status_code == 400
    assert "has no marks yet" in answer.text
    assert '<a href="/?teach=ripe">next moments to mark</a>' in answer.text
    assert answer.text.count('href="/?teach=ripe"') == 2, "there, and in the bar"
    assert re.search(r'data-do="search" href="[^"]*" hidden', answer.text)


def test_an_unknown_concept_is_named(teacher: TestClient) -> None:
    for address, reason in (
        ("/?teach=none", "no concept is called @none"),
        ("/?q=red&teach=none", "no concept is called @none"),
        ("/?q=red&teach=%3Cb%3E", "&lt;b&gt;&#39; cannot name a concept"),
    ):
        answer = teacher.get(address)
        assert (answer.status_code, reason in answer.text) == (400, True), address


def test_concepts_are_on_the_first_page_for_everybody(made_library: Library, tmp_path: Path) -> None:
    with teaching_client(made_library, tmp_path) as client:
        assert 'class="concepts"' not in client.get("/").text
        teach(client, made_library)
    with teaching_client(made_library, tmp_path, "192.168.1.7") as elsewhere:
        assert '<a class="button" href="/?q=%40ripe">@ripe</a>' in elsewhere.get("/").text
        for address in ("/?q=red", "/?q=@ripe"):
            page = elsewhere.get(address)
            assert page.status_code == 200
            assert not re.search('class="(offer|teaching|judge)"', page.text)
        for address, status in (("/?q=red&teach=ripe", 200), ("/?teach=ripe", 403)):
            page = elsewhere.get(address)
            assert (page.status_code, "--teach" in page.text) == (status, True)
            assert "data-judge" not in page.text
    with teaching_client(made_library, tmp_path, "192.168.1.7", everyone_teaches=True) as elsewhere:
        assert "data-judge" in elsewhere.get("/?teach=ripe").text


def test_a_damaged_store_leaves_the_search_as_it_is(teacher: TestClient, tmp_path: Path) -> None:
    ConceptStore(tmp_path / "index").path.write_bytes(b"not a database, " * 500)
    assert teacher.get("/").status_code == 200
    answer = teacher.get("/?q=red")
    assert answer.status_code == 200
    assert "red.mp4" in answer.text
    assert "Teach this" not in answer.text
    assert teacher.get("/?q=@ripe").status_code == 503


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("a person waves", "person-waves"),
        ("The Eiffel tower at night!", "eiffel-tower-at-night"),
        ("theory", "theory"),
        ("a", "a"),
        ("???", "concept"),
        ("हाथ हिलाना", "हाथ-हिलाना"),
        ("3:10 to Yuma", "3-10-to-yuma"),
        ("-_-", "_"),
        ("an extremely long description of something that moves", "extremely-long-description-of-something"),
        ("x" * 100, "x" * 40),
        ("red", "red-3"),
    ],
)
def test_names_are_proposed_from_words(words: str, name: str) -> None:
    assert proposed_name(words, ["Red", "red-2"]) == name
