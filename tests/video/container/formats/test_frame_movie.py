"""Folders of frames are read as videos: every picture once, in order, at its time."""

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.frame_folders import write_frames
from tests.made_videos import frame_number, numbered_frames, solid_picture
from vifi_cli.errors import ReadingBrokeOff, UnreadableVideo
from vifi_cli.video.clips.reader import read_clip
from vifi_cli.video.container.clock_reading import clock_of
from vifi_cli.video.container.container import open_video, unwatched
from vifi_cli.video.decode.decoder import decode_frames, decode_range
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.content import open_content, read_up_to, video_status
from vifi_cli.video.files.digests import content_fingerprint
from vifi_cli.video.files.virtual.frame_rates import RATE_FILE
from vifi_cli.video.moment import TimeRange
from vifi_cli.video.pictures.frames import FrameGeometry, Frames, VideoInfo

GEOMETRY = FrameGeometry(64, 64, resize="squash")


def numbers_and_seconds(folder: Path) -> tuple[list[int], list[float]]:
    with open_video(folder, clock_of(folder)) as video:
        frames = list(video.frames(unwatched))
        shown = [frame_number(frame.to_ndarray(format="rgb24")) for frame in frames]
        return shown, [round(video.seconds(frame.pts or 0), 6) for frame in frames]


@pytest.mark.parametrize(
    "name",
    ["img_{:05}.jpg", "frame{}.JPEG", "{:06}.png", "img_{}.webp", "v_Run_g01_c02_{:04}.bmp", "a 100% {}.tif"],
)
def test_every_picture_is_a_frame_in_the_order_of_its_number(tmp_path: Path, name: str) -> None:
    folder = write_frames(tmp_path / "clip", numbered_frames(23), name=name, first=0)
    shown, seconds = numbers_and_seconds(folder)
    assert shown == list(range(23))
    assert seconds == pytest.approx([number / 25 for number in range(23)])
    clip = read_clip(folder, lambda count: np.array([count - 1, 0, 11]), 64)
    assert [frame_number(picture) for picture in clip] == [22, 0, 11]


def test_the_sizes_are_those_of_the_pictures(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "clip", numbered_frames(12))
    sizes = sum(path.stat().st_size for path in folder.iterdir())
    assert video_status(folder).st_size == sizes
    with open_content(folder) as file:
        assert read_up_to(file, 10**9) == b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
    with open_video(folder) as video:
        assert video.stream.frames == 12
        assert (video.stream.codec_context.width, video.stream.codec_context.height) == (160, 64)


def test_optical_flow_and_other_files_are_not_mixed_in(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "clip", numbered_frames(9))
    for number in range(1, 20):
        for axis in "xy":
            Image.new("L", (160, 64)).save(folder / f"flow_{axis}_{number:05}.jpg")
    (folder / "notes.txt").write_text("12")
    assert numbers_and_seconds(folder)[0] == list(range(9))


def test_a_missing_picture_keeps_its_time_and_is_reported(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "clip", numbered_frames(20))
    for number in (5, 6, 11):
        (folder / f"img_{number:05}.jpg").unlink()
    shown, seconds = numbers_and_seconds(folder)
    assert shown == [number for number in range(20) if number not in (4, 5, 10)]
    assert seconds == pytest.approx([number / 25 for number in shown])
    clock = clock_of(folder)
    assert clock.warning == "3 pictures are missing among its 17 (number 5 to 6, 11)"
    assert clock.duration_seconds == pytest.approx(20 / 25)


@pytest.mark.parametrize("step", [2, 33])
def test_numbers_may_count_in_steps(tmp_path: Path, step: int) -> None:
    folder = write_frames(tmp_path / "clip", numbered_frames(12), first=0)
    for number in reversed(range(12)):
        (folder / f"img_{number:05}.jpg").rename(folder / f"img_{1000 + number * step:05}.jpg")
    shown, seconds = numbers_and_seconds(folder)
    assert shown == list(range(12))
    assert seconds == pytest.approx([number / 25 for number in range(12)])
    assert clock_of(folder).warning is None


