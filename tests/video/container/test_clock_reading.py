"""The clock of a file: joined recordings, leaps that nobody would wait for, and gaps that are real."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from tests.decoded_videos import read_video
from tests.made_videos import Sound, frame_number, noise, numbered_frames, write_video
from tests.video.export.played import play
from vifi_cli.video.clock.file_clock import PLAIN_CLOCK, FileClock
from vifi_cli.video.container import clock_reading
from vifi_cli.video.container.clock_reading import clock_of, read_clock
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.export.clip import write_clip
from vifi_cli.video.export.copied_clip import copy_clip
from vifi_cli.video.moment import Moment
from vifi_cli.video.pictures.frames import FrameGeometry, VideoInfo

WILD = Path(__file__).parents[3].parent / "shared" / "videos" / "wild"
HOUR = 3600.0


def recorded(path: Path, times: Sequence[float], **options: object) -> Path:
    """A video of numbered frames at these times, ten a second usually."""
    return write_video(path, numbered_frames(len(times)), frame_seconds=times, gop=10, **options)  # type: ignore[arg-type]


def evenly(count: int, start: float = 0.0, step: float = 0.1) -> list[float]:
    return [start + step * number for number in range(count)]


def seen(path: Path) -> tuple[list[tuple[int, float]], VideoInfo]:
    frames, info = read_video(path, FrameSampling(10.0, 1), FrameGeometry(64, 160, "squash"))
    numbers = [frame_number(picture) for picture in frames.pixels]
    return list(zip(numbers, frames.seconds.tolist(), strict=True)), info


def cut_numbers(path: Path, start: float, end: float, clock: FileClock | None = None) -> list[int]:
    clip = path.with_name("clip.mp4")
    write_clip(Moment(path, start, end, clock=clock), clip, lambda _: None)
    return play(clip).numbers


def joined(folder: Path, suffix: str, lengths: Sequence[int], **options: object) -> Path:
    """Recordings of so many numbered frames, joined byte for byte."""
    parts = [
        recorded(folder / f"{place}{suffix}", evenly(count), **options) for place, count in enumerate(lengths)
    ]
    whole = folder / f"joined{suffix}"
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    return whole


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".ts", {"b_frames": 2}),
        (".ts", {"codec": "hevc"}),
        (".mts", {"container": "mpegts"}),
        (".mpg", {"container": "mpeg", "codec": "mpeg2video", "b_frames": 2, "fps": 25}),
        (".vob", {"container": "vob", "codec": "mpeg2video", "b_frames": 2, "fps": 25}),
    ],
)
def test_joined_recordings_follow_each_other_whichever_way_they_are_read(
    tmp_path: Path, suffix: str, options: dict[str, object]
) -> None:
    rate = 25 if options.get("fps") == 25 else 10
    lengths = (40, 90, 40)
    parts = [
        write_video(
            tmp_path / f"{place}{suffix}", numbered_frames(count), **{"fps": rate, "gop": 10, **options}
        )  # type: ignore[arg-type]
        for place, count in enumerate(lengths)
    ]
    whole = tmp_path / f"joined{suffix}"
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    order = [number for count in lengths for number in range(count)]
    frames, info = read_video(whole, FrameSampling(float(rate), 1), FrameGeometry(64, 160, "squash"))
    assert [frame_number(picture) for picture in frames.pixels] == order
    np.testing.assert_allclose(frames.seconds, np.arange(len(order)) / rate, atol=0.001)
    assert info.duration_seconds == pytest.approx(len(order) / rate, abs=0.001)
    for first in (3, 35, 45, 77, 125, 133, 160):
        for clock in (None, info.clock):
            numbers = cut_numbers(whole, first / rate, (first + 8) / rate, clock)
            assert numbers == order[first : first + 8], (first, clock is None)


def test_a_copied_clip_of_joined_recordings_has_the_pictures_and_the_sound_of_its_moment(
    tmp_path: Path,
) -> None:
    parts = [
        recorded(tmp_path / f"{place}.ts", evenly(30), sound=Sound(noise(3.0, seed=place)))
        for place in range(2)
    ]
    whole = tmp_path / "joined.ts"
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    clip = copy_clip(Moment(whole, 4.0, 5.0), tmp_path / "clip.ts", lambda _: None)
    assert clip.start_seconds == pytest.approx(4.0, abs=0.001)
    assert play(tmp_path / "clip.ts").numbers == list(range(10, 20))
    assert clip.has_sound
    copy_clip(Moment(whole, 2.0, 4.0), tmp_path / "seam.ts", lambda _: None)
    played = play(tmp_path / "seam.ts")
    assert played.numbers == [*range(20, 30), *range(10)]
    assert played.sound is not None
    assert played.sound.shape[1] / 44_100 == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".flv", ".mp4"])
@pytest.mark.parametrize("leap", [20 * HOUR, 5 * HOUR])
def test_a_leap_that_nobody_would_wait_for_is_closed(tmp_path: Path, suffix: str, leap: float) -> None:
    if suffix == ".mp4" and leap > 10 * HOUR:
        pytest.skip("MP4 of this unit of time cannot hold so long a frame")
    path = recorded(tmp_path / f"leap{suffix}", evenly(75) + evenly(75, 7.5 + leap))
    numbered, info = seen(path)
    assert [number for number, _ in numbered] == list(range(150))
    np.testing.assert_allclose([seconds for _, seconds in numbered], np.arange(150) / 10, atol=0.01)
    assert info.duration_seconds == pytest.approx(15.0, abs=0.1)
    assert info.warning is not None
    assert f"leaps ahead by {leap / HOUR:.1f} h at 7.5 s" in info.warning
    assert cut_numbers(path, 9.0, 9.5) == list(range(90, 95))
    assert cut_numbers(path, 7.2, 7.8) == list(range(72, 78))


def test_a_clock_that_leaps_there_and_back_is_followed(tmp_path: Path) -> None:
    """In the middle, the times of 3 seconds are wrong by 5 minutes, which would be a real gap elsewhere."""
    times = [evenly(50), evenly(30, 305.0), evenly(70, 8.0)]
    parts = []
    numbered = iter(numbered_frames(150))
    for place, part in enumerate(times):
        frames = [next(numbered) for _ in part]
        parts.append(write_video(tmp_path / f"{place}.ts", frames, frame_seconds=part, gop=10))
    path = tmp_path / "there_and_back.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    order, info = seen(path)
    assert [number for number, _ in order] == list(range(150))
    np.testing.assert_allclose([seconds for _, seconds in order], np.arange(150) / 10, atol=0.01)
    assert info.duration_seconds == pytest.approx(15.0, abs=0.05)
    assert cut_numbers(path, 6.0, 6.5) == list(range(60, 65))
    assert cut_numbers(path, 12.0, 12.5) == list(range(120, 125))


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4", ".flv"])
@pytest.mark.parametrize(
    "times",
    [
        pytest.param(evenly(8, step=30.0), id="slides"),
        pytest.param(evenly(20, step=60.0), id="a frame a minute"),
        pytest.param(evenly(30) + evenly(30, 200.0) + evenly(30, 500.0), id="a camera that pauses"),
        pytest.param([*evenly(30), 90.0, 95.0, 300.0, *evenly(30, 301.0)], id="a screen that stands still"),
    ],
)
def test_real_gaps_stay(tmp_path: Path, suffix: str, times: list[float]) -> None:
    path = recorded(tmp_path / f"gaps{suffix}", times)
    numbered, info = seen(path)
    np.testing.assert_allclose(
        [seconds for _, seconds in numbered], [times[number] for number, _ in numbered], atol=0.01
    )
    assert numbered[-1][0] == len(times) - 1
    assert info.duration_seconds == pytest.approx(times[-1], abs=61.0)
    assert info.duration_seconds >= times[-1]
    assert info.clock.is_plain
    assert info.warning is None
    for number in (2, len(times) - 2):
        assert cut_numbers(path, times[number], times[number] + 0.05)[0] == number


def test_a_screen_that_stands_still_for_an_hour_stays_so(tmp_path: Path) -> None:
    times = evenly(300) + evenly(300, 30.0 + HOUR)
    path = recorded(tmp_path / "screen.mkv", times)
    numbered, info = seen(path)
    np.testing.assert_allclose(
        [seconds for _, seconds in numbered], [times[number] for number, _ in numbered], atol=0.01
    )
    assert info.duration_seconds == pytest.approx(HOUR + 60, abs=0.2)
    assert info.clock.is_plain


def test_sound_during_a_gap_proves_it_and_sound_that_leaps_along_does_not(tmp_path: Path) -> None:
    times = evenly(30) + evenly(30, 33.0)
    with_sound = recorded(tmp_path / "sound.ts", times, sound=Sound(noise(36.0)))
    assert read_clock(with_sound).duration_seconds == pytest.approx(36.0, abs=0.2)
    parts = [
        recorded(tmp_path / f"{place}.ts", evenly(30, start), sound=Sound(noise(3.0), start_seconds=start))
        for place, start in enumerate((0.0, 33.0))
    ]
    both_leap = tmp_path / "both_leap.ts"
    both_leap.write_bytes(b"".join(part.read_bytes() for part in parts))
    clock = read_clock(both_leap)
    assert clock.duration_seconds == pytest.approx(6.0, abs=0.2)
    assert clock.warning is not None
    assert "by 30 s at 3.0 s" in clock.warning


@pytest.mark.parametrize("suffix", [".mkv", ".flv"])
def test_a_damaged_unit_of_time_does_not_make_seconds_last_for_days(tmp_path: Path, suffix: str) -> None:
    path = recorded(tmp_path / f"slow{suffix}", evenly(150, step=2000.0), fps=10, tick=1 / 10)
    numbered, info = seen(path)
    assert [number for number, _ in numbered] == list(range(150))
    rate = 150 / info.duration_seconds
    assert rate in (pytest.approx(10.0, rel=0.01), pytest.approx(25.0, rel=0.01))
    np.testing.assert_allclose([seconds for _, seconds in numbered], np.arange(150) / rate, atol=0.01)
    assert info.warning == f"by its own times it shows a picture every 33 min: read at {rate:.0f} a second"
    assert cut_numbers(path, 90 / rate, 95 / rate, info.clock) == list(range(90, 95))
    assert cut_numbers(path, 90 / rate, 95 / rate) == list(range(90, 95))


def at_25(path: Path, frames: int) -> bytearray:
    """The bytes of an AVI with 25 numbered frames a second, by its header, the stream's and the codec."""
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.pix_fmt = "yuv420p"
        for number, picture in enumerate(numbered_frames(frames)):
            if not number:
                stream.height, stream.width = picture.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return bytearray(path.read_bytes())


