import os
import re
import shutil
import sqlite3
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from starlette.testclient import TestClient

from tests.color_encoder import ColorEncoder
from tests.made_videos import solid_colour_clip
from tests.web.conftest import Library
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.lock import note_progress, write_lock
from vifi_cli.index.update.indexer import UpdateOptions, update_index
from vifi_cli.index.update.rebuild import finish_rebuild, open_rebuild
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.discovery import find_videos
from vifi_cli.web.app import make_app


def names(page: str) -> list[str]:
    """The names of the hits on a page."""
    return [unescape(name) for name in re.findall(r'<span class="name">(.*?)</span>', page)]


def times(page: str) -> list[str]:
    return re.findall(r'<span class="time">(.*?)</span>', page)


def links(page: str, kind: str) -> list[str]:
    return [unescape(link) for link in re.findall(rf'<a class="{kind}" href="(.*?)"', page)]


def test_the_page_finds_the_moment(client: TestClient) -> None:
    page = client.get("/?q=blue").text
    assert names(page)[0] in {"red_then_blue.mp4", "blue.mkv"}
    assert times(page)[names(page).index("red_then_blue.mp4")] == "0:06 – 0:12"
    assert "<title>blue – vifi</title>" in page
    assert 'value="blue"' in page


def test_a_question_is_read_as_on_the_command_line(client: TestClient, made_library: Library) -> None:
    first = {
        words: (names(page := client.get("/", params={"q": words}).text)[0], times(page)[0])
        for words in (
            "blue - red",
            "red_then_blue.mp4@0:07-0:11",
            "2:green + 0.1:day/red.mp4",
            "text:green.mp4",
        )
    }
    assert first["blue - red"][0] in {"red_then_blue.mp4", "blue.mkv"}
    assert first["red_then_blue.mp4@0:07-0:11"] == ("red_then_blue.mp4", "0:06 – 0:12")
    assert first["2:green + 0.1:day/red.mp4"][0] == "green.mp4"
    for words, reason in {
        "dog -": "nothing stands after the last -",
        'a 5" disk': "a quotation mark &#34; is not closed",
        "/etc/hostname": "/etc/hostname is not an indexed video",
        "day/red.mp4@0:59": "ends",
    }.items():
        answer = client.get("/", params={"q": words})
        assert (answer.status_code, reason in answer.text) == (400, True), words
        assert f'value="{words}"'.replace('5"', "5&#34;") in answer.text, "so that it can be corrected"


def test_by_video_and_by_folder(client: TestClient, made_library: Library) -> None:
    by_video = names(client.get("/?q=blue&by=video").text)
    assert sorted(by_video) == ["blue.mkv", "green.mp4", "red.mp4", "red_then_blue.mp4"]
    night = client.get("/", params={"q": "red", "below": str(made_library.videos / "night")}).text
    assert set(names(night)) == {"blue.mkv", "green.mp4"}
    assert re.search(r'<option value="[^"]*/night" selected>\s*night \(2\)', night)
    glob = client.get("/?q=red&below=*.mkv").text
    assert set(names(glob)) == {"blue.mkv"}
    assert '<option value="*.mkv" selected>' in glob
    nowhere = client.get("/?q=red&below=/nowhere").text
    assert "Nothing found" in nowhere
    assert 'href="/?q=red"' in nowhere


def test_by_the_length_of_videos(client: TestClient) -> None:
    long = client.get("/?q=blue&shortest=10").text
    assert set(names(long)) == {"red_then_blue.mp4"}
    assert '<option value="10" selected>over 0:10</option>' in long
    assert len(set(names(client.get("/?q=blue&shortest=4").text))) == 3
    none = client.get("/?q=blue&shortest=3600").text
    assert "Nothing found" in none
    assert '<option value="3600" selected>over an hour</option>' in none


def test_more_hits_can_be_shown(client: TestClient) -> None:
    few = client.get("/?q=red&top=2").text
    assert len(names(few)) == 2
    (more,) = re.findall(r'<a class="button" href="(.*?)">Show more', few)
    assert len(names(client.get(unescape(more)).text)) > 2
    assert "Show more" not in client.get("/?q=red").text


