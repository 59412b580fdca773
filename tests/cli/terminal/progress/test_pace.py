"""The rate of work and the time left, at times that the tests give."""

import pytest

from vifi_cli.cli.terminal.progress.pace import Pace


def test_steady_work_has_a_time_left_within_seconds() -> None:
    pace = Pace(0.0)
    pace.note(0.0, 0)
    assert pace.seconds_left(0.5, 100) is None
    pace.note(2.0, 4)
    assert pace.rate(2.0) == pytest.approx(2.0)
    assert pace.seconds_left(2.0, 100) == pytest.approx(48.0)
    assert pace.seconds_left(3.0, 100) == pytest.approx(47.0), "it counts down between two reports"
    assert pace.seconds_left(3.0, None) is None


def test_the_latest_half_decides() -> None:
    pace = Pace(0.0)
    for second in range(101):
        pace.note(float(second), float(second))
    for second in range(101, 301):
        pace.note(float(second), 100 + 10.0 * (second - 100))
    assert pace.rate(300.0) == pytest.approx(10.0, rel=0.05)
    assert pace.seconds_left(300.0, 3100) == pytest.approx(100.0, rel=0.05)


def test_work_that_stands_still_becomes_slower_and_work_that_begins_again_forgets() -> None:
    pace = Pace(0.0)
    pace.note(0.0, 0)
    pace.note(10.0, 10)
    assert pace.rate(15.0) == pytest.approx(1.0)
    assert pace.rate(90.0) == pytest.approx(10 / 90)
    pace.note(100.0, 1)
    assert pace.rate(100.0) is None


def test_thousands_of_reports_take_little_memory() -> None:
    pace = Pace(0.0)
    for number in range(100_000):
        pace.note(number / 1000, number)
    assert len(pace._samples) < 500
    assert pace.rate(100.0) == pytest.approx(1000, rel=0.01)
