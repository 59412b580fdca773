"""Whether a file still has the content that was indexed: replaced, touched, moved, and dated oddly."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.color_encoder import ColorEncoder
from tests.made_videos import solid_colour_clip
from tests.sampled_files import flip_between_samples, replace_in_place
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import FailedFile
from vifi_cli.index.update.changes import Changes, find_changes
from vifi_cli.index.update.encoding import encode_videos
from vifi_cli.index.update.indexer import IndexReport, UpdateOptions, update_index
from vifi_cli.video.failure_kind import FailureKind
from vifi_cli.video.files.digests import BLOCK_BYTES, SAMPLED_BLOCKS, content_fingerprint
from vifi_cli.video.files.discovery import find_videos
from vifi_cli.video.files.video_file import VideoFile

Update = Callable[[], IndexReport]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "videos"
    path.mkdir()
    return path


@pytest.fixture
def update(catalog: Catalog, folder: Path) -> Update:
    return lambda: update_index(catalog, find_videos([folder]), [folder], ColorEncoder)


LARGE_BYTES = SAMPLED_BLOCKS * BLOCK_BYTES + 4_000_000
"""Of this size, the sampled fingerprint omits about 60,000 bytes between two samples."""


def preallocated(path: Path, colour: str, size_bytes: int = LARGE_BYTES) -> Path:
    """A clip in an AVI, padded to a size, as a recorder preallocates it."""
    solid_colour_clip(path, [(colour, 1.0)], codec="mjpeg", pixel_format="yuvj420p", container="avi")
    assert path.stat().st_size < size_bytes
    os.truncate(path, size_bytes)
    return path


def color_of(catalog: Catalog, path: Path) -> list[int]:
    """The signs of the mean color of an indexed video's frames."""
    video = catalog.video_at(path)
    assert video is not None
    _, embeddings = catalog.frames(video.id)
    return np.sign(embeddings.mean(axis=0)).astype(int).tolist()


def changes(catalog: Catalog, folder: Path) -> Changes:
    return find_changes(catalog, find_videos([folder]), [folder])


@pytest.mark.parametrize("way", ["in place", "by another file"])
def test_other_content_of_equal_size_and_time_is_read(
    catalog: Catalog, folder: Path, update: Update, way: str
) -> None:
    path = preallocated(folder / "a.avi", "red")
    other = preallocated(folder.parent / "b.avi", "blue")
    update()
    if way == "in place":
        replace_in_place(path, other.read_bytes())
    else:
        status = path.stat()
        os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
        other.replace(path)
    assert update().changed == 1
    assert color_of(catalog, path) == [-1, -1, 1]


def test_a_change_between_the_samples_is_read(catalog: Catalog, folder: Path, update: Update) -> None:
    path = preallocated(folder / "a.avi", "red")
    update()
    before = content_fingerprint(path)
    flip_between_samples(path)
    assert content_fingerprint(path) == before, "the samples do not show it"
    found = changes(catalog, folder)
    assert [file.path for file in found.changed] == [path]
    assert not found.touched


def test_new_rights_links_and_times_decode_nothing(catalog: Catalog, folder: Path, update: Update) -> None:
    for name, colour in (("a", "red"), ("b", "blue"), ("c", "lime")):
        preallocated(folder / f"{name}.avi", colour)
    update()
    (folder / "a.avi").chmod(0o600)
    os.link(folder / "b.avi", folder.parent / "second name")
    os.utime(folder / "c.avi")
    windows = catalog.window_ids().tolist()
    found = changes(catalog, folder)
    assert [file.path.name for _, file in found.touched] == ["a.avi", "b.avi", "c.avi"]
    report = update()
    assert (report.unchanged, report.changed, report.video_seconds) == (3, 0, 0)
    assert catalog.window_ids().tolist() == windows
    settled = changes(catalog, folder)
    assert (settled.unchanged, settled.touched, settled.learned) == (3, (), ()), "the new state is noted"


def test_a_renamed_file_is_not_read_and_a_copy_is_read_once(
    catalog: Catalog, folder: Path, update: Update, monkeypatch: pytest.MonkeyPatch
) -> None:
    preallocated(folder / "a.avi", "red")
    update()
    (folder / "a.avi").rename(folder / "b.avi")
    with monkeypatch.context() as unread:
        unread.setattr("vifi_cli.index.catalog.twins.complete_digest", None)
        assert update().moved == 1
    shutil.copy(folder / "b.avi", folder / "c.avi")
    report = update()
    assert (report.added, report.video_seconds) == (1, 0)


def test_recordings_of_equal_size_and_samples_are_not_one_moved_file(
    catalog: Catalog, folder: Path, update: Update
) -> None:
    first = preallocated(folder / "1.avi", "red")
    update()
    second = folder / "2.avi"
    shutil.copy2(first, second)
    flip_between_samples(second)
    assert content_fingerprint(first) == content_fingerprint(second)
    copied = changes(catalog, folder)
    assert [file.path for file in copied.new] == [second]
    first.unlink()
    moved = changes(catalog, folder)
    assert (moved.moved, moved.gone) == ((), (first,))


