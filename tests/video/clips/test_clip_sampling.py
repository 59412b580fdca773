"""Frame numbers of clips equal the published ones, and keep their order and bounds at any length."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.video.clips import clip_sampling

GOLDEN = Path(__file__).parents[3].parent / "shared" / "golden" / "frame_sampling.json"
TOTALS, FRAMES = st.integers(1, 10_000), st.integers(1, 64)


@pytest.mark.skipif(not GOLDEN.exists(), reason="the published frame numbers are not at hand")
def test_frame_numbers_are_the_published_ones() -> None:
    generator = np.random.default_rng(0)
    cases = json.loads(GOLDEN.read_text())
    assert len(cases) > 50
    for case in cases:
        total, frames = case["total_frames"], case["frames"]
        assert clip_sampling.test_frame_indices(total, frames).tolist() == case["test_indices"]
        draws = np.stack([clip_sampling.training_frame_indices(total, frames, generator) for _ in range(400)])
        slack = 0.05 * (total // frames)  # 400 draws, theirs and ours, come this near to the ends of a span
        np.testing.assert_allclose(draws.min(axis=0), case["train_lowest_seen"], rtol=0, atol=slack)
        np.testing.assert_allclose(draws.max(axis=0), case["train_highest_seen"], rtol=0, atol=slack)


@given(TOTALS, FRAMES)
def test_a_test_takes_the_centers_of_equal_spans(total: int, frames: int) -> None:
    indices = clip_sampling.test_frame_indices(total, frames)
    assert indices.dtype == np.int64
    assert (np.diff(indices) >= 0).all()
    centers = (np.arange(frames) + 0.5) * total / frames
    assert (np.abs(indices + 0.5 - centers) <= 0.5 + 1e-6).all()
    if total <= frames:
        assert set(indices) == set(range(total))


@given(TOTALS, FRAMES, st.integers(0, 2**32))
def test_training_draws_one_frame_of_each_span(total: int, frames: int, seed: int) -> None:
    indices = clip_sampling.training_frame_indices(total, frames, np.random.default_rng(seed))
    assert indices.dtype == np.int64
    assert indices.shape == (frames,)
    assert (indices >= 0).all()
    assert (indices < total).all()
    if total >= frames:
        np.testing.assert_array_equal(indices // (total // frames), np.arange(frames))
    else:
        assert set(indices) == set(range(total))


def test_training_reaches_every_frame_of_a_span() -> None:
    generator = np.random.default_rng(0)
    draws = [clip_sampling.training_frame_indices(23, 4, generator)[2] for _ in range(200)]
    assert set(draws) == set(range(10, 15))


@pytest.mark.parametrize(("total", "frames"), [(0, 8), (8, 0)])
def test_nothing_cannot_be_sampled(total: int, frames: int) -> None:
    with pytest.raises(ValueError, match="cannot take"):
        clip_sampling.test_frame_indices(total, frames)
