"""Decoding yields the right frames at their true times, in each of its ways."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.decoded_videos import read_video
from tests.made_videos import (
    damaged,
    frame_number,
    numbered_frames,
    solid_colour_clip,
    solid_picture,
    textured_frames,
    write_video,
)
from tests.video.decode.test_frame_sampling import chosen_by_definition
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.decode import decoder
from vifi_cli.video.decode.decoder import decode_frames
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.decode.selective import FramesMissing, SelectiveDecoding
from vifi_cli.video.pictures.frames import FrameGeometry, Frames, VideoInfo
from vifi_cli.video.pictures.picture import FrameScaler

WIDE = FrameGeometry(32, 80, "squash")
FORMATS: dict[str, dict[str, Any]] = {
    "h264.mp4": {"codec": "h264"},
    "h264_b_frames.mp4": {"codec": "h264", "b_frames": 3, "options": {"preset": "veryfast"}},
    "h264_b_frames.mkv": {"codec": "h264", "b_frames": 3, "options": {"preset": "veryfast"}},
    "h264_b_frames.ts": {"codec": "h264", "b_frames": 2},
    "h264_open_gop.mp4": {"codec": "h264", "b_frames": 3, "options": {"x264-params": "open-gop=1:bframes=3"}},
    "h264_late_start.mp4": {"codec": "h264", "b_frames": 2, "start_seconds": 5.0},
    "hevc.mp4": {"codec": "hevc", "b_frames": 3},
    "hevc.mkv": {"codec": "hevc", "b_frames": 3},
    "vp9.webm": {"codec": "vp9"},
    "vp8.webm": {"codec": "vp8"},
    "mpeg4.mp4": {"codec": "mpeg4", "b_frames": 2},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mpeg2.mpg": {"codec": "mpeg2video", "b_frames": 2, "fps": 25},
    "mjpeg.avi": {"codec": "mjpeg", "pixel_format": "yuvj420p"},
    "prores.mov": {"codec": "prores_ks", "pixel_format": "yuv422p10le"},
}


def all_frames(
    path: Path, geometry: FrameGeometry
) -> tuple[list[tuple[float, bool]], dict[float, Any], float]:
    """Every frame decoded in order: (seconds, is a keyframe) each, pictures by seconds, and the end."""
    scaler = FrameScaler(geometry)
    with av.open(path) as container:
        stream = container.streams.video[0]
        tick, start = float(stream.time_base or 0), stream.start_time or 0
        keys, pictures, end = set(), {}, 0.0
        for packet in container.demux(stream):
            if packet.size and packet.pts is not None:
                seconds = (packet.pts - start) * tick
                end = max(end, seconds + float(packet.duration or 0) * tick)
                if packet.is_keyframe:
                    keys.add(seconds)
            for frame in packet.decode():
                pictures[((frame.pts or 0) - start) * tick] = scaler(frame)
    times = sorted(pictures)
    return [(time, time in keys) for time in times], pictures, end


@pytest.mark.parametrize("gop", [7, 12, 30, 250])
@pytest.mark.parametrize("name", FORMATS)
def test_frames_are_those_of_decoding_everything(tmp_path: Path, name: str, gop: int) -> None:
    options = FORMATS[name]
    path = write_video(tmp_path / name, numbered_frames(75), **{"fps": 10, "gop": gop, **options})
    video, pictures, end = all_frames(path, WIDE)
    duration = 75 / options.get("fps", 10)
    sampling = FrameSampling(1.0, minimum_frames=3)

    frames, info = read_video(path, sampling, WIDE)

    assert frames.seconds.tolist() == chosen_by_definition(video, 1.0, end)
    for seconds, picture in zip(frames.seconds, frames.pixels, strict=True):
        np.testing.assert_array_equal(picture, pictures[seconds])
    assert info.duration_seconds == pytest.approx(duration, abs=0.11)
    assert (info.height, info.width) == (64, 160)


@pytest.mark.parametrize("name", ["h264_b_frames.mp4", "hevc.mkv", "vp9.webm", "mpeg2.mpg"])
@pytest.mark.parametrize("rate", [0.3, 2.0, 7.0, 100.0])
def test_any_rate_gives_the_frames_of_decoding_everything(tmp_path: Path, name: str, rate: float) -> None:
    path = write_video(tmp_path / name, numbered_frames(75), **{"fps": 10, "gop": 20, **FORMATS[name]})
    video, pictures, end = all_frames(path, WIDE)
    frames, _ = read_video(path, FrameSampling(rate, minimum_frames=1), WIDE)
    assert frames.seconds.tolist() == chosen_by_definition(video, 1 / rate, end)
    for seconds, picture in zip(frames.seconds, frames.pixels, strict=True):
        np.testing.assert_array_equal(picture, pictures[seconds])


@pytest.mark.parametrize("name", ["h264_b_frames.mp4", "hevc.mp4", "vp9.webm", "mpeg4.mp4"])
def test_decoding_in_full_gives_the_same(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / name, numbered_frames(95), **{"gop": 12, **FORMATS[name]})
    in_parts, info = read_video(path, FrameSampling(), WIDE)
    assert info.decoding == "selective"

    def refuse(self: SelectiveDecoding) -> None:
        raise FramesMissing

    monkeypatch.setattr(decoder.SelectiveDecoding, "frames", refuse)
    in_full, info = read_video(path, FrameSampling(), WIDE)
    assert info.decoding == "sequential"
    np.testing.assert_array_equal(in_parts.seconds, in_full.seconds)
    np.testing.assert_array_equal(in_parts.pixels, in_full.pixels)


def test_dense_keyframes_are_all_that_is_decoded(tmp_path: Path) -> None:
    path = write_video(tmp_path / "dense.mp4", numbered_frames(100), gop=10, b_frames=2)
    frames, info = read_video(path, FrameSampling(), WIDE)
    assert info.decoding == "keyframes"
    assert [frame_number(picture) for picture in frames.pixels] == list(range(0, 100, 10))
    np.testing.assert_allclose(frames.seconds, np.arange(10.0))


def test_chunks_are_bounded_and_in_order(tmp_path: Path) -> None:
    path = write_video(tmp_path / "long.mp4", numbered_frames(100))
    *chunks, info = decode_frames(path, FrameSampling(10.0), WIDE)
    assert isinstance(info, VideoInfo)
    assert [len(chunk) for chunk in chunks if isinstance(chunk, Frames)] == [32, 32, 32, 4]


@pytest.mark.parametrize("start", [0.0, 5.0])
def test_times_count_from_the_start_of_the_video(tmp_path: Path, start: float) -> None:
    path = solid_colour_clip(tmp_path / "clip.mp4", [("red", 2), ("blue", 2)], start_seconds=start)
    frames, info = read_video(path, FrameSampling(2.0), FrameGeometry(8, 8))
    assert info.duration_seconds == pytest.approx(4.0)
    reds = frames.pixels[..., 0].mean(axis=(1, 2)) > 128
    np.testing.assert_array_equal(reds, frames.seconds < 2)


def test_an_avi_whose_header_delays_the_pictures_starts_at_0(tmp_path: Path) -> None:
    """FFmpeg gives the delay to packets but not to the stream's beginning; here one damaged field makes it 410 s."""
    path = write_video(tmp_path / "a.avi", numbered_frames(30), codec="mpeg4", b_frames=0)
    content = bytearray(path.read_bytes())
    start_field = content.index(b"strh") + 8 + 28
    content[start_field : start_field + 4] = (410 * 600).to_bytes(4, "little")
    path.write_bytes(content)
    frames, info = read_video(path, FrameSampling(), WIDE)
    assert frames.seconds[0] == 0.0
    assert info.duration_seconds == pytest.approx(3.0, abs=0.2)
    assert [frame_number(picture) for picture in frames.pixels] == [
        round(seconds * 10) for seconds in frames.seconds.tolist()
    ]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_variable_frame_rates_keep_their_true_times(tmp_path: Path, suffix: str) -> None:
    times = [0.0, 0.1, 0.2, 3.0, 3.05, 3.1, 9.0, 20.0, 20.5, 21.0]
    path = write_video(tmp_path / f"vfr.{suffix}", numbered_frames(10), frame_seconds=times, gop=100)
    frames, _ = read_video(path, FrameSampling(1.0), WIDE)
    shown = {times[frame_number(picture)] for picture in frames.pixels}
    assert shown == {0.0, 0.2, 3.1, 9.0, 20.5} | ({21.0} if 21.0 in shown else set())
    for seconds, picture in zip(frames.seconds, frames.pixels, strict=True):
        assert seconds == pytest.approx(times[frame_number(picture)], abs=0.002)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_clip_of_few_frames_gives_each_once(tmp_path: Path, count: int) -> None:
    path = write_video(tmp_path / "few.mp4", numbered_frames(count))
    frames, _ = read_video(path, FrameSampling(), WIDE)
    assert [frame_number(picture) for picture in frames.pixels] == list(range(count))


