import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from vifi_cli.errors import EncoderMismatch, IndexDamaged, IndexMissing, IndexProblem
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.records import FailedFile, is_as_indexed
from vifi_cli.index.update.shards import indexed_with, merge_shard
from vifi_cli.index.vectors import open_vectors
from vifi_cli.index.windows import frames_within, mean_embedding
from vifi_cli.video.clock.file_clock import ClockSegment, FileClock
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.video_file import VideoFile

RED, BLUE = (1.0, -1.0, -1.0), (-1.0, -1.0, 1.0)


def count(catalog: Catalog, table: str) -> int:
    return int(catalog.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_a_stored_video_comes_back(catalog: Catalog) -> None:
    video = encoded_video("/v/a.mp4", [RED, BLUE, BLUE])
    catalog.store(video)
    (known,) = catalog.videos()
    assert (known.path, known.size_bytes, known.modified_ns, known.fingerprint) == (
        Path("/v/a.mp4"),
        1003,
        123,
        "content",
    )
    seconds, embeddings = catalog.frames(known.id)
    np.testing.assert_array_equal(seconds, video.seconds)
    np.testing.assert_array_equal(embeddings, video.embeddings)


def test_the_clock_of_a_video_is_kept_and_copied(catalog: Catalog) -> None:
    clock = FileClock(
        (ClockSegment((0, 0), 0.0, 4.0, 0), ClockSegment((188, 0), 0.0, 9.0, 360_000)), (), 1 / 90_000
    )
    video = encoded_video("/v/a.ts", [RED, BLUE])
    catalog.store(replace(video, info=replace(video.info, clock=clock)))
    catalog.store(encoded_video("/v/plain.mp4", [RED]))
    joined, plain = catalog.videos()
    assert catalog.store_copy(joined, VideoFile(Path("/v/copy.ts"), 1, 1))
    copy = catalog.video_at(Path("/v/copy.ts"))
    assert copy is not None
    assert catalog.clock(joined.id) == catalog.clock(copy.id) == clock
    assert catalog.clock(plain.id) == FileClock()
    with catalog.transaction():
        catalog.db.execute("UPDATE videos SET clock = NULL")
    assert catalog.clock(joined.id) is None
    for unknown in ("{}", "[1]", "not JSON"):
        with catalog.db.conn:
            catalog.db.execute("UPDATE videos SET clock = ?", (unknown,))
        assert catalog.clock(joined.id) is None
    with catalog.db.conn:
        catalog.db.execute("UPDATE videos SET clock = NULL")
    catalog.note_clock(joined, clock)
    assert catalog.clock(joined.id) == clock
    assert catalog.clock(plain.id) is None


def test_storing_a_path_again_replaces_it_and_leaves_no_orphans(catalog: Catalog) -> None:
    catalog.store(encoded_video("/v/a.mp4", [RED] * 40))
    before = set(catalog.window_ids())
    catalog.store(encoded_video("/v/a.mp4", [BLUE] * 3))
    assert count(catalog, "videos") == count(catalog, "frames") == 1
    after = set(catalog.window_ids())
    assert after
    assert not before & after, "ids of vectors are never used twice"


def test_paths_of_any_bytes_survive(catalog: Catalog) -> None:
    names = ["with space", "new\nline", "[bracket]*?", os.fsdecode(b"latin-\xe9"), "日本"]
    for name in names:
        catalog.store(encoded_video(f"/v/{name}.mp4", [RED]))
    assert [video.path.name for video in catalog.videos()] == [f"{name}.mp4" for name in names]


def test_the_revision_changes_with_the_windows(catalog: Catalog) -> None:
    seen = [catalog.revision]
    catalog.store(encoded_video("/v/a.mp4", [RED]))
    seen.append(catalog.revision)
    (video,) = catalog.videos()
    catalog.store_copy(video, VideoFile(Path("/v/b.mp4"), 1001, 5))
    seen.append(catalog.revision)
    catalog.forget([Path("/v/a.mp4")])
    seen.append(catalog.revision)
    assert len(set(seen)) == 4
    catalog.forget([Path("/v/never indexed.mp4")])
    (copy,) = catalog.videos()
    catalog.rename([(copy, VideoFile(Path("/v/c.mp4"), 1001, 5))])
    assert catalog.revision == seen[-1], "no window has changed"


def test_videos_can_swap_names(catalog: Catalog) -> None:
    catalog.store(encoded_video("/v/a.mp4", [RED], "red"))
    catalog.store(encoded_video("/v/b.mp4", [BLUE], "blue"))
    windows = catalog.window_ids().tolist()
    red, blue = catalog.videos()
    catalog.rename([(red, VideoFile(blue.path, 1, 1)), (blue, VideoFile(red.path, 2, 2))])
    assert {video.path.name: video.fingerprint for video in catalog.videos()} == {
        "b.mp4": "red",
        "a.mp4": "blue",
    }
    assert catalog.window_ids().tolist() == windows, "no vector was recomputed"


def test_a_copy_has_frames_and_windows_of_its_own(catalog: Catalog) -> None:
    catalog.store(encoded_video("/v/a.mp4", [RED, BLUE]))
    (original,) = catalog.videos()
    assert catalog.store_copy(original, VideoFile(Path("/v/b.mp4"), 1002, 9))
    catalog.forget([original.path])
    (copy,) = catalog.videos()
    assert copy.path.name == "b.mp4"
    assert len(catalog.frames(copy.id)[0]) == 2
    assert not catalog.store_copy(original, VideoFile(Path("/v/c.mp4"), 1002, 9)), "the original is gone"
    assert len(catalog.videos()) == 1


def test_a_failure_replaces_what_was_known_and_is_replaced_by_success(catalog: Catalog) -> None:
    catalog.store(encoded_video("/v/a.mp4", [RED]))
    failed = FailedFile(VideoFile(Path("/v/a.mp4"), 7, 8), "no video stream")
    catalog.record_failure(failed)
    assert catalog.failures() == [failed]
    assert not catalog.videos()
    catalog.store(encoded_video("/v/a.mp4", [RED]))
    assert not catalog.failures()


def test_an_error_while_storing_leaves_the_old_video(catalog: Catalog) -> None:
    catalog.store(encoded_video("/v/a.mp4", [RED]))
    broken = encoded_video("/v/a.mp4", [BLUE], fingerprint=None)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        catalog.store(broken)
    (video,) = catalog.videos()
    np.testing.assert_array_equal(catalog.frames(video.id)[1], np.array([RED], np.float16))


def test_a_shard_is_taken_in_at_one_step(catalog: Catalog, tmp_path: Path) -> None:
    catalog.store(encoded_video("/v/a.mp4", [RED, RED], "old"))
    catalog.store(encoded_video("/v/keep.mp4", [RED], "keep"))
    shard_path = tmp_path / "shard.sqlite3"
    with Catalog.create(shard_path, catalog.indexed_with) as shard:
        shard.store(encoded_video("/v/a.mp4", [BLUE] * 5, "new"))
        shard.store(encoded_video("/v/b.mp4", [BLUE] * 9, "b"))
        shard.record_failure(FailedFile(VideoFile(Path("/v/bad.mp4"), 1, 2), "garbage"))
    merge_shard(catalog, shard_path)
    by_name = {video.path.name: video for video in catalog.videos()}
    assert {name: video.fingerprint for name, video in by_name.items()} == {
        "a.mp4": "new",
        "b.mp4": "b",
        "keep.mp4": "keep",
    }
    assert len(catalog.frames(by_name["b.mp4"].id)[0]) == 9
    assert [failed.reason for failed in catalog.failures()] == ["garbage"]
    windows = {video_id: len(rows) for video_id, rows in catalog.windows_by_video()}
    assert set(windows) == {video.id for video in by_name.values()}
    merge_shard(catalog, shard_path)
    assert len(catalog.videos()) == 3, "merging again changes nothing"


def test_a_shard_of_another_encoder_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    other = indexed_with(ColorEncoder(model_name="other"), FrameSampling())
    with Catalog.create(tmp_path / "shard.sqlite3", other):
        pass
    with pytest.raises(EncoderMismatch, match="other"):
        merge_shard(catalog, tmp_path / "shard.sqlite3")


def test_no_catalogue_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="vifi index FOLDER"):
        Catalog(tmp_path / CATALOG_FILE)
    assert not (tmp_path / CATALOG_FILE).exists()


