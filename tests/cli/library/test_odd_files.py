"""What users see of files that hold more, or something else, than a film."""

import json
from pathlib import Path

from PIL import Image

from tests.cli.conftest import Vifi
from tests.made_videos import numbered_frames, solid_picture, write_video
from tests.video.container.test_motion_photos import motion_photo
from tests.video.container.test_stream_choice import FILM, Track, write_tracks


def test_each_file_is_indexed_or_named_with_a_reason(vifi: Vifi, tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    write_video(folder / "plain.mp4", numbered_frames(30))
    write_tracks(folder / "thumbnail.mkv", [Track(1, codec="mjpeg", color="red"), FILM])
    motion_photo(folder / "PXL_1.MP.jpg")
    (folder / "list.mp4").write_text("ffconcat version 1.0\nfile plain.mp4\n" * 2)
    Image.fromarray(solid_picture("red")).save(folder / "picture.mp4", "PNG")
    outcome = vifi("index", folder, "--model", tiny, "--device", "cpu", "--json")
    assert outcome.exit_code == 3
    report = json.loads(outcome.stdout)
    assert report["added"] == 3
    assert report["failed"] == [
        {
            "path": str(folder / "list.mp4"),
            "reason": "a playlist, which names other files: name those instead",
        },
        {"path": str(folder / "picture.mp4"), "reason": "a picture, not a video"},
    ]
    ignored = "only video stream #1 (160x64) is read, not #0 (160x64, a single picture)"
    assert report["partly_read"] == [{"path": str(folder / "thumbnail.mkv"), "reason": ignored}]
    assert f"warning: {folder / 'thumbnail.mkv'}: {ignored}" in outcome.stderr
    cut = vifi("cut", f"{folder / 'thumbnail.mkv'}@0:00-0:01", "-o", tmp_path / "clips", "--json")
    assert ignored in json.loads(cut.stdout)["clips"][0]["remarks"]
    (folder / "list.m3u8").write_text("#EXTM3U\nplain.mp4\n")
    named = vifi("index", folder / "list.m3u8", "--model", tiny, "--device", "cpu")
    assert named.exit_code == 3
    assert f"not indexed: {folder / 'list.m3u8'}: a playlist, which names other files" in named.stderr
