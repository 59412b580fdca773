"""Marks stay through what happens to videos and to their index."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from tests.made_videos import solid_colour_clip
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.library.checkup import examine
from vifi_cli.api.search.concept_queries import count_marked_wrong
from vifi_cli.api.search.query_language import concept
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.labeled_marks import export_marks
from vifi_cli.api.teaching.marking import mark_moment, undo_last_mark
from vifi_cli.api.teaching.overview import overview_of
from vifi_cli.errors import IndexMissing, InvalidInput
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.video_filter import VideoFilter
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.summary import summarize
from vifi_cli.index.update.indexer import update_index
from vifi_cli.index.update.pruning import prune_index
from vifi_cli.index.update.rebuild import finish_rebuild, open_rebuild
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.discovery import find_videos
from vifi_cli.video.moment import Moment

OWN = indexed_with(ColorEncoder(), FrameSampling())


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in ("red", "blue", "red again"):
        solid_colour_clip(folder / f"{name}.mp4", [(name.split()[0], 1.0), ("black", 0.1 * len(name))])
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def session(home: Path, videos: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SearchSession]:
    """A session of the indexed videos, with a concept of one right and one wrong mark."""
    monkeypatch.setenv("VIFI_HOME", str(home))
    Catalog.create(home / "index" / CATALOG_FILE, OWN).close()
    reindex(home / "index", videos)
    with SearchSession(
        home / "index",
        AUTOMATIC,
        cache_folder=home / "cache",
        load_text_encoder=lambda *_: ColorEncoder(),
    ) as opened:
        opened.concepts.add("red", "red")
        for name in ("red", "blue"):
            moment = Moment(videos / f"{name}.mp4", 0.0, 1.0)
            mark_moment(opened, "red", moment, is_right=name == "red")
        yield opened


def reindex(index: Path, videos: Path) -> None:
    with Catalog(index / CATALOG_FILE) as catalog:
        update_index(catalog, find_videos([videos]), [videos], ColorEncoder)


def finds(session: SearchSession) -> list[tuple[str, str | None]]:
    return [(hit.path.name, hit.marked) for hit in session.find(concept("red"))]


def wrong_count(session: SearchSession, pattern: str | None = None) -> int:
    marks, options = (
        session.concepts.get("red").marks,
        RankingOptions(among=VideoFilter(path_pattern=pattern)),
    )
    return count_marked_wrong(session.index.catalog, marks, options)


def test_no_mark_is_taken_back_where_nothing_can_be_learned(session: SearchSession, home: Path) -> None:
    shutil.rmtree(home / "index")
    with pytest.raises(IndexMissing):
        undo_last_mark(session, "red")
    assert len(session.concepts.get("red").marks) == 2


def test_a_renamed_video_keeps_its_marks_and_a_changed_one_loses_them(
    session: SearchSession, videos: Path, home: Path
) -> None:
    (videos / "red.mp4").rename(videos / "crimson.mp4")
    reindex(home / "index", videos)
    assert finds(session) == [("red again.mp4", None), ("crimson.mp4", "right")]
    solid_colour_clip(videos / "blue.mp4", [("green", 2.0)])
    assert wrong_count(session) == 1
    assert wrong_count(session, "*crimson*") == 0, "it is not among the searched videos"
    reindex(home / "index", videos)
    assert overview_of(session, "red").absent == 1
    assert wrong_count(session) == 0
    assert finds(session)[-1] == ("crimson.mp4", "right")
    assert ("blue.mp4", None) in finds(session), "what it shows now was not marked"
    noted = [finding for finding in examine(home) if finding.subject == "Concepts"]
    assert [finding.state for finding in noted] == ["fine", "note"]
    assert noted[1].detail == "1 mark of videos that have changed or are not in the index"


def test_pruned_videos_get_their_marks_back_when_they_are_indexed_again(
    session: SearchSession, videos: Path, home: Path
) -> None:
    prune_index(home / "index", [videos / "red.mp4"], lambda _: True)
    assert overview_of(session, "red").absent == 1
    assert finds(session) == [("red again.mp4", None)]
    prune_index(home / "index", [videos / "blue.mp4"], lambda _: True)
    with pytest.raises(
        InvalidInput, match="2 marks of @red: their videos are not in the index, so index them"
    ):
        export_marks(session, ["red"], home / "red.csv")
    reindex(home / "index", videos)
    assert overview_of(session, "red").absent == 0
    assert finds(session)[-1] == ("red.mp4", "right")


def test_a_rebuild_with_another_encoder_keeps_concepts_and_teaches_them_again(
    session: SearchSession, videos: Path, home: Path
) -> None:
    other = replace(OWN, vision_fingerprint="another", model="another-encoder")
    with open_rebuild(home / "index", other) as catalog:
        update_index(catalog, find_videos([videos]), [videos], ColorEncoder)
    finish_rebuild(home / "index")
    assert summarize(home / "index").concepts == ("red",)
    assert not overview_of(session, "red").fits_index
    assert finds(session)[-1] == ("red.mp4", "right")
    learned = session.concepts.get("red").learned
    assert learned
    assert (learned.vision_fingerprint, learned.model) == ("another", "another-encoder")


def test_damaged_concepts_are_no_problem_of_the_index(
    session: SearchSession, videos: Path, home: Path
) -> None:
    session.concepts.path.write_bytes(b"no database" * 1000)
    assert "cannot be read as concepts" in summarize(home / "index").concepts_problem
    found = {finding.subject: finding.state for finding in examine(home)}
    assert (found["Index"], found["Concepts"]) == ("fine", "problem")
    shutil.rmtree(home / "index")
    assert {finding.subject for finding in examine(home)} >= {"Index", "Concepts"}
