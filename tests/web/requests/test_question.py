import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from tests.color_encoder import ColorEncoder
from tests.made_videos import solid_colour_clip
from tests.web.conftest import Library, empty_library
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.search.session import SearchSession
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.records import IndexedWith
from vifi_cli.index.encoder import TextEncoder
from vifi_cli.index.search.video_index import USUAL_OPTIONS, SearchHit
from vifi_cli.web.requests.address import parse_moment
from vifi_cli.web.requests.question import Question, parse_question, search


def session_of(
    library: Library, cache: Path, load: Callable[[IndexedWith], TextEncoder] = lambda _: ColorEncoder()
) -> SearchSession:
    return SearchSession(
        library.index,
        AUTOMATIC,
        cache_folder=cache,
        load_text_encoder=lambda indexed_with, *_: load(indexed_with),
    )


def test_what_a_search_needs_is_loaded_ahead_and_once(made_library: Library, tmp_path: Path) -> None:
    loaded: list[IndexedWith] = []

    def load(indexed_with: IndexedWith) -> ColorEncoder:
        loaded.append(indexed_with)
        return ColorEncoder()

    with session_of(made_library, tmp_path, load) as session:
        session.warm_up()
        assert len(loaded) == 1
        assert list(made_library.index.glob("calibration-*.json")), (
            "what relevance is measured by is there, too"
        )
        vectors = session.index.vectors
        assert search(session, Question(words="blue"))[0].relevance is not None
        assert search(session, Question(words="green"))
        assert session.index.vectors is vectors
    assert len(loaded) == 1


def like(library: Library, name: str, start: float, end: float, **others: object) -> list[SearchHit]:
    """The hits of "more like this", asked at a moment of a video."""
    moment = parse_moment(f"{library.key(name)}@{start:.3f}-{end:.3f}")
    assert moment is not None
    with session_of(library, library.index.parent / "cache") as session:
        return search(session, Question(like=moment, **others))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def striped(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A library in which a colour comes back in its video, and is in others, too."""
    library = empty_library(tmp_path_factory.mktemp("striped"))
    solid_colour_clip(library.videos / "stripes.mp4", [("blue", 8.0), ("red", 8.0), ("blue", 8.0)])
    solid_colour_clip(library.videos / "blue_then_red.mp4", [("blue", 6.0), ("red", 6.0)])
    solid_colour_clip(library.videos / "red.mp4", [("red", 4.0)])
    library.update()
    return library


def test_like_a_moment_is_not_the_moment_itself_but_another_of_its_video(striped: Library) -> None:
    hits = like(striped, "stripes.mp4", 0.0, 8.0)
    assert [(hit.path.name, hit.start_seconds) for hit in hits[:2]] in (
        [("stripes.mp4", 16.0), ("blue_then_red.mp4", 0.0)],
        [("blue_then_red.mp4", 0.0), ("stripes.mp4", 16.0)],
    )
    assert all(hit.start_seconds >= 8.0 for hit in hits if hit.path.name == "stripes.mp4")
    assert "stripes.mp4" not in {hit.path.name for hit in like(striped, "stripes.mp4", 0.0, 8.0, by="video")}


@pytest.mark.parametrize("top", [1, 2, 3, 4])
def test_what_is_left_out_leaves_no_gap(striped: Library, top: int) -> None:
    everything = like(striped, "stripes.mp4", 2.0, 4.0)
    assert len(everything) > 4
    assert like(striped, "stripes.mp4", 2.0, 4.0, top=top) == everything[:top]


@pytest.mark.parametrize("by", ["moment", "video"])
@pytest.mark.parametrize(("start", "end"), [(0.0, 8.0), (6.5, 9.25), (16.0, 24.0), (0.0, 24.0)])
def test_the_page_and_the_command_find_the_like_of_a_moment_alike(
    striped: Library, by: Literal["moment", "video"], start: float, end: float
) -> None:
    moment = f"{striped.videos / 'stripes.mp4'}@{start}-{end}"
    per_video = ("--per-video", str(USUAL_OPTIONS.per_video)) if by == "moment" else ()
    command = ("similar", moment, "--json", "--by", by, "--top", str(Question().top), *per_video)
    answer = subprocess.run(
        [sys.executable, "-m", "vifi_cli", *command],
        env={**os.environ, "VIFI_HOME": str(striped.index.parent)},
        capture_output=True,
        check=True,
    )
    by_command = [
        (hit["path"], hit["start_seconds"], hit["end_seconds"], hit["cosine"])
        for hit in json.loads(answer.stdout)["hits"]
    ]
    by_page = [
        (str(hit.path), hit.start_seconds, hit.end_seconds, round(hit.cosine, 4))
        for hit in like(striped, "stripes.mp4", start, end, by=by)
    ]
    assert by_page
    assert by_page == by_command


def test_a_moment_after_the_end_is_none(striped: Library) -> None:
    with pytest.raises(InvalidInput, match="ends before"):
        like(striped, "red.mp4", 5.0, 6.0)


def test_the_setting_decides_how_many_hits_a_page_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_question({"q": "a cat"}).top == 24
    monkeypatch.setenv("VIFI_TOP", "60")
    assert parse_question({"q": "a cat"}).top == 60
    assert parse_question({"q": "a cat", "top": "24"}).address() == "/?q=a+cat&top=24"
    monkeypatch.setenv("VIFI_TOP", "0")
    assert parse_question({"q": "a cat"}).top == 1000
    monkeypatch.setenv("VIFI_TOP", "many")
    assert parse_question({"q": "a cat"}).top == 24