def test_a_short_clip_gives_the_minimum_evenly(tmp_path: Path) -> None:
    path = write_video(tmp_path / "short.webm", numbered_frames(20), codec="vp9", gop=100)
    frames, _ = read_video(path, FrameSampling(), WIDE)
    assert len(frames) == 8
    assert np.diff(frames.seconds).max() <= 0.41


@pytest.mark.parametrize(
    ("rotation", "quadrants"),
    [
        (0, ["red", "lime", "blue", "white"]),
        (90, ["lime", "white", "red", "blue"]),
        (180, ["white", "blue", "lime", "red"]),
        (270, ["blue", "red", "white", "lime"]),
    ],
)
def test_pictures_stand_upright(tmp_path: Path, rotation: int, quadrants: list[str]) -> None:
    """`rotation` turns counter-clockwise; quadrants are read left to right, top to bottom."""
    picture = np.empty((64, 96, 3), np.uint8)
    for color, rows, columns in (
        ("red", slice(32), slice(48)),
        ("lime", slice(32), slice(48, None)),
        ("blue", slice(32, None), slice(48)),
        ("white", slice(32, None), slice(48, None)),
    ):
        picture[rows, columns] = solid_picture(color, 1, 1)
    path = write_video(tmp_path / "turned.mp4", [picture] * 3, rotation=rotation)
    frames, info = read_video(path, FrameSampling(), FrameGeometry(32, 32, "squash"))
    assert (info.height, info.width) == ((96, 64) if rotation % 180 else (64, 96))
    corners = [frames.pixels[0][row, column] for row in (6, 25) for column in (6, 25)]
    for corner, color in zip(corners, quadrants, strict=True):
        np.testing.assert_allclose(corner, solid_picture(color, 1, 1)[0, 0], atol=25)


