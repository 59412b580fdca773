"""Palettes and headers that single packets bring reach the decoder, whichever packets are skipped."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.packet import PacketSideData
from PIL import Image

from tests.made_videos import frame_number, numbered_frames, write_video
from tests.video.decode.test_decoder import WIDE, read_video
from vifi_cli.video.clips.reader import read_clip
from vifi_cli.video.decode.decoder import decode_range
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.export.clip import write_clip
from vifi_cli.video.export.copied_clip import copy_clip
from vifi_cli.video.export.preview import still
from vifi_cli.video.moment import Moment, TimeRange
from vifi_cli.video.pictures.frames import FrameGeometry

SHARED = Path(__file__).parents[3].parent / "shared" / "videos" / "wild"
GEOMETRY = FrameGeometry(32, 32, "squash")
COUNT, CHANGE = 60, 30  # frames at ten a second, and where the palette changes
NEW_EXTRADATA = 1  # FFmpeg's number of this kind of side data


def color(number: int, *, has_changed: bool) -> tuple[int, int, int]:
    """The color of an entry in the first palette, or in the second."""
    shift = 90 if has_changed else 0
    return (number * 7 + shift) % 256, (number * 3 + 2 * shift) % 256, 255 - number


def write_palette_video(path: Path, codec: str) -> Path:
    """Frame n shows entry n of the palette everywhere; from frame 30 on, of another palette."""
    with av.open(path, "w") as output:
        stream = output.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "pal8"
        for number in range(COUNT):
            entries = [(255, *color(entry, has_changed=number >= CHANGE)) for entry in range(256)]
            picture = np.full((48, 64), number, np.uint8)
            frame = av.VideoFrame.from_ndarray((picture, np.array(entries, np.uint8)), format="pal8")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def assert_shows(picture: npt.NDArray[np.uint8], number: int, *, has_changed: bool, within: int = 2) -> None:
    expected = np.array(color(number, has_changed=has_changed))
    assert np.abs(picture.mean(axis=(0, 1)) - expected).max() <= within, (number, picture.mean(axis=(0, 1)))


@pytest.mark.parametrize(
    ("name", "codec"), [("a.avi", "rawvideo"), ("a.avi", "msrle"), ("a.mov", "smc"), ("a.nut", "rawvideo")]
)
def test_every_way_to_reach_a_frame_knows_its_palette(tmp_path: Path, name: str, codec: str) -> None:
    path = write_palette_video(tmp_path / name, codec)
    changes = name != "a.mov"  # which keeps the first palette
    frames, info = read_video(path, FrameSampling(), GEOMETRY)
    assert len(frames) == 8
    assert info.decoding == "sequential"
    for seconds, picture in zip(frames.seconds, frames.pixels, strict=True):
        number = round(seconds * 10)
        assert_shows(picture, number, has_changed=changes and number >= CHANGE)
    for chunk in decode_range(path, FrameSampling(), GEOMETRY, TimeRange(4.0, 5.0)):
        for seconds, picture in zip(chunk.seconds, chunk.pixels, strict=True):
            assert_shows(picture, round(seconds * 10), has_changed=changes)
    seen = Image.open(io.BytesIO(still(path, 4.5))).convert("RGB")
    assert_shows(np.asarray(seen), 45, has_changed=changes, within=6)
    assert_shows(read_clip(path, lambda _: np.array([45]), 48)[0], 45, has_changed=changes)
    write_clip(Moment(path, 4.5, 5.0), tmp_path / "clip.mp4", lambda _: None)
    with av.open(tmp_path / "clip.mp4") as container:
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert_shows(first.astype(np.uint8), 45, has_changed=changes, within=6)


def test_a_copy_keeps_the_palette(tmp_path: Path) -> None:
    path = write_palette_video(tmp_path / "a.mov", "rawvideo")
    copy_clip(Moment(path, 4.5, 5.0), tmp_path / "clip.mov", lambda _: None)
    with av.open(tmp_path / "clip.mov") as container:
        pictures = [frame.to_ndarray(format="rgb24").astype(np.uint8) for frame in container.decode(video=0)]
    assert len(pictures) == 5
    for number, picture in enumerate(pictures, start=45):
        assert_shows(picture, number, has_changed=False)


def write_changing_header(path: Path) -> Path:
    """An FLV of numbered frames, ten a second, whose size doubles at frame 60, with a new header in one packet."""
    folder = path.parent
    small = write_video(folder / "small.mp4", numbered_frames(60), gop=10)
    large = write_video(folder / "large.mp4", list(numbered_frames(120, 128, 320))[60:], gop=10)
    with av.open(small) as first, av.open(large) as second, av.open(path, "w") as output:
        stream = output.add_stream_from_template(first.streams.video[0])
        header = second.streams.video[0].codec_context.extradata
        assert header is not None
        brought = PacketSideData(NEW_EXTRADATA, len(header))
        brought.update(header)
        for part, shift in ((first, 0), (second, 6)):
            for place, packet in enumerate(part.demux(video=0)):
                if packet.pts is None or packet.dts is None:
                    continue
                ticks = round(shift / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts + ticks, packet.dts + ticks, stream
                if part is second and place == 0:
                    packet.set_sidedata(brought)
                output.mux(packet)
    return path


def test_a_header_on_the_way_is_neither_skipped_nor_jumped_over(tmp_path: Path) -> None:
    path = write_changing_header(tmp_path / "stream.flv")
    frames, info = read_video(path, FrameSampling(), WIDE)
    assert info.decoding == "keyframes"
    assert [frame_number(picture) for picture in frames.pixels] == list(range(0, 120, 10))
    for seconds in (3.0, 8.5, 11.0):
        picture = Image.open(io.BytesIO(still(path, seconds))).convert("RGB")
        assert frame_number(np.asarray(picture)) == round(seconds * 10)
    chunks = list(decode_range(path, FrameSampling(), WIDE, TimeRange(9.0, 11.0)))
    numbers = [frame_number(picture) for chunk in chunks for picture in chunk.pixels]
    assert numbers[-2:] == [90, 100]
    clip = read_clip(path, lambda _: np.array([5, 80, 95]), 32)
    assert [frame_number(picture) for picture in clip] == [5, 80, 95]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared clips are not at hand")
def test_a_real_file_with_a_palette_has_colors() -> None:
    path = SHARED / "palette.avi"
    frames, _ = read_video(path, FrameSampling(), GEOMETRY)
    with av.open(path) as container:
        expected = [frame.to_ndarray(format="rgb24").mean() for frame in container.decode(video=0)]
    for seconds, picture in zip(frames.seconds, frames.pixels, strict=True):
        assert picture.mean() == pytest.approx(expected[round(seconds * 25)], abs=2)
