"""Failures that may pass cost nothing that was known, and are tried again; unreadable content is remembered."""

import multiprocessing
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.color_encoder import ColorEncoder
from tests.made_videos import numbered_frames, solid_colour_clip, write_video
from vifi_cli.errors import IndexProblem
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.records import FailedFile
from vifi_cli.index.update.changes import PATIENT_RUNS, find_changes
from vifi_cli.index.update.indexer import IndexReport, UpdateOptions, update_index
from vifi_cli.index.update.model_guard import MANY_IN_A_ROW
from vifi_cli.index.update.rebuild import check_complete
from vifi_cli.index.update.shards import make_shard, merge_shard
from vifi_cli.video.failure_kind import FailureKind
from vifi_cli.video.files.discovery import Discovery, find_videos
from vifi_cli.video.files.video_file import VideoFile


@dataclass(frozen=True)
class EventfulEncoder(ColorEncoder):
    """A color encoder during whose first batch something happens."""

    happening: Callable[[], object] = lambda: None
    happened: list[bool] = field(default_factory=list)

    def encode_frames(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        if not self.happened:
            self.happened.append(True)
            self.happening()
        return super().encode_frames(pixels)


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    for color in ("blue", "lime", "red"):
        solid_colour_clip(folder / f"{color}.mp4", [(color, 2.0)])
    return folder


def update(
    catalog: Catalog,
    folder: Path,
    encoder: ColorEncoder | None = None,
    found: Discovery | None = None,
    **options: bool,
) -> IndexReport:
    chosen = UpdateOptions(workers=1, **options)  # type: ignore[arg-type]
    found = found or find_videos([folder])
    return update_index(catalog, found, [folder], lambda: encoder or ColorEncoder(), chosen)


def embeddings(catalog: Catalog) -> dict[str, bytes]:
    """The frame embeddings by file name."""
    return {video.path.name: catalog.frames(video.id)[1].tobytes() for video in catalog.videos()}


def names(files: tuple[FailedFile, ...]) -> set[str]:
    return {failed.file.path.name for failed in files}


def replace_all(folder: Path) -> None:
    """Gives every video a new content."""
    for path in folder.iterdir():
        solid_colour_clip(path, [("white", 3.0)])


def test_a_disk_that_vanishes_after_the_search_keeps_its_videos(catalog: Catalog, videos: Path) -> None:
    update(catalog, videos)
    before = embeddings(catalog)
    replace_all(videos)
    solid_colour_clip(videos / "new.mp4", [("yellow", 1.0)])
    found = find_videos([videos])
    videos.rename(videos.with_name("away"))
    report = update(catalog, videos, found=found)
    assert names(report.postponed) == {"blue.mp4", "lime.mp4", "red.mp4", "new.mp4"}
    assert (report.removed, report.failed, catalog.failures()) == (0, (), [])
    assert embeddings(catalog) == before
    videos.with_name("away").rename(videos)
    report = update(catalog, videos)
    assert (report.changed, report.added, report.postponed) == (3, 1, ())
    assert len(set(embeddings(catalog).values())) == 2, "white and yellow"
    assert catalog.postponed() == []


def test_a_disk_that_vanishes_while_it_is_decoded_keeps_its_videos(catalog: Catalog, videos: Path) -> None:
    update(catalog, videos)
    before = embeddings(catalog)
    replace_all(videos)
    for number in range(40):  # more than the decoder reads ahead
        solid_colour_clip(videos / f"{number}.mp4", [("black", 4.0)])
    away = videos.with_name("away")
    report = update(catalog, videos, EventfulEncoder(happening=lambda: videos.rename(away)))
    assert names(report.postponed) >= before.keys()
    assert {failed.reason for failed in report.postponed} == {"the file is gone"}
    assert before.items() <= embeddings(catalog).items()
    assert (report.failed, catalog.failures()) == ((), [])
    away.rename(videos)
    report = update(catalog, videos)
    assert (report.changed, len(catalog.videos()), report.postponed) == (3, 43, ())


def test_a_killed_decoder_keeps_the_old_embeddings_and_the_next_run_tries_again(
    catalog: Catalog, videos: Path
) -> None:
    long = write_video(videos / "long.mp4", numbered_frames(20))
    update(catalog, videos)
    before = embeddings(catalog)
    write_video(long, numbered_frames(4000))

    def kill_decoders() -> None:
        for process in multiprocessing.active_children():
            process.kill()  # a process that has just ended is left alone

    report = update(catalog, videos, EventfulEncoder(happening=kill_decoders))
    (failed,) = report.postponed
    assert (failed.kind, failed.file.path) == (FailureKind.BROKEN_OFF, long)
    assert failed.reason.startswith("decoder was killed (signal 9)")
    assert embeddings(catalog) == before
    changes = find_changes(catalog, find_videos([videos]), [videos])
    assert changes.delicate == {long}
    report = update(catalog, videos)
    assert (report.changed, report.postponed, catalog.postponed()) == (1, (), [])
    assert embeddings(catalog)["long.mp4"] != before["long.mp4"]


def test_delicate_files_come_last_and_one_at_a_time(catalog: Catalog, videos: Path) -> None:
    for file in find_videos([videos]).videos[:2]:
        catalog.record_failure(FailedFile(file, "decoder was killed", FailureKind.BROKEN_OFF))
    stored: list[int] = []
    found = find_videos([videos])
    update_index(
        catalog,
        found,
        [videos],
        ColorEncoder,
        UpdateOptions(workers=3),
        lambda progress: stored.append(progress.files_done),
    )
    assert [video.path.name for video in catalog.videos()] == ["red.mp4", "blue.mp4", "lime.mp4"]
    assert stored == sorted(stored)
    assert stored[-1] == 3


def test_a_file_that_always_hangs_is_tried_once_a_day(catalog: Catalog, videos: Path) -> None:
    update(catalog, videos)
    solid_colour_clip(videos / "red.mp4", [("white", 3.0)])
    (file,) = (file for file in find_videos([videos]).videos if file.path.name == "red.mp4")
    hung = FailedFile(file, "decoding hung: nothing for 60 s", FailureKind.BROKEN_OFF)
    for _ in range(PATIENT_RUNS - 1):
        catalog.record_failure(hung)
    assert file in find_changes(catalog, find_videos([videos]), [videos]).changed
    catalog.record_failure(hung)
    report = update(catalog, videos)
    assert names(report.postponed) == {"red.mp4"}
    assert report.postponed[0].reason.startswith("decoding hung: nothing for 60 s; not tried")
    assert (report.changed, len(catalog.videos())) == (0, 3)
    catalog.db.execute("UPDATE failures SET failed_at = '2020-01-01T00:00:00+00:00'")
    assert file in find_changes(catalog, find_videos([videos]), [videos]).changed
    catalog.record_failure(hung)
    assert update(catalog, videos, retry_failed=True).changed == 1
    assert catalog.postponed() == []


def test_a_file_without_permission_is_never_left_untried(catalog: Catalog, videos: Path) -> None:
    (file, *_) = find_videos([videos]).videos
    for _ in range(3 * PATIENT_RUNS):
        catalog.record_failure(FailedFile(file, "no permission", FailureKind.OUT_OF_REACH))
    assert file in find_changes(catalog, find_videos([videos]), [videos]).new


def test_a_file_that_changes_while_it_is_read_is_not_stored(catalog: Catalog, videos: Path) -> None:
    update(catalog, videos)
    before = embeddings(catalog)
    grown = write_video(videos / "red.mp4", numbered_frames(4000))

    def append() -> None:
        with grown.open("ab") as file:
            file.write(b"\0\0\0\x08free")

    report = update(catalog, videos, EventfulEncoder(happening=append))
    (failed,) = report.postponed
    assert failed.reason == "it changed while it was read"
    assert embeddings(catalog) == before
    assert update(catalog, videos).changed == 1


def test_unreadable_content_that_is_still_being_written_is_not_remembered(
    catalog: Catalog, videos: Path
) -> None:
    update(catalog, videos)
    before = embeddings(catalog)
    (videos / "red.mp4").write_bytes(b"\0" * 5000)
    found = find_videos([videos])
    (videos / "red.mp4").write_bytes(b"\0" * 6000)
    report = update(catalog, videos, found=found)
    assert names(report.postponed) == {"red.mp4"}
    assert embeddings(catalog) == before
    report = update(catalog, videos)
    assert names(report.failed) == {"red.mp4"}
    assert embeddings(catalog).keys() == before.keys() - {"red.mp4"}


def test_a_file_that_has_its_indexed_content_again_is_no_longer_out_of_reach(
    catalog: Catalog, videos: Path
) -> None:
    update(catalog, videos)
    for file in find_videos([videos]).videos:
        changed = VideoFile(file.path, file.size_bytes + 1, file.modified_ns)
        catalog.record_failure(FailedFile(changed, "the file is gone", FailureKind.OUT_OF_REACH))
    assert update(catalog, videos).unchanged == 3
    assert catalog.postponed() == []


def test_a_moved_or_deleted_video_leaves_no_failure_behind(catalog: Catalog, videos: Path) -> None:
    update(catalog, videos)
    for file in find_videos([videos]).videos:
        changed = VideoFile(file.path, file.size_bytes + 1, file.modified_ns)
        catalog.record_failure(FailedFile(changed, "the file is gone", FailureKind.OUT_OF_REACH))
    (videos / "red.mp4").rename(videos / "crimson.mp4")
    (videos / "blue.mp4").unlink()
    report = update(catalog, videos)
    assert (report.moved, report.removed, report.unchanged) == (1, 1, 1)
    assert catalog.postponed() == []
    assert embeddings(catalog).keys() == {"crimson.mp4", "lime.mp4"}


@dataclass(frozen=True)
class OverflowingEncoder(ColorEncoder):
    """Gives white pictures embeddings too large for float16, or all pictures none."""

    works: bool = True

    def encode_frames(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        found = super().encode_frames(pixels)
        if not self.works:
            return np.full_like(found, np.nan)
        return np.where(found.min(axis=1, keepdims=True) > 0.9, 1e6, found).astype(np.float32)


@pytest.mark.parametrize("name", ["a-white.mp4", "z-white.mp4"])
def test_only_the_video_whose_embeddings_are_not_finite_fails(
    catalog: Catalog, videos: Path, name: str
) -> None:
    white = solid_colour_clip(videos / name, [("white", 2.0)])
    report = update(catalog, videos, OverflowingEncoder())
    (failed,) = report.failed
    assert (failed.file.path, failed.kind) == (white, FailureKind.UNREADABLE)
    assert "not finite numbers" in failed.reason
    assert (report.added, embeddings(catalog).keys()) == (3, {"blue.mp4", "lime.mp4", "red.mp4"})
    assert update(catalog, videos, OverflowingEncoder()).remembered == 1
    assert update(catalog, videos, retry_failed=True).added == 1


def test_many_videos_that_are_not_finite_do_not_block_the_others(catalog: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    solid_colour_clip(folder / "0.mp4", [("red", 1.0)])
    solid_colour_clip(folder / "z.mp4", [("red", 2.0)])
    white = solid_colour_clip(tmp_path / "white.mp4", [("white", 1.0)])
    for number in range(10, 10 + 2 * MANY_IN_A_ROW):
        (folder / f"{number}.mp4").write_bytes(white.read_bytes())
    report = update(catalog, folder, OverflowingEncoder())
    assert (report.added, len(report.failed)) == (2, 2 * MANY_IN_A_ROW)


def test_a_model_that_embeds_nothing_is_named_once_and_fails_no_video(catalog: Catalog, videos: Path) -> None:
    with pytest.raises(IndexProblem, match="colors gave embeddings that are not finite numbers"):
        update(catalog, videos, OverflowingEncoder(works=False))
    assert (catalog.videos(), catalog.failures(), catalog.postponed()) == ([], [], [])
    assert update(catalog, videos).added == 3


def test_a_shard_made_without_the_files_changes_nothing(
    catalog: Catalog, videos: Path, tmp_path: Path
) -> None:
    update(catalog, videos)
    before = embeddings(catalog)
    replace_all(videos)
    files = find_videos([videos]).videos
    away = videos.with_name("away")
    videos.rename(away)
    shard = make_shard(tmp_path / "shard.sqlite3", files, ColorEncoder(), catalog.indexed_with.sampling)
    with Catalog(shard) as made:
        assert names(tuple(made.postponed())) == before.keys()
        assert made.failures() == []
    merge_shard(catalog, shard)
    assert embeddings(catalog) == before
    assert names(tuple(catalog.postponed())) == before.keys()
    away.rename(videos)
    assert update(catalog, videos).changed == 3


def test_a_shards_failure_does_not_delete_the_same_content_read_well(
    catalog: Catalog, videos: Path, tmp_path: Path
) -> None:
    update(catalog, videos)
    before = embeddings(catalog)
    path = tmp_path / "shard.sqlite3"
    with Catalog.create(path, catalog.indexed_with) as shard:
        for file in find_videos([videos]).videos:
            shard.record_failure(FailedFile(file, "no video stream"))
    merge_shard(catalog, path)
    assert (embeddings(catalog), catalog.failures()) == (before, [])


@pytest.mark.parametrize("is_late", [False, True])
def test_of_different_contents_the_one_on_disk_stays(
    catalog: Catalog, videos: Path, tmp_path: Path, is_late: bool
) -> None:
    """A shard that was made earlier and merged late must not bring old content or an old failure back."""
    (videos / "blue.mp4").rename(tmp_path / "blue.mp4")
    (videos / "blue.mp4").write_bytes(b"no video" * 100)
    shard = make_shard(
        tmp_path / "shard.sqlite3",
        find_videos([videos]).videos,
        ColorEncoder(),
        catalog.indexed_with.sampling,
    )
    shutil.copy(tmp_path / "blue.mp4", videos / "blue.mp4")
    solid_colour_clip(videos / "red.mp4", [("white", 3.0)])
    (videos / "lime.mp4").write_bytes(b"no video" * 100)
    update(catalog, videos)
    if is_late:  # as a clock that is ahead would have it
        with Catalog(shard) as made:
            made.db.execute("UPDATE videos SET indexed_at = '2999-01-01T00:00:00+00:00'")
            made.db.execute("UPDATE failures SET failed_at = '2999-01-01T00:00:00+00:00'")
    before = embeddings(catalog)
    assert before.keys() == {"blue.mp4", "red.mp4"}
    merge_shard(catalog, shard)
    assert embeddings(catalog) == before
    assert names(tuple(catalog.failures())) == {"lime.mp4"}


def test_a_rebuild_without_a_video_that_is_only_out_of_reach_is_not_complete(
    catalog: Catalog, videos: Path, tmp_path: Path
) -> None:
    update(catalog, videos)
    found = find_videos([videos])
    (videos / "red.mp4").rename(tmp_path / "red.mp4")
    with Catalog.create(tmp_path / "rebuilt" / CATALOG_FILE, catalog.indexed_with) as rebuilt:
        update(rebuilt, videos, found=found)
        check_complete(catalog, rebuilt)  # one is gone: it was deleted meanwhile
        shutil.move(tmp_path / "red.mp4", videos)
        with pytest.raises(IndexProblem, match=r"lacks 1 video out of reach, such as .*red\.mp4"):
            check_complete(catalog, rebuilt)
        assert update(rebuilt, videos).added == 1
        check_complete(catalog, rebuilt)
        videos.rename(tmp_path / "away")
        with Catalog.create(tmp_path / "empty" / CATALOG_FILE, catalog.indexed_with) as empty:
            update(empty, videos, found=found)
            with pytest.raises(IndexProblem, match="lacks 3 videos out of reach"):
                check_complete(catalog, empty)


def test_failures_of_an_older_vifi_are_tried_once_more(catalog: Catalog, videos: Path) -> None:
    (videos / "bad.mp4").write_bytes(b"\0" * 5000)
    update(catalog, videos)
    (file,) = (known.file for known in catalog.failures())
    _as_before_failure_kinds(catalog)
    catalog.close()
    with Catalog(catalog.path) as opened:
        assert opened.failures() == []
        assert [known.file for known in opened.postponed()] == [file]
        report = update(opened, videos)
        assert (report.unchanged, names(report.failed), report.remembered) == (3, {"bad.mp4"}, 0)
        assert update(opened, videos).remembered == 1


def _as_before_failure_kinds(catalog: Catalog) -> None:
    """Takes a catalog back to the first schema."""
    for column in ("kind", "runs"):
        catalog.db.execute(f"ALTER TABLE failures DROP COLUMN {column}")
    catalog.db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm003_failure_kinds'")
    catalog.db.conn.commit()
