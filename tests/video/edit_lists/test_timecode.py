"""Timecode has known values, stays with the clock, and agrees with OpenTimelineIO at any frame."""

from fractions import Fraction

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.video.edit_lists.edl import TimecodeRate, timecode_rate
from vifi_cli.video.export.probe import STANDARD_RATES, VideoFacts, nearest_rate

NTSC = Fraction(30000, 1001)
DROP = TimecodeRate(NTSC, drop_frame=True)


@pytest.mark.parametrize(
    ("frame", "timecode"),
    [
        (0, "00:00:00;00"),
        (1799, "00:00:59;29"),
        (1800, "00:01:00;02"),
        (17981, "00:09:59;29"),
        (17982, "00:10:00;00"),
        (107892, "01:00:00;00"),
        (24 * 107892, "00:00:00;00"),
    ],
)
def test_drop_frame_passes_over_two_numbers_a_minute_but_the_tenth(frame: int, timecode: str) -> None:
    assert DROP.timecode(frame) == timecode
    assert DROP.frame(timecode) == frame % (24 * 107892)


def test_drop_frame_stays_with_the_clock() -> None:
    hours, minutes, seconds, frames = map(
        int, DROP.timecode(round(3 * 3600 * NTSC)).replace(";", ":").split(":")
    )
    assert (hours, minutes, seconds, frames) == (3, 0, 0, 0)
    assert TimecodeRate(NTSC).timecode(round(3 * 3600 * NTSC)) == "02:59:49:06"


@given(st.sampled_from(STANDARD_RATES), st.booleans(), st.integers(0, 24 * 3600 * 23))
def test_timecodes_are_those_of_opentimelineio(rate: Fraction, drop: bool, frame: int) -> None:
    drop = drop and rate.denominator == 1001 and rate > 25
    counted = TimecodeRate(rate, drop)

    expected = otio.opentime.RationalTime(frame, float(rate)).to_timecode(float(rate), drop_frame=drop)
    assert counted.timecode(frame) == expected
    assert counted.frame(counted.timecode(frame)) == frame


@given(st.sampled_from(STANDARD_RATES), st.integers(0, 10**6), st.integers(1, 1000))
def test_frames_told_in_seconds_come_back(rate: Fraction, first: int, count: int) -> None:
    start, end = float(first / rate), float((first + count) / rate)
    assert TimecodeRate(rate).frames_within(start, end) == (first, first + count)
    rounded = round(start, 3), round(end, 3)
    assert TimecodeRate(rate).frames_within(*rounded) == (first, first + count)


def test_a_stretch_shorter_than_a_frame_has_one() -> None:
    assert TimecodeRate(Fraction(25)).frames_within(1.01, 1.02) == (25, 26)


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (Fraction(2997, 100), NTSC),
        (Fraction(2160, 77), None),
        (Fraction(10), None),
        (Fraction(23976, 1000), Fraction(24000, 1001)),
        (Fraction(601, 10), Fraction(60)),
    ],
)
def test_a_trembling_rate_is_taken_for_what_it_is_meant_to_be(told: Fraction, meant: Fraction | None) -> None:
    assert nearest_rate(told) == meant


def counted(rate: Fraction, timecode: str | None) -> TimecodeRate:
    return timecode_rate(VideoFacts(60.0, rate, 1080, 1920, has_sound=False, first_timecode=timecode))


def test_a_file_says_by_its_first_timecode_how_it_counts() -> None:
    assert counted(NTSC, None) == DROP
    assert counted(NTSC, "10:00:00;00") == DROP
    assert counted(NTSC, "10:00:00:00") == TimecodeRate(NTSC)
    assert counted(Fraction(25), None) == TimecodeRate(Fraction(25))
    assert counted(Fraction(10), None) == TimecodeRate(Fraction(10))


def test_what_is_no_timecode_is_refused() -> None:
    with pytest.raises(ValueError, match="not a timecode"):
        DROP.frame("1:2:3:4")
