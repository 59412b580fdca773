"""Training videos that give tests away are found by file, content, name and group."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

from tests.data.conftest import MakeFiles
from tests.data.test_video_checks import labeled
from tests.sampled_files import flip_between_samples
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.data.leaks import find_leaks, leaks_between
from vifi_cli.video.files.digests import BLOCK_BYTES, SAMPLED_BLOCKS, equal_files


def test_leaks_by_file_and_by_group() -> None:
    train = labeled(Path("/v"), "v_Swing_g01_c01.avi", "v_Swing_g02_c01.avi", "v_Dive_g03_c01.avi", "x.avi")
    val = labeled(Path("/v"), "v_swing_g01_c02.avi", "v_Dive_g02_c01.avi", "x.avi")
    videos = LabeledVideos("set", ("a", "b"), train, val, val)
    leaks = find_leaks(videos)
    assert [(leak.by, leak.split, leak.train.name) for leak in leaks] == [
        ("group", "val", "v_Swing_g01_c01.avi"),
        ("file", "val", "x.avi"),
    ]
    assert find_leaks(replace(videos, val=(), test=val[1:2])) == []


def test_what_a_model_learned_from_is_found_among_what_it_is_tested_with(
    tmp_path: Path, make_files: MakeFiles
) -> None:
    make_files(tmp_path, ("a.mp4", "b.mp4", "new/c.mp4", "d.mp4"))
    shutil.copy(tmp_path / "b.mp4", tmp_path / "new" / "copy.mp4")
    learned = [
        *labeled(tmp_path, "a.mp4", "b.mp4", "gone/C.mp4", "x.mp4"),
        LabeledVideo(tmp_path / "e.mp4", 0, "eve"),
    ]
    tested = [
        *labeled(tmp_path, "a.mp4", "new/copy.mp4", "new/c.mp4"),
        LabeledVideo(tmp_path / "d.mp4", 1, "eve"),
    ]
    found = [(leak.by, leak.train.name, leak.held_out.name) for leak in leaks_between(learned, tested)]
    assert found == [
        ("file", "a.mp4", "a.mp4"),
        ("content", "b.mp4", "copy.mp4"),
        ("group", "e.mp4", "d.mp4"),
    ]
    by_name = leaks_between(learned, tested, by_name=True)
    assert [leak.by for leak in by_name] == ["file", "content", "name", "group"]
    assert leaks_between(learned[3:4], tested) == []


def test_recordings_that_agree_in_all_samples_are_not_equal(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.avi", "b.avi", "c.avi")]
    for path in paths:
        path.touch()
        os.truncate(path, SAMPLED_BLOCKS * BLOCK_BYTES + 4_000_000)
    flip_between_samples(paths[1])
    assert equal_files(paths) == [(paths[0], paths[2])]
