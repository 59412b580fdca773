"""Views of a video: which frames and crops they are, in which order, against hand-computed cases."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.testing.views import ScoreConditions, Views, clip_frame_indices
from vifi_cli.video.clips.clip_sampling import test_frame_indices as published_indices
from vifi_cli.video.clips.clip_sampling import training_frame_indices

LENGTHS = st.integers(1, 4000)
FRAMES = st.integers(1, 64)


@given(total=LENGTHS, frames=FRAMES)
def test_a_single_clip_is_the_published_test_clip(total: int, frames: int) -> None:
    assert np.array_equal(clip_frame_indices(total, frames, 0, 1), published_indices(total, frames))
    assert np.array_equal(Views().frame_indices(total, frames, 7), published_indices(total, frames))


@pytest.mark.parametrize("text", ["4x3", "4X3", " 4 x 3 ", "4×3"])
def test_views_are_read(text: str) -> None:
    assert Views.parse(text) == Views(4, 3)
    assert str(Views.parse(text)) == "4x3"


@pytest.mark.parametrize("text", ["", "4", "x3", "4x2", "0x1", "4x0", "-1x3", "4x3x1", "12345x1", "four"])
def test_what_is_not_views_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="such as 4x3; crops are 1 or 3"):
        Views.parse(text)


def test_conditions_in_words() -> None:
    assert str(ScoreConditions(1)) == "1 frame, 1x1 views"
    drawn = ScoreConditions(16, Views(4, 3, drawn=True), "paper")
    assert str(drawn) == "16 frames, 4x3 views, drawn, paper protocol"
    assert "drawn" not in str(ScoreConditions(32, Views(drawn=True), "paper")), "one clip is the middle one"


def test_clips_take_even_places_of_each_span() -> None:
    # 32 frames in 4 spans of 8; four clips take the places 1/8, 3/8, 5/8 and 7/8 of each: 1, 3, 5, 7 of 8 frames
    clips = [clip_frame_indices(32, 4, clip, 4).tolist() for clip in range(4)]
    assert clips == [[1, 9, 17, 25], [3, 11, 19, 27], [5, 13, 21, 29], [7, 15, 23, 31]]
    # 5 frames in 2 spans of 2.5; two clips take 0.625, 3.125 and 1.875, 4.375
    assert Views(clips=2).frame_indices(5, 2, 0).tolist() == [0, 3, 1, 4]


@given(total=LENGTHS, frames=FRAMES, clips=st.integers(1, 12))
def test_frames_are_in_the_video_and_in_order(total: int, frames: int, clips: int) -> None:
    numbers = Views(clips=clips).frame_indices(total, frames, 0).reshape(clips, frames)
    assert numbers.min() >= 0
    assert numbers.max() < total
    assert (np.diff(numbers, axis=1) >= 0).all()
    assert (np.diff(numbers, axis=0) >= 0).all()


@given(total=LENGTHS, frames=FRAMES, clips=st.integers(2, 6), video=st.integers(0, 500))
def test_drawn_clips_are_training_draws_of_their_own_seed(
    total: int, frames: int, clips: int, video: int
) -> None:
    views = Views(clips=clips, drawn=True, seed=3)
    expected = [
        training_frame_indices(total, frames, np.random.default_rng((3, video, clip)))
        for clip in range(clips)
    ]
    assert np.array_equal(views.frame_indices(total, frames, video), np.concatenate(expected))


def test_a_single_clip_is_never_drawn() -> None:
    assert np.array_equal(Views(drawn=True).frame_indices(100, 8, 0), Views().frame_indices(100, 8, 0))


def test_other_videos_and_seeds_draw_other_frames() -> None:
    drawn = {
        tuple(Views(2, drawn=True, seed=seed).frame_indices(300, 8, video).tolist())
        for seed in (0, 1)
        for video in (0, 1)
    }
    assert len(drawn) == 4


def test_views_are_all_clips_of_one_crop_then_of_the_next() -> None:
    # two clips of one frame, 2 high and 4 wide: crops of 2 begin at columns 0, 2 and 1
    pixels = np.arange(2 * 2 * 4 * 3, dtype=np.uint8).reshape(2, 2, 4, 3)
    cut = Views(clips=2, crops=3).cut(pixels, 2)
    assert cut.shape == (6, 1, 3, 2, 2)
    for view, (clip, left) in enumerate([(0, 0), (1, 0), (0, 2), (1, 2), (0, 1), (1, 1)]):
        expected = pixels[clip, :, left : left + 2].transpose(2, 0, 1)
        assert torch.equal(cut[view, 0], torch.from_numpy(expected.copy())), view


def test_tall_frames_are_cut_at_top_bottom_and_middle() -> None:
    pixels = np.arange(6 * 2 * 3, dtype=np.uint8).reshape(1, 6, 2, 3)
    cut = Views(crops=3).cut(pixels, 2)
    assert [int(view[0, 0, 0, 0]) for view in cut] == [pixels[0, top, 0, 0] for top in (0, 4, 2)]


def test_three_crops_want_a_smaller_picture() -> None:
    assert (Views().short_side(224), Views(crops=3).short_side(224)) == (256, 224)
    assert (Views().count, Views(4, 3).count) == (1, 12)
    with pytest.raises(ValueError, match="0 clips x 1 crops"):
        Views(clips=0)
