"""Folders of frames and shards through every command that meets a video: index, search, cut, open, similar."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Vifi
from tests.frame_folders import write_frames, write_shard
from tests.made_videos import solid_colour_clip, solid_picture
from vifi_cli.video.container.container import open_video

pytestmark = pytest.mark.usefixtures("starter")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    write_frames(folder / "frames" / "v_1", (solid_picture("red", 96, 128) for _ in range(50)))
    clip = solid_colour_clip(tmp_path / "clip.mp4", [("blue", 2.0)], height=96, width=128)
    write_shard(folder / "a.tar", {"0.mp4": clip.read_bytes(), "0.txt": b"blue"})
    return folder


def test_from_the_index_to_a_cut(
    vifi: Vifi, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = vifi("index", "--model", "starter", str(root))
    assert "1 video added" in first.stdout
    assert (
        "1 folder of numbered pictures looks like the frames of a video: `vifi index --frame-folders`"
        in first.stderr
    )
    monkeypatch.setenv("VIFI_FRAME_RATE", "10")
    assert "1 video added, 1 up to date" in vifi("index", "--frame-folders", str(root)).stdout
    monkeypatch.delenv("VIFI_FRAME_RATE")

    frames, member = root / "frames" / "v_1", root / "a.tar" / "0.mp4"
    found = vifi("search", "a color", "--min-score", "0", "--json")
    assert "no longer where indexed" not in found.stderr
    hits = {hit["path"]: hit for hit in json.loads(found.stdout)["hits"]}
    assert set(hits) == {str(frames), str(member)}
    assert hits[str(frames)]["end_seconds"] > 4.0, "50 frames at 10 a second, as they were indexed"

    made = vifi("cut", f"{frames}@0:01-0:04", f"{member}@0:00-0:01", "--output", str(tmp_path / "cuts"))
    assert made.exit_code == 0, made.stderr
    clips = sorted((tmp_path / "cuts").iterdir())
    for clip, seconds in zip(clips, (3.0, 1.0), strict=True):
        with open_video(clip) as video:
            assert video.duration_seconds == pytest.approx(seconds, abs=0.11)

    for place, what in ((frames, "a folder of frames"), (member, "inside a tar file")):
        opened = vifi("open", str(place))
        assert opened.exit_code == 2
        assert f"{what}, which players do not open: use `vifi cut {place}@0:00-`" in opened.stderr
        similar = vifi("similar", str(place), "--json", "--min-score", "0")
        assert similar.exit_code == 0, similar.stderr

    write_frames(root / "frames" / "v_2", (solid_picture("lime", 96, 128) for _ in range(50)))
    assert "1 video added, 2 up to date" in vifi("index").stdout, "asked for once, and for this folder"
    assert (
        "a tar file: name a video in it, such as a.tar/000000.mp4"
        in vifi("similar", str(root / "a.tar")).stderr
    )

    (root / "a.tar").write_bytes((root / "a.tar").read_bytes()[:900])
    assert f"{root / 'a.tar'} is missing, unreadable, or cut off: what is indexed" in vifi("index").stderr


def test_frame_folders_are_found_again_only_under_the_folder_that_was_named(
    vifi: Vifi, tmp_path: Path
) -> None:
    wanted = write_frames(tmp_path / "all" / "frames" / "v.mp4", (solid_picture("lime") for _ in range(9)))
    vifi("index", "--model", "starter", "--frame-folders", str(wanted.parent))
    for folder in (tmp_path / "all" / "shots", wanted.parent / "w"):
        write_frames(folder, (solid_picture("red") for _ in range(9)))
    outcome = vifi("index", str(tmp_path / "all"))
    assert "1 video added, 1 up to date" in outcome.stdout
    assert "1 folder of numbered pictures looks like" in outcome.stderr
