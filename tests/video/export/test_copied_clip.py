"""Copied clips begin at the keyframe before, are complete and in step, or fail with a reason."""

from pathlib import Path

import av
import numpy as np
import pytest

from tests.made_videos import Sound, noise, numbered_frames, solid_colour_clip, write_video
from tests.video.export.played import lag, play
from vifi_cli import paths
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.export.clip import Clip
from vifi_cli.video.export.copied_clip import copied_suffix, copy_clip
from vifi_cli.video.moment import Moment

RATE = 44_100


def copy(video: Path, start: float, end: float) -> tuple[Clip, Path]:
    target = video.with_name("clip" + copied_suffix(video))
    with paths.replacing(target) as temporary:
        return copy_clip(Moment(video, start, end), temporary, lambda _: None), target


@pytest.mark.parametrize(
    ("name", "options", "sound"),
    [
        ("plain.mp4", {}, {}),
        ("phone.mov", {"start_seconds": 0.7, "b_frames": 2}, {"codec": "pcm_s16le", "start_seconds": 0.7}),
        ("clock.mkv", {"b_frames": 3}, {"codec": "flac"}),
        ("stream.ts", {"b_frames": 2, "start_seconds": 3.0}, {"start_seconds": 3.0}),
        ("apple.mp4", {"codec": "hevc", "b_frames": 2}, {}),
        ("web.webm", {"codec": "vp8"}, {"codec": "libopus", "rate": 48_000}),
    ],
)
def test_a_copy_begins_at_the_keyframe_before_and_says_so(
    tmp_path: Path, name: str, options: dict[str, object], sound: dict[str, object]
) -> None:
    rate = int(str(sound.get("rate", RATE)))
    original = noise(6.0, rate)
    video = write_video(
        tmp_path / name,
        numbered_frames(60),
        gop=20,
        sound=Sound(original, **{"rate": rate, **sound}),  # type: ignore[arg-type]
        **options,  # type: ignore[arg-type]
    )
    clip, path = copy(video, 3.3, 5.1)
    assert path.suffix == video.suffix
    assert clip.start_seconds == pytest.approx(2.0, abs=1e-3)
    assert clip.remarks == ("begins 1.30 s early, at a keyframe",)
    played = play(path)
    assert played.numbers == list(range(20, 20 + len(played.numbers)))
    assert 51 <= 20 + len(played.numbers) <= 55, "pictures that others are made from come along"
    assert clip.end_seconds == pytest.approx(2.0 + len(played.numbers) / 10, abs=2e-3)
    assert played.sound is not None
    begins = lag(played.sound, original, rate) / rate
    assert begins - 2.0 == pytest.approx(played.sound_start_seconds - played.seconds[0], abs=2e-3)


def test_a_moment_at_a_keyframe_is_copied_exactly(tmp_path: Path) -> None:
    video = write_video(tmp_path / "plain.mp4", numbered_frames(60), gop=20)
    clip, path = copy(video, 2.0, 4.0)
    assert clip == Clip(2.0, 4.0, has_sound=False)
    assert play(path).numbers == list(range(20, 40))
    assert play(copy(video, 0.0, 100.0)[1]).numbers == list(range(60))


def test_the_coded_pictures_are_the_same_bytes(tmp_path: Path) -> None:
    video = write_video(tmp_path / "plain.mkv", numbered_frames(30), gop=10)
    _, path = copy(video, 1.0, 2.0)
    packets = []
    for file in (video, path):
        with av.open(str(file)) as container:
            packets.append([bytes(packet) for packet in container.demux(video=0) if packet.size])
    assert packets[1] == packets[0][10:20]