def test_the_like_of_a_moment_is_found_without_the_moment_itself(client: TestClient) -> None:
    page = client.get("/?q=blue").text
    like = links(page, "like")[names(page).index("blue.mkv")]
    found = client.get(like).text
    assert names(found)[0] == "red_then_blue.mp4"
    assert times(found)[0] == "0:06 – 0:12"
    assert "blue.mkv" not in names(found)
    assert 'Like <a href="/play/' in found
    assert 'name="like"' in found, "a filter keeps the moment"


def test_words_go_before_a_moment(client: TestClient) -> None:
    like = links(client.get("/?q=blue").text, "like")[0]
    assert names(client.get(f"{like}&q=green").text)[0] == "green.mp4"


def test_a_moment_of_the_past_is_said_to_be_gone(client: TestClient) -> None:
    answer = client.get("/?like=1-00000000@0-1")
    assert answer.status_code == 400
    assert "no longer in the index" in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "top=0",
        "top=x",
        "top=99999",
        "top=-1",
        "by=frame",
        "like=x",
        "like=1-00000000@2-1",
        "q=" + "a" * 2001,
        "q=x&below=" + "[" * 2001,
    ],
)
def test_a_question_that_makes_no_sense_is_said_plainly(client: TestClient, query: str) -> None:
    answer = client.get(f"/?{query}")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize(
    "words",
    [
        "🐈 猫",
        "'; DROP TABLE videos; --",
        "%00",
        "a\u202eb",
        "../../etc/passwd",
        "{{ 7919 * 7927 }}",
        "\ud800",
    ],
)
def test_any_words_can_be_asked(client: TestClient, words: str) -> None:
    answer = client.get("/", params={"q": words.encode("utf-8", "surrogatepass")})
    assert answer.status_code == 200
    assert str(7919 * 7927) not in answer.text, "words are no template"


def test_what_is_asked_is_text_on_the_page(client: TestClient) -> None:
    page = client.get("/", params={"q": '"><script>alert(1)</script>', "below": '"><img src=x>'}).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_the_start_shows_the_newest_videos_and_what_is_indexed(client: TestClient) -> None:
    page = client.get("/").text
    assert len(names(page)) == 4
    assert "4 videos · 23 seconds · colors" in page


def test_a_moment_has_a_page_of_its_own(client: TestClient, made_library: Library) -> None:
    page = client.get(f"/play/{made_library.key('day/red.mp4')}?start=1&end=2").text
    sources = [unescape(source) for source in re.findall(r'<source src="(.*?)"', page)]
    assert sources[0] == made_library.address("day/red.mp4", "file") + "#t=1.000,2.000"
    assert "/moment?" in sources[1]
    assert str(made_library.videos / "day" / "red.mp4") in page
    for address in (f"/play/{made_library.key('day/red.mp4')}", "/play/1-00000000?start=0&end=1", "/play/x"):
        answer = client.get(address)
        assert answer.status_code == 404
        assert "Nothing here" in answer.text


def test_a_moment_that_is_gone_has_a_page_that_says_so(library: Library, own_client: TestClient) -> None:
    path = solid_colour_clip(library.videos / "red.mp4", [("red", 2.0)])
    library.update()
    path.unlink()
    page = own_client.get(f"/play/{library.key('red.mp4')}?start=0&end=1").text
    assert "not where it was" in page
    assert "<video" not in page


def test_names_of_files_are_text(library: Library, own_client: TestClient) -> None:
    name = "<b onmouseover=alert(1)>'\" & {{ x }}.mp4"
    solid_colour_clip(library.videos / name, [("red", 2.0)])
    solid_colour_clip(library.videos / os.fsdecode(b"caf\xe9 \xff.mp4"), [("blue", 2.0)])
    (library.videos / "odd \udcff[1]").mkdir()
    solid_colour_clip(library.videos / "odd \udcff[1]" / "green.mp4", [("green", 2.0)])
    library.update()
    page = own_client.get("/?q=red").text
    assert "<b onmouseover" not in page
    assert {name, "caf\ufffd \ufffd.mp4", "green.mp4"} == set(names(page))
    (folder,) = re.findall(r'<option value="([^"]*odd[^"]*)"', page)
    assert names(own_client.get("/", params={"q": "red", "below": unescape(folder)}).text) == ["green.mp4"]
    for play in links(page, "play"):
        assert own_client.get(play).status_code == 200


