"""Pictures that begin after the sound or end before it: times count from the first picture, and nothing is missing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.decoded_videos import read_video
from tests.made_videos import Sound, frame_number, noise, numbered_frames, textured_frames, write_video
from tests.video.export.played import lag, play
from vifi_cli.video.container.container import open_video
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.export.clip import write_clip
from vifi_cli.video.moment import Moment
from vifi_cli.video.pictures.frames import FrameGeometry, VideoInfo

RATE = 48_000
OPUS = {"codec": "libopus", "rate": RATE}
FORMATS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "clip.mkv": ({}, {}),
    "clip.ts": ({}, {}),
    "clip.mp4": ({}, {}),
    "clip.flv": ({}, {}),
    "clip.webm": ({"codec": "vp8"}, OPUS),
}


def seen(path: Path) -> tuple[list[int], list[float], VideoInfo]:
    frames, info = read_video(path, FrameSampling(10.0, 1), FrameGeometry(64, 160, "squash"))
    return [frame_number(picture) for picture in frames.pixels], frames.seconds.tolist(), info


@pytest.mark.parametrize("late_seconds", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("name", FORMATS)
def test_times_count_from_the_first_picture_and_longer_sound_is_not_missing_pictures(
    tmp_path: Path, name: str, late_seconds: float
) -> None:
    options, sound = FORMATS[name]
    original = noise(20.0, sound.get("rate", 44_100))
    video = write_video(
        tmp_path / name,
        numbered_frames(100),
        start_seconds=late_seconds,
        sound=Sound(original, **sound),
        **options,
    )
    numbers, seconds, info = seen(video)
    assert numbers == list(range(100))
    np.testing.assert_allclose(seconds, np.arange(100) / 10, atol=0.002)
    assert info.duration_seconds == pytest.approx(10.0, abs=0.01)
    assert info.warning is None
    with open_video(video) as opened:
        assert opened.late_seconds == pytest.approx(late_seconds, abs=0.05)
    write_clip(Moment(video, 3.0, 5.0), tmp_path / "cut.mp4", lambda _: None)
    played = play(tmp_path / "cut.mp4")
    assert played.numbers == list(range(30, 50))
    assert played.sound is not None
    rate = sound.get("rate", 44_100)
    assert lag(played.sound, original, rate) == pytest.approx((3.0 + late_seconds) * rate, abs=0.05 * rate)


@pytest.mark.parametrize("sound", [None, Sound(noise(10.0))])
@pytest.mark.parametrize("name", ["clip.mkv", "clip.flv"])
def test_a_file_that_was_cut_off_still_says_so(tmp_path: Path, name: str, sound: Sound | None) -> None:
    video = write_video(tmp_path / name, textured_frames(100), sound=sound)
    video.write_bytes(video.read_bytes()[: video.stat().st_size * 6 // 10])
    *_, info = seen(video)
    assert info.warning is not None
    assert "the pictures end at" in info.warning