def test_open_groups_of_pictures_leave_no_damaged_frame(tmp_path: Path) -> None:
    options = {"x264-params": "open-gop=1:keyint=20:bframes=3:b-adapt=0:scenecut=0"}
    video = write_video(tmp_path / "open.mkv", numbered_frames(60), options=options, b_frames=3)
    clip, path = copy(video, 2.9, 4.0)
    numbers = play(path).numbers
    assert numbers[0] == round(clip.start_seconds * 10)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_turned_picture_stays_turned(tmp_path: Path) -> None:
    video = solid_colour_clip(tmp_path / "phone.mp4", [("red", 2.0)], rotation=90)
    with av.open(str(copy(video, 0.5, 1.5)[1])) as container:
        assert next(container.decode(video=0)).rotation == 90


def test_old_containers_become_matroska(tmp_path: Path) -> None:
    video = write_video(tmp_path / "old.avi", numbered_frames(30), codec="mpeg4", gop=10)
    clip, path = copy(video, 1.0, 2.0)
    assert path.name == "clip.mkv"
    numbers = play(path).numbers
    assert numbers[0] == 10
    assert 20 <= numbers[-1] + 1 <= 22
    assert clip.start_seconds == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mpg", "mpeg2video"), ("a.vob", "mpeg2video"), ("a.mpg", "mpeg1video")]
)
def test_joined_program_streams_are_copied_to_the_frame(name: str, codec: str, tmp_path: Path) -> None:
    pictures = list(numbered_frames(250))
    parts = [pictures[:100], pictures[100:180], pictures[180:]]
    joined = tmp_path / name
    with joined.open("wb") as target:
        for part in parts:
            options = {"codec": codec, "fps": 25.0, "tick": 0.04, "b_frames": 2, "gop": 15}
            target.write(write_video(tmp_path / f"part{joined.suffix}", part, **options).read_bytes())
    for start in (0.0, 2.02, 3.9, 4.02, 5.0, 7.1, 7.3, 9.0):
        clip, path = copy(joined, start, start + 0.6)
        played = play(path)
        first = round(clip.start_seconds * 25)
        assert played.numbers == list(range(first, first + len(played.numbers)))
        np.testing.assert_allclose(played.seconds, (np.array(played.numbers) - first) / 25, atol=0.002)
        assert played.numbers[0] <= start * 25
        assert played.numbers[-1] >= (start + 0.6) * 25 - 1


def test_bare_streams_say_why_they_cannot_be_copied(tmp_path: Path) -> None:
    video = write_video(tmp_path / "bare.h264", numbered_frames(60))
    for start in (0.0, 2.0):
        with pytest.raises(UnreadableVideo, match="does not say when its frames are shown: omit --copy"):
            copy(video, start, start + 1.0)


def test_the_sound_of_a_flash_video_is_copied_from_the_beginning(tmp_path: Path) -> None:
    sound = Sound(noise(6.0))
    video = write_video(tmp_path / "a.flv", numbered_frames(150), fps=25.0, sound=sound)
    _, path = copy(video, 0.0, 3.0)
    played = play(path)
    assert played.sound is not None
    assert played.sound.shape[1] / RATE == pytest.approx(3.0, abs=0.2)
    assert abs(lag(played.sound, sound.samples) / RATE - played.sound_start_seconds) < 0.1


def test_what_cannot_be_in_such_a_file_has_a_reason(tmp_path: Path) -> None:
    video = write_video(tmp_path / "misnamed.webm", numbered_frames(10), container="matroska")
    with pytest.raises(UnreadableVideo, match=r"it cannot be copied into \.webm .*: omit --copy"):
        copy(video, 0.0, 0.5)
    with pytest.raises(UnreadableVideo, match="it ends at"):
        copy(video, 3.0, 4.0)
    assert list(tmp_path.iterdir()) == [video]


def test_a_full_disk_is_told_as_such(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 255, (240, 320, 3), np.uint8) for _ in range(10)]
    video = write_video(tmp_path / "noisy.mp4", pictures)
    request.getfixturevalue("full_disk")
    with pytest.raises(OSError, match="File too large"):
        copy(video, 0.0, 1.0)
    assert list(tmp_path.iterdir()) == [video]
