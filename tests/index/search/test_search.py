import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.video_filter import VideoFilter, path_matches
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.threshold import relevant_among
from vifi_cli.index.search.video_index import VideoIndex
from vifi_cli.index.summary import vectors_agree
from vifi_cli.index.vectors import open_vectors, vector_file

RED, GREEN, BLUE = (1.0, -1.0, -1.0), (-1.0, 1.0, -1.0), (-1.0, -1.0, 1.0)


def ask(text: str) -> np.ndarray:
    return ColorEncoder().encode_texts([text])[0]


@pytest.fixture
def index(catalog: Catalog) -> VideoIndex:
    catalog.store(encoded_video("/v/day/red_then_blue.mp4", [RED] * 20 + [BLUE] * 6 + [RED] * 20, "1"))
    catalog.store(encoded_video("/v/night/green.mp4", [GREEN] * 30, "2"))
    catalog.store(encoded_video("/v/night/short.mp4", [BLUE], "3"))
    return VideoIndex(catalog.path.parent)


def test_the_moment_comes_back_with_its_time(index: VideoIndex) -> None:
    hits = index.search(ask("blue"), RankingOptions(per_video=1))
    assert [hit.path.name for hit in hits[:2]] == ["red_then_blue.mp4", "short.mp4"]
    assert hits[0].cosine == pytest.approx(1.0, abs=1e-3)
    assert hits[0].start_seconds >= 19.0
    assert hits[0].end_seconds <= 27.0


def test_times_of_hits_show_no_rounding_errors(catalog: Catalog) -> None:
    video = encoded_video("/v/green.mp4", [RED] * 6 + [GREEN] * 2)
    catalog.store(replace(video, info=replace(video.info, duration_seconds=7.999999999999999)))
    with VideoIndex(catalog.path.parent) as index:
        moment = index.search(ask("green"), RankingOptions(top=1))[0]
    assert (moment.start_seconds, moment.end_seconds) == (6.0, 8.0)


def test_moments_of_one_video_are_limited(index: VideoIndex) -> None:
    for limit in (1, 2):
        hits = index.search(ask("red"), RankingOptions(top=0, per_video=limit))
        names = [hit.path.name for hit in hits]
        assert max(names.count(name) for name in names) == limit
    both_red_parts = [
        (hit.start_seconds, hit.end_seconds) for hit in index.search(ask("red"), RankingOptions(top=2))
    ]
    assert sorted(both_red_parts) == [(0.0, 20.0), (26.0, 46.0)]


def test_by_video_gives_each_video_once(index: VideoIndex) -> None:
    hits = index.search(ask("green"), RankingOptions(by="video"))
    assert sorted(hit.path.name for hit in hits) == ["green.mp4", "red_then_blue.mp4", "short.mp4"]
    assert hits[0].path.name == "green.mp4"


def test_top_larger_than_the_index_gives_all(index: VideoIndex) -> None:
    assert len(index.search(ask("red"), RankingOptions(top=10_000, by="video"))) == 3
    assert len(index.search(ask("red"), RankingOptions(top=0, by="video"))) == 3
    assert len(index.search(ask("red"), RankingOptions(top=2, by="video"))) == 2


def test_low_scores_are_left_out(index: VideoIndex) -> None:
    hits = relevant_among(index.search(ask("green"), RankingOptions(top=0)), 0.9)
    assert {hit.path.name for hit in hits} == {"green.mp4"}
    assert all(hit.cosine >= 0.9 for hit in hits)
    assert relevant_among(index.search(ask("yellow")), 0.99) == []


def test_only_videos_below_are_searched(index: VideoIndex) -> None:
    hits = index.search(ask("red"), RankingOptions(top=0, among=VideoFilter(path_pattern="day")))
    assert {hit.path.name for hit in hits} == {"red_then_blue.mp4"}
    assert index.search(ask("red"), RankingOptions(among=VideoFilter(path_pattern="nowhere"))) == []


