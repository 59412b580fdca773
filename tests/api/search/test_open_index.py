"""Searching from Python gives what the commands give."""

import json
import logging
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Vifi
from vifi_cli import Moment, VifiError, concept, example, index_videos, open_index, words
from vifi_cli.errors import IndexMissing, InvalidInput
from vifi_cli.index.search.video_index import SearchHit


def documents(hits: list[SearchHit]) -> list[tuple[str, float, float]]:
    return [(str(hit.path), round(hit.start_seconds, 3), round(hit.cosine, 4)) for hit in hits]


def told(vifi: Vifi, *arguments: object) -> list[tuple[str, float, float]]:
    hits = json.loads(vifi(*arguments, "--json").stdout)["hits"]
    return [(hit["path"], hit["start_seconds"], hit["cosine"]) for hit in hits]


def test_a_search_gives_the_hits_of_the_command(vifi: Vifi, indexed: Path) -> None:
    with open_index() as index:
        assert documents(index.search("a cat")) == told(vifi, "search", "a cat")
        everything = index.search("a cat", min_score=0, top=0, per_video=0)
        assert documents(everything) == told(
            vifi, "search", "a cat", "--min-score", 0, "-t", 0, "--per-video", 0
        )
        assert documents(index.search("a cat", by="video", top=1)) == told(
            vifi, "search", "a cat", "--by", "video", "-t", 1
        )
        assert index.search("quarterly interest rate decision") == []
        nearest = index.search("quarterly interest rate decision", unsure=True)
        assert [hit.unsure for hit in nearest] == [True] * 3
        assert documents(nearest) == told(vifi, "search", "quarterly interest rate decision", "--unsure")
        assert {video.path for video in index.videos} == set(indexed.glob("*.mp4"))


def test_sums_are_those_of_the_query_language(vifi: Vifi, indexed: Path) -> None:
    pets = indexed / "pets.mp4"
    query = 2 * words("a cat") - words("a cup of coffee") + 0.5 * example(pets, 4, 8)
    assert query.text == f"2:a cat - a cup of coffee + 0.5:{pets}"
    with open_index() as index:
        assert documents(index.search(query)) == told(
            vifi, "search", "2:a cat", "-", "a cup of coffee", "+", f"0.5:{pets}@0:04-0:08"
        )
        bracketed = words("a cat") - (words("coffee") - words("a rocket"))
        assert bracketed.text == "a cat - (coffee - a rocket)"
        np.testing.assert_allclose(
            index.embed(bracketed),
            index.embed(words("a cat") - words("coffee") + words("a rocket")),
            atol=1e-6,
        )
        with pytest.raises(InvalidInput, match="only says what is unwanted"):
            index.search(-1 * words("a cat"))


def test_what_is_similar_leaves_out_what_is_shown(vifi: Vifi, indexed: Path) -> None:
    pets = indexed / "pets.mp4"
    with open_index() as index:
        alike = index.similar(pets, 0, 4, dedupe=True)
        assert documents(alike) == told(vifi, "similar", f"{pets}@0:00-0:04", "--dedupe")
        assert all(hit.path != pets or hit.start_seconds >= 4 for hit in alike)
        assert index.similar(pets, by="video")[0].path.name == "kitchen.mp4"
        with pytest.raises(InvalidInput, match="the end comes after the start"):
            index.similar(pets, 4, 3)
        with pytest.raises(InvalidInput, match="no such file"):
            index.similar(indexed / "missing.mp4")


def test_only_videos_that_were_asked_for_are_searched(indexed: Path) -> None:
    now = datetime.now()
    with open_index() as index:
        assert {hit.path.name for hit in index.search("coffee", path=indexed / "pets.mp4")} == {"pets.mp4"}
        assert {hit.path.name for hit in index.search("coffee", min_seconds=5, min_score=0)} == {"pets.mp4"}
        assert index.search("coffee", older=now - timedelta(days=1)) == []
        assert index.search("coffee", newer=now - timedelta(days=1)) != []