def test_a_file_that_is_no_catalogue_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / CATALOG_FILE
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(IndexDamaged, match="cannot be read as an index"):
        Catalog(path)
    assert path.exists()


def test_a_catalogue_of_a_newer_version_is_refused(catalog: Catalog) -> None:
    catalog.db.table("_sqlite_migrations").insert(
        {"migration_set": "vifi", "name": "m999_future", "applied_at": "2030-01-01"}
    )
    with pytest.raises(IndexDamaged, match="newer vifi"):
        Catalog(catalog.path)


def test_compacting_keeps_everything(catalog: Catalog) -> None:
    for number in range(20):
        catalog.store(encoded_video(f"/v/{number}.mp4", [RED] * 50, str(number)))
    catalog.forget([Path(f"/v/{number}.mp4") for number in range(19)])
    catalog.compact()
    (video,) = catalog.videos()
    assert len(catalog.frames(video.id)[0]) == 50


def test_a_new_catalogue_takes_nothing_over_from_a_killed_one(tmp_path: Path) -> None:
    path = tmp_path / CATALOG_FILE
    signature = indexed_with(ColorEncoder(), FrameSampling())
    with Catalog.create(path, signature) as old:
        for number in range(20):
            old.store(encoded_video(f"/v/{number}.mp4", [RED] * 100, str(number)))
        kept = {
            name: (tmp_path / name).read_bytes() for name in (f"{CATALOG_FILE}-wal", f"{CATALOG_FILE}-shm")
        }
    path.unlink()
    for name, content in kept.items():
        (tmp_path / name).write_bytes(content)
    with Catalog.create(path, signature) as new:
        assert not new.videos()
        assert not new.faults()


