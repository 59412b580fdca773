"""Re-encoded clips show the right frames at their own times, with sound in step to the sample."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from tests.made_videos import (
    Sound,
    damaged,
    noise,
    numbered_frames,
    recordings_joined,
    solid_colour_clip,
    textured_frames,
    write_video,
)
from tests.video.export.played import lag, play
from vifi_cli import paths
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.export.clip import Clip, write_clip
from vifi_cli.video.moment import Moment

RATE = 44_100
ODD = Path(__file__).parents[3].parent / "shared" / "videos" / "odd"


def cut(video: Path, start: float, end: float) -> tuple[Clip, Path]:
    target = video.with_name("clip.mp4")
    with paths.replacing(target) as temporary:
        return write_clip(Moment(video, start, end), temporary, lambda _: None), target


@pytest.mark.parametrize(
    ("name", "options", "sound"),
    [
        ("long_gop.mp4", {"gop": 60, "b_frames": 3}, {}),
        ("phone.mov", {"start_seconds": 0.7, "gop": 30}, {"codec": "pcm_s16le", "start_seconds": 0.7}),
        ("clock.mkv", {"gop": 40}, {"codec": "flac"}),
        ("stream.ts", {"gop": 25, "b_frames": 2, "start_seconds": 3.0}, {"start_seconds": 3.0}),
        ("web.webm", {"codec": "vp8"}, {"codec": "libopus", "rate": 48_000}),
    ],
)
def test_pictures_and_sound_begin_together_where_they_should(
    tmp_path: Path, name: str, options: dict[str, object], sound: dict[str, object]
) -> None:
    rate = int(str(sound.get("rate", RATE)))
    original = noise(6.0, rate)
    video = write_video(
        tmp_path / name,
        numbered_frames(60),
        sound=Sound(original, **{"rate": rate, **sound}),  # type: ignore[arg-type]
        **options,  # type: ignore[arg-type]
    )
    clip, path = cut(video, 3.3, 5.1)
    played = play(path)
    assert played.numbers == list(range(33, 51))
    assert played.seconds == pytest.approx([number / 10 for number in range(18)], abs=2e-3)
    assert played.end_seconds == pytest.approx(1.8, abs=2e-3)
    assert clip.has_sound
    assert (clip.start_seconds, clip.end_seconds) == pytest.approx((3.3, 5.1), abs=1e-3)
    assert played.sound is not None
    assert played.sound_start_seconds == 0.0
    assert played.sound.shape[1] == pytest.approx(1.8 * rate, abs=1024)
    rounding = 1e-3 * rate if name.endswith((".mkv", ".webm", ".ts")) else 1
    assert lag(played.sound, original) == pytest.approx(3.3 * rate, abs=rounding)


def test_sound_that_begins_late_or_pauses_is_silence_until_then(tmp_path: Path) -> None:
    original = noise(2.0)
    sound = Sound(original, codec="pcm_s16le", start_seconds=1.5)
    video = write_video(tmp_path / "late.mov", numbered_frames(50), sound=sound)
    played = play(cut(video, 1.0, 3.0)[1])
    assert played.sound is not None
    assert np.abs(played.sound[:, : RATE // 2 - 1100]).max() < 1e-3
    assert lag(played.sound[:, RATE // 2 :], original) == 0
    assert not cut(video, 3.6, 4.5)[0].has_sound, "the sound is over by then"


@pytest.mark.parametrize(
    ("rate", "layout", "kept"),
    [(8_000, "mono", (8_000, 1)), (96_000, "stereo", (96_000, 2)), (37_800, "stereo", (48_000, 2)),
     (48_000, "5.1", (48_000, 6)), (48_000, "quad", (48_000, 2))],
)  # fmt: skip
def test_rate_and_channels_are_kept_where_aac_has_them(
    tmp_path: Path, rate: int, layout: str, kept: tuple[int, int]
) -> None:
    channels = av.AudioLayout(layout).nb_channels
    sound = Sound(noise(2.0, rate, channels), rate, layout, codec="pcm_f32le")
    video = write_video(tmp_path / "sound.mov", numbered_frames(20), sound=sound)
    _, path = cut(video, 0.5, 1.5)
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert (stream.rate, stream.channels) == kept
        assert float(stream.duration * stream.time_base) == pytest.approx(1.0, abs=0.05)


def test_a_variable_frame_rate_is_kept(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.2, 5.0, 5.1, 5.35, 5.4, 12.0]
    video = write_video(tmp_path / "slides.mp4", numbered_frames(len(times)), frame_seconds=times, b_frames=2)
    clip, path = cut(video, 4.0, 8.0)
    played = play(path)
    assert played.numbers == [2, 3, 4, 5, 6]
    assert played.seconds == pytest.approx([0.0, 1.0, 1.1, 1.35, 1.4], abs=1e-3)
    assert played.end_seconds == pytest.approx(4.0, abs=2e-3)
    assert (clip.start_seconds, clip.end_seconds) == pytest.approx((4.0, 8.0), abs=1e-3)


@pytest.mark.parametrize("rate", [30000 / 1001, 60.0, 24.0])
def test_times_rounded_by_the_file_come_back_to_the_frame_rate(tmp_path: Path, rate: float) -> None:
    video = write_video(tmp_path / "rounded.mkv", numbered_frames(120), fps=rate)
    _, path = cut(video, 20 / rate, 100 / rate)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == Fraction(rate).limit_denominator(1001)
        ticks = [frame.pts for frame in container.decode(stream)]
    assert len(set(np.diff(ticks))) == 1


@pytest.mark.parametrize(("rotation", "size"), [(90, (64, 48)), (-90, (64, 48)), (180, (48, 64))])
def test_a_turned_picture_is_written_upright(tmp_path: Path, rotation: int, size: tuple[int, int]) -> None:
    video = write_video(
        tmp_path / "phone.mp4", [corner_marked(48, 64)] * 10, rotation=rotation, pixel_format="yuv420p"
    )
    with av.open(str(cut(video, 0.0, 1.0)[1])) as container:
        frame = next(container.decode(video=0))
        assert frame.rotation == 0
        upright = frame.to_ndarray(format="rgb24")
    assert upright.shape[:2] == size
    assert (np.abs(upright.astype(int) - np.rot90(corner_marked(48, 64), rotation // 90)) < 60).all()


def corner_marked(height: int, width: int) -> npt.NDArray[np.uint8]:
    picture = np.full((height, width, 3), 40, np.uint8)
    picture[: height // 2, : width // 2] = 220
    return picture


@pytest.mark.parametrize(("height", "width"), [(81, 121), (80, 121), (81, 120)])
def test_odd_sizes_are_made_even(tmp_path: Path, height: int, width: int) -> None:
    picture = np.zeros((height, width, 3), np.uint8)
    video = write_video(tmp_path / "odd.mp4", [picture] * 5, codec="vp9")
    with av.open(str(cut(video, 0.0, 0.5)[1])) as container:
        context = container.streams.video[0].codec_context
        assert (context.height, context.width, context.pix_fmt) == (80, 120, "yuv420p")


@pytest.mark.parametrize(
    ("height", "width", "written"), [(96, 160, (48, 80)), (40, 160, (40, 160)), (160, 90, (48, 28))]
)
def test_a_draft_is_made_small_with_the_same_frames(
    tmp_path: Path, height: int, width: int, written: tuple[int, int]
) -> None:
    path = write_video(tmp_path / "numbers.mp4", numbered_frames(30, height, width))
    target = tmp_path / "draft.mp4"
    write_clip(Moment(path, 1.0, 2.0), target, lambda _: None, draft_height=48)
    assert play(target).numbers == list(range(10, 20))
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        assert (stream.height, stream.width) == written


def test_ten_bits_and_full_chroma_become_what_all_players_show(tmp_path: Path) -> None:
    video = write_video(tmp_path / "fine.mkv", numbered_frames(10), codec="hevc", pixel_format="yuv444p10le")
    clip, path = cut(video, 0.2, 0.8)
    assert play(path).numbers == list(range(2, 8))
    assert clip.remarks == ()
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"


@pytest.mark.skipif(not ODD.is_dir(), reason="the shared odd videos are not at hand")
def test_hdr_is_brought_to_sdr_and_said(tmp_path: Path) -> None:
    video = tmp_path / "hdr.mp4"
    video.symlink_to(ODD / "codec_hevc" / "torchcodec__testsrc2_hdr.mp4")
    clip, path = cut(video, 0.0, 0.1)
    assert clip.remarks == ("its HDR (PQ) was converted to SDR",)
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_trc, frame.color_primaries) == (1, 1, 1)


@pytest.mark.skipif(not ODD.is_dir(), reason="the shared odd videos are not at hand")
def test_pixels_that_are_not_square_stay_so(tmp_path: Path) -> None:
    video = tmp_path / "wide.mp4"
    video.symlink_to(ODD / "one_or_two_frames" / "mp4parse-rust__h264_white_frame_sar_16_9.mp4")
    with av.open(str(cut(video, 0.0, 1.0)[1])) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(16, 9)


def test_damage_is_passed_over_and_said(tmp_path: Path) -> None:
    video = write_video(tmp_path / "bitrot.mp4", textured_frames(100), gop=10)
    damaged(video, 0.4, 0.5)
    clip, path = cut(video, 0.0, 10.0)
    assert "damaged packets were skipped" in " ".join(clip.remarks)
    assert play(path).end_seconds == pytest.approx(10.0, abs=0.2)


@pytest.mark.parametrize("start", [0.3, 1.7, 2.5])
def test_sound_follows_the_pictures_where_recordings_were_joined(tmp_path: Path, start: float) -> None:
    recorded = noise(2.0)
    joined = recordings_joined(tmp_path, sound=Sound(recorded, start_seconds=5.0))
    clip, path = cut(joined, start, start + 1.2)
    played = play(path)
    assert played.numbers == [number % 20 for number in range(round(start * 10), round(start * 10) + 12)]
    assert played.sound is not None
    assert played.sound.shape[1] == pytest.approx(1.2 * RATE, abs=0.03 * RATE)
    seam = max(round((2.0 - start) * RATE), 0)
    pieces = [(played.sound[:, :seam], start), (played.sound[:, seam:], max(start, 2.0) - 2.0)]
    for piece, begins in pieces:
        if piece.shape[1] > 0.25 * RATE:
            assert lag(piece[:, : RATE // 5], recorded) == pytest.approx(begins * RATE, abs=0.03 * RATE)
    assert not clip.remarks


def test_a_moment_that_is_not_there_leaves_nothing_behind(tmp_path: Path) -> None:
    video = write_video(tmp_path / "numbers.mp4", numbered_frames(10))
    with pytest.raises(UnreadableVideo, match="it ends at"):
        cut(video, 9.0, 10.0)
    assert list(tmp_path.iterdir()) == [video]


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    """A video whose every second takes more than 100 kB."""
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 255, (240, 320, 3), np.uint8) for _ in range(10)]
    return write_video(tmp_path / "noisy.mp4", pictures)


def test_a_full_disk_keeps_the_clip_that_was_there(noisy: Path, full_disk: None) -> None:
    before = noisy.with_name("clip.mp4")
    before.write_bytes(b"kept")
    with pytest.raises(OSError, match="File too large"):
        cut(noisy, 0.0, 1.0)
    assert before.read_bytes() == b"kept"
    assert sorted(path.name for path in noisy.parent.iterdir()) == ["clip.mp4", "noisy.mp4"]


def test_progress_is_told_in_seconds_of_the_moment(tmp_path: Path) -> None:
    video = write_video(tmp_path / "numbers.mp4", numbered_frames(30))
    told: list[float] = []
    write_clip(Moment(video, 1.0, 2.0), tmp_path / "clip.mp4", told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("camera.mp4", {"pixel_format": "yuvj420p"}),
        ("photos.avi", {"codec": "mjpeg", "pixel_format": "yuvj444p"}),
        ("screen.mkv", {"codec": "ffv1", "pixel_format": "bgr0"}),
        ("screen.mov", {"codec": "png", "pixel_format": "rgb24"}),
        ("grey.mkv", {"codec": "ffv1", "pixel_format": "gray"}),
        ("archive.mov", {"codec": "prores_ks", "pixel_format": "yuv422p10le"}),
    ],
)
def test_colors_look_as_in_the_video(tmp_path: Path, name: str, options: dict[str, str]) -> None:
    colors = [("red", 0.3), ("gray", 0.3), ("lime", 0.3), ("navy", 0.3), ("white", 0.3)]
    video = solid_colour_clip(tmp_path / name, colors, **options)
    _, path = cut(video, 0.0, 1.5)
    shown = [first_pixels(video), first_pixels(path)]
    assert np.abs(shown[0] - shown[1]).max() <= 6


def first_pixels(path: Path) -> npt.NDArray[np.int64]:
    """The color in the middle of each frame, as shown by a player that applies matrices and ranges."""
    with av.open(str(path)) as container:
        pixels = [frame.reformat(format="rgb24").to_ndarray()[20, 30] for frame in container.decode(video=0)]
    return np.array(pixels, np.int64)