def test_before_anything_is_indexed_the_page_says_what_to_do_and_notices_when_it_is(
    library: Library, own_client: TestClient
) -> None:
    assert "vifi index ~/videos" in own_client.get("/").text
    assert own_client.get("/progress").json() == {"state": "", "running": "", "videos": 0}
    assert own_client.get("/video/1-00000000/file").status_code == 404
    solid_colour_clip(library.videos / "red.mp4", [("red", 2.0)])
    library.update()
    assert names(own_client.get("/?q=red").text) == ["red.mp4"]
    solid_colour_clip(library.videos / "blue.mp4", [("blue", 2.0)])
    library.update()
    assert names(own_client.get("/?q=blue").text) == ["blue.mp4", "red.mp4"]


def test_an_index_that_was_made_anew_is_noticed(library: Library, own_client: TestClient) -> None:
    solid_colour_clip(library.videos / "red.mp4", [("red", 2.0)])
    library.update()
    assert names(own_client.get("/?q=red").text) == ["red.mp4"]
    open_rebuild(library.index, indexed_with(ColorEncoder(model_name="paint"), FrameSampling())).close()
    finish_rebuild(library.index)
    assert "Nothing found" in own_client.get("/?q=red").text
    assert "paint" in own_client.get("/progress").json()["state"]


def test_how_far_a_run_has_come_is_told(library: Library, own_client: TestClient) -> None:
    def running() -> str:
        return str(own_client.get("/progress").json()["running"])

    with write_lock(library.index):
        assert running() == "Looking for new videos", "also before there is an index"
    solid_colour_clip(library.videos / "red.mp4", [("red", 2.0)])
    library.update()
    assert running() == ""
    with write_lock(library.index):
        assert running() == "Looking for new videos"
        note_progress(library.index, 1200, 34)
        assert running() == "Indexing: 34 of 1,200 files done"
        assert "Indexing: 34 of 1,200 files done" in own_client.get("/").text
    assert running() == ""