def test_a_number_far_away_is_not_a_pause_of_years(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "clip", numbered_frames(10))
    (folder / "img_00010.jpg").rename(folder / "img_20231205101530.jpg")
    assert numbers_and_seconds(folder)[0] == list(range(10))
    assert clock_of(folder).duration_seconds == pytest.approx(10 / 25)


@pytest.mark.parametrize(("written", "rate"), [("12", 12), ("29.97\n", 29.97), ("30000/1001", 30000 / 1001)])
@pytest.mark.parametrize("level", [0, 1, 3])
def test_a_file_beside_or_above_the_pictures_says_the_rate(
    tmp_path: Path, written: str, rate: float, level: int
) -> None:
    folder = write_frames(tmp_path / "data" / "train" / "run" / "clip", numbered_frames(10))
    ((folder, *folder.parents)[level] / RATE_FILE).write_text(written)
    assert numbers_and_seconds(folder)[1] == pytest.approx([number / rate for number in range(10)], abs=1e-5)
    assert clock_of(folder).duration_seconds == pytest.approx(10 / rate)


def test_the_rate_of_a_tracking_challenge_is_read(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "MOT17-02" / "img1", numbered_frames(10), name="{:06}.jpg")
    (folder.parent / "seqinfo.ini").write_text("[Sequence]\nname=MOT17-02\nframeRate=14\nseqLength=10\n")
    assert clock_of(folder).duration_seconds == pytest.approx(10 / 14)


def test_the_setting_says_the_rate_where_no_file_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_frames(tmp_path / "clip", numbered_frames(10))
    monkeypatch.setenv("VIFI_FRAME_RATE", "10")
    clock = clock_of(folder)
    assert clock.duration_seconds == pytest.approx(1.0)
    monkeypatch.delenv("VIFI_FRAME_RATE")
    assert clock_of(folder).duration_seconds == pytest.approx(0.4)
    with open_video(folder, clock) as video:  # as the index keeps it
        assert [round(video.seconds(frame.pts or 0), 6) for frame in video.frames(unwatched)][-1] == 0.9
        assert video.stream.average_rate == Fraction(10)


@pytest.mark.parametrize("written", ["", "fast", "0", "-3", "1e9", "nan", "1/0"])
def test_a_rate_that_is_none_is_refused_with_its_file(tmp_path: Path, written: str) -> None:
    folder = write_frames(tmp_path / "clip", numbered_frames(8))
    (folder / RATE_FILE).write_text(written)
    with pytest.raises(UnreadableVideo, match=f"{RATE_FILE} does not hold a frame rate such as 25"):
        clock_of(folder)


def test_the_rate_belongs_to_the_content(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "clip", numbered_frames(8))
    before = content_fingerprint(folder)
    (folder / RATE_FILE).write_text("12")
    assert content_fingerprint(folder) != before
    status = video_status(folder)
    with open_content(folder) as file:
        assert len(read_up_to(file, 10**9)) == status.st_size


def test_a_damaged_or_empty_picture_costs_only_itself(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "clip", numbered_frames(40))
    (folder / "img_00004.jpg").write_bytes(b"not a picture")
    (folder / "img_00010.jpg").write_bytes(b"")
    with open_video(folder) as video:
        shown = [frame_number(frame.to_ndarray(format="rgb24")) for frame in video.frames(unwatched)]
        assert shown == [number for number in range(40) if number not in (3, 9)]
        assert video.packets_damaged == 2
    *_, info = decode_frames(folder, FrameSampling(25.0, 4), GEOMETRY)
    assert isinstance(info, VideoInfo)
    assert info.warning == "2 damaged packets were skipped"
    (folder / "img_00010.jpg").write_bytes((folder / "img_00011.jpg").read_bytes())
    *_, info = decode_frames(folder, FrameSampling(25.0, 4), GEOMETRY)
    assert isinstance(info, VideoInfo)
    assert info.warning == "1 damaged packet was skipped"


