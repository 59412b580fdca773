"""All eight ways to turn and mirror a picture, as FFmpeg's `-autorotate` shows them."""

import math
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.oriented_videos import (
    HEIGHT,
    UPRIGHT,
    WIDTH,
    quadrants_of,
    quadrants_picture,
    write_oriented_video,
)
from tests.video.decode.test_decoder import read_video
from vifi_cli.video.clips.full_frames import clip_frames, steady_frames
from vifi_cli.video.clips.reader import read_all_frames, read_clip
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.pictures.frames import FrameGeometry
from vifi_cli.video.pictures.orientation import Orientation

Matrix = tuple[float, float, float, float]
SIZES = {False: (HEIGHT, WIDTH), True: (WIDTH, HEIGHT)}  # by whether rows and columns change places


@pytest.mark.parametrize(("matrix", "upright"), UPRIGHT.items())
def test_every_way_to_read_frames_shows_them_upright(tmp_path: Path, matrix: Matrix, upright: str) -> None:
    path = write_oriented_video(tmp_path / "phone.mp4", matrix)
    size = SIZES[matrix[0] == 0]
    frames, info = read_video(path, FrameSampling(), FrameGeometry(32, 32, "squash"))
    assert (info.height, info.width) == size
    assert quadrants_of(frames.pixels[0]) == upright
    for picture in (
        read_clip(path, lambda _: np.array([1]), min(size))[0],
        next(read_all_frames(path)[1]),
        clip_frames(path, 1)[0].picture,
        next(steady_frames(path, 5.0)).picture,
    ):
        assert (quadrants_of(picture), picture.shape[:2]) == (upright, size)


@pytest.mark.parametrize("matrix", UPRIGHT)
def test_filters_show_what_arrays_show(matrix: Matrix) -> None:
    orientation, picture = Orientation.of_matrix(*matrix), quadrants_picture()
    graph = av.filter.Graph()
    source = graph.add("buffer", f"video_size={WIDTH}x{HEIGHT}:pix_fmt=rgb24:time_base=1/1000")
    steps = [graph.add(name, options or None) for name, options in orientation.filters]
    graph.link_nodes(source, *steps, graph.add("buffersink")).configure()
    graph.push(av.VideoFrame.from_ndarray(picture, format="rgb24"))
    filtered = graph.pull()
    assert isinstance(filtered, av.VideoFrame)
    np.testing.assert_array_equal(filtered.to_ndarray(), orientation.applied(picture))


@pytest.mark.parametrize(
    ("matrix", "upright"),
    [
        ((0.0, 0.0, 0.0, 0.0), "red lime blue white"),
        ((-2.0, 0.0, 0.0, 2.0), "lime red white blue"),
        ((math.cos(0.02), math.sin(0.02), -math.sin(0.02), math.cos(0.02)), "red lime blue white"),
        ((math.sin(0.02), math.cos(0.02), -math.cos(0.02), math.sin(0.02)), "blue red white lime"),
    ],
)
def test_a_matrix_that_does_more_counts_as_the_nearest(tmp_path: Path, matrix: Matrix, upright: str) -> None:
    path = write_oriented_video(tmp_path / "odd.mp4", matrix)
    frames, _ = read_video(path, FrameSampling(), FrameGeometry(32, 32, "squash"))
    assert quadrants_of(frames.pixels[0]) == upright


def test_matroska_keeps_orientation_as_a_pose(tmp_path: Path) -> None:
    for matrix, upright in UPRIGHT.items():
        original = write_oriented_video(tmp_path / "phone.mp4", matrix)
        with av.open(original) as given, av.open(tmp_path / "phone.mkv", "w") as copy:
            stream = copy.add_stream_from_template(given.streams.video[0])
            for packet in given.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    copy.mux(packet)
        frames, _ = read_video(tmp_path / "phone.mkv", FrameSampling(), FrameGeometry(32, 32, "squash"))
        assert quadrants_of(frames.pixels[0]) == upright


@pytest.mark.parametrize(("exif", "matrix"), [(2, (-1, 0, 0, 1)), (5, (0, 1, 1, 0)), (6, (0, 1, -1, 0))])
def test_exif_in_moving_jpeg_counts_although_pyav_cannot_name_it(
    tmp_path: Path, exif: int, matrix: Matrix
) -> None:
    tags = Image.Exif()
    tags[0x112] = exif
    Image.fromarray(quadrants_picture()).save(tmp_path / "still.jpg", exif=tags)
    with av.open(tmp_path / "still.jpg") as container:
        assert Orientation.of(next(container.decode(video=0))) == Orientation.of_matrix(*matrix)
