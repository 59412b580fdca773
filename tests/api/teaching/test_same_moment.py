"""A moment has one mark, whoever finds it again with slightly other bounds."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.marking import mark_moment, unmark_moment
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.concepts.concept import Concept
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.moment import Moment

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
FIRST, SECOND = Path("/v/0.mp4"), Path("/v/1.mp4")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[SearchSession]:
    index = tmp_path / "index"
    with Catalog.create(index / CATALOG_FILE, indexed_with(ColorEncoder(), FrameSampling())) as catalog:
        for path, color in ((FIRST, RED), (SECOND, BLUE)):
            catalog.store(encoded_video(path, [color] * 10, path.name))
    with SearchSession(
        index, AUTOMATIC, cache_folder=tmp_path / "cache", load_text_encoder=lambda *_: ColorEncoder()
    ) as session:
        session.concepts.add("ripe", "red")
        yield session


def spans(concept: Concept) -> list[tuple[Path, float, float, bool]]:
    return [(mark.path, mark.start_seconds, mark.end_seconds, mark.is_right) for mark in concept.marks]


def test_a_mark_takes_the_place_of_one_of_about_the_same_moment(session: SearchSession) -> None:
    mark_moment(session, "ripe", Moment(FIRST, 0.0, 4.0), is_right=True)
    mark_moment(session, "ripe", Moment(SECOND, 0.0, 4.0), is_right=False)
    # 3 of the 5 seconds that both cover together are shared
    concept = mark_moment(session, "ripe", Moment(FIRST, 1.0, 5.0), is_right=False)
    assert spans(concept) == [(SECOND, 0.0, 4.0, False), (FIRST, 1.0, 5.0, False)]
    # 4 of 8 are not more than half of it
    concept = mark_moment(session, "ripe", Moment(FIRST, 1.0, 9.0), is_right=True)
    assert spans(concept)[1:] == [(FIRST, 1.0, 5.0, False), (FIRST, 1.0, 9.0, True)]
    assert concept.learned is not None


def test_a_moment_is_unmarked_and_what_was_learned_from_it_is_forgotten(session: SearchSession) -> None:
    mark_moment(session, "ripe", Moment(FIRST, 0.0, 4.0), is_right=True)
    assert mark_moment(session, "ripe", Moment(SECOND, 0.0, 4.0), is_right=False).learned is not None
    concept = unmark_moment(session, "ripe", Moment(SECOND, 0.0004, 4.0))
    assert spans(concept) == [(FIRST, 0.0, 4.0, True)]
    assert concept.learned is None
    assert unmark_moment(session, "ripe", Moment(SECOND, 0.0, 4.0)).marks == concept.marks
    with pytest.raises(InvalidInput, match=r"/v/2\.mp4 is not in the index"):
        unmark_moment(session, "ripe", Moment(Path("/v/2.mp4"), 0.0, 4.0))


def test_marks_follow_a_video_that_has_moved(session: SearchSession) -> None:
    concept = mark_moment(session, "ripe", Moment(FIRST, 0.0, 4.0), is_right=True)
    videos = {video.path: video for video in session.index.catalog.videos()}
    assert concept.mark_of(videos[FIRST], 0.0, 4.5) == concept.marks[0]
    assert concept.mark_of(videos[SECOND], 0.0, 4.0) is None
    moved = replace(videos[FIRST], path=Path("/elsewhere/0.mp4"))
    assert concept.mark_of(moved, 0.0, 4.0) == concept.marks[0]
    assert concept.mark_of(replace(moved, fingerprint="other"), 0.0, 4.0) is None
