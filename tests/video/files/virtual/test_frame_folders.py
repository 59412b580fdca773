"""Which folders of pictures are videos, and which are not."""

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.frame_folders import write_frames, write_shard
from tests.made_videos import numbered_frames, solid_picture, write_video
from vifi_cli.video.files.discovery import Discovery, find_videos
from vifi_cli.video.files.virtual.frame_folders import WantedFrameFolders, holds_frames, read_frame_folder
from vifi_cli.video.files.virtual.frame_names import numbered_names

WANTED = WantedFrameFolders(are_wanted=True)


def found(root: Path, *, frame_folders: WantedFrameFolders = WANTED) -> list[str]:
    videos = find_videos([root], frame_folders=frame_folders).videos
    return [str(video.path.relative_to(root)) for video in videos]


def photographs(folder: Path, count: int, *, sizes: tuple[int, ...] = (64,), make: str = "") -> Path:
    folder.mkdir(parents=True)
    for number in range(count):
        image = Image.fromarray(solid_picture("red", 48, sizes[number % len(sizes)]))
        exif = image.getexif()
        if make:
            exif[0x010F] = make
        image.save(folder / f"IMG_{number + 1:04}.JPG", exif=exif)
    return folder


@pytest.mark.parametrize(
    ("names", "numbers", "is_clear"),
    [
        ([f"img_{n}.jpg" for n in range(1, 13)], list(range(1, 13)), True),
        ([f"img_{n:05}.jpg" for n in range(1, 8)], list(range(1, 8)), False),  # too few
        ([f"{n}.jpg" for n in range(0, 1000, 100)], list(range(0, 1000, 100)), True),
        ([f"{n * n}.jpg" for n in range(20)], [n * n for n in range(20)], False),  # no sequence
        ([*(f"{n}.jpg" for n in range(9)), "cover.jpg"], list(range(9)), False),
        ([*(f"{n}.jpg" for n in range(9)), "1.png"], list(range(9)), False),
        ([*(f"{n}.jpg" for n in range(9)), "notes.txt", ".DS_Store", "._1.jpg"], list(range(9)), True),
        ([f"flow_x_{n:05}.jpg" for n in range(9)], None, False),
        (["cat.jpg", "dog.jpg"], None, False),
        ([], None, False),
        ([f"{n}.mp4" for n in range(20)], None, False),
    ],
)
def test_names_show_a_sequence(names: list[str], numbers: list[int] | None, is_clear: bool) -> None:
    sequence = numbered_names(names)
    assert (None if sequence is None else list(sequence.numbers)) == numbers
    assert (sequence is not None and sequence.is_clear) == is_clear


def test_frames_are_a_video_if_asked_for_and_else_counted(tmp_path: Path) -> None:
    write_frames(tmp_path / "run" / "v_1", numbered_frames(9))
    write_frames(tmp_path / "run" / "v_2", numbered_frames(9), name="{}.png")
    write_video(tmp_path / "run" / "a.mp4", numbered_frames(3))
    assert found(tmp_path) == ["run/a.mp4", "run/v_1", "run/v_2"]
    search = find_videos([tmp_path])
    assert [video.path.name for video in search.videos] == ["a.mp4"]
    assert search.skipped["frame_folder"] == 2
    named = tmp_path / "run" / "v_1"
    assert not find_videos([named]).videos, "it may hold screenshots"
    assert find_videos([named]).skipped["frame_folder"] == 1
    assert [video.path for video in find_videos([named], frame_folders=WANTED).videos] == [named]
    known = WantedFrameFolders(known={tmp_path / "run" / "v_2"})
    assert found(tmp_path, frame_folders=known) == ["run/a.mp4", "run/v_2"]


def test_a_frame_folder_is_listed_as_one_file(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "v_1", numbered_frames(9))
    search: Discovery = find_videos([tmp_path], frame_folders=WANTED)
    (video,) = search.videos
    assert video.size_bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert video.modified_ns == max(path.stat().st_mtime_ns for path in folder.iterdir())
    assert video.inode == folder.stat().st_ino
    assert search.skipped == {}


@pytest.mark.parametrize(
    "make",
    [
        lambda root: photographs(root / "photos", 20, make="Canon"),
        lambda root: photographs(root / "photos", 20, sizes=(64, 48)),
        lambda root: write_frames(root / "few", numbered_frames(4)),
        lambda root: write_frames(root / ".thumbs", numbered_frames(12)),
        lambda root: write_frames(root / "@eaDir", numbered_frames(12)),
    ],
)
def test_photographs_and_thumbnails_are_never_videos(tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path)
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    [
        *("IMG_{:04}.JPG", "IMG_20240506_150513_BURST{:03}.jpg", "IMG-20240506-WA{:04}.jpg", "DSC{:05}.JPG"),
        *("P100{:04}.JPG", "Screenshot {}.png", "scan_{:03}.png", "Slide{}.PNG", "book-page-{:03}.png"),
    ],
)
def test_unsigned_photographs_and_pages_are_known_by_their_names(tmp_path: Path, name: str) -> None:
    folder = write_frames(tmp_path / "many", (solid_picture("red") for _ in range(9)), name=name)
    assert found(tmp_path) == []
    assert find_videos([tmp_path]).skipped == {"not_video": 9}, "and the flag is not advised"
    assert [video.path for video in find_videos([folder], frame_folders=WANTED).videos] == [folder]