def test_an_old_catalogue_learns_what_it_does_not_know(
    catalog: Catalog, folder: Path, update: Update
) -> None:
    path = preallocated(folder / "a.avi", "red")
    preallocated(folder / "b.avi", "blue")
    (folder / "bad.mp4").write_bytes(b"no video")
    update()
    for table in ("videos", "failures"):
        catalog.db.execute(f"UPDATE {table} SET status_changed_ns = NULL, inode = NULL, mount = NULL")
    catalog.db.execute("UPDATE videos SET digest = NULL")
    report = update()
    assert (report.unchanged, report.remembered, report.video_seconds) == (2, 1, 0), "nothing is read again"
    known = catalog.video_at(path)
    assert known is not None
    assert (known.status_changed_ns, known.inode) == (path.stat().st_ctime_ns, path.stat().st_ino)
    assert known.mount is not None
    path.rename(folder / "c.avi")
    assert update().moved == 1, "samples recognize moves"
    os.utime(folder / "b.avi")
    assert update().changed == 1, "samples do not prove that the content is the same"


def test_file_systems_that_count_inodes_anew_cost_no_reading(
    catalog: Catalog, folder: Path, update: Update
) -> None:
    for name in "abcd":
        solid_colour_clip(folder / f"{name}.mp4", [("red", 1.0)])
        os.utime(folder / f"{name}.mp4", ns=(10**18, 10**18))
    update()
    # FAT: the change of status is the time of modification
    catalog.db.execute("UPDATE videos SET status_changed_ns = modified_ns")
    seen = find_videos([folder])

    def renumbered(count: int) -> Changes:
        files = tuple(
            VideoFile(
                file.path,
                file.size_bytes,
                file.modified_ns,
                file.modified_ns,
                (file.inode or 0) + (position < count),
                mount=file.mount,
            )
            for position, file in enumerate(seen.videos)
        )
        return find_changes(catalog, type(seen)(seen.roots, files), [folder])

    assert (renumbered(4).unchanged, renumbered(4).touched) == (4, ())
    assert len(renumbered(1).touched) == 1, "one file of another number may be another file"


def test_comparing_reports_how_far_it_is_and_keeps_what_is_compared(
    catalog: Catalog, folder: Path, update: Update, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.avi", "b.avi"):
        preallocated(folder / name, "red" if name == "a.avi" else "blue")
    update()
    for path in folder.iterdir():
        os.utime(path)
    monkeypatch.setattr("vifi_cli.index.update.changes.SILENT_SECONDS", -1.0)
    reports: list[tuple[int, int]] = []

    def interrupt(done: int, total: int) -> None:
        reports.append((done, total))
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        update_index(
            catalog, find_videos([folder]), [folder], ColorEncoder, UpdateOptions(on_compare=interrupt)
        )
    assert {total for _, total in reports} == {2 * LARGE_BYTES}
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)
    found = changes(catalog, folder)
    assert (found.unchanged, len(found.touched)) == (1, 1), "the first file is not read again"


@pytest.mark.parametrize(
    "time_ns",
    [10_413_792_000 * 10**9, 253_402_300_799 * 10**9, 0, -1, -(2**31) * 10**9, 2**33 * 10**9],
    ids=["2300", "9999", "zero", "before 1970", "1901", "2242"],
)
def test_files_of_any_date_are_indexed_and_stay_known(
    folder: Path, catalog: Catalog, update: Update, time_ns: int
) -> None:
    path = solid_colour_clip(folder / "a.mp4", [("red", 1.0)])
    os.utime(path, ns=(time_ns, time_ns))
    if path.stat().st_mtime_ns != time_ns:
        pytest.skip("this file system cannot hold the date")
    assert update().added == 1
    assert update().unchanged == 1
    video = catalog.video_at(path)
    assert video is not None
    assert video.modified_ns == min(time_ns, 2**63 - 2)


def test_inodes_beyond_what_sqlite_holds_are_kept_apart() -> None:
    status = os.stat_result(
        (0o100644, 2**64 - 1, 1, 1, 0, 0, 5, 0, 0, 0), {"st_mtime_ns": 0, "st_ctime_ns": 0}
    )
    assert VideoFile.seen(Path("a.mp4"), status).inode == 2**63 - 1


def test_a_file_that_changes_while_it_is_read_is_not_stored(folder: Path, catalog: Catalog) -> None:
    path = solid_colour_clip(folder / "a.mp4", [("red", 1.0)])
    found = find_videos([folder])
    replace_in_place(path, path.read_bytes())  # the times show it, the size and the content do not
    (failed,) = encode_videos(found.videos, ColorEncoder(), catalog.indexed_with.sampling)
    assert failed == FailedFile(found.videos[0], "it changed while it was read", FailureKind.OUT_OF_REACH)