def test_one_long_video_does_not_hide_the_others(catalog: Catalog) -> None:
    catalog.store(encoded_video("/v/long.mp4", [RED] * 4000, "long"))
    catalog.store(encoded_video("/v/other.mp4", [(1.0, -0.9, -1.0)] * 10, "other"))
    with VideoIndex(catalog.path.parent) as index:
        hits = index.search(ask("red"), RankingOptions(top=5, per_video=3))
    assert [hit.path.name for hit in hits] == ["long.mp4"] * 3 + ["other.mp4"] * len(hits[3:])
    assert len(hits) > 3


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("*.mp4", True),
        ("*.mkv", False),
        ("trips", True),
        ("/home/me/trips", True),
        ("/home/me/trips/", True),
        ("trips/*.mp4", True),
        ("rips", False),
        ("/trips", False),
        ("beach*", True),
        ("/home/me", True),
        ("/home/me/trips/2024/beach day.mp4", True),
        ("/home/me/trips/20", False),
    ],
)
def test_what_a_path_pattern_matches(pattern: str, matches: bool) -> None:
    assert path_matches(Path("/home/me/trips/2024/beach day.mp4"), pattern) is matches


def test_vectors_follow_the_catalogue(catalog: Catalog) -> None:
    for number in range(6):
        catalog.store(encoded_video(f"/v/{number}.mp4", [RED] * (number + 3), str(number)))
    assert len(open_vectors(catalog)) == len(catalog.window_ids())
    catalog.forget([Path("/v/1.mp4"), Path("/v/2.mp4")])
    catalog.store(encoded_video("/v/3.mp4", [BLUE] * 9, "changed"))
    ids, _ = open_vectors(catalog).search(ask("blue"), 10_000)
    assert sorted(ids) == catalog.window_ids().tolist()
    hits = [
        row[0]
        for row in catalog.db.execute(
            "SELECT windows.id FROM windows JOIN videos ON videos.id = video_id WHERE path = ?",
            (b"/v/3.mp4",),
        )
    ]
    assert set(ids[: len(hits)]) == set(hits)
    assert [path.name for path in catalog.path.parent.glob("vectors-*")] == [
        vector_file(catalog, catalog.revision).name
    ]


def test_updated_vectors_equal_vectors_built_anew(catalog: Catalog) -> None:
    random = np.random.default_rng(0)
    for number in range(8):
        catalog.store(encoded_video(f"/v/{number}.mp4", random.normal(size=(12, 3)).tolist(), str(number)))
        if number % 3 == 0:
            open_vectors(catalog)
    catalog.forget([Path("/v/4.mp4")])
    updated = open_vectors(catalog).search(ask("red"), 1000)
    vector_file(catalog, catalog.revision).unlink()
    rebuilt = open_vectors(catalog).search(ask("red"), 1000)
    assert updated[0].tolist() == rebuilt[0].tolist()
    np.testing.assert_array_equal(updated[1], rebuilt[1])


def test_a_damaged_or_foreign_vector_file_is_only_a_cache(catalog: Catalog) -> None:
    catalog.store(encoded_video("/v/a.mp4", [RED] * 5))
    folder = catalog.path.parent
    (folder / f"vectors-{catalog.revision}.faiss").write_bytes(b"garbage")
    (folder / "vectors-99-foreign.faiss").write_bytes(b"garbage")
    abandoned, in_work = folder / "vectors-1-x.123.tmp", folder / "vectors-2-y.124.tmp"
    abandoned.write_bytes(b"half written")
    in_work.write_bytes(b"being written by another process")
    os.utime(abandoned, (1, 1))
    assert len(open_vectors(catalog)) == len(catalog.window_ids())
    assert sorted(folder.glob("vectors-*")) == sorted([vector_file(catalog, catalog.revision), in_work])


def test_a_cut_off_vector_file_of_this_generation_is_made_again(catalog: Catalog) -> None:
    catalog.store(encoded_video("/v/a.mp4", [RED] * 5))
    open_vectors(catalog)
    path = vector_file(catalog, catalog.revision)
    path.write_bytes(path.read_bytes()[:40])
    assert len(open_vectors(catalog)) == len(catalog.window_ids())


def test_a_restored_backup_is_searched_by_its_own_vectors(catalog: Catalog, tmp_path: Path) -> None:
    catalog.store(encoded_video("/v/a.mp4", [RED] * 4, "a"))
    open_vectors(catalog)
    catalog.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(catalog.path, tmp_path / "backup")
    catalog.store(encoded_video("/v/b.mp4", [BLUE] * 4, "b"))
    open_vectors(catalog)
    catalog.close()
    shutil.copy(tmp_path / "backup", catalog.path)
    with VideoIndex(catalog.path.parent) as restored:
        restored.catalog.store(encoded_video("/v/c.mp4", [GREEN] * 4, "c"))
        (hit,) = restored.search(ask("green"), RankingOptions(top=1))
        assert (hit.path.name, round(hit.cosine, 2)) == ("c.mp4", 1.0)
        assert vectors_agree(restored.catalog, restored.vectors)


