from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.api.search.times import AROUND_SECONDS, instant_option, length_option, time_range_of
from vifi_cli.errors import InvalidInput
from vifi_cli.video.moment import TimeRange
from vifi_cli.wording import seconds_of

NOW_NS = 1_800_000_000 * 10**9


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("1.5", 1.5),
        ("1:30", 90),
        ("0:00", 0),
        ("100:00", 6000),
        ("1:02:03.5", 3723.5),
        ("2h", 7200),
        ("1h30m", 5400),
        ("2m", 120),
    ],
)
def test_lengths_as_people_write_them(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "h", "1:75", "1:2", "1:2:3", "-5", "1e3", "inf", "nan", "12:30pm", "ten"]
)
def test_what_is_no_length_is_none(text: str) -> None:
    assert seconds_of(text) is None
    with pytest.raises(InvalidInput, match="--min-duration"):
        length_option("--min-duration", text)


@given(st.integers(0, 10**6), st.integers(0, 59), st.integers(0, 59))
def test_a_clock_counts_hours_minutes_and_seconds(hours: int, minutes: int, seconds: int) -> None:
    assert seconds_of(f"{hours}:{minutes:02}:{seconds:02}") == hours * 3600 + minutes * 60 + seconds


@pytest.mark.parametrize(
    ("text", "stretch"),
    [
        ("1:20-1:28", TimeRange(80, 88, 80)),
        ("80–88", TimeRange(80, 88, 80)),
        ("1:20", TimeRange(80 - AROUND_SECONDS, 80 + AROUND_SECONDS, 80)),
        ("0", TimeRange(0, AROUND_SECONDS, 0)),
        ("8-5", None),
        ("5-5", None),
        ("5-", None),
        ("-5", None),
        ("1-2-3", None),
        ("", None),
    ],
)
def test_parts_of_a_video(text: str, stretch: TimeRange | None) -> None:
    assert time_range_of(text) == stretch


@pytest.mark.parametrize(
    ("text", "age"),
    [("12h", timedelta(hours=12)), ("7d", timedelta(days=7)), ("1.5w", timedelta(days=10.5))],
)
def test_an_age_counts_back_from_now(text: str, age: timedelta) -> None:
    assert NOW_NS - instant_option("--newer", text, NOW_NS) == age.total_seconds() * 1e9


def test_a_date_is_the_first_instant_of_the_day_here() -> None:
    midnight = datetime(2026, 1, 31).astimezone()
    assert instant_option("--newer", "2026-01-31", NOW_NS) == midnight.timestamp() * 1e9
    later = instant_option("--newer", "2026-01-31T12:30", NOW_NS)
    assert later - midnight.timestamp() * 1e9 == 12.5 * 3600 * 1e9
    assert instant_option("--newer", "2026-01-31T00:00+00:00", NOW_NS) == 1_769_817_600 * 10**9


@pytest.mark.parametrize("text", ["", "yesterday", "5m", "7", "2026-13-01", "2026-02-30", "d", "-7d"])
def test_what_is_neither_date_nor_age_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="--older"):
        instant_option("--older", text, NOW_NS)


@pytest.mark.parametrize("text", ["9" * 40 + "d", "9" * 400 + "w", "0001-01-01", "9999-12-31"])
def test_instants_far_away_fit_into_a_catalogue(text: str) -> None:
    instant = instant_option("--newer", text, NOW_NS)
    assert -(2**63) <= instant < 2**63
    assert (instant > NOW_NS) == (text == "9999-12-31")
