"""Folders of frames and videos in shards come, change, move and go as files do."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from tests.frame_folders import write_frames, write_shard
from tests.made_videos import solid_colour_clip, solid_picture
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.update.indexer import IndexReport, UpdateOptions, update_index
from vifi_cli.index.update.pruning import find_prunable
from vifi_cli.video.failure_kind import FailureKind
from vifi_cli.video.files.discovery import find_videos
from vifi_cli.video.files.virtual.frame_folders import WantedFrameFolders
from vifi_cli.video.files.virtual.frame_rates import RATE_FILE

Update = Callable[..., IndexReport]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    return folder


@pytest.fixture
def update(catalog: Catalog, root: Path) -> Update:
    def run(*roots: Path, retry_failed: bool = False) -> IndexReport:
        found = find_videos(roots or [root], frame_folders=WantedFrameFolders(are_wanted=True))
        options = UpdateOptions(retry_failed=retry_failed, workers=1)
        return update_index(catalog, found, roots or [root], ColorEncoder, options)

    return run


def names(catalog: Catalog, root: Path) -> list[str]:
    return sorted(str(video.path.relative_to(root)) for video in catalog.videos())


@pytest.fixture
def frames(root: Path) -> Path:
    return write_frames(root / "run" / "v_1", (solid_picture("red") for _ in range(30)))


@pytest.fixture
def shard(root: Path, tmp_path: Path) -> Path:
    members = {}
    for number, colour in enumerate(("red", "lime", "blue")):
        clip = solid_colour_clip(tmp_path / f"{colour}.mp4", [(colour, 1.0 + number)])
        members |= {f"{number:03}.mp4": clip.read_bytes(), f"{number:03}.cls": b"0"}
    return write_shard(root / "a.tar", members)


def test_frames_are_indexed_once_and_followed_through_changes(
    catalog: Catalog, root: Path, frames: Path, update: Update
) -> None:
    assert update().in_words == "1 video added"
    assert update().in_words == "1 video up to date"
    (video,) = catalog.videos()
    assert (video.width, video.height, video.codec) == (64, 48, "mjpeg")
    assert video.duration_seconds == pytest.approx(30 / 25)

    os.utime(frames / "img_00003.jpg")
    assert update().in_words == "1 video up to date", "the same content at another time"
    frames.rename(root / "v_2")
    assert update().in_words == "1 video moved"
    shutil.copytree(root / "v_2", root / "v_3")
    assert update().in_words == "1 video added, 1 up to date"
    shutil.copy(root / "v_2" / "img_00001.jpg", root / "v_2" / "img_00031.jpg")
    assert update().in_words == "1 video changed, 1 up to date"
    assert {round(video.duration_seconds, 3) for video in catalog.videos()} == {30 / 25, 31 / 25}
    shutil.rmtree(root / "v_2")
    assert update().in_words == "1 video removed, 1 up to date"
    assert names(catalog, root) == ["v_3"]


def test_one_frame_replaced_in_place_is_a_change(frames: Path, update: Update) -> None:
    update()
    picture = frames / "img_00010.jpg"
    before = picture.stat()
    picture.write_bytes((frames / "img_00011.jpg").read_bytes()[:-2] + b"\xff\xda")
    os.utime(picture, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert update().changed == 1


def test_the_index_keeps_the_rate_with_the_video(
    catalog: Catalog, frames: Path, update: Update, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIFI_FRAME_RATE", "10")
    update()
    monkeypatch.delenv("VIFI_FRAME_RATE")
    assert update().in_words == "1 video up to date"
    (video,) = catalog.videos()
    assert video.duration_seconds == pytest.approx(3.0)
    clock = catalog.clock(video.id)
    assert clock is not None
    assert clock.frame_seconds == pytest.approx(0.1)
    (frames / RATE_FILE).write_text("5")
    assert update().in_words == "1 video changed"
    assert catalog.videos()[0].duration_seconds == pytest.approx(6.0)


def test_missing_pictures_are_a_warning(frames: Path, update: Update) -> None:
    (frames / "img_00010.jpg").unlink()
    (warning,) = update().warnings
    assert (warning.file.path, warning.reason) == (
        frames,
        "1 picture is missing among its 29 (number 10)",
    )


def test_a_named_frame_folder_that_becomes_empty_is_out_of_reach(
    catalog: Catalog, frames: Path, update: Update
) -> None:
    update(frames)
    for picture in frames.iterdir():
        picture.unlink()
    report = update(frames)
    assert (report.removed, report.out_of_reach) == (0, (frames,))
    assert not find_prunable(catalog)


def test_videos_in_a_shard_are_indexed_once_and_followed_through_changes(
    catalog: Catalog, root: Path, shard: Path, update: Update, tmp_path: Path
) -> None:
    assert update().in_words == "3 videos added"
    assert update().in_words == "3 videos up to date"
    assert names(catalog, root) == ["a.tar/000.mp4", "a.tar/001.mp4", "a.tar/002.mp4"]
    assert [round(video.duration_seconds) for video in catalog.videos()] == [1, 2, 3]
    os.utime(shard)
    assert update().in_words == "3 videos up to date"
    moved = shard.rename(root / "b.tar")
    assert update().in_words == "3 videos moved"
    clips = {
        f"{number:03}.mp4": (tmp_path / f"{colour}.mp4").read_bytes()
        for number, colour in enumerate(("red", "blue"))
    }
    write_shard(moved, clips)
    assert update().in_words == "1 video moved, 1 up to date", "the third in the place of the second"
    shutil.copy(moved, root / "c.tar")
    assert update().in_words == "2 videos added, 2 up to date"
    moved.unlink()
    assert update().in_words == "2 videos removed, 2 up to date"


def test_a_video_moved_out_of_a_shard_keeps_its_embeddings(
    root: Path, shard: Path, update: Update, tmp_path: Path
) -> None:
    update()
    shard.unlink()
    for colour in ("red", "lime", "blue"):
        shutil.copy(tmp_path / f"{colour}.mp4", root)
    assert update().in_words == "3 videos moved"


def test_a_named_shard_is_searched_again_and_loses_what_left_it(
    catalog: Catalog, root: Path, shard: Path, update: Update, tmp_path: Path
) -> None:
    update(shard)
    assert catalog.roots() == [shard]
    write_shard(shard, {"000.mp4": (tmp_path / "red.mp4").read_bytes()})
    assert update(shard).in_words == "2 videos removed, 1 up to date"
    assert names(catalog, root) == ["a.tar/000.mp4"]


def test_a_shard_that_is_cut_off_or_unreadable_loses_nothing(
    catalog: Catalog, shard: Path, update: Update
) -> None:
    update()
    content = shard.read_bytes()
    shard.write_bytes(content[:1200])
    report = update()
    assert (report.removed, report.hidden, report.out_of_reach) == (0, 2, (shard,))
    assert [failed.file.path.name for failed in report.postponed] == ["000.mp4"]
    assert not find_prunable(catalog)
    shard.write_bytes(b"\0" * 100 + content[100:])
    report = update()
    assert (report.removed, report.hidden) == (0, 3)
    shard.write_bytes(content)
    assert update().in_words == "3 videos up to date"


def test_a_folder_of_shards_that_is_empty_or_gone_loses_nothing(
    catalog: Catalog, root: Path, shard: Path, update: Update, tmp_path: Path
) -> None:
    update()
    stored = shard.rename(tmp_path / "elsewhere.tar")
    report = update()
    assert (report.removed, report.hidden, report.out_of_reach) == (0, 3, (root,))
    root.rmdir()
    assert not find_prunable(catalog)
    root.mkdir()
    stored.rename(shard)
    assert update().in_words == "3 videos up to date"


def test_a_bad_video_in_a_shard_costs_only_itself(catalog: Catalog, root: Path, update: Update) -> None:
    good = solid_colour_clip(root / "good.mp4", [("red", 1.0)])
    write_shard(root / "a.tar", {"0.mp4": b"junk" * 100, "1.mp4": good.read_bytes() + b"x", "2.mp4": b""})
    report = update()
    assert report.in_words == "2 videos added, 2 failed"
    assert {failed.file.path.name: failed.reason for failed in report.failed}["2.mp4"] == "the file is empty"
    assert all(failed.kind is FailureKind.UNREADABLE for failed in report.failed)
    assert names(catalog, root) == ["a.tar/1.mp4", "good.mp4"]