def test_the_other_headers_of_an_avi_outvote_a_damaged_rate(tmp_path: Path) -> None:
    path = tmp_path / "slow.avi"
    content = at_25(path, 50)
    scale = content.index(b"strh") + 8 + 20
    content[scale : scale + 4] = (151).to_bytes(4, "little")  # 25 / 151 a second
    path.write_bytes(content)
    numbered, info = seen(path)
    assert info.duration_seconds == pytest.approx(2.0, abs=0.05)
    assert [number for number, _ in numbered] == [round(25 * seconds) for _, seconds in numbered]
    assert info.warning == "by its own times it shows a picture every 6.04 s: read at 25 a second"
    content[32:36] = (6_040_000).to_bytes(4, "little")  # now the file's header says so too
    path.write_bytes(content)
    assert seen(path)[1].duration_seconds == pytest.approx(302.0, abs=1.0)


def test_a_picture_every_ten_minutes_stays(tmp_path: Path) -> None:
    clock = read_clock(recorded(tmp_path / "rare.mkv", evenly(20, step=590.0)))
    assert clock.is_plain
    assert clock.duration_seconds == pytest.approx(20 * 590.0, abs=600.0)


@pytest.mark.parametrize("order", ["wrapping first", "wrapping last"])
def test_times_that_begin_again_at_0_on_the_way_go_on(tmp_path: Path, order: str) -> None:
    """Transport streams count to 2**33; this one gets there after 3 s."""
    before_end = 2**33 / 90_000 - 3.0
    wrapping = write_video(
        tmp_path / "wrapping.ts", numbered_frames(60), start_seconds=before_end, gop=10, b_frames=2
    )
    plain = recorded(tmp_path / "plain.ts", evenly(40), b_frames=2)
    assert seen(wrapping)[1].duration_seconds == pytest.approx(6.0, abs=0.001)
    parts = [wrapping, plain] if order == "wrapping first" else [plain, wrapping]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    wanted = [*range(60), *range(40)] if order == "wrapping first" else [*range(40), *range(60)]
    order_seen, info = seen(path)
    assert [number for number, _ in order_seen] == wanted
    np.testing.assert_allclose([seconds for _, seconds in order_seen], np.arange(100) / 10, atol=0.001)
    assert info.duration_seconds == pytest.approx(10.0, abs=0.001)
    for first in (20, 50, 80):
        assert cut_numbers(path, first / 10, first / 10 + 0.5) == wanted[first : first + 5]


