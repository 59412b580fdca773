"""Of several video streams, every way to reach a frame reads the film, and what is not read is named."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.made_videos import ENCODERS, frame_number, numbered_frames, solid_picture
from tests.video.decode.test_decoder import WIDE, read_video
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.clips.full_frames import clip_frames
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.export.clip import write_clip
from vifi_cli.video.export.copied_clip import copied_suffix, copy_clip
from vifi_cli.video.export.preview import still
from vifi_cli.video.export.probe import video_facts
from vifi_cli.video.moment import Moment
from vifi_cli.web.media.playback import playability

SHARED = Path(__file__).parents[3].parent / "shared" / "videos" / "wild"


@dataclass(frozen=True)
class Track:
    """A video stream to write: numbered frames of a size, ten a second, or as many of one color."""

    frames: int
    size: tuple[int, int] = (64, 160)
    is_default: bool = False
    codec: str = "h264"
    color: str | None = None


FILM = Track(30)


def write_tracks(path: Path, tracks: Sequence[Track]) -> Path:
    """Writes the streams side by side, in their order; one of no frames stays empty."""
    with av.open(path, "w") as output:
        streams = []
        for track in tracks:
            stream = output.add_stream(ENCODERS.get(track.codec, track.codec), rate=10)
            stream.height, stream.width = track.size
            stream.pix_fmt = "yuvj420p" if track.codec == "mjpeg" else "yuv420p"
            stream.disposition = 1 if track.is_default else 0
            streams.append(stream)
        packets = []
        for stream, track in zip(streams, tracks, strict=True):
            numbered = numbered_frames(track.frames, *track.size)
            for place, picture in enumerate(numbered):
                shown = solid_picture(track.color, *track.size) if track.color else picture
                frame = av.VideoFrame.from_ndarray(shown, format="rgb24")
                frame.pts, frame.time_base = place, Fraction(1, 10)
                packets += stream.encode(frame)
            packets += stream.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            output.mux(packet)
    return path


def assert_shows_the_film(path: Path, size: tuple[int, int] = (64, 160)) -> None:
    """Every way to reach a frame shows the numbered frames of this size."""
    frames, info = read_video(path, FrameSampling(), WIDE)
    assert (info.height, info.width) == size
    seen = [frame_number(picture) for picture in frames.pixels]
    assert len(seen) == 8
    assert seen == sorted(set(seen))
    assert frame_number(np.asarray(Image.open(io.BytesIO(still(path, 1.5))).convert("RGB"))) == 15
    assert [frame_number(one.picture) for one in clip_frames(path, 4)][1:] == sorted(
        frame_number(one.picture) for one in clip_frames(path, 4)
    )[1:]
    facts = video_facts(path)
    assert (facts.height, facts.width) == size
    target = path.with_name("clip.mp4")
    write_clip(Moment(path, 1.0, 2.0), target, lambda _: None)
    assert frame_number(read_video(target, FrameSampling(), WIDE)[0].pixels[0]) == 10
    copy = path.with_name(f"copy{copied_suffix(path)}")
    copy_clip(Moment(path, 0.0, 2.0), copy, lambda _: None)
    assert frame_number(read_video(copy, FrameSampling(), WIDE)[0].pixels[0]) == 0


def warning(path: Path) -> str | None:
    return read_video(path, FrameSampling(), WIDE)[1].warning


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_a_single_picture_before_the_film(tmp_path: Path, name: str) -> None:
    thumbnail = Track(1, (96, 240), codec="mjpeg", color="red", is_default=True)
    path = write_tracks(tmp_path / name, [thumbnail, FILM])
    assert_shows_the_film(path)
    assert warning(path) == "only video stream #1 (160x64) is read, not #0 (240x96, a single picture)"
    clip = write_clip(Moment(path, 0.0, 1.0), tmp_path / "clip.mp4", lambda _: None)
    assert warning(path) in clip.remarks
    assert playability(path, lambda _: None).media_type is None, "a browser may choose the other stream"


def test_a_thumbnail_and_a_film_behind_sound(tmp_path: Path) -> None:
    """Packets that end a stream count as the first stream's, which is not among those counted here."""
    tracks = write_tracks(tmp_path / "silent.mkv", [FILM, Track(1, (96, 240), codec="mjpeg", color="red")])
    path = tmp_path / "a.mkv"
    with av.open(tracks) as source, av.open(path, "w") as output:
        sound = output.add_stream("aac", rate=44_100)
        streams = [output.add_stream_from_template(stream) for stream in source.streams.video]
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 44_100 * 3), np.float32), "fltp", "mono")
        samples.sample_rate = 44_100
        output.mux([*sound.encode(samples), *sound.encode()])
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                output.mux(packet)
    assert_shows_the_film(path)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_the_default_of_two_films(tmp_path: Path, name: str) -> None:
    other = Track(30, (128, 320), color="red")
    path = write_tracks(tmp_path / name, [other, Track(30, is_default=True)])
    if name == "a.ts":  # which keeps no default: the larger is read
        assert warning(path) == "only video stream #0 (320x128) is read, not #1 (160x64)"
        return
    assert_shows_the_film(path)
    assert warning(path) == "only video stream #1 (160x64) is read, not #0 (320x128)"


def test_of_two_fisheyes_the_first(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "a.mp4", [FILM, Track(30, color="red")])
    assert_shows_the_film(path)
    assert warning(path) == "only video stream #0 (160x64) is read, not #1 (160x64)"


def test_a_default_stream_without_packets(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "a.mkv", [Track(0, (128, 320), is_default=True), FILM])
    assert_shows_the_film(path)
    assert warning(path) is None, "nothing is lost"


def test_a_film_of_one_picture_is_read(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv"):
        path = write_tracks(tmp_path / name, [Track(1)])
        frames, info = read_video(path, FrameSampling(), WIDE)
        assert (len(frames), info.warning) == (1, None)


def test_a_thumbnail_does_not_stand_for_a_film_without_decoder(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "a.mp4", [Track(1, codec="mjpeg", color="red"), FILM])
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzz1").replace(b"avcC", b"zzzC"))
    with pytest.raises(UnreadableVideo, match="no decoder for the codec of its film"):
        read_video(path, FrameSampling(), WIDE)


def test_a_still_picture_in_a_container_of_video_is_a_picture(tmp_path: Path) -> None:
    Image.fromarray(solid_picture("red")).save(tmp_path / "a.avif")
    with pytest.raises(UnreadableVideo, match="a picture, not a video"):
        read_video(tmp_path / "a.avif", FrameSampling(), WIDE)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared clips are not at hand")
@pytest.mark.parametrize(
    ("name", "remark"),
    [
        ("firstempty.ts", None),
        ("thumbfirst.mkv", "only video stream #1 (160x90) is read, not #0 (160x90, a single picture)"),
    ],
)
def test_files_that_other_tools_read_wrongly(name: str, remark: str | None) -> None:
    frames, info = read_video(SHARED / name, FrameSampling(), WIDE)
    assert len(frames) == 8
    assert info.duration_seconds == pytest.approx(8.0, abs=0.1)
    assert info.warning == remark
