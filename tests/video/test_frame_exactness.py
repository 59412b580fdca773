"""Every way to reach a frame gives the frame of that time: index, ranges, stills, cuts, clips by number.

Frame n of each video carries its number and is on screen from n / 25 s on.
"""

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.decoded_videos import read_video
from tests.made_videos import frame_number, numbered_frames, write_video
from tests.video.export.played import play
from vifi_cli.video.clips.full_frames import frame_seconds
from vifi_cli.video.clips.reader import read_clip
from vifi_cli.video.decode.decoder import decode_range
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.export.clip import write_clip
from vifi_cli.video.export.copied_clip import copied_suffix, copy_clip
from vifi_cli.video.export.preview import still
from vifi_cli.video.moment import Moment, TimeRange
from vifi_cli.video.pictures.frames import FrameGeometry

FPS, FRAMES = 25, 160
GEOMETRY = FrameGeometry(64, 160, "squash")
SAMPLING = FrameSampling(4.0, 1)
TIMES = [0.0, 0.02, 0.5, 2.0, 3.7, 4.98, 5.0, 6.2]
ROUNDING_SECONDS = 0.0021  # Matroska and FLV store milliseconds
OPEN_GOP = {"x264-params": "open-gop=1:bframes=3:keyint=24:b-adapt=0"}
FORMATS: dict[str, dict[str, Any]] = {
    "mpeg1.mpg": {"codec": "mpeg1video", "container": "mpeg"},
    "mpeg2.mpg": {"codec": "mpeg2video", "container": "mpeg"},
    "mpeg2.vob": {"codec": "mpeg2video", "container": "vob"},
    "videocd.dat": {"codec": "mpeg1video", "container": "vcd"},
    "h264.avi": {"b_frames": 3},
    "h264_open_gop.avi": {"options": OPEN_GOP},
    "h264_without_b.avi": {"b_frames": 0},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mpeg2.avi": {"codec": "mpeg2video"},
    "mpeg4_without_b.avi": {"codec": "mpeg4", "b_frames": 0},
    "h264.mp4": {"b_frames": 3},
    "h264_open_gop.mp4": {"options": OPEN_GOP},
    "h264.ts": {},
    "mpeg2.ts": {"codec": "mpeg2video"},
    "h264.mkv": {"b_frames": 3},
    "h264.flv": {},
    "vp9.webm": {"codec": "vp9", "b_frames": 0},
    "mpeg4.m4v": {"codec": "mpeg4", "container": "m4v"},
    "h264.h264": {},
}


@pytest.fixture(scope="module", params=FORMATS)
def video(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = {"b_frames": 2, "gop": 24, "fps": FPS, "tick": 1 / FPS} | FORMATS[request.param]
    return write_video(
        tmp_path_factory.mktemp("numbered") / request.param, numbered_frames(FRAMES), **options
    )


def on_screen(seconds: float) -> int:
    return math.floor(seconds * FPS + 1e-6)


def test_the_index_sees_each_frame_at_its_time(video: Path) -> None:
    frames, info = read_video(video, SAMPLING, GEOMETRY)
    numbers = np.array([frame_number(picture) for picture in frames.pixels])
    np.testing.assert_allclose(frames.seconds, numbers / FPS, atol=ROUNDING_SECONDS)
    assert len(numbers) == pytest.approx(FRAMES / FPS * 4, abs=1)
    assert info.duration_seconds == pytest.approx(FRAMES / FPS, abs=0.005)
    assert info.warning is None


def test_a_time_in_a_file_leads_to_the_frame_on_screen(video: Path) -> None:
    for seconds in TIMES:
        picture = np.asarray(Image.open(io.BytesIO(still(video, seconds))).convert("RGB"))
        assert frame_number(picture) == on_screen(seconds), seconds
        for chunk in decode_range(video, SAMPLING, GEOMETRY, TimeRange(seconds, seconds + 0.6)):
            numbers = np.array([frame_number(picture) for picture in chunk.pixels])
            np.testing.assert_allclose(chunk.seconds, numbers / FPS, atol=ROUNDING_SECONDS)


def test_a_cut_holds_the_frames_of_its_moment(video: Path, tmp_path: Path) -> None:
    for seconds in TIMES:
        end = min(seconds + 0.44, FRAMES / FPS)
        write_clip(Moment(video, seconds, end), tmp_path / "clip.mp4", lambda _: None)
        wanted = list(range(on_screen(seconds), math.ceil(end * FPS - 1e-6)))
        assert play(tmp_path / "clip.mp4").numbers == wanted, seconds


def test_a_copy_holds_the_frames_of_its_moment(video: Path, tmp_path: Path) -> None:
    if video.suffix in (".h264", ".m4v"):
        pytest.skip("a bare stream does not tell when its frames are shown")
    for seconds in TIMES:
        end = min(seconds + 0.44, FRAMES / FPS)
        target = tmp_path / f"clip{copied_suffix(video)}"
        clip = copy_clip(Moment(video, seconds, end), target, lambda _: None)
        numbers = play(target).numbers
        assert numbers[0] == pytest.approx(clip.start_seconds * FPS, abs=0.1)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), seconds
        assert {*range(on_screen(seconds), math.ceil(end * FPS - 1e-6))} <= {*numbers}, seconds


def test_clips_by_number_have_every_frame_in_order(video: Path) -> None:
    pictures = read_clip(video, lambda total: np.arange(total), 64)
    assert [frame_number(picture) for picture in pictures] == list(range(FRAMES))
    seconds = frame_seconds(video, FRAMES)
    np.testing.assert_allclose(seconds, np.arange(FRAMES) / FPS, atol=0.005)
