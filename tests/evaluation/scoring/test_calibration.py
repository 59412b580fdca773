"""The expected calibration error, against hand-computed cases and a plain loop over bins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.evaluation.scoring.calibration import BINS, calibration_of


def test_the_error_by_hand() -> None:
    # 0.9 is in bin 14 (0.867 to 0.933) with one of two correct, 0.5 in bin 8 (0.467 to 0.533) and wrong
    found = calibration_of(np.array([0.9, 0.9, 0.5], np.float32), np.array([True, False, False]))
    assert found is not None
    assert found.error == pytest.approx(2 / 3 * abs(0.5 - 0.9) + 1 / 3 * 0.5)
    filled = {place: each for place, each in enumerate(found.bins, 1) if each.videos}
    assert {place: each.videos for place, each in filled.items()} == {8: 1, 14: 2}
    assert (filled[14].accuracy, filled[8].accuracy) == (0.5, 0.0)
    assert filled[14].confidence == pytest.approx(0.9)
    assert (filled[14].low, filled[14].high) == pytest.approx((13 / 15, 14 / 15))
    assert found.bins[0].accuracy is None
    assert found.bins[0].confidence is None


def test_a_bin_has_its_upper_end() -> None:
    edges = np.linspace(0, 1, BINS + 1)[1:]
    found = calibration_of(edges.astype(np.float32), np.ones(BINS, np.bool_))
    assert found is not None
    assert [each.videos for each in found.bins] == [1] * BINS
    assert calibration_of(np.zeros(0, np.float32), np.zeros(0, np.bool_)) is None


def test_few_videos_have_an_error_though_the_model_is_calibrated() -> None:
    # a video alone in its bin is |1 - p| off with probability p, and p otherwise: 2 p (1 - p)
    sure = np.array([0.3, 0.7, 0.9], np.float32)
    found = calibration_of(np.repeat(sure, 1), np.array([False, True, True]))
    assert found is not None
    assert found.of_calibrated == pytest.approx(np.mean(2 * sure * (1 - sure)), abs=0.03)
    many = calibration_of(np.repeat(sure, 4000), np.tile([True, False], 6000))
    assert many is not None
    assert many.of_calibrated < 0.01


@given(st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=60))
def test_the_error_is_that_of_a_loop_over_bins(videos: list[tuple[float, bool]]) -> None:
    sure, hits = np.array([s for s, _ in videos], np.float32), np.array([h for _, h in videos])
    expected = 0.0
    for number in range(15):
        low, high = np.float32(number / 15), np.float32((number + 1) / 15)
        inside = (sure > low) & (sure <= high)
        if number == 0:
            inside |= sure == 0
        if inside.any():
            expected += inside.mean() * abs(hits[inside].mean() - sure[inside].astype(np.float64).mean())
    found = calibration_of(sure, hits)
    assert found is not None
    assert found.error == pytest.approx(expected, abs=1e-9)
    assert sum(each.videos for each in found.bins) == len(videos)
