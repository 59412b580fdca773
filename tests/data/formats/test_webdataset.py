"""Webdataset shards as labeled videos, and what is refused with the next step."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.frame_folders import write_frames, write_shard
from tests.made_videos import frame_number, numbered_frames, write_video
from vifi_cli.data.labeled_videos import LabeledVideos
from vifi_cli.data.leaks import find_leaks
from vifi_cli.data.loading import load_labeled_videos, read_own_splits
from vifi_cli.data.source import DataSource
from vifi_cli.data.video_checks import check_videos
from vifi_cli.errors import InvalidInput
from vifi_cli.video.clips.reader import read_clip
from vifi_cli.video.files.digests import equal_files

LABELS = "id,name\n0,run\n1,wave\n"


def read(text: object) -> LabeledVideos:
    return read_own_splits(DataSource.parse(str(text)))


def labeled(videos: LabeledVideos) -> dict[str, str]:
    return {
        f"{video.path.parent.name}/{video.path.name}": videos.class_names[video.label]
        for video in videos.all_videos()
    }


def samples(labels: Sequence[object], kind: str, *, clip: bytes = b"video") -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    for number, label in enumerate(labels):
        members[f"{number:04}.mp4"] = clip
        members[f"{number:04}.{kind}"] = (json.dumps(label) if kind == "json" else str(label)).encode()
    return members


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("cls", ["run", "wave", "run"]),
        ("txt", ["run\n", " wave", "run"]),
        (
            "json",
            [
                {"label": "run"},
                {"label": "wave", "url": "x", "start": 7},
                {"class_name": "run", "label_id": 7},
            ],
        ),
    ],
)
def test_labels_are_names_in_any_of_three_files(tmp_path: Path, kind: str, labels: Sequence[object]) -> None:
    shard = write_shard(tmp_path / "a.tar", samples(labels, kind))
    videos = read(shard)
    assert videos.class_names == ("run", "wave")
    assert labeled(videos) == {"a.tar/0000.mp4": "run", "a.tar/0001.mp4": "wave", "a.tar/0002.mp4": "run"}
    assert videos.missing == ()


def test_equal_clips_in_several_shards_are_held_out_together(tmp_path: Path) -> None:
    for number, name in enumerate("aabb"):
        labels = {f"{label}.cls": label.encode() for label in ("run", "wave")}
        clips = {f"{label}.mp4": f"{label}{name}".encode() for label in ("run", "wave")}
        write_shard(tmp_path / f"{number}.tar", labels | clips)
    videos = load_labeled_videos(DataSource(str(tmp_path)))
    assert (len(videos.train), len(videos.val)) == (4, 4)
    assert not find_leaks(videos, equal_files(video.path for video in videos.all_videos()))


def test_numbers_are_named_by_a_label_file(tmp_path: Path) -> None:
    shard = write_shard(tmp_path / "a.tar", samples([1, 0, 1], "cls"))
    (tmp_path / "labels.csv").write_text(LABELS)
    assert list(labeled(read(f"{shard},{tmp_path / 'labels.csv'}")).values()) == ["wave", "run", "wave"]
    with pytest.raises(
        InvalidInput, match=r"its labels are numbers; name the classes as in .*a\.tar,labels\.csv"
    ):
        read(shard)


def test_a_range_a_folder_and_splits_in_names(tmp_path: Path) -> None:
    for name in ("train-008", "train-009", "train-010", "val-000"):
        write_shard(tmp_path / f"{name}.tar", samples(["run", "wave"], "cls"))
    (tmp_path / "backup.tar").write_bytes(b"junk")
    videos = read(tmp_path)
    assert (len(videos.train), len(videos.val)) == (6, 2)
    some = read(tmp_path / "train-{008..010}.tar")
    assert (len(some.train), len(some.val)) == (6, 0)
    with pytest.raises(InvalidInput, match=r"2 of 4 shards are not there, such as .*train-011\.tar"):
        read(tmp_path / "train-{009..012}.tar")
    for pattern in ("train-{9..8}.tar", "train-{a..b}.tar", "train-{000..999999999}.tar"):
        with pytest.raises(InvalidInput, match="range"):
            read(tmp_path / pattern)


def test_folders_of_splits_hold_shards(tmp_path: Path) -> None:
    for name in ("train/000", "train/001", "test/000"):
        write_shard(tmp_path / f"{name}.tar", samples(["run", "wave"], "cls"))
    videos = read(tmp_path)
    assert (len(videos.train), len(videos.test)) == (4, 2)


def test_several_labels_and_several_videos_of_a_sample(tmp_path: Path) -> None:
    members = {
        "0.left.mp4": b"a",
        "0.right.mp4": b"b",
        "0.json": json.dumps({"label": ["run", "wave"]}).encode(),
    }
    members |= {"1.mp4": b"c", "1.json": b'{"label": "run"}'}
    videos = read(write_shard(tmp_path / "a.tar", members))
    left, right, alone = videos.train
    assert left.labels == right.labels == (0, 1)
    assert (left.group, right.group, alone.group) == ("a/0", "a/0", "")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"0.mp4": b"x"}, r"has no labels: beside 0\.mp4 there should be 0\.cls"),
        ({"0.mp4": b"x", "0.json": b'{"caption": "a dog"}'}, "has no labels"),
        ({"0.mp4": b"x", "0.json": b"{"}, r"a\.tar/0\.json is not JSON"),
        ({"0.mp4": b"x", "0.cls": b""}, r"a\.tar/0\.cls does not hold one class"),
        ({"0.mp4": b"x", "0.cls": b"run\nwave"}, "does not hold one class"),
        ({"0.jpg": b"x", "0.cls": b"1"}, "holds no videos"),
        (
            samples([f"a dog runs over hill {n}" for n in range(9)], "txt"),
            "are not classes, as most occur once, such as 'a dog runs over hill 0'",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(
    tmp_path: Path, members: Mapping[str, bytes], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(write_shard(tmp_path / "a.tar", members))


def test_a_shard_that_was_cut_off_is_used_as_far_as_it_goes_with_a_remark(tmp_path: Path) -> None:
    shard = write_shard(tmp_path / "a.tar", samples(["run", "wave"] * 4, "cls", clip=bytes(3000)))
    shard.write_bytes(shard.read_bytes()[:12_000])
    videos = read(shard)
    assert 1 <= len(videos.train) <= 3
    assert any(remark.startswith(f"{shard} is read only in part: ") for remark in videos.remarks)


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tgz", "a.TAR.ZST"])
def test_compressed_shards_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(
        InvalidInput, match=r"is compressed, and cannot be read at any place: uncompress it to \.tar"
    ):
        read(tmp_path / name)


def test_a_table_may_name_members_and_frame_folders(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", numbered_frames(6)).read_bytes()
    write_shard(tmp_path / "a.tar", {"0.mp4": clip})
    write_frames(tmp_path / "frames" / "v_1", numbered_frames(5))
    table = tmp_path / "table.csv"
    table.write_text("path,label\na.tar/0.mp4,run\nframes/v_1,wave\na.tar/1.mp4,run\nframes,run\n")
    videos = read(table)
    assert list(labeled(videos).values()) == ["run", "wave"]
    assert videos.missing == ("a.tar/1.mp4", "frames")
    counts = [len(read_clip(video.path, np.arange, 32)) for video in videos.train]
    assert counts == [6, 5]


def test_class_folders_may_hold_frame_folders(tmp_path: Path) -> None:
    for name, first in (("run", 0), ("wave", 3)):
        for number in range(2):
            frames = list(numbered_frames(first + 10))[first:]
            write_frames(
                tmp_path / "train" / name / f"v_{name}_g0{number}_c01", frames, name="frame{:06}.jpg"
            )
            write_frames(tmp_path / "val" / name / f"v_{name}_g1{number}_c01", frames)
    videos = read(tmp_path)
    assert (videos.class_names, len(videos.train), len(videos.val)) == (("run", "wave"), 4, 4)
    assert {video.group for video in videos.train} == {
        f"v_{name}_g0{n}" for name in ("run", "wave") for n in (0, 1)
    }
    clip = read_clip(videos.train[-1].path, lambda _: np.array([0, 9]), 64)
    assert [frame_number(picture) for picture in clip] == [3, 12]
    check = check_videos(videos)
    assert not check.broken
    assert len(check.duplicates) == 2, "the same pictures in several folders"
    assert {leak.by for leak in check.leaks} == {"content"}


def test_frame_folders_beside_video_files_are_not_mixed_in(tmp_path: Path) -> None:
    for name in ("run", "wave"):
        write_frames(tmp_path / name / "v_1", numbered_frames(9))
        write_video(tmp_path / name / "v_1.mp4", numbered_frames(3))
    videos = read(tmp_path)
    assert [video.path.name for video in videos.train] == ["v_1.mp4", "v_1.mp4"]
    assert "left out 2 folders of frames beside video files" in videos.remarks


def test_pictures_in_class_folders_are_not_videos(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        write_frames(tmp_path / name, numbered_frames(12))
    with pytest.raises(InvalidInput, match="has no videos in class folders"):
        read(tmp_path)


def test_lists_of_rawframes_are_read(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_frames(tmp_path / name, numbered_frames(9))
    (tmp_path / "labels.csv").write_text(LABELS)
    (tmp_path / "list.txt").write_text("a 9 0\nb 9 1\n")
    videos = read(f"{tmp_path / 'list.txt'},{tmp_path / 'labels.csv'}")
    assert [(video.path.name, video.label) for video in videos.train] == [("a", 0), ("b", 1)]