def test_a_damaged_webp_costs_only_itself(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "clip", numbered_frames(9), name="{}.webp")
    content = (folder / "3.webp").read_bytes()
    (folder / "3.webp").write_bytes(content[:60])
    (folder / "5.webp").write_bytes(b"")
    assert numbers_and_seconds(folder)[0] == [0, 1, 3, 5, 6, 7, 8]


def test_nothing_but_damaged_pictures_is_an_unreadable_video(tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    folder.mkdir()
    for number in range(9):
        (folder / f"{number}.jpg").write_bytes(b"junk" * 20)
    with pytest.raises(UnreadableVideo):
        list(decode_frames(folder, FrameSampling(), GEOMETRY))


def test_pictures_of_several_sizes_are_read(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "clip", numbered_frames(6))
    Image.fromarray(next(numbered_frames(1, 96, 240))).save(folder / "img_00004.jpg")
    clip = read_clip(folder, np.arange, 48)
    assert clip.shape == (6, 48, 120, 3)


def test_an_unreadable_picture_may_pass(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "clip", numbered_frames(30))
    with open_video(folder) as video:
        frames = video.frames(unwatched)
        next(frames)
        (folder / "img_00029.jpg").write_bytes(b"longer" * 10_000)
        with pytest.raises(ReadingBrokeOff, match=r"img_00029\.jpg changed while it was read"):
            list(frames)


def test_a_part_is_read_without_decoding_what_is_before_it(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "clip", numbered_frames(500))
    for number in range(1, 300):  # would be damaged packets, if they were decoded
        (folder / f"img_{number:05}.jpg").write_bytes(b"x" * 10)
    chunks = list(decode_range(folder, FrameSampling(5.0, 4), GEOMETRY, TimeRange(16.0, 17.0)))
    assert all(isinstance(chunk, Frames) for chunk in chunks)
    seconds = np.concatenate([chunk.seconds for chunk in chunks])
    numbers = [frame_number(picture) for chunk in chunks for picture in chunk.pixels]
    assert numbers == [round(second * 25) for second in seconds]
    assert 15.7 < seconds[0] <= 16.0
    assert seconds[-1] < 17.0


def test_links_to_pictures_count_and_broken_ones_are_missing(tmp_path: Path) -> None:
    source = write_frames(tmp_path / "source", numbered_frames(9))
    folder = tmp_path / "clip"
    folder.mkdir()
    for picture in source.iterdir():
        (folder / picture.name).symlink_to(picture)
    (source / "img_00003.jpg").unlink()
    assert numbers_and_seconds(folder)[0] == [0, 1, 3, 4, 5, 6, 7, 8]
    assert clock_of(folder).warning == "1 picture is missing among its 8 (number 3)"


def test_gray_and_palette_pictures_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    folder.mkdir()
    for number in range(8):
        Image.fromarray(solid_picture("gray")).convert("L").save(folder / f"{number}.jpg")
    clip = read_clip(folder, np.arange, 48)
    assert abs(int(clip.mean()) - 128) <= 2


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_not_a_file_is_not_a_picture(tmp_path: Path, make: Callable[[Path], None]) -> None:
    folder = write_frames(tmp_path / "clip", numbered_frames(9))
    (folder / "img_00004.jpg").unlink()
    make(folder / "img_00004.jpg")
    assert numbers_and_seconds(folder)[0] == [0, 1, 2, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("seed", range(12))
def test_damaged_pictures_never_crash_or_hang(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    name = ("{}.jpg", "{}.png", "{}.webp", "{}.tif")[seed % 4]
    folder = write_frames(tmp_path / "clip", numbered_frames(9), name=name)
    for picture in folder.iterdir():
        content = bytearray(picture.read_bytes())
        for _ in range(int(random.integers(0, 4))):
            place = int(random.integers(0, len(content)))
            content[place : place + 4] = random.bytes(4)
        picture.write_bytes(
            content[: int(random.integers(1, len(content) + 1))] if seed % 3 == 0 else content
        )
    try:
        *_, info = decode_frames(folder, FrameSampling(25.0, 4), GEOMETRY)
    except UnreadableVideo:
        return
    assert isinstance(info, VideoInfo)
    assert info.duration_seconds <= 9 / 25 + 1e-6
