"""Reliability diagrams: what bars are high, where they stand, and how many videos they have."""

import numpy as np
import pytest

from vifi_cli.evaluation.report.reliability import (
    calibration_in_words,
    reliability_bars,
    reliability_figure,
    reliability_picture,
)
from vifi_cli.evaluation.scoring.calibration import Calibration, calibration_of


@pytest.fixture
def calibration() -> Calibration:
    """Two videos of confidence 0.9, one of them correct, and 12,345 correct ones of 0.5."""
    sure = np.array([0.9, 0.9, *[0.5] * 12_345], np.float32)
    found = calibration_of(sure, np.array([True, False, *[True] * 12_345]))
    assert found is not None
    return found


def test_bars_by_hand(calibration: Calibration) -> None:
    half, nine = reliability_bars(calibration)
    assert (half.low, half.high) == pytest.approx((7 / 15, 8 / 15))
    assert (half.accuracy, half.confidence, half.height, half.count) == (1.0, 0.5, 1.0, "12k")
    assert (nine.accuracy, nine.count) == (0.5, "2")
    assert nine.height == pytest.approx(2 / 12_345)
    assert nine.words == "confidence 86.7 to 93.3 %: 2 videos, 90.0 % on average, 50.0 % correct"
    assert calibration_in_words(calibration).startswith("ECE 50.0 (a perfectly calibrated model would get 0.")


def test_the_picture_has_them(calibration: Calibration) -> None:
    upper, lower = reliability_figure(calibration).axes
    assert [bar.get_height() for bar in upper.patches] == [100.0, 50.0]
    assert [bar.get_x() for bar in upper.patches] == pytest.approx([100 * 7 / 15, 100 * 13 / 15])
    assert [text.get_text() for text in lower.texts] == ["12k", "2"]
    assert reliability_picture(calibration).startswith(b"\x89PNG")
