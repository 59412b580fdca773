"""Which files of a folder are videos: names of cameras and phones, and containers under any name."""

from pathlib import Path

import numpy as np
import pytest

from tests.made_videos import Sound, noise, solid_colour_clip
from vifi_cli.video.files.discovery import find_videos
from vifi_cli.video.files.recognition import LEAST_UNKNOWN_BYTES, OTHER_SUFFIXES, VIDEO_SUFFIXES, judge
from vifi_cli.video.files.signatures import content_of

MP4 = b"\0\0\0\x18ftypmp42" + b"\0" * 40
CAMERA_NAMES = """VID_20240506_150513_00_001.insv GS010001.360 PXL_20240101.MP PXL_20240101.MP~2 MVI_1.MP4~3
    VR_MOVIE.VRO ch01.dav 00001.m2ts 00001.MTS MOV001.TOD clip.vob show.dvr-ms show.wtv
    rec.trp intro.bik cut.smk cut.sfd
    tape.gxf tape.mxf tape.dv cam.h264 cam.265 cam.h265 cam.hevc cam.avc video.3gpp video.3g2 film.ogm film.rmvb
    film.nuv disc.ssif clip.hdmov clip.mqv clip.xesc clip.ifv""".split()  # noqa: SIM905

SYSTEM_FOLDERS = [
    *("@eaDir", "#recycle", "#snapshot", "@Recycle", "$RECYCLE.BIN", "RECYCLER", ".Trashes", ".Trash-1000"),
    *("lost+found", "System Volume Information", ".@__thumb", "@Recently-Snapshot", "__MACOSX", "~snapshot"),
]


def write(path: Path, content: bytes, size_bytes: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content + b"\0" * max(size_bytes - len(content), 0))
    return path


def found(folder: Path, **options: object) -> list[str]:
    videos = find_videos([folder], **options).videos  # type: ignore[arg-type]
    return [str(video.path.relative_to(folder)) for video in videos]


@pytest.mark.parametrize("name", CAMERA_NAMES)
def test_names_of_cameras_phones_and_recorders(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, MP4)
    assert found(tmp_path) == [name]


def test_the_head_decides_for_large_files_of_unknown_names(tmp_path: Path) -> None:
    big = LEAST_UNKNOWN_BYTES + 1
    heads = {
        "mp4": MP4,
        "matroska": b"\x1aE\xdf\xa3" + b"\0" * 60,
        "avi": b"RIFF\0\0\0\0AVI LIST",
        "stream": (b"\x47" + b"\0" * 187) * 10,
        "late": b"\1" * 77 + (b"\x47" + b"\0" * 187) * 10,
        "dahua": b"DHAV\xfd\0\0\0",
        "h264": b"\0\0\0\1\x67\x42",
        "bink": b"BIKi\0\0",
        "mxf": b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02\x01",
    }
    for name, head in heads.items():
        write(tmp_path / f"{name}.xyz", head, big)
    write(tmp_path / "noise.xyz", np.random.default_rng(0).bytes(big))
    write(tmp_path / "text.xyz", b"GREAT GIGANTIC GATE " * 10_000)
    write(tmp_path / "small.xyz", MP4)
    write(tmp_path / "archive.zip", MP4, big)
    discovery = find_videos([tmp_path])
    assert found(tmp_path) == sorted(f"{name}.xyz" for name in heads)
    assert discovery.skipped == {"not_video": 4}


def test_sound_alone_under_an_unknown_name_is_skipped(tmp_path: Path) -> None:
    sound = Sound(noise(0.5))
    for container in ("mp4", "mov", "matroska", "flv", "asf"):
        codec = {"asf": "wmav2"}.get(container, "aac")
        path = tmp_path / container
        write_sound(path, container, codec)
        assert content_of(path) == "only_sound", container
        options = {"codec": "msmpeg4v3"} if container == "asf" else {}
        clip = solid_colour_clip(
            path, [("red", 0.5)], container=container, sound=sound if container != "asf" else None, **options
        )
        assert content_of(clip) == "video", container
    write(tmp_path / "ogg", b"OggS" + b"\0" * 24 + b"\1vorbis")
    write(tmp_path / "film.ogg", b"OggS" + b"\0" * 24 + b"\x80theora")
    assert content_of(tmp_path / "ogg") == "only_sound"
    discovery = find_videos([tmp_path])
    assert [video.path.name for video in discovery.videos] == [
        "asf",
        "film.ogg",
        "flv",
        "matroska",
        "mov",
        "mp4",
    ]
    assert discovery.skipped == {"only_sound": 1}