def test_a_clock_is_kept_as_text(tmp_path: Path) -> None:
    clock = read_clock(joined(tmp_path, ".ts", (20, 30)))
    assert not clock.is_plain
    assert clock.seek_points
    assert FileClock.from_json(clock.as_json()) == clock
    assert FileClock.from_json(FileClock().as_json()) == FileClock()
    for broken in ("", "{}", "[]", '{"segments": 3}'):
        with pytest.raises(ValueError):
            FileClock.from_json(broken)


def test_a_long_file_is_read_only_if_it_goes_on_after_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in (
        "READ_AT_ONCE_BYTES",
        "SPARSE_BYTES_PER_SECOND",
        "SLACK_BYTES",
    ):  # as in a file of gigabytes
        monkeypatch.setattr(clock_reading, limit, 0)
    plain = recorded(tmp_path / "plain.mkv", evenly(3000))
    assert clock_of(plain) is PLAIN_CLOCK
    parts = [plain.read_bytes(), recorded(tmp_path / "second.mkv", evenly(2000)).read_bytes()]
    whole = tmp_path / "joined.mkv"
    whole.write_bytes(b"".join(parts))
    assert clock_of(whole) == read_clock(whole)
    assert cut_numbers(whole, 350.0, 350.5) == list(range(500, 505))


def test_the_clock_of_the_index_is_the_one_found_without_it(tmp_path: Path) -> None:
    for path in (joined(tmp_path, ".ts", (20, 30)), recorded(tmp_path / "plain.mp4", evenly(150))):
        _, info = seen(path)
        found = clock_of(path)
        assert replace(found, duration_seconds=None) == replace(info.clock, duration_seconds=None)


@pytest.mark.skipif(not WILD.is_dir(), reason="the shared wild videos are not at hand")
@pytest.mark.parametrize(
    ("name", "seconds", "warning"),
    [
        ("joined.mts", 19.0, None),
        ("jump.ts", 15.0, "its clock leaps ahead by 20.0 h at 7.5 s: left out"),
        ("flipped_jump.ts", 15.0, "its clock leaps ahead by 20.0 h at 7.5 s: left out"),
        ("video_begins_late.mkv", 12.0, None),
        ("bframes_numbered.avi", 12.0, None),
    ],
)
def test_wild_files_have_their_true_length(name: str, seconds: float, warning: str | None) -> None:
    _, info = read_video(WILD / name, FrameSampling(), FrameGeometry(32, 32))
    assert info.duration_seconds == pytest.approx(seconds, abs=0.01)
    assert info.warning == warning
