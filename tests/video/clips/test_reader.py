"""Frames by number equal those of decoding everything, in every format, intact or damaged."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.frame_folders import write_frames
from tests.made_videos import (
    damaged,
    frame_number,
    numbered_frames,
    solid_colour_clip,
    solid_picture,
    textured_frames,
    write_video,
)
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.clips.reader import read_all_frames, read_clip
from vifi_cli.video.container.container import open_video
from vifi_cli.video.decode.packet_list import decode_listed, list_packets
from vifi_cli.video.decode.selective import FramesMissing
from vifi_cli.video.pictures.bilinear import resize_bilinear, short_side_size

Pixels = np.typing.NDArray[np.uint8]

SHARED = Path(__file__).parents[3].parent / "shared" / "videos"
FORMATS: dict[str, dict[str, Any]] = {
    "h264.mp4": {},
    "h264_b_frames.mp4": {"b_frames": 3},
    "h264_b_frames.mkv": {"b_frames": 3},
    "h264_b_frames.ts": {"b_frames": 2},
    "h264_b_frames.avi": {"b_frames": 2},
    "h264_open_gop.mp4": {"b_frames": 3, "options": {"x264-params": "open-gop=1:bframes=3:b-adapt=0"}},
    "hevc.mp4": {"codec": "hevc"},
    "vp8.webm": {"codec": "vp8"},
    "vp8_alt_ref.webm": {
        "codec": "vp8",
        "options": {"deadline": "good", "cpu-used": "4", "auto-alt-ref": "1", "lag-in-frames": "16"},
    },
    "vp9.webm": {"codec": "vp9"},
    "vp9_alt_ref.webm": {
        "codec": "vp9",
        "options": {"deadline": "good", "cpu-used": "5", "auto-alt-ref": "1", "lag-in-frames": "16"},
    },
    "mpeg4.mp4": {"codec": "mpeg4", "b_frames": 2},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mpeg4_b_frames.avi": {"codec": "mpeg4", "b_frames": 2},
    "mpeg2.mpg": {"codec": "mpeg2video", "b_frames": 2, "fps": 25},
    "mjpeg.avi": {"codec": "mjpeg", "pixel_format": "yuvj420p"},
    "late_start.mkv": {"start_seconds": 3.0, "b_frames": 2},
}
IN_FULL = {"h264_b_frames.avi", "mpeg4_b_frames.avi", "vp8.webm", "vp8_alt_ref.webm"}


def these(*numbers: int) -> Callable[[int], np.typing.NDArray[np.int64]]:
    return lambda total: np.array(numbers) % total


def every_frame(path: Path, short_side: int) -> Pixels:
    """All frames as PyAV alone yields them, upright, then scaled."""
    pictures = []
    with av.open(str(path), metadata_errors="replace") as container:
        container.streams.video[0].codec_context.thread_count = 1
        for packet in container.demux(container.streams.video[0]):
            for frame in decoded(packet):
                picture = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90) % 4)
                size = short_side_size(*picture.shape[:2], short_side)
                pictures.append(resize_bilinear(np.ascontiguousarray(picture, np.uint8), *size))
    return np.stack(pictures)


def decoded(packet: Any) -> Sequence[av.VideoFrame]:
    try:
        frames: Sequence[av.VideoFrame] = packet.decode()
    except av.FFmpegError:
        return []
    return frames


@pytest.mark.parametrize("gop", [12, 250])
@pytest.mark.parametrize("name", FORMATS)
def test_frames_are_those_of_decoding_everything(tmp_path: Path, name: str, gop: int) -> None:
    path = write_video(tmp_path / name, numbered_frames(75), **{"gop": gop, **FORMATS[name]})
    expected = every_frame(path, 32)
    assert [frame_number(picture) for picture in expected] == list(range(75))
    for numbers in ((0,), (74,), (40, 3, 3, 60), range(75), range(2, 70, 9), (37, 38)):
        totals: list[int] = []

        def choose(total: int, numbers: Sequence[int] = numbers, totals: list[int] = totals) -> Any:
            totals.append(total)
            return np.array(numbers)

        clip = read_clip(path, choose, 32)
        assert totals == [75]
        np.testing.assert_array_equal(clip, expected[list(numbers)])


@pytest.mark.parametrize("name", FORMATS)
def test_packets_are_believed_where_they_tell_the_truth(tmp_path: Path, name: str) -> None:
    path = write_video(tmp_path / name, numbered_frames(50), **{"gop": 10, **FORMATS[name]})
    with open_video(path) as video:
        packets = list_packets(video)
    assert (packets is None) == (name in IN_FULL)
    assert packets is None or len(packets) == 50


def test_no_more_is_decoded_than_needed(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", numbered_frames(100), gop=20, b_frames=2)
    with open_video(path) as video:
        packets = list_packets(video)
    assert packets is not None
    times = np.sort(packets.times)
    assert packets.needed_for(times[[0]]).sum() == 1
    assert packets.needed_for(times[[20, 60]]).sum() == 2
    assert 1 < packets.needed_for(times[[25]]).sum() <= 9
    assert packets.needed_for(times[[3, 23]]).sum() < 20
    assert packets.needed_for(times).all()


def test_reading_stops_at_the_last_frame_wanted(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", numbered_frames(100), gop=10)
    with open_video(path) as video:
        packets = list_packets(video)
    assert packets is not None
    with open_video(path) as video:
        assert [time for time, _ in decode_listed(video, packets, packets.times[[5]])] == [packets.times[5]]
        assert video.packets_read < 15


def test_frames_that_were_not_promised_are_noticed(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", numbered_frames(20))
    other = write_video(tmp_path / "b.mp4", numbered_frames(20), fps=7)
    with open_video(path) as video:
        packets = list_packets(video)
    assert packets is not None
    with open_video(other) as video, pytest.raises(FramesMissing):
        list(decode_listed(video, packets, packets.times[[9]]))


def test_times_set_back_are_read_in_order(tmp_path: Path) -> None:
    parts = [write_video(tmp_path / f"{i}.ts", numbered_frames(40), gop=15) for i in range(2)]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    clip = read_clip(joined, lambda total: np.arange(total), 32)
    assert [frame_number(picture) for picture in clip] == [*range(40), *range(40)]


def test_a_video_too_large_to_hold_is_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "a.webm", numbered_frames(60), codec="vp8")
    held = read_clip(path, these(3, 50, 7), 32)
    monkeypatch.setattr("vifi_cli.video.clips.reader.HELD_BYTES", 200_000)
    np.testing.assert_array_equal(read_clip(path, these(3, 50, 7), 32), held)
    assert [frame_number(picture) for picture in held] == [3, 50, 7]


@pytest.mark.parametrize(
    ("rotation", "shape"), [(0, (32, 48)), (90, (48, 32)), (180, (32, 48)), (270, (48, 32))]
)
def test_frames_stand_upright(tmp_path: Path, rotation: int, shape: tuple[int, int]) -> None:
    picture = np.concatenate([solid_picture("red", 64, 48), solid_picture("blue", 64, 48)], axis=1)
    path = write_video(tmp_path / "turned.mp4", [picture] * 3, rotation=rotation)
    frame = read_clip(path, these(1), 32)[0]
    assert frame.shape == (*shape, 3)
    reds = np.argwhere(frame[..., 0] > 128).mean(axis=0)
    expected = np.argwhere(np.rot90(picture, rotation // 90)[..., 0] > 128).mean(axis=0) / 2
    np.testing.assert_allclose(reds, expected, atol=1)


def test_colors_are_kept(tmp_path: Path) -> None:
    path = solid_colour_clip(tmp_path / "a.mkv", [("orange", 1)], codec="ffv1", pixel_format="bgr0")
    np.testing.assert_array_equal(read_clip(path, these(0), 8)[0, 4, 4], solid_picture("orange")[0, 0])


def test_damage_costs_only_the_damaged_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "rot.mp4", textured_frames(150), gop=10)
    damaged(path, 0.5, 0.52)
    assert read_clip(path, these(*range(0, 150, 10)), 32).shape == (15, 32, 57, 3)


def test_a_file_cut_off_gives_what_it_has(tmp_path: Path) -> None:
    path = write_video(tmp_path / "cut.mkv", numbered_frames(200), gop=10)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    clip = read_clip(path, lambda total: np.arange(total), 32)
    assert 50 < len(clip) < 150
    assert [frame_number(picture) for picture in clip[:-1]] == list(range(len(clip) - 1))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.touch(), "the file is empty"),
        (lambda path: path.write_bytes(np.random.default_rng(0).bytes(9999)), "not a video FFmpeg can read"),
        (lambda path: None, "the file is gone"),
        (lambda path: path.mkdir(), "a folder"),
    ],
)
def test_what_cannot_be_read_is_told_in_plain_words(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    make(tmp_path / "a.mp4")
    with pytest.raises(UnreadableVideo, match=reason):
        read_clip(tmp_path / "a.mp4", these(0), 32)


UNREADABLE = {"made_here", "no_decodable_frames", "no_video_stream", "unopenable_InvalidDataError"}
ODD = [path for path in sorted((SHARED / "odd").rglob("*")) if path.is_file()]
ACTIONS = sorted((SHARED / "actions").rglob("*.avi"))[::9]  # some have B-frames packed two in a packet
READABLE = [path for path in ODD if path.parent.name not in UNREADABLE] + ACTIONS
# the shared videos may not be at hand; then there is nothing to run


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.name)
def test_real_videos_give_the_frames_of_decoding_everything(path: Path) -> None:
    expected = every_frame(path, 32)
    numbers = np.array([0, 5, 11, 30, -7, -1])
    clip = read_clip(path, lambda total: numbers % total, 32)
    np.testing.assert_array_equal(clip, expected[numbers % len(expected)])


@pytest.mark.parametrize(
    "path",
    [path for path in ODD if path.parent.name in UNREADABLE - {"made_here"}],
    ids=lambda path: path.name,
)
def test_real_files_without_pictures_say_so(path: Path) -> None:
    with pytest.raises(UnreadableVideo, match=r"^[a-z].{5,}"):
        read_clip(path, these(0), 32)


@pytest.mark.parametrize("name", ["img_{:05}.jpg", "{}.bmp"])
def test_a_clip_of_a_frame_folder_reads_only_its_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    random = np.random.default_rng(0)  # noise makes files too large for FFmpeg to read several at once
    noise = (random.integers(0, 255, (240, 320, 3), np.uint8) for _ in range(60))
    folder = write_frames(tmp_path / "v", noise, name=name)
    for missing in (7, 8, 30):
        (folder / name.format(missing)).unlink()
    numbers = np.array([40, 0, 3, 3, 56])
    _, every = read_all_frames(folder)
    expected = np.stack(list(every))[numbers]
    height = expected.shape[1]
    read: list[str] = []
    read_bytes = Path.read_bytes

    def counted(path: Path) -> bytes:
        read.append(path.name)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    clip = read_clip(folder, lambda _: numbers, height)
    np.testing.assert_array_equal(clip, expected)
    assert len(set(read)) < 10, "four pictures, and those by which FFmpeg learns what they are"

    monkeypatch.undo()
    (folder / name.format(46)).write_bytes(b"damaged")  # it has the number 43 of all, and is left out then
    assert len(read_clip(folder, np.arange, height)) == 56