@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [
        ("h264", "yuv420p10le"),
        ("h264", "yuv444p"),
        ("hevc", "yuv422p"),
        ("ffv1", "bgr0"),
        ("mjpeg", "yuvj420p"),
    ],
)
def test_pixel_formats_keep_their_colors(tmp_path: Path, codec: str, pixel_format: str) -> None:
    path = solid_colour_clip(tmp_path / "a.mkv", [("orange", 1)], codec=codec, pixel_format=pixel_format)
    frames, _ = read_video(path, FrameSampling(), FrameGeometry(8, 8))
    np.testing.assert_allclose(frames.pixels[0, 4, 4], solid_picture("orange")[0, 0], atol=4)


def test_names_of_any_bytes_can_be_opened(tmp_path: Path) -> None:
    made = write_video(tmp_path / "plain.mp4", numbered_frames(3))
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xe9 [%03d]\n'.mp4"))
    made.rename(odd)
    frames, _ = read_video(odd, FrameSampling(), WIDE)
    assert len(frames) == 3


def test_times_set_back_go_on_from_where_they_were(tmp_path: Path) -> None:
    parts = [write_video(tmp_path / f"{i}.ts", numbered_frames(100), gop=15) for i in range(2)]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames, info = read_video(joined, FrameSampling(), WIDE)
    assert info.duration_seconds == pytest.approx(20.0, abs=0.001)
    assert len(frames) == 20
    numbers = [
        frame_number(picture) + (100 if seconds > 9.95 else 0)
        for seconds, picture in zip(frames.seconds, frames.pixels, strict=True)
    ]
    np.testing.assert_allclose(frames.seconds, np.array(numbers) / 10, atol=0.001)


def test_raw_streams_without_times_get_those_of_their_frame_rate(tmp_path: Path) -> None:
    path = write_video(tmp_path / "raw.h264", numbered_frames(100), fps=25, gop=10)
    frames, info = read_video(path, FrameSampling(2.0), WIDE)
    assert info.duration_seconds == pytest.approx(4.0, abs=0.1)
    numbers = [frame_number(picture) for picture in frames.pixels]
    np.testing.assert_allclose(frames.seconds, np.array(numbers) / 25, atol=0.05)


def test_damage_in_the_middle_costs_only_itself(tmp_path: Path) -> None:
    path = write_video(tmp_path / "rot.mp4", textured_frames(150), gop=10)
    damaged(path, 0.5, 0.52)
    frames, info = read_video(path, FrameSampling(), WIDE)
    assert len(frames) >= 12
    assert info.duration_seconds == pytest.approx(15.0, abs=0.5)


def test_a_file_cut_off_gives_its_first_part_and_says_so(tmp_path: Path) -> None:
    path = write_video(tmp_path / "cut.mkv", textured_frames(200), gop=10)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames, info = read_video(path, FrameSampling(), WIDE)
    assert 5 <= len(frames) <= 15
    assert info.warning is not None
    assert "of 20.0 s" in info.warning


def only_sound(path: Path) -> None:
    with av.open(path, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44_100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def cut_mp4(path: Path) -> None:
    write_video(path, textured_frames(40))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.touch(), "the file is empty"),
        (lambda path: path.write_bytes(np.random.default_rng(0).bytes(9999)), "not a video FFmpeg can read"),
        (lambda path: path.write_text("let it = be;\n" * 50), "not a video FFmpeg can read"),
        (only_sound, "no video stream"),
        (cut_mp4, "cut off"),
        (lambda path: None, "the file is gone"),
        (lambda path: path.mkdir(), "a folder"),
    ],
)
def test_what_cannot_be_read_is_told_in_plain_words(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    path = tmp_path / "a.mp4"
    make(path)
    with pytest.raises(UnreadableVideo, match=reason) as caught:
        read_video(path, FrameSampling(), WIDE)
    assert str(tmp_path) not in str(caught.value)


def test_life_is_told_between_packets(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", numbered_frames(40))
    signs = []
    for _ in decode_frames(path, FrameSampling(), WIDE, alive=lambda: signs.append(1)):
        pass
    assert len(signs) > 40
