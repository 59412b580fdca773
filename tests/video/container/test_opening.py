"""vifi opens containers of video alone, and no frame so large that it fills the memory."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.format import ContainerFormat
from PIL import Image

from tests.made_videos import numbered_frames, solid_picture, write_video
from tests.video.decode.test_decoder import WIDE, read_video
from vifi_cli.errors import UnreadableVideo, VideoOutOfReach
from vifi_cli.video.clips.reader import read_clip
from vifi_cli.video.clock.file_clock import PLAIN_CLOCK
from vifi_cli.video.container.container import open_video
from vifi_cli.video.container.opening import CONTAINER_FORMATS
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.export.preview import still
from vifi_cli.video.export.sound import open_sound
from vifi_cli.video.files.recognition import VIDEO_SUFFIXES
from vifi_cli.video.pictures.frames import MOST_PIXELS

PLAYLISTS = {
    "ffconcat": "ffconcat version 1.0\nfile sibling.mp4\n",
    "HLS": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nsibling.mp4\n#EXT-X-ENDLIST\n",
    "HLS with a byte order mark": "\ufeff#EXTM3U\nsibling.mp4\n",
    "PLS": "[playlist]\nFile1=sibling.mp4\nNumberOfEntries=1\n",
    "DASH": '<?xml version="1.0"?>\n<MPD type="static"><Period><BaseURL>sibling.mp4</BaseURL></Period></MPD>\n',
    "ASX": '<asx version="3.0"><entry><ref href="sibling.mp4"/></entry></asx>',
    "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=video 5004 RTP/AVP 96\n",
}
TOO_LARGE_SIZE = 8200, 8200


def reason(path: Path) -> str:
    with pytest.raises(UnreadableVideo) as caught:
        read_video(path, FrameSampling(), WIDE)
    return str(caught.value)


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("name", ["list.mp4", "list.m3u8", "list.ts"])
def test_a_playlist_leads_nowhere(tmp_path: Path, kind: str, name: str) -> None:
    write_video(tmp_path / "sibling.mp4", numbered_frames(10))
    path = tmp_path / name
    path.write_text(PLAYLISTS[kind])
    assert reason(path) == "a playlist, which names other files: name those instead"
    for read in (lambda: still(path, 0.0), lambda: read_clip(path, lambda _: np.array([0]), 32)):
        with pytest.raises(UnreadableVideo, match="a playlist"):
            read()
    with open_sound(path, PLAIN_CLOCK) as sound:
        assert sound is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM"])
def test_a_picture_under_a_videos_name_is_not_a_video(tmp_path: Path, kind: str) -> None:
    Image.fromarray(solid_picture("red")).save(tmp_path / "picture.mp4", kind)
    assert reason(tmp_path / "picture.mp4") == "a picture, not a video"


def test_text_is_not_drawn_as_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "colors.ans").write_text("\x1b[31mhello world\x1b[0m\n" * 500)
    with av.open(tmp_path / "colors.ans") as container:
        assert container.format.name == "tty"
    assert reason(tmp_path / "colors.ans") == "its format is not one of video"


@pytest.mark.parametrize(
    "name", ["concat:a|b.mp4", "subfile,,start,0,end,9,,:a.mp4", "img%03d.mp4", "data:,a.mp4"]
)
def test_a_name_is_only_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write_video(tmp_path / name, numbered_frames(10))
    monkeypatch.chdir(tmp_path)
    assert len(read_video(Path(name), FrameSampling(), WIDE)[0]) == 8


def test_every_format_with_the_suffix_of_a_video_is_opened() -> None:
    forms = [form for form in map(_demuxer, av.formats_available) if form is not None]
    opened = {form.long_name for form in forms if form.name in CONTAINER_FORMATS}
    of_videos = {
        form.long_name for form in forms if {f".{suffix}" for suffix in form.extensions} & VIDEO_SUFFIXES
    }
    assert {"QuickTime / MOV", "Matroska / WebM"} < of_videos
    assert of_videos <= opened


def _demuxer(name: str) -> ContainerFormat | None:
    try:
        return ContainerFormat(name, "r")
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("container", "codec", "size"),
    [
        *((container, "h264", (64, 160)) for container in ("mp4", "matroska", "flv", "mpegts", "h264")),
        *((container, "mpeg4", (64, 160)) for container in ("avi", "nut", "m4v")),
        *(
            (container, "mpeg2video", (480, 720))
            for container in ("mpeg", "vob", "mxf", "gxf", "wtv", "mpeg2video")
        ),
        *(("asf", "wmv2", (64, 160)), ("ogv", "vp8", (64, 160)), ("ivf", "vp8", (64, 160))),
        *(("hevc", "hevc", (64, 160)), ("obu", "libsvtav1", (64, 160)), ("rm", "rv20", (288, 352))),
    ],
)
def test_containers_of_all_kinds_are_opened(
    tmp_path: Path, container: str, codec: str, size: tuple[int, int]
) -> None:
    path = write_video(
        tmp_path / "a.bin", numbered_frames(30, *size), fps=25.0, codec=codec, container=container
    )
    with open_video(path) as video:
        assert sum(1 for _ in video.frames(lambda: None)) == 30


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_animated_pictures_are_opened(tmp_path: Path, kind: str) -> None:
    first, *others = (Image.fromarray(picture) for picture in numbered_frames(10))
    first.save(tmp_path / "animation", kind, save_all=True, append_images=others, duration=100)
    assert len(read_video(tmp_path / "animation", FrameSampling(), WIDE)[0]) == 8


def jpeg(height: int, width: int, level: int) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (width, height), level).save(stream, "JPEG", quality=20)
    return stream.getvalue()


def jpegs_in_matroska(path: Path, sizes: list[tuple[int, int]], declared: tuple[int, int]) -> Path:
    with av.open(path, "w", format="matroska") as output:
        stream = output.add_stream("mjpeg", rate=10)
        stream.height, stream.width = declared
        stream.pix_fmt = "yuvj420p"
        for place, size in enumerate(sizes):
            packet = av.Packet(jpeg(*size, 100))
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, place, place, Fraction(1, 10)
            output.mux(packet)
    return path


@pytest.mark.parametrize("declared", [(48, 64), TOO_LARGE_SIZE])
def test_frames_that_are_too_large_are_refused_before_they_fill_the_memory(
    tmp_path: Path, declared: tuple[int, int]
) -> None:
    path = jpegs_in_matroska(tmp_path / "a.mkv", [TOO_LARGE_SIZE] * 3, declared)
    assert "larger than vifi reads (67 million pixels)" in reason(path)


def test_a_size_that_changes_on_the_way_is_checked_too(tmp_path: Path) -> None:
    sizes = [(48, 64)] * 4 + [TOO_LARGE_SIZE] + [(48, 64)] * 4
    path = jpegs_in_matroska(tmp_path / "a.mkv", sizes, (48, 64))
    with open_video(path) as video:
        frames = list(video.frames(lambda: None))
    assert [(frame.height, frame.width) for frame in frames] == [(48, 64)] * 8
    assert video.packets_damaged == 1


def test_the_largest_cameras_are_within_the_limit() -> None:
    assert 7680 * 4320 < 11520 * 5760 <= MOST_PIXELS < 12000 * 12000


@pytest.mark.parametrize("size", [2**63 - 1, 2**63, 2**64 - 1])
def test_a_box_larger_than_any_file_is_damage_and_not_a_failing_disk(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.mp4"
    boxes = b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x01mdat" + size.to_bytes(8, "big")
    path.write_bytes(boxes + bytes(1000))
    with pytest.raises(UnreadableVideo) as caught:
        read_video(path, FrameSampling(), WIDE)
    assert not isinstance(caught.value, VideoOutOfReach)