def test_doctored_vectors_are_noticed(catalog: Catalog) -> None:
    catalog.store(encoded_video("/v/a.mp4", [RED] * 4, "a"))
    vectors = open_vectors(catalog)
    assert vectors_agree(catalog, vectors)
    catalog.db.execute("UPDATE frames SET embeddings = ?", (np.array([BLUE] * 4, "<f2").tobytes(),))
    assert not vectors_agree(catalog, vectors)


def test_where_a_moment_begins_and_ends_does_not_hang_on_the_number_of_hits(catalog: Catalog) -> None:
    random = np.random.default_rng(0)
    for number in range(30):
        walk = np.cumsum(random.normal(size=(120, 3)), axis=0)
        catalog.store(encoded_video(f"/v/{number}.mp4", (walk / 5).tolist(), str(number)))
    with VideoIndex(catalog.path.parent) as index:
        everything = index.search(ask("red"), RankingOptions(top=0))
        few = index.search(ask("red"), RankingOptions(top=3))
    assert len(everything) > 30
    assert few == everything[:3]


@pytest.mark.parametrize("below", [None, "/v/long_*"])
@pytest.mark.parametrize("by", ["moment", "video"])
def test_few_hits_are_the_first_of_all_hits_also_where_long_videos_are_nearest(
    catalog: Catalog, by: Literal["moment", "video"], below: str | None
) -> None:
    random = np.random.default_rng(0)
    for number in range(6):
        near = np.array(RED) + 0.01 * number
        wandering = near + np.cumsum(random.normal(0.0, 0.03, (800, 3)), axis=0)
        catalog.store(encoded_video(f"/v/long_{number}.mp4", wandering.tolist(), f"long {number}"))
        catalog.store(encoded_video(f"/v/far_{number}.mp4", [GREEN, BLUE, GREEN], f"far {number}"))
    index = VideoIndex(catalog.path.parent)
    everything = index.search(ask("red"), RankingOptions(top=0, by=by, among=VideoFilter(path_pattern=below)))
    for top in (1, 5, 10, 17):
        assert (
            index.search(ask("red"), RankingOptions(top=top, by=by, among=VideoFilter(path_pattern=below)))
            == everything[:top]
        )


@pytest.mark.parametrize("per_video", [3, 8, 0])
def test_few_hits_are_the_first_of_all_hits_however_much_videos_wander(
    catalog: Catalog, per_video: int
) -> None:
    random = np.random.default_rng(4)
    for number in range(6):
        near = np.array(RED) + 0.02 * number
        wandering = near + np.cumsum(random.normal(0.0, 0.1, (700, 3)), axis=0)
        catalog.store(encoded_video(f"/v/{number}.mp4", wandering.tolist(), str(number)))
    with VideoIndex(catalog.path.parent) as index:
        everything = index.search(ask("red"), RankingOptions(top=0, per_video=per_video))
        for top in (1, 3, 5, 10, 17, 40):
            assert (
                index.search(ask("red"), RankingOptions(top=top, per_video=per_video)) == everything[:top]
            ), top


@pytest.mark.slow
def test_searches_go_on_while_the_index_changes(catalog: Catalog) -> None:
    for number in range(10):
        catalog.store(encoded_video(f"/v/{number}.mp4", [RED] * 40, str(number)))
    found = list[int]()

    def search_again_and_again() -> None:
        for _ in range(20):
            with VideoIndex(catalog.path.parent) as index:
                found.append(len(index.search(ask("red"), RankingOptions(top=5))))

    searchers = [threading.Thread(target=search_again_and_again) for _ in range(2)]
    for searcher in searchers:
        searcher.start()
    turn = 0
    while any(searcher.is_alive() for searcher in searchers):
        catalog.store(encoded_video(f"/v/{turn % 10}.mp4", [RED] * 40, f"again {turn}"))
        turn += 1
    assert turn > 10
    assert len(found) == 40, "none was ended by an error"
    assert all(found)


def test_folders_are_taken_as_they_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = tmp_path / "a b [x]" / "clip.mp4"
    monkeypatch.chdir(tmp_path)
    for pattern in (".", "a b [x]", "./a b [x]", str(video), "a b [x]/../a b [x]"):
        assert path_matches(video, pattern), pattern
    monkeypatch.chdir(tmp_path.parent)
    assert not path_matches(video, "a b [x]"), "as a glob it would have to be escaped"
