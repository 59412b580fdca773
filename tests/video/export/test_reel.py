"""Reels show every moment in its place without drift, and stretch nothing where shapes differ."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.made_videos import Sound, frame_number, noise, numbered_frames, solid_colour_clip, write_video
from tests.video.export.played import lag, play
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.export.picture_fitting import Canvas
from vifi_cli.video.export.probe import VideoFacts, video_facts
from vifi_cli.video.export.reel import Reel, ReelForm, reel_form, write_reel
from vifi_cli.video.moment import Moment

RATE = 48_000


def write(moments: list[Moment], target: Path) -> Reel:
    return write_reel(moments, reel_form([video_facts(one.path) for one in moments]), target, lambda *_: None)


def test_moments_follow_one_another_without_a_frame_lost(tmp_path: Path) -> None:
    video = write_video(tmp_path / "numbers.mp4", numbered_frames(60), b_frames=2)
    moments = [Moment(video, start, end) for start, end in ((3.0, 4.0), (0.5, 0.7), (5.0, 6.0))]
    reel = write(moments, tmp_path / "reel.mp4")
    played = play(tmp_path / "reel.mp4")
    assert played.numbers == [*range(30, 40), 5, 6, *range(50, 60)]
    assert played.seconds == pytest.approx([number / 10 for number in range(22)], abs=1e-3)
    assert reel == Reel(2.2, (0.0, 1.0, pytest.approx(1.2)), ())
    assert played.sound is None


def test_rates_are_brought_to_one_by_time(tmp_path: Path) -> None:
    slow = write_video(tmp_path / "slow.mp4", numbered_frames(20), fps=5.0)
    fast = write_video(tmp_path / "fast.mp4", numbered_frames(80), fps=20.0)
    write([Moment(fast, 0.0, 1.0), Moment(slow, 1.0, 3.0), Moment(fast, 1.0, 2.0)], tmp_path / "reel.mp4")
    played = play(tmp_path / "reel.mp4")
    from_slow = [number for number in range(5, 15) for _ in range(4)]
    assert played.numbers == [*range(20), *from_slow, *range(20, 40)]
    assert played.end_seconds == pytest.approx(4.0, abs=1e-3)


def test_sound_stays_with_its_moment_and_is_silence_where_there_is_none(tmp_path: Path) -> None:
    original = noise(4.0, RATE, channels=2)
    loud = write_video(
        tmp_path / "loud.mp4", numbered_frames(100), fps=25.0, sound=Sound(original, RATE, layout="stereo")
    )
    silent = write_video(tmp_path / "silent.mp4", numbered_frames(100), fps=25.0)
    moments = [Moment(loud, 1.0, 2.0), Moment(silent, 0.0, 1.28), Moment(loud, 0.2, 1.2)] * 3
    reel = write(moments, tmp_path / "reel.mp4")
    sound = play(tmp_path / "reel.mp4").sound
    assert sound is not None
    assert sound.shape == (2, pytest.approx(3 * 3.28 * RATE, abs=1024))
    starts = [round((begin or 0.0) * RATE) for begin in reel.starts_seconds]
    for begin, moment in zip(starts, moments, strict=True):
        part = sound[:, begin : begin + RATE]
        if moment.path == loud:
            assert lag(part, original, RATE) == round(moment.start_seconds * RATE)
        else:
            assert np.abs(part[:, 1024:-1024]).max() < 1e-3


@pytest.mark.parametrize(("height", "width", "bars"), [(120, 60, "beside"), (40, 120, "above")])
def test_other_shapes_stand_between_black_bars(tmp_path: Path, height: int, width: int, bars: str) -> None:
    usual = solid_colour_clip(tmp_path / "usual.mp4", [("white", 1.0)], height=60, width=80)
    other = solid_colour_clip(tmp_path / "other.mp4", [("white", 1.0)], height=height, width=width)
    write([Moment(usual, 0.0, 0.5), Moment(other, 0.0, 0.5), Moment(usual, 0.5, 1.0)], tmp_path / "reel.mp4")
    with av.open(str(tmp_path / "reel.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24").mean(axis=2) for frame in container.decode(video=0)]
    assert frames[0].min() > 240
    bright = frames[7] > 128
    assert bright[30, 40]
    if bars == "beside":
        assert bright.sum(axis=1).tolist() == pytest.approx([30] * 60, abs=1)
    else:
        assert bright.sum(axis=0).tolist() == pytest.approx([80 / 3] * 80, abs=1)


def test_phone_videos_stand_upright(tmp_path: Path) -> None:
    phone = write_video(tmp_path / "phone.mp4", numbered_frames(10), rotation=90)
    lying = write_video(tmp_path / "lying.mp4", numbered_frames(10))
    write([Moment(lying, 0.0, 0.5), Moment(phone, 0.0, 0.5), Moment(lying, 0.5, 1.0)], tmp_path / "reel.mp4")
    with av.open(str(tmp_path / "reel.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert container.streams.video[0].codec_context.width == 160
    upright = frames[8][:, 68:92]
    assert frame_number(np.rot90(upright, -1)) == 3


def test_the_form_is_what_most_have_and_of_equals_the_greater() -> None:
    def facts(height: int, width: int, rate: Fraction, *, sound: bool = False) -> VideoFacts:
        return VideoFacts(1.0, rate, height, width, sound)

    small, large = facts(240, 320, Fraction(25)), facts(1080, 1920, Fraction(2997, 100), sound=True)
    assert reel_form([small, large, small]) == ReelForm(Canvas(240, 320), Fraction(25), has_sound=True)
    assert reel_form([small, large]) == ReelForm(Canvas(1080, 1920), Fraction(30000, 1001), has_sound=True)


def test_a_moment_that_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    video = write_video(tmp_path / "numbers.mp4", numbered_frames(20))
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no video")
    form = reel_form([video_facts(video)])
    moments = [
        Moment(video, 0.0, 1.0),
        Moment(bad, 0.0, 1.0),
        Moment(video, 9.0, 10.0),
        Moment(video, 1.0, 2.0),
    ]
    reel = write_reel(moments, form, tmp_path / "reel.mp4", lambda *_: None)
    assert play(tmp_path / "reel.mp4").numbers == list(range(20))
    assert reel.starts_seconds == (0.0, None, None, 1.0)
    assert [position for position, _ in reel.reasons] == [1, 2]
    with pytest.raises(UnreadableVideo, match="not a video FFmpeg can read"):
        write_reel([Moment(bad, 0.0, 1.0)], form, tmp_path / "none.mp4", lambda *_: None)
