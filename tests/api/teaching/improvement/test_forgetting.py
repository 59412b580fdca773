"""Old answers are asked again: average precision by hand, and which videos are asked about."""

from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.improvement.forgetting import OldAnswers, recollection
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.concepts.concept import Mark
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling

COLORS = {"red": (1, -1, -1), "rose": (1, -0.5, -0.5), "black": (-1, -1, -1), "cyan": (-1, 1, 1)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index of a video of each color."""
    with Catalog.create(
        tmp_path / "index" / CATALOG_FILE, indexed_with(ColorEncoder(), FrameSampling())
    ) as catalog:
        for name, color in COLORS.items():
            catalog.store(encoded_video(tmp_path / f"{name}.mp4", [tuple(map(float, color))] * 3, name))
    return tmp_path / "index"


def session(folder: Path) -> SearchSession:
    return SearchSession(
        folder, AUTOMATIC, cache_folder=folder.parent / "cache", load_text_encoder=lambda *_: ColorEncoder()
    )


def test_the_precision_of_old_answers_is_that_of_the_new_ranking(folder: Path) -> None:
    place = folder.parent
    answers = OldAnswers(
        "captions",
        ("red", "red"),
        (frozenset({place / "red.mp4", place / "black.mp4"}), frozenset({place / "rose.mp4"})),
    )
    with Catalog(folder / CATALOG_FILE) as catalog:
        ids = {video.path: video.id for video in catalog.videos()}
        # cosines with red: red 1, rose 0.94, black 0.33, cyan -1
        assert answers.precision(catalog, ids, ColorEncoder()) == pytest.approx(((1 + 2 / 3) / 2 + 1 / 2) / 2)


def test_only_answers_among_the_asked_videos_count(folder: Path) -> None:
    a, b = Path("/v/a.mp4"), Path("/v/b.mp4")
    answers = OldAnswers("captions", ("one", "two"), (frozenset({a}), frozenset({a, b})))
    kept = answers.among([b])
    assert (kept.captions, kept.relevant) == (("two",), (frozenset({b}),))


def test_other_concepts_and_your_queries_are_asked(folder: Path) -> None:
    place = folder.parent
    (place / "queries.csv").write_text("file,caption\nred.mp4,red\nblack.mp4,black\n")
    with session(folder) as opened:
        for name in ("red", "black"):
            opened.concepts.add(name, name)
            opened.concepts.mark(name, Mark(place / f"{name}.mp4", 0, 2, True, name))
        improved = [opened.concepts.get("red")]
        old = recollection(opened, improved, [place / "red.mp4"], place / "queries.csv", AUTOMATIC)
        asked = {each.kind: each for each in old.answers}
        assert asked["other concepts"].relevant == (frozenset({place / "black.mp4"}),)
        assert asked["queries"].captions == ("red", "black")
        assert set(old.videos) == {place / f"{name}.mp4" for name in COLORS}
        kept = old.precisions(opened.index.catalog, ColorEncoder())
    assert dict(zip(asked, kept, strict=True)) == dict.fromkeys(asked, 1.0)


def test_queries_about_videos_that_are_not_indexed_are_refused(folder: Path) -> None:
    (folder.parent / "queries.csv").write_text("file,caption\ngone.mp4,green\n")
    with session(folder) as opened:
        opened.concepts.add("red", "red")
        with pytest.raises(InvalidInput, match="names 1 video not in the index"):
            recollection(opened, [opened.concepts.get("red")], [], folder.parent / "queries.csv", AUTOMATIC)
