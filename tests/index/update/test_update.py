"""Bringing an index up to date with real files: what is new, changed, moved, copied, gone, unreadable."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.color_encoder import ColorEncoder
from tests.made_videos import solid_colour_clip
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import EncodedVideo
from vifi_cli.index.catalog.video_filter import VideoFilter
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.video_index import VideoIndex
from vifi_cli.index.update.encoding import Progress, encode_videos
from vifi_cli.index.update.indexer import IndexReport, UpdateOptions, update_index
from vifi_cli.index.update.pruning import find_prunable
from vifi_cli.index.update.rebuild import check_nothing_is_lost
from vifi_cli.index.update.shards import make_shard, merge_shard, store_all
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.discovery import Discovery, find_videos
from vifi_cli.video.files.video_file import VideoFile


@dataclass(frozen=True)
class CountingEncoder(ColorEncoder):
    """A colour encoder that remembers the sizes of the batches it was given."""

    batches: list[int] = field(default_factory=list)

    def encode_frames(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        self.batches.append(len(pixels))
        return super().encode_frames(pixels)


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    (folder / "deep").mkdir(parents=True)
    solid_colour_clip(folder / "red.mp4", [("red", 2.0)])
    solid_colour_clip(folder / "blue.mp4", [("blue", 3.0)])
    solid_colour_clip(folder / "deep" / "red then blue.mkv", [("red", 3.0), ("blue", 3.0)])
    return folder


Update = Callable[..., IndexReport]


@pytest.fixture
def update(catalog: Catalog, videos: Path) -> Update:
    def run(*roots: Path, exclude: tuple[str, ...] = (), retry_failed: bool = False) -> IndexReport:
        found = find_videos(roots or [videos], exclude=exclude)
        return update_index(
            catalog, found, roots or [videos], ColorEncoder, UpdateOptions(retry_failed=retry_failed)
        )

    return run


def counts(report: IndexReport) -> dict[str, int]:
    names = ("added", "changed", "moved", "unchanged", "removed")
    found = {name: getattr(report, name) for name in names} | {"failed": len(report.failed)}
    return {name: number for name, number in found.items() if number}


def names(catalog: Catalog) -> set[str]:
    return {video.path.name for video in catalog.videos()}


def test_the_moment_of_a_colour_is_found(catalog: Catalog, update: Update) -> None:
    assert counts(update()) == {"added": 3}
    with VideoIndex(catalog.path.parent) as index:
        hits = index.search(ColorEncoder().encode_texts(["blue"])[0], RankingOptions(top=2, per_video=1))
    assert {hit.path.name for hit in hits} == {"blue.mp4", "red then blue.mkv"}
    (moment,) = [hit for hit in hits if hit.path.name == "red then blue.mkv"]
    assert 2.4 <= moment.start_seconds < moment.end_seconds <= 6.01


def test_a_second_run_opens_nothing(catalog: Catalog, videos: Path) -> None:
    def no_encoder() -> ColorEncoder:
        raise AssertionError("nothing is to be encoded")

    update_index(catalog, find_videos([videos]), [videos], ColorEncoder)
    revision = catalog.revision
    report = update_index(catalog, find_videos([videos]), [videos], no_encoder)
    assert counts(report) == {"unchanged": 3}
    assert catalog.revision == revision


def test_a_changed_file_is_replaced(catalog: Catalog, videos: Path, update: Update) -> None:
    update()
    solid_colour_clip(videos / "red.mp4", [("lime", 4.0)])
    assert counts(update()) == {"changed": 1, "unchanged": 2}
    with VideoIndex(catalog.path.parent) as index:
        best = index.search(ColorEncoder().encode_texts(["green"])[0], RankingOptions(top=1))[0]
    assert best.path.name == "red.mp4"


def test_an_edit_that_keeps_the_size_is_seen(catalog: Catalog, videos: Path, update: Update) -> None:
    update()
    path = videos / "blue.mp4"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    report = update()
    assert report.unchanged == 2
    assert report.changed + len(report.failed) == 1


def test_a_touched_file_is_not_decoded_again(catalog: Catalog, videos: Path, update: Update) -> None:
    update()
    windows = catalog.window_ids().tolist()
    os.utime(videos / "red.mp4", ns=(10**18, 10**18))
    assert counts(update()) == {"unchanged": 3}
    assert catalog.window_ids().tolist() == windows
    assert {v.modified_ns for v in catalog.videos() if v.path.name == "red.mp4"} == {10**18}


def test_a_moved_file_keeps_its_embeddings(catalog: Catalog, videos: Path, update: Update) -> None:
    update()
    windows = catalog.window_ids().tolist()
    (videos / "red.mp4").rename(videos / "deep" / "crimson.mp4")
    assert counts(update()) == {"moved": 1, "unchanged": 2}
    assert names(catalog) == {"crimson.mp4", "blue.mp4", "red then blue.mkv"}
    assert catalog.window_ids().tolist() == windows


def test_files_that_swap_names_are_both_moved(catalog: Catalog, videos: Path, update: Update) -> None:
    update()
    (videos / "red.mp4").rename(videos / "tmp")
    (videos / "blue.mp4").rename(videos / "red.mp4")
    (videos / "tmp").rename(videos / "blue.mp4")
    assert counts(update()) == {"moved": 2, "unchanged": 1}
    with VideoIndex(catalog.path.parent) as index:
        (hit,) = index.search(
            ColorEncoder().encode_texts(["blue"])[0],
            RankingOptions(top=1, among=VideoFilter(path_pattern="red.mp4")),
        )
    assert hit.cosine > 0.99


def test_a_renamed_folder_moves_all_in_it(catalog: Catalog, videos: Path, update: Update) -> None:
    update()
    (videos / "deep").rename(videos / "deeper")
    assert counts(update()) == {"moved": 1, "unchanged": 2}


def test_a_copy_is_added_without_decoding(catalog: Catalog, videos: Path, update: Update) -> None:
    update()
    shutil.copy(videos / "red.mp4", videos / "second.mp4")
    report = update()
    assert counts(report) == {"added": 1, "unchanged": 3}
    assert report.video_seconds == 0
    assert "second.mp4" in names(catalog)


def test_a_file_that_is_gone_is_removed(catalog: Catalog, videos: Path, update: Update) -> None:
    update()
    (videos / "red.mp4").unlink()
    assert counts(update()) == {"removed": 1, "unchanged": 2}
    assert names(catalog) == {"blue.mp4", "red then blue.mkv"}


def test_an_unplugged_disk_loses_nothing(
    catalog: Catalog, tmp_path: Path, videos: Path, update: Update
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    solid_colour_clip(disk / "white.mp4", [("white", 2.0)])
    update(videos, disk)
    shutil.rmtree(disk)
    disk.mkdir()  # the mount point is there and empty
    report = update(videos, disk)
    assert counts(report) == {"unchanged": 3}
    assert report.out_of_reach == (disk,)
    assert "white.mp4" in names(catalog)


def test_other_folders_are_left_alone(catalog: Catalog, videos: Path, tmp_path: Path, update: Update) -> None:
    update()
    other = tmp_path / "other"
    other.mkdir()
    solid_colour_clip(other / "white.mp4", [("white", 2.0)])
    (videos / "red.mp4").unlink()
    assert counts(update(other)) == {"added": 1}
    assert "red.mp4" in names(catalog), "its folder was not asked about"


def test_exclude_never_deletes(catalog: Catalog, update: Update) -> None:
    update()
    report = update(exclude=("deep",))
    assert counts(report) == {"unchanged": 2}
    assert report.skipped == 1
    assert len(catalog.videos()) == 3


def test_a_folder_that_cannot_be_read_keeps_its_videos(
    catalog: Catalog, videos: Path, update: Update
) -> None:
    update()
    shutil.move(videos / "deep", videos.parent)
    (videos / "deep").symlink_to(videos / "deep")  # a loop: the system refuses to look into it, whoever asks
    report = update()
    assert counts(report) == {"unchanged": 2}
    assert report.out_of_reach == (videos / "deep",)
    assert len(catalog.videos()) == 3


def test_a_bad_file_costs_only_itself_and_is_remembered(
    catalog: Catalog, videos: Path, update: Update
) -> None:
    (videos / "bad.mp4").write_bytes(b"\0" * 5000)
    (videos / "empty.mp4").touch()
    report = update()
    assert counts(report) == {"added": 3, "failed": 2}
    assert {failed.file.path.name: bool(failed.reason) for failed in report.failed} == {
        "bad.mp4": True,
        "empty.mp4": True,
    }
    again = update()
    assert counts(again) == {"unchanged": 3, "failed": 2}
    assert again.remembered == 2
    assert update(retry_failed=True).remembered == 0
    shutil.copy(videos / "red.mp4", videos / "bad.mp4")
    (videos / "empty.mp4").unlink()
    assert counts(update()) == {"added": 1, "unchanged": 3}, "a file that was never indexed is not removed"
    assert not catalog.failures()


def test_the_order_of_files_does_not_mix_up_their_frames(catalog: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    colors = ["red", "lime", "blue", "yellow", "white", "black"]
    for number in range(12):
        solid_colour_clip(folder / f"{number:02}-{colors[number % 6]}.mp4", [(colors[number % 6], 1.0)])
    (folder / "05-broken.mp4").write_bytes(b"no video at all" * 100)
    encoder = CountingEncoder()
    update_index(catalog, find_videos([folder]), [folder], lambda: encoder, UpdateOptions(workers=2))
    for video in catalog.videos():
        _, embeddings = catalog.frames(video.id)
        color = video.path.stem.partition("-")[2].replace("lime", "green")
        expected = ColorEncoder().encode_texts([color])[0]
        unit = embeddings.astype(np.float32) / np.linalg.norm(
            embeddings.astype(np.float32), axis=1, keepdims=True
        )
        assert (unit @ expected > 0.98).all(), video.path
    assert len(catalog.videos()) == 12
    assert max(encoder.batches) > 10, "frames are batched across videos"


def test_shards_made_apart_give_the_same_catalogue(catalog: Catalog, videos: Path, tmp_path: Path) -> None:
    files = find_videos([videos]).videos
    for number, part in enumerate((files[:1], files[1:])):
        shard = make_shard(
            tmp_path / f"{number}.sqlite3", part, ColorEncoder(), catalog.indexed_with.sampling
        )
        merge_shard(catalog, shard)
    report = update_index(catalog, find_videos([videos]), [videos], ColorEncoder)
    assert counts(report) == {"unchanged": 3}


def test_a_link_to_an_unplugged_disk_loses_nothing(
    catalog: Catalog, videos: Path, tmp_path: Path, update: Update
) -> None:
    disk = tmp_path / "disk"
    (videos / "deep").rename(disk)
    (videos / "deep").symlink_to(disk)
    assert counts(update()) == {"added": 3}
    disk.rename(tmp_path / "unplugged")
    report = update()
    assert counts(report) == {"unchanged": 2}
    assert report.out_of_reach == (videos / "deep",)
    disk.mkdir()
    assert counts(update()) == {"unchanged": 2}
    assert len(catalog.videos()) == 3


def test_a_root_within_a_root_is_a_disk_of_its_own(catalog: Catalog, videos: Path, update: Update) -> None:
    update(videos, videos / "deep")
    (videos / "deep").rename(videos.parent / "unplugged")
    report = update(videos)
    assert counts(report) == {"unchanged": 2}
    assert report.out_of_reach == (videos / "deep",)
    assert not find_prunable(catalog)


def test_what_lay_on_a_disk_mounted_below_the_root_stays_without_it(catalog: Catalog, videos: Path) -> None:
    seen = find_videos([videos])
    mounted = tuple(replace(file, on_other_device=file.path.parent.name == "deep") for file in seen.videos)
    update_index(catalog, Discovery(seen.roots, mounted), [videos], ColorEncoder)
    shutil.rmtree(videos / "deep")
    (videos / "deep").mkdir()
    report = update_index(catalog, find_videos([videos]), [videos], ColorEncoder)
    assert counts(report) == {"unchanged": 2}
    assert report.out_of_reach == (videos / "deep",)


def test_an_emptied_folder_below_the_root_has_lost_its_videos(
    catalog: Catalog, videos: Path, update: Update
) -> None:
    update()
    (videos / "deep" / "red then blue.mkv").unlink()
    assert counts(update()) == {"removed": 1, "unchanged": 2}


def test_a_file_that_cannot_be_opened_now_keeps_its_embeddings(catalog: Catalog, videos: Path) -> None:
    update_index(catalog, find_videos([videos]), [videos], ColorEncoder)
    seen = find_videos([videos])
    vanished = VideoFile(videos / "red.mp4" / "not a folder", 1, 1)
    changed = tuple(replace(file, modified_ns=1, path=vanished.path) for file in seen.videos[1:2])
    report = update_index(catalog, Discovery(seen.roots, changed), [videos], ColorEncoder)
    assert not report.failed
    (failed,) = report.postponed
    assert failed.reason.startswith("cannot be opened")
    assert not catalog.failures(), "it is tried again next time"
    assert len(catalog.videos()) == 3


def test_a_move_and_a_copy_over_the_old_place_lose_nothing(
    catalog: Catalog, videos: Path, update: Update
) -> None:
    update()
    (videos / "red.mp4").rename(videos / "crimson.mp4")
    shutil.copy(videos / "blue.mp4", videos / "red.mp4")
    assert counts(update()) == {"added": 1, "moved": 1, "unchanged": 2}
    assert names(catalog) == {"crimson.mp4", "red.mp4", "blue.mp4", "red then blue.mkv"}
    assert counts(update()) == {"unchanged": 4}


def test_a_file_reached_by_a_link_first_and_then_directly_is_one_video(
    catalog: Catalog, videos: Path, tmp_path: Path, update: Update
) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / "all").symlink_to(videos)
    assert counts(update(links)) == {"added": 3}
    assert counts(update(links, videos)) == {"moved": 3}
    assert {video.path.parent for video in catalog.videos()} == {videos, videos / "deep"}


def test_a_path_that_became_a_folder_is_a_video_no_more(
    catalog: Catalog, videos: Path, update: Update
) -> None:
    update()
    (videos / "red.mp4").unlink()
    (videos / "red.mp4").mkdir()
    assert counts(update()) == {"removed": 1, "unchanged": 2}


def test_a_lone_file_that_is_gone_is_forgotten_with_its_root(
    catalog: Catalog, videos: Path, update: Update
) -> None:
    update(videos / "red.mp4")
    assert catalog.roots() == [videos / "red.mp4"]
    update(videos)
    update(videos / "blue.mp4")
    assert catalog.roots() == [videos, videos / "red.mp4"], "a file under a root is not a root"
    (videos / "red.mp4").unlink()
    assert counts(update()) == {"removed": 1, "unchanged": 2}
    assert catalog.roots() == [videos]


@pytest.mark.parametrize("name", ["clip.bak", ".hidden.mp4", "clip.lrv"])
def test_a_named_file_that_a_search_of_its_folder_skips_is_followed(
    catalog: Catalog, videos: Path, update: Update, name: str
) -> None:
    file = shutil.move(solid_colour_clip(videos / "new.mp4", [("lime", 2.0)]), videos / name)
    update(videos, file)
    assert catalog.roots() == [videos, file]
    check_nothing_is_lost(catalog, find_videos(catalog.roots()), catalog.roots())
    shutil.copy(videos / "blue.mp4", file)
    assert counts(update(*catalog.roots())) == {"added": 1, "unchanged": 3}


def test_what_a_run_remembers_does_not_grow_with_the_videos(catalog: Catalog, videos: Path) -> None:
    files = find_videos([videos]).videos
    for video in store_all(catalog, encode_videos(files, ColorEncoder(), catalog.indexed_with.sampling)):
        assert isinstance(video, EncodedVideo)
        assert video.embeddings.base is None
        assert video.embeddings.size == video.seconds.size == 0


def test_progress_grows_within_a_long_video(tmp_path: Path) -> None:
    clip = solid_colour_clip(tmp_path / "long.mp4", [("red", 80.0), ("blue", 80.0)], fps=2.0)
    reports: list[Progress] = []
    (encoded,) = encode_videos(
        find_videos([clip]).videos, ColorEncoder(), FrameSampling(), on_progress=reports.append
    )
    assert isinstance(encoded, EncodedVideo)
    size_bytes = clip.stat().st_size
    shares = [report.bytes_done / size_bytes for report in reports]
    assert shares == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0], abs=0.02)
    assert [report.files_done for report in reports] == [0, 0, 0, 0, 0, 1]