def test_the_frames_of_a_video_are_those_of_the_index(indexed: Path) -> None:
    with open_index() as index:
        seconds, frames = index.frames(indexed / "kitchen.mp4")
        assert len(seconds) == len(frames) == 8
        assert frames.dtype == np.float16
        query = index.embed("a cup of coffee")
        assert np.linalg.norm(query) == pytest.approx(1, abs=1e-5)
        with pytest.raises(InvalidInput, match=r"missing\.mp4 is not in the index"):
            index.frames(indexed / "missing.mp4")


def test_videos_are_indexed_where_the_program_wants_them(
    starter: None, clips: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="vifi_cli"):
        report = index_videos(clips, model="starter", folder=tmp_path / "mine", exclude=["nothing*"])
    assert (report.added, report.failed) == (3, ())
    assert repr(report) == "<IndexReport: 3 videos added>"
    assert index_videos(folder=tmp_path / "mine").unchanged == 3
    with open_index(tmp_path / "mine") as index:
        assert index.search("a rocket", top=1)[0].path == clips / "launch.mp4"
    with pytest.raises(IndexMissing):
        open_index()
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


def test_everything_that_users_can_mend_is_one_kind_of_error(clips: Path) -> None:
    for wrong in (
        lambda: index_videos(clips, model="no-such-model"),
        lambda: words("  "),
        lambda: example(clips / "pets.mp4", 5, 5),
        lambda: float("nan") * words("a"),
    ):
        with pytest.raises(VifiError):
            wrong()


def test_a_concept_is_taught_by_hits_and_then_searched_for(indexed: Path) -> None:
    with open_index() as index:
        found = {hit.path.name: hit for hit in index.search("a cat", min_score=0, per_video=1)}
        report = index.teach(
            "pet", "a cat", right=[found["pets.mp4"]], wrong=[Moment(indexed / "launch.mp4", 0, 2)]
        )
        assert (report.name, report.right, report.wrong) == ("pet", 1, 1)
        assert report.learned is not None
        asked = index.candidates("@pet", 9)
        assert repr(asked).startswith("<")
        assert "Video" in asked._repr_html_()
        assert not {("pets.mp4", 4.0), ("launch.mp4", 0.0)} & {
            (hit.path.name, hit.start_seconds) for hit in asked
        }
        *finds, marked = index.search(concept("pet"), min_score=0)
        # what was marked is no find, but listed after these, though it is the most relevant
        assert (marked.path.name, marked.start_seconds, marked.marked) == ("pets.mp4", 4.0, "right")
        assert marked.cosine > max(hit.cosine for hit in finds)
        assert ("launch.mp4", 0.0) not in {(hit.path.name, hit.start_seconds) for hit in finds}
        assert {hit.marked for hit in finds} == {None}
        with pytest.raises(InvalidInput, match="no concept is called @ct"):
            index.candidates("ct")
        assert [(one.name, len(one.marks)) for one in index.concepts] == [("pet", 2)]


def test_concepts_are_renamed_exported_imported_and_deleted(indexed: Path, tmp_path: Path) -> None:
    with open_index() as index:
        moments = [Moment(indexed / name, 0, 2) for name in ("pets.mp4", "launch.mp4")]
        index.teach("pet", "a cat", right=moments[:1], wrong=moments[1:])
        index.export_concepts(["@pet"], tmp_path / "pet.json")
        index.rename_concept("@pet", "cat")
        (imported,) = index.import_concepts(tmp_path / "pet.json")
        assert (imported.concept.name, imported.obstacle) == ("pet", "")
        with pytest.raises(InvalidInput, match="already called @pet"):
            index.import_concepts(tmp_path / "pet.json")
        index.import_concepts(tmp_path / "pet.json", name="cat", replace=True)
        hits = index.search(concept("cat"), min_score=0)
        assert [hit.path.name for hit in hits if hit.marked] == ["pets.mp4"]
        index.delete_concept("cat")
        assert [one.name for one in index.concepts] == ["pet"]