def test_the_page_answers_while_an_index_run_works_and_writes(
    library: Library, own_client: TestClient
) -> None:
    solid_colour_clip(library.videos / "red.mp4", [("red", 2.0)])
    library.update()
    solid_colour_clip(library.videos / "blue.mp4", [("blue", 2.0)])
    asked: list[tuple[int, list[str], str]] = []

    @dataclass(frozen=True)
    class AskingEncoder(ColorEncoder):
        """Asks the page whenever it encodes: in the middle of the run."""

        def encode_frames(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
            answer = own_client.get("/?q=red")
            asked.append((answer.status_code, names(answer.text), answer.text))
            return super().encode_frames(pixels)

    with write_lock(library.index), Catalog(library.index / CATALOG_FILE) as catalog:
        note_progress(library.index, 2, 1)
        update_index(
            catalog, find_videos([library.videos]), [library.videos], AskingEncoder, UpdateOptions(workers=1)
        )
        catalog.db.execute("BEGIN IMMEDIATE")
        catalog.db.execute("DELETE FROM videos")
        assert set(names(own_client.get("/?q=red").text)) == {"red.mp4", "blue.mp4"}, "what is not stored yet"
        catalog.db.execute("ROLLBACK")
    assert asked
    for status, found, page in asked:
        assert (status, found) == (200, ["red.mp4"])
        assert "Indexing: 1 of 2 files done" in page
    assert set(names(own_client.get("/?q=red").text)) == {"red.mp4", "blue.mp4"}


def test_an_index_that_cannot_be_read_is_said_plainly(library: Library, own_client: TestClient) -> None:
    solid_colour_clip(library.videos / "red.mp4", [("red", 2.0)])
    library.update()
    good = (library.index / CATALOG_FILE).read_bytes()
    shutil.rmtree(library.index)
    library.index.mkdir()
    (library.index / CATALOG_FILE).write_bytes(b"no catalogue" * 1000)
    answer = own_client.get("/?q=red")
    assert answer.status_code == 503
    assert "cannot be read as an index" in unescape(answer.text)
    (library.index / CATALOG_FILE).unlink()
    (library.index / CATALOG_FILE).write_bytes(good)
    assert own_client.get("/?q=red").status_code == 200


def test_a_broken_table_is_said_plainly_and_the_server_goes_on(
    library: Library, own_client: TestClient
) -> None:
    solid_colour_clip(library.videos / "red.mp4", [("red", 2.0)])
    library.update()
    connection = sqlite3.connect(library.index / CATALOG_FILE)
    connection.execute("ALTER TABLE windows RENAME TO hidden")
    connection.commit()
    assert own_client.get("/?q=red").status_code == 503
    connection.execute("ALTER TABLE hidden RENAME TO windows")
    connection.commit()
    connection.close()
    assert own_client.get("/?q=red").status_code == 200


def test_an_encoder_that_cannot_be_loaded_is_said_and_the_rest_works(
    library: Library, tmp_path: Path
) -> None:
    from vifi_cli.errors import ModelUnavailable

    def unavailable(_: object) -> ColorEncoder:
        raise ModelUnavailable("its weights are not on this machine")

    solid_colour_clip(library.videos / "red.mp4", [("red", 2.0)])
    library.update()
    with TestClient(make_app(library.index, tmp_path / "cache", unavailable), "http://127.0.0.1") as client:
        answer = client.get("/?q=red")
        assert answer.status_code == 503
        assert "its weights are not on this machine" in answer.text
        assert client.get("/").status_code == 200
        like = links(client.get("/").text, "like")[0]
        assert client.get(like).status_code == 200, "needs no encoder"


def test_the_catalogue_is_only_read(client: TestClient, made_library: Library) -> None:
    with Catalog(made_library.index / CATALOG_FILE) as catalog:
        before = catalog.revision, len(catalog.videos())
        client.get("/?q=red")
        client.get("/")
        assert (catalog.revision, len(catalog.videos())) == before


def test_hits_that_are_no_more_than_guesses_are_told_from_finds(client: TestClient) -> None:
    found, guessed = (client.get("/", params={"q": words}).text for words in ("blue", "a zebra"))
    assert "Nothing relevant found" not in found
    assert sorted(names(found)[:2]) == ["blue.mkv", "red_then_blue.mp4"]
    assert found.count("card faint") == len(names(found)) - 2 > 0
    assert "<strong>2 relevant moments.</strong>" in found
    assert f"<summary>{len(names(found)) - 2} less relevant</summary>" in found
    assert "Nothing relevant found" in guessed
    assert guessed.count('<span class="unsure">unsure</span>') == len(names(guessed)) == 3
    for page in (found, guessed):
        assert "<strong>Relevance</strong> estimates how probable it is" in page
    like = client.get(links(found, "like")[0]).text
    assert "<strong>Cosine</strong> says how much" in like


def test_words_in_a_script_that_the_encoder_does_not_read_get_a_notice(tmp_path: Path) -> None:
    encoder = ColorEncoder("starter")
    Catalog.create(tmp_path / "index" / CATALOG_FILE, indexed_with(encoder, FrameSampling())).close()
    app = make_app(tmp_path / "index", tmp_path / "cache", lambda *_: encoder)
    with TestClient(app, "http://127.0.0.1") as client:
        for words, times in (("кот", 1), ("кот", 1), ("cat", 0), ("cat +", 0), ("/день/кот.mp4@0:01", 0)):
            page = client.get("/", params={"q": words}).text
            assert page.count("reads English only, and the query is in Cyrillic") == times, words