@pytest.mark.parametrize("name", ["img_{:05}.jpg", "image_{:05}.jpg", "{:06}.png", "v_TurnPage_g01_{}.jpg"])
def test_frames_are_not_taken_for_photographs(tmp_path: Path, name: str) -> None:
    write_frames(tmp_path / "v_1", (solid_picture("red") for _ in range(9)), name=name)
    assert found(tmp_path) == ["v_1"]


def test_photographs_are_not_a_video_when_their_folder_is_named(tmp_path: Path) -> None:
    folder = photographs(tmp_path / "photos", 12, make="Apple")
    video = write_video(folder / "a.mp4", numbered_frames(3))
    assert [one.path for one in find_videos([folder]).videos] == [video]


def test_what_is_in_and_below_a_frame_folder_is_still_found(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "v_1", numbered_frames(9))
    write_video(folder / "a.mp4", numbered_frames(3))
    write_frames(folder / "more", numbered_frames(9))
    assert found(tmp_path) == ["v_1", "v_1/a.mp4", "v_1/more"]


def test_a_link_to_a_frame_folder_is_the_same_video(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "b" / "v_1", numbered_frames(9))
    (tmp_path / "a").symlink_to(folder)
    assert found(tmp_path) == ["b/v_1"]
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "v").symlink_to(folder)
    assert found(tmp_path / "linked") == ["v"]


def test_links_that_lead_nowhere_are_no_frames(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "v_1", numbered_frames(9))
    (folder / "img_00010.jpg").symlink_to("img_00010.jpg")
    (folder / "img_00011.jpg").symlink_to(folder / "absent.jpg")
    (folder / "img_00012.jpg").mkdir()
    assert found(tmp_path) == ["v_1"]
    frames = read_frame_folder(folder)
    assert frames is not None
    assert frames.sequence.numbers == tuple(range(1, 10))


def test_an_excluded_frame_folder_is_not_found(tmp_path: Path) -> None:
    write_frames(tmp_path / "v_1", numbered_frames(9))
    assert find_videos([tmp_path], exclude=["v_*"], frame_folders=WANTED).videos == ()


def test_a_named_folder_holds_frames_if_it_has_a_numbered_picture(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "v", numbered_frames(1))
    assert holds_frames(folder)
    assert not holds_frames(tmp_path / "absent")
    assert not holds_frames(folder / "img_00001.jpg")
    assert not holds_frames(tmp_path)


def test_videos_in_shards_are_found_like_those_in_folders(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", numbered_frames(3)).read_bytes()
    members = {
        f"{number:03}.{end}": clip if end == "mp4" else b"0" for number in range(3) for end in ("mp4", "cls")
    }
    write_shard(tmp_path / "sub" / "train-0.tar", members | {"._x.mp4": b"junk", ".cache/y.mp4": b"junk"})
    write_shard(tmp_path / "backup.tar", {f"etc/{n}.conf": b"x" for n in range(9)} | {"demo.mp4": clip})
    search = find_videos([tmp_path])
    assert [str(video.path.relative_to(tmp_path)) for video in search.videos] == [
        "clip.mp4",
        *(f"sub/train-0.tar/{number:03}.mp4" for number in range(3)),
    ]
    assert search.skipped == {"not_video": 1}
    assert search.unreadable_folders == ()
    named = find_videos([tmp_path / "backup.tar"])  # named, so its videos are wanted
    assert [str(video.path.relative_to(tmp_path)) for video in named.videos] == ["backup.tar/demo.mp4"]
    assert len({video.inode for video in search.videos}) == 4
    one = find_videos([tmp_path / "sub" / "train-0.tar" / "001.mp4"])
    assert [video.size_bytes for video in one.videos] == [len(clip)]
    assert not find_videos([tmp_path], exclude=["*.tar"]).videos[1:]
    assert len(find_videos([tmp_path], exclude=["*/001.mp4"]).videos) == 3


def test_a_shard_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    shard = write_shard(tmp_path / "a.tar", {f"{number}.mp4": bytes(5000) for number in range(9)})
    content = shard.read_bytes()
    shard.write_bytes(content[:20_000])
    search = find_videos([tmp_path])
    assert len(search.videos) == 4
    assert search.unreadable_folders == (shard,)


def test_a_shard_under_two_names_is_searched_once(tmp_path: Path) -> None:
    shard = write_shard(tmp_path / "b.tar", {"0.mp4": b"abc", "1.mp4": b"abcd"})
    (tmp_path / "a.tar").symlink_to(shard)
    (tmp_path / "c.tar").hardlink_to(shard)
    assert [video.path for video in find_videos([tmp_path]).videos] == [shard / "0.mp4", shard / "1.mp4"]


def test_pictures_of_one_size_in_a_class_folder_are_found_only_when_asked(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    write_frames(tmp_path / "cats", (random.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(12)))
    search = find_videos([tmp_path])
    assert search.videos == ()
    assert search.skipped["frame_folder"] == 1


def test_a_long_sequence_is_judged_in_one_pass() -> None:
    started = time.process_time()
    sequence = numbered_names(f"img_{number}.jpg" for number in range(100_000))
    assert sequence is not None
    assert sequence.is_clear
    assert time.process_time() - started < 10
