"""Concepts are taken to another index: learned again from their marks, or used as they were learned elsewhere."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.search.query_language import concept
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.exchange import export_concepts, import_concepts
from vifi_cli.api.teaching.marking import mark_moment, undo_last_mark
from vifi_cli.api.teaching.overview import all_overviews, marks_document, overview_document, overview_of
from vifi_cli.errors import EncoderMismatch, InvalidInput
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.records import IndexedWith
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.moment import Moment

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
OWN = indexed_with(ColorEncoder(), FrameSampling())


def open_index_of(folder: Path, made_with: IndexedWith = OWN, *, videos: str = "red blue") -> SearchSession:
    """A session of a new index with red and blue videos, read by an encoder of words for colors."""
    with Catalog.create(folder / "index" / CATALOG_FILE, made_with) as catalog:
        for name in videos.split():
            for number in range(2):
                color = RED if name == "red" else BLUE
                catalog.store(encoded_video(f"/v/{name}{number}.mp4", [color] * 4, f"{name}{number}"))
    return SearchSession(
        folder / "index",
        AUTOMATIC,
        cache_folder=folder / "cache",
        load_text_encoder=lambda *_: ColorEncoder(),
    )


@pytest.fixture
def session(tmp_path: Path) -> Iterator[SearchSession]:
    with open_index_of(tmp_path / "own") as opened:
        opened.concepts.add("red", "red")
        mark_moment(opened, "red", Moment(Path("/v/red0.mp4"), 0.0, 4.0), is_right=True)
        mark_moment(opened, "red", Moment(Path("/v/blue0.mp4"), 0.0, 4.0), is_right=False)
        yield opened


def names_found(session: SearchSession) -> list[str]:
    return [hit.path.name for hit in session.find(concept("red")) if not hit.marked]


def test_an_overview_counts_marks_and_finds_moved_videos(session: SearchSession) -> None:
    (red,) = all_overviews(session)
    assert (red.concept.right, red.concept.wrong, red.absent, red.fits_index) == (1, 1, 0, True)
    catalog = session.index.catalog
    blue = catalog.video_at(Path("/v/blue0.mp4"))
    assert blue
    catalog.forget([Path("/v/red0.mp4"), blue.path])
    catalog.store(encoded_video("/new/r.mp4", [RED] * 4, "red0"))
    moved = overview_of(session, "RED")
    assert (moved.concept.right, moved.concept.wrong, moved.absent) == (1, 1, 1)
    assert marks_document(moved) == [
        {"path": "/new/r.mp4", "start_seconds": 0.0, "end_seconds": 4.0, "mark": "right", "in_index": True},
        {
            "path": "/v/blue0.mp4",
            "start_seconds": 0.0,
            "end_seconds": 4.0,
            "mark": "wrong",
            "in_index": False,
        },
    ]
    document = overview_document(moved)
    assert (document["name"], document["not_in_index"]) == ("red", 1)
    assert document["learned"]["model"] == OWN.model


def test_a_concept_is_taken_to_an_index_with_the_marked_videos(
    session: SearchSession, tmp_path: Path
) -> None:
    file = tmp_path / "red.json"
    assert export_concepts(session, ["red"], file).content == "1 concept"
    other_encoder = replace(OWN, vision_fingerprint="another", model="another-encoder")
    with open_index_of(tmp_path / "other", other_encoder) as other:
        assert [one.obstacle for one in import_concepts(other, file)] == [""]
        assert names_found(other)[0] == "red1.mp4"
        learned = other.concepts.get("red").learned
        assert learned
        assert learned.vision_fingerprint == "another", "it was learned again, and that is kept"


def test_without_its_videos_it_is_used_as_it_was_learned_by_the_same_encoder(
    session: SearchSession, tmp_path: Path
) -> None:
    file = tmp_path / "red.json"
    export_concepts(session, ["red"], file)
    with open_index_of(tmp_path / "same", videos="violet crimson") as other:
        (imported,) = import_concepts(other, file)
        assert imported.obstacle == ""
        assert len(names_found(other)) == 4
        mark_moment(other, "red", Moment(Path("/v/violet0.mp4"), 0.0, 4.0), is_right=False)
        kept = other.concepts.get("red").learned
        assert kept, "one more mark alone does not teach it again, and loses nothing"
        undo_last_mark(other, "red")
        assert len(names_found(other)) == 4
    other_encoder = replace(OWN, vision_fingerprint="another", model="another-encoder")
    with open_index_of(tmp_path / "other", other_encoder, videos="violet") as other:
        (imported,) = import_concepts(other, file)
        assert f"@red was taught with the encoder {OWN.model}, and this index has another-encoder" in (
            imported.obstacle
        )
        with pytest.raises(EncoderMismatch, match="0 right and 0 wrong of its 2 marks"):
            other.find(concept("red"))


def test_names_that_exist_are_kept_unless_they_are_to_be_replaced(
    session: SearchSession, tmp_path: Path
) -> None:
    file = tmp_path / "red.json"
    export_concepts(session, ["red"], file)
    with pytest.raises(InvalidInput, match="already called @red"):
        import_concepts(session, file)
    import_concepts(session, file, name="@Rot")
    assert session.concepts.names() == ["red", "Rot"]
    undo_last_mark(session, "red")
    import_concepts(session, file, replace_existing=True)
    assert len(session.concepts.get("red").marks) == 2
    export_concepts(session, ["red", "rot"], file)
    with pytest.raises(InvalidInput, match="holds 2 concepts"):
        import_concepts(session, file, name="one")


def test_tables_hold_the_marked_moments_as_labeled_data(session: SearchSession, tmp_path: Path) -> None:
    exported = export_concepts(session, ["red"], tmp_path / "red.csv")
    assert exported.content == "2 moments of 2 classes"
    lines = (tmp_path / "red.csv").read_text().splitlines()
    assert lines[0].split(",")[:2] == ["path", "label"]
    assert lines[1].startswith("/v/red0.mp4,red,")
    with pytest.raises(InvalidInput, match=r"end in \.json for the concept itself"):
        export_concepts(session, ["red"], tmp_path / "red.txt")


def test_what_cannot_be_learned_says_what_is_lacking(session: SearchSession) -> None:
    session.concepts.add("new", "red")
    with pytest.raises(
        InvalidInput, match="@new has no marks yet: mark moments right or wrong with `vifi teach new`"
    ):
        session.find(concept("new"))
    mark_moment(session, "new", Moment(Path("/v/red0.mp4"), 0.0, 4.0), is_right=True)
    with pytest.raises(
        InvalidInput, match="@new cannot be learned yet: this index has 1 right and 0 wrong of its 1 mark"
    ):
        session.find(concept("new"))
