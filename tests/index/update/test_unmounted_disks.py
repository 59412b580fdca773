"""Disks that are unmounted, replaced, bound elsewhere and mounted again, with real mounts."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.color_encoder import ColorEncoder
from tests.frame_folders import write_frames, write_shard
from tests.made_videos import solid_colour_clip, solid_picture
from tests.mounted import Mounts, mounts_allowed
from vifi_cli.disk.mount_identity import MountIdentity, MountTable, parse_mount_identity
from vifi_cli.errors import IndexProblem
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.update.indexer import IndexReport, update_index
from vifi_cli.index.update.pruning import find_prunable
from vifi_cli.index.update.rebuild import check_nothing_is_lost
from vifi_cli.video.files.discovery import find_videos
from vifi_cli.video.files.virtual.frame_folders import WantedFrameFolders

Update = Callable[[Path], IndexReport]


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    with mounts_allowed() as mounts:
        yield mounts


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return solid_colour_clip(tmp_path_factory.mktemp("clip") / "red.mp4", [("red", 1.0)])


@pytest.fixture
def update(catalog: Catalog) -> Update:
    return lambda root: update_index(catalog, find_videos([root]), [root], ColorEncoder)


def copy_to(folder: Path, clip: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True, parents=True)
    for name in names:
        shutil.copy2(clip, folder / name)
        with (folder / name).open("ab") as file:
            file.write(name.encode())  # so that no two files are alike


def assert_out_of_reach(catalog: Catalog, report: IndexReport, root: Path, door: Path, count: int) -> None:
    assert report.removed == 0
    assert report.out_of_reach == (door,)
    assert len(catalog.videos()) == count
    assert not find_prunable(catalog), "prune heeds it too"
    with pytest.raises(IndexProblem, match="out of reach"):
        check_nothing_is_lost(catalog, find_videos([root]), [root])
    found = find_prunable(catalog, [door], missing=True)
    assert {path.name for path in found.videos} == {"a.mp4", "b.mp4"}, "and the user can drop them"


def test_a_root_that_was_a_mount_point_and_is_not_empty_without_its_disk(
    catalog: Catalog, tmp_path: Path, mounts: Mounts, update: Update, clip: Path
) -> None:
    disk = mounts.mount_disk(tmp_path / "disk")
    copy_to(disk, clip, "a.mp4", "b.mp4")
    assert update(disk).added == 2
    mounts.unmount(disk)
    (disk / ".nobackup").touch()
    assert_out_of_reach(catalog, update(disk), disk, disk, 2)


def test_a_root_below_the_mount_point_with_a_folder_of_its_name_beneath(
    catalog: Catalog, tmp_path: Path, mounts: Mounts, update: Update, clip: Path
) -> None:
    disk = mounts.mount_disk(tmp_path / "disk")
    root = disk / "videos"
    copy_to(root, clip, "a.mp4", "b.mp4")
    update(root)
    mounts.unmount(disk)
    copy_to(root, clip, "beneath.mp4")
    report = update(root)
    assert report.added == 1
    assert_out_of_reach(catalog, report, root, root, 3)


def test_a_disk_mounted_deep_in_the_root(
    catalog: Catalog, tmp_path: Path, mounts: Mounts, update: Update, clip: Path
) -> None:
    root = tmp_path / "root"
    copy_to(root, clip, "kept.mp4")
    disk = mounts.mount_disk(root / "deep" / "disk")
    copy_to(disk / "inside", clip, "a.mp4", "b.mp4")
    update(root)
    mounts.unmount(disk)
    (disk / "note.txt").touch()
    assert_out_of_reach(catalog, update(root), root, disk, 3)
    disk.joinpath("note.txt").unlink()
    disk.rmdir()  # as desktops do with the folders of USB disks
    assert_out_of_reach(catalog, update(root), root, disk, 3)


def test_another_disk_at_the_same_place(
    catalog: Catalog, tmp_path: Path, mounts: Mounts, update: Update, clip: Path
) -> None:
    disk = mounts.mount_disk(tmp_path / "disk")
    copy_to(disk, clip, "a.mp4", "b.mp4")
    update(disk)
    mounts.unmount(disk)
    mounts.mount_disk(disk)
    copy_to(disk, clip, "other.mp4")
    assert_out_of_reach(catalog, update(disk), disk, disk, 3)


def test_a_folder_bound_from_the_same_file_system(
    catalog: Catalog, tmp_path: Path, mounts: Mounts, update: Update, clip: Path
) -> None:
    copy_to(tmp_path / "real", clip, "a.mp4", "b.mp4")
    root = tmp_path / "root"
    copy_to(root, clip, "kept.mp4")
    bound = mounts.bind(tmp_path / "real", root / "bound")
    update(root)
    mounts.unmount(bound)
    (bound / "note.txt").touch()
    assert_out_of_reach(catalog, update(root), root, bound, 3)


@pytest.mark.parametrize("rest", ["an empty folder", "a file", "nothing"])
def test_a_shard_and_frames_on_a_disk_that_is_away(
    catalog: Catalog, tmp_path: Path, mounts: Mounts, clip: Path, rest: str
) -> None:
    def update() -> IndexReport:
        found = find_videos([root], frame_folders=WantedFrameFolders(are_wanted=True))
        return update_index(catalog, found, [root], ColorEncoder)

    root = tmp_path / "root"
    copy_to(root, clip, "kept.mp4")
    disk = mounts.mount_disk(root / "deep" / "disk")
    write_shard(disk / "s.tar", {"0.mp4": clip.read_bytes()})
    write_frames(disk / "v_1", (solid_picture("lime") for _ in range(9)))
    frames = mounts.mount_disk(root / "v_2")  # a disk that is a frame folder itself
    for picture in (disk / "v_1").iterdir():
        shutil.copy(picture, frames)
    Image.fromarray(solid_picture("blue")).save(frames / "img_00010.jpg")
    assert update().added == 4
    for place in (disk, frames):
        mounts.unmount(place)
        if rest == "a file":
            (place / "note.txt").touch()
        elif rest == "nothing":
            place.rmdir()
    report = update()
    assert (report.removed, report.hidden, len(catalog.videos())) == (0, 3, 4)
    assert not find_prunable(catalog), "prune heeds it too"


def test_what_is_deleted_while_the_disk_is_there_is_removed(
    catalog: Catalog, tmp_path: Path, mounts: Mounts, update: Update, clip: Path
) -> None:
    disk = mounts.mount_disk(tmp_path / "disk")
    copy_to(disk, clip, "a.mp4", "b.mp4")
    update(disk)
    (disk / "a.mp4").unlink()
    report = update(disk)
    assert (report.removed, report.unchanged, report.out_of_reach) == (1, 1, ())


def test_a_disk_that_was_away_is_as_before_when_it_is_back(
    catalog: Catalog, tmp_path: Path, mounts: Mounts, update: Update, clip: Path
) -> None:
    drive = mounts.mount_disk(tmp_path / "drive")
    copy_to(drive, clip, "a.mp4", "b.mp4", "c.mp4")
    disk = mounts.bind(drive, tmp_path / "disk")
    update(disk)
    mounts.unmount(disk)
    (disk / "note.txt").touch()
    assert update(disk).removed == 0
    (drive / "a.mp4").unlink()
    mounts.bind(drive, disk)
    report = update(disk)
    assert (report.removed, report.unchanged) == (1, 2), "now it is known to be gone"


def test_a_file_system_that_returns_under_another_name_is_known_by_its_files(
    catalog: Catalog, tmp_path: Path, update: Update, clip: Path
) -> None:
    root = tmp_path / "root"
    copy_to(root, clip, "a.mp4", "b.mp4", "c.mp4")
    update(root)
    before = catalog.videos()[0].mount
    assert before is not None
    renamed = replace(before, file_system="xfs /dev/sdq9")
    catalog.note_mounts({before: renamed})
    (root / "a.mp4").unlink()
    assert [path.name for path in find_prunable(catalog).videos] == ["a.mp4"]
    assert update(root).removed == 1
    assert {video.mount for video in catalog.videos()} == {before}
    catalog.note_mounts({before: renamed})
    for path in root.iterdir():
        path.unlink()
    (root / "note.txt").touch()
    assert update(root).out_of_reach == (root,), "without any of its files it is another one"


def test_a_removed_link_to_a_disk_that_is_there_takes_its_videos_along(
    catalog: Catalog, tmp_path: Path, mounts: Mounts, update: Update, clip: Path
) -> None:
    disk = mounts.mount_disk(tmp_path / "disk")
    copy_to(disk, clip, "a.mp4", "b.mp4")
    root = tmp_path / "root"
    copy_to(root, clip, "kept.mp4")
    (root / "link").symlink_to(disk)
    update(root)
    (root / "link").unlink()
    mounts.unmount(disk)
    assert update(root).removed == 0, "the disk is away"
    (root / "link").symlink_to(disk)
    (disk / "note.txt").touch()
    assert_out_of_reach(catalog, update(root), root, root / "link", 3)


def test_the_first_run_after_an_upgrade_may_meet_an_unmounted_disk(
    catalog: Catalog, tmp_path: Path, mounts: Mounts, update: Update, clip: Path
) -> None:
    disk = mounts.mount_disk(tmp_path / "disk")
    copy_to(disk, clip, "a.mp4", "b.mp4")
    update(disk)
    catalog.db.execute("UPDATE videos SET mount = NULL, on_other_device = 0")
    mounts.unmount(disk)
    (disk / ".nobackup").touch()
    assert_out_of_reach(catalog, update(disk), disk, disk, 2)


def test_an_older_index_still_loses_what_is_deleted(
    catalog: Catalog, tmp_path: Path, update: Update, clip: Path
) -> None:
    copy_to(tmp_path / "root", clip, "a.mp4", "b.mp4")
    update(tmp_path / "root")
    catalog.db.execute("UPDATE videos SET mount = NULL")
    (tmp_path / "root" / "a.mp4").unlink()
    assert [path.name for path in find_prunable(catalog).videos] == ["a.mp4"]
    assert update(tmp_path / "root").removed == 1


def test_failures_on_a_disk_that_is_away_stay_too(
    catalog: Catalog, tmp_path: Path, mounts: Mounts, update: Update
) -> None:
    disk = mounts.mount_disk(tmp_path / "disk")
    (disk / "bad.mp4").write_bytes(b"no video")
    update(disk)
    mounts.unmount(disk)
    (disk / ".nobackup").touch()
    update(disk)
    assert [failed.file.path.name for failed in catalog.failures()] == ["bad.mp4"]


def test_a_mount_is_found_below_mounts_that_hide_others(tmp_path: Path, mounts: Mounts) -> None:
    outer = mounts.mount_disk(tmp_path / "outer")
    inner = mounts.mount_disk(outer / "in ner\n")
    table = MountTable()
    mount = table.mount_of(str(inner))
    assert mount.mount_point == str(inner)
    assert parse_mount_identity(mount.as_text()) == mount
    hiding = mounts.mount_disk(outer)
    (hiding / "in ner\n").mkdir()
    assert MountTable().mount_of(str(inner)).mount_point == str(outer)
    assert MountTable().mount_of(str(inner)) != table.mount_of(str(tmp_path))


def test_a_table_read_before_a_disk_was_mounted_is_read_again(tmp_path: Path, mounts: Mounts) -> None:
    table = MountTable()
    disk = mounts.mount_disk(tmp_path / "disk")
    assert table.mount_of(str(disk)).mount_point == str(disk)


def test_a_folder_mounted_onto_itself_is_the_same_place() -> None:
    disk = MountIdentity("disk", "/", "/")
    assert disk.is_like(MountIdentity("disk", "/videos", "/videos"))
    assert not disk.is_like(MountIdentity("disk", "/data/videos", "/videos"))
    assert not disk.is_like(MountIdentity("other disk", "/", "/"))


def test_without_a_table_the_device_tells_file_systems_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vifi_cli.disk.mounts.MOUNTS", tmp_path / "absent")
    device = os.stat(tmp_path).st_dev  # noqa: PTH116
    mount = MountTable().mount_of(str(tmp_path))
    assert mount.file_system == f"device {device:x}"
    assert os.path.ismount(mount.mount_point)