def write_sound(path: Path, container: str, codec: str) -> None:
    import av

    with av.open(path, "w", format=container) as output:
        stream = output.add_stream(codec, rate=44_100, layout="mono")
        stream.bit_rate = 64_000
        size = 1024 if codec != "wmav2" else 2048
        for number in range(12):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, size), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 44_100, number * size
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


@pytest.mark.parametrize("brand", [b"M4A ", b"M4B ", b"heic", b"mif1", b"avif", b"crx "])
def test_pictures_and_sounds_in_the_boxes_of_mp4(tmp_path: Path, brand: bytes) -> None:
    path = write(tmp_path / "file", b"\0\0\0\x18ftyp" + brand + b"\0" * 40)
    assert content_of(path) != "video"


def test_low_resolution_copies_and_unfinished_downloads(tmp_path: Path) -> None:
    big = LEAST_UNKNOWN_BYTES + 1
    for name in (
        "GX010001.LRV",
        "DJI_0001.LRF",
        "LRV_20240506_150513_01_001.insv",
        "film.mp4.part",
        "a.crdownload",
    ):
        write(tmp_path / name, MP4, big)
    write(tmp_path / "lrv_holiday.mp4", MP4)
    discovery = find_videos([tmp_path])
    assert [video.path.name for video in discovery.videos] == ["lrv_holiday.mp4"]
    assert discovery.skipped == {"low_resolution": 3, "unfinished": 2}
    assert found(tmp_path, include=["*.LRV"]) == ["GX010001.LRV", "lrv_holiday.mp4"]
    assert len(find_videos([tmp_path / "DJI_0001.LRF"]).videos) == 1, "a file that is named is a video"


@pytest.mark.parametrize(
    "folder",
    SYSTEM_FOLDERS,
)
def test_trash_and_thumbnails(tmp_path: Path, folder: str) -> None:
    write(tmp_path / "a.mp4", MP4)
    write(tmp_path / folder / "deep" / "b.mp4", MP4)
    discovery = find_videos([tmp_path])
    assert [video.path.name for video in discovery.videos] == ["a.mp4"]
    assert discovery.skipped == {"system_folder": 1}
    assert [video.path.name for video in find_videos([tmp_path / folder]).videos] == ["b.mp4"]
    assert len(found(tmp_path, include=[folder.replace("[", "[[]")])) == 2
    assert len(found(tmp_path, include=["*"], exclude=[folder])) == 1, "--exclude has the last word"


def test_hidden_and_excluded_are_counted_and_not_looked_at(tmp_path: Path) -> None:
    write(tmp_path / ".hidden" / "a.mp4", MP4)
    write(tmp_path / ".b.mp4", MP4)
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    write(tmp_path / "c.mp4", MP4)
    write(tmp_path / "notes.txt", b"text")
    discovery = find_videos([tmp_path], exclude=["loop*", "notes*"])
    assert discovery.skipped == {"hidden": 2, "excluded": 2}
    assert found(tmp_path, include=[".hidden"]) == [".hidden/a.mp4", "c.mp4"]


def test_what_is_known_not_to_be_a_video_is_never_opened(tmp_path: Path) -> None:
    assert not VIDEO_SUFFIXES & OTHER_SUFFIXES
    for suffix in OTHER_SUFFIXES:
        assert judge(tmp_path / f"absent{suffix}", 10**9) == "not_video"


@pytest.mark.parametrize("size_bytes", [2, 2**40, 2**62, 2**63 - 1, 2**64 - 1])
def test_a_box_of_an_absurd_size_ends_the_list_of_boxes(tmp_path: Path, size_bytes: int) -> None:
    box = b"\0\0\0\1mdat" + size_bytes.to_bytes(8, "big")
    write(tmp_path / "damaged", b"\0\0\0\x10ftypisom\0\0\0\0" + box, LEAST_UNKNOWN_BYTES + 1)
    assert content_of(tmp_path / "damaged") == "video"  # opening it will say what is wrong
    assert found(tmp_path) == ["damaged"]