def test_an_empty_file_is_no_catalogue(tmp_path: Path) -> None:
    (tmp_path / CATALOG_FILE).touch()
    with pytest.raises(IndexDamaged, match="it holds nothing"):
        Catalog(tmp_path / CATALOG_FILE)


def test_a_catalogue_that_cannot_be_written_can_be_read(catalog: Catalog) -> None:
    catalog.store(encoded_video("/v/a.mp4", [RED]))
    catalog.close()
    address = f"file:{catalog.path}?immutable=1"
    with Catalog(catalog.path) as read_only:
        read_only.db = Database(sqlite3.connect(address, uri=True))
        assert len(open_vectors(read_only)) == 2, "the vectors stay in memory"
        with pytest.raises(IndexProblem, match="what was stored is safe"):
            read_only.store(encoded_video("/v/b.mp4", [BLUE]))


@given(st.floats(-5, 70), st.floats(0, 70))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_embedding_of_a_part_is_that_of_its_frames(catalog: Catalog, start: float, length: float) -> None:
    if not catalog.totals().videos:
        random = np.random.default_rng(0)
        for name in ("other", "video"):
            catalog.store(encoded_video(f"/v/{name}.mp4", random.normal(size=(60, 3)).tolist(), name))
    video = catalog.video_at(Path("/v/video.mp4"))
    assert video is not None
    seconds, embeddings = catalog.frames(video.id)
    first, end = frames_within(seconds, start, start + length)
    assert first < end
    embedding = catalog.embedding_of(video.id, start, start + length)
    np.testing.assert_array_equal(embedding, mean_embedding(embeddings[first:end]))


def test_a_file_dated_outside_the_years_of_sqlite_is_as_indexed(catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "from 2350.mp4"
    path.write_bytes(b"content")
    os.utime(path, ns=(0, 12 * 10**18))
    if path.stat().st_mtime_ns < 10**19:
        pytest.skip("this file system dates no file so late")
    video = encoded_video(str(path), [RED] * 3)
    catalog.store(replace(video, file=VideoFile.seen(path, path.stat())))
    stored = catalog.video_at(path)
    assert stored is not None
    assert is_as_indexed(stored)
    os.utime(path, ns=(0, 10**18))
    assert not is_as_indexed(stored)
