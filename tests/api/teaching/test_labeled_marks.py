"""Marks become labeled videos: what a right and a wrong mark teach, what is left out, and that no group leaks."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.labeled_marks import (
    MarkedMoments,
    concepts_named,
    export_marks,
    labeled_marks,
    marked_moments,
    require_contrast,
)
from vifi_cli.data.loading import read_own_splits
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.concepts.concept import Mark
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling

RED = (1.0, 0.0, 0.0)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[SearchSession]:
    """An index of a.mp4, b.mp4 and c.mp4, which are empty files, with the concepts wave and walk."""
    folder = tmp_path / "home" / "index"
    with Catalog.create(folder / CATALOG_FILE, indexed_with(ColorEncoder(), FrameSampling())) as catalog:
        for name in "abc":
            (tmp_path / f"{name}.mp4").touch()
            catalog.store(encoded_video(tmp_path / f"{name}.mp4", [RED] * 9, name))
    with SearchSession(folder, AUTOMATIC, cache_folder=tmp_path / "cache") as opened:
        opened.concepts.add("wave", "a person waves")
        opened.concepts.add("walk", "a person walks")
        yield opened


def mark(
    session: SearchSession, concept: str, name: str, start: float, end: float, *, is_right: bool
) -> None:
    path = session.folder.parents[1] / f"{name}.mp4"
    session.concepts.mark(concept, Mark(path, start, end, is_right, name))


def marked(session: SearchSession, *names: str) -> MarkedMoments:
    return marked_moments(session.index.catalog, concepts_named(session, names))


def labels(session: SearchSession, *names: str) -> dict[str, tuple[str, ...]]:
    """The classes of each moment that has one: `a@0-2`."""
    videos = labeled_marks(marked(session, *names), "marks")
    return {
        f"{video.path.stem}@{video.part.start_seconds:g}-{video.part.end_seconds:g}": tuple(
            videos.class_names[label] for label in video.labels
        )
        for video in videos.train
    }


def test_right_marks_are_of_their_concept_and_wrong_ones_of_something_else(session: SearchSession) -> None:
    mark(session, "wave", "a", 0, 2, is_right=True)
    mark(session, "wave", "b", 0, 2, is_right=False)
    assert labels(session, "@wave") == {"a@0-2": ("a person waves",), "b@0-2": ("something else",)}


def test_a_moment_that_is_wrong_for_one_of_two_concepts_has_no_class(session: SearchSession) -> None:
    mark(session, "wave", "a", 0, 2, is_right=True)
    mark(session, "walk", "a", 4, 6, is_right=True)
    mark(session, "wave", "a", 4, 6, is_right=False)
    mark(session, "wave", "b", 0, 2, is_right=False)  # it may well show walking
    mark(session, "wave", "c", 0, 2, is_right=False)
    mark(session, "walk", "c", 0, 2, is_right=False)
    assert labels(session, "wave", "walk") == {
        "a@0-2": ("a person waves",),
        "a@4-6": ("a person walks",),
        "c@0-2": ("something else",),
    }


def test_marks_that_share_half_of_their_time_are_one_moment(session: SearchSession) -> None:
    mark(session, "wave", "a", 0, 4, is_right=True)
    mark(session, "walk", "a", 0, 2, is_right=True)  # 2 of 4 s
    mark(session, "walk", "a", 3, 6, is_right=True)  # 1 of 6 s
    assert labels(session, "wave", "walk") == {
        "a@0-4": ("a person waves", "a person walks"),
        "a@3-6": ("a person walks",),
    }


def test_contradicting_marks_stay_apart(session: SearchSession) -> None:
    video = session.folder.parents[1] / "a.mp4"
    marks = (Mark(video, 0, 4, True, "a"), Mark(video, 0, 3, False, "a"))
    session.concepts.put([replace(session.concepts.get("wave"), marks=marks)], replace=True)  # as from a file
    assert labels(session, "wave") == {"a@0-4": ("a person waves",), "a@0-3": ("something else",)}


def test_copies_are_one_group_and_moved_videos_are_found(session: SearchSession, tmp_path: Path) -> None:
    with Catalog(session.folder / CATALOG_FILE) as catalog:
        catalog.store(encoded_video(tmp_path / "copy.mp4", [RED] * 9, "a"))
    mark(session, "wave", "a", 0, 2, is_right=True)
    session.concepts.mark("wave", Mark(tmp_path / "copy.mp4", 4, 6, True, "a"))
    session.concepts.mark("wave", Mark(tmp_path / "once.mp4", 5, 7, True, "b"))
    session.concepts.mark("wave", Mark(tmp_path / "gone.mp4", 0, 2, True, "gone"))
    found = marked(session, "wave")
    assert [(each.path.name, Path(each.group).name) for each in found.moments] == [
        ("a.mp4", "a.mp4"),
        ("copy.mp4", "a.mp4"),
        ("b.mp4", "b.mp4"),
    ]
    assert found.absent_marks == 1


def test_held_out_groups_are_the_test(session: SearchSession, tmp_path: Path) -> None:
    mark(session, "wave", "a", 0, 2, is_right=True)
    mark(session, "wave", "b", 0, 2, is_right=True)
    mark(session, "wave", "b", 4, 6, is_right=False)
    videos = labeled_marks(marked(session, "wave"), "marks", held_out={str(tmp_path / "b.mp4")})
    assert [video.path.stem for video in videos.train] == ["a"]
    assert [(video.path.stem, video.label) for video in videos.test] == [("b", 0), ("b", 1)]


def test_the_table_is_what_training_reads(session: SearchSession, tmp_path: Path) -> None:
    mark(session, "wave", "a", 0, 2.5, is_right=True)
    mark(session, "wave", "b", 1, 2, is_right=False)
    mark(session, "wave", "a", 6, 9, is_right=False)
    written = export_marks(session, ["wave"], tmp_path / "clips.csv")
    assert (tmp_path / "clips.csv").read_text().splitlines() == [
        "path,label,split,group,start,end",
        f"a.mp4,a person waves,train,{tmp_path}/a.mp4,,2.5",
        f"a.mp4,something else,train,{tmp_path}/a.mp4,6,9",
        f"b.mp4,something else,train,{tmp_path}/b.mp4,1,2",
    ]
    read = read_own_splits(DataSource.parse(str(tmp_path / "clips.csv")))
    assert read.train == written.train
    assert read.class_names == ("a person waves", "something else")


def test_moments_of_several_concepts_need_json_lines(session: SearchSession, tmp_path: Path) -> None:
    mark(session, "wave", "a", 0, 2, is_right=True)
    mark(session, "walk", "a", 0, 2, is_right=True)
    with pytest.raises(InvalidInput, match=r"some moments show several concepts: write a \.jsonl table"):
        export_marks(session, ["wave", "walk"], tmp_path / "clips.csv")
    export_marks(session, ["wave", "walk"], tmp_path / "clips.jsonl")
    read = read_own_splits(DataSource.parse(str(tmp_path / "clips.jsonl")))
    ((names, video),) = [({read.class_names[label] for label in each.labels}, each) for each in read.train]
    assert (names, video.part.end_seconds) == ({"a person waves", "a person walks"}, 2)


def test_what_cannot_be_learned_from_says_what_is_missing(session: SearchSession) -> None:
    def check(*names: str) -> None:
        found = marked(session, *names)
        require_contrast(found, labeled_marks(found, "marks"))

    with pytest.raises(InvalidInput, match="@wave has no moment marked right"):
        check("wave")
    mark(session, "wave", "a", 0, 2, is_right=True)
    with pytest.raises(InvalidInput, match="@wave has no moment marked wrong, so nothing to be told apart"):
        check("wave")
    mark(session, "walk", "a", 4, 6, is_right=True)
    check("wave", "walk")
    with pytest.raises(InvalidInput, match="no concept is called @swim"):
        check("swim")
    with pytest.raises(InvalidInput, match="no concept is named"):
        check("")


def test_descriptions_that_are_alike_give_way_to_names(session: SearchSession) -> None:
    session.concepts.add("both_hands", "A person waves")
    assert marked(session, "wave", "both_hands", "walk").class_names == (
        "wave",
        "both hands",
        "a person walks",
    )
