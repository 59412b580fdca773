"""What is drawn for a training clip, against mmaction's rules and torchvision's own operations on Pillow images."""

from collections import Counter

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.made_videos import textured_frames
from vifi_cli.errors import InvalidInput
from vifi_cli.model.towers.clip_transform import center_crop
from vifi_cli.training.batches.augmentation import augment_clip, crop_box, jitter_colors, shift_hue
from vifi_cli.training.recipe.recipe import Augmentation

STILL = Augmentation.none()
SIDES = st.integers(256, 1000)


@pytest.fixture(scope="module")
def clip() -> np.typing.NDArray[np.uint8]:
    return np.stack(list(textured_frames(4, 256, 340)))


def draw(pixels: np.typing.NDArray[np.uint8], augmentation: Augmentation, seed: int = 0) -> torch.Tensor:
    return augment_clip(pixels, 224, augmentation, np.random.default_rng(seed))


def test_nothing_drawn_is_the_centre(clip: np.typing.NDArray[np.uint8]) -> None:
    torch.testing.assert_close(draw(clip, STILL), center_crop(clip, 224))


@given(SIDES, SIDES, st.integers(0, 2**32))
def test_crops_lie_within_the_picture_in_five_places(height: int, width: int, seed: int) -> None:
    top, left, crop_height, crop_width = crop_box(height, width, 224, np.random.default_rng(seed))
    assert top >= 0
    assert left >= 0
    down, right = (height - crop_height) // 4, (width - crop_width) // 4
    assert (top, left) in {
        (0, 0),
        (0, 4 * right),
        (4 * down, 0),
        (4 * down, 4 * right),
        (2 * down, 2 * right),
    }
    assert top + crop_height <= height
    assert left + crop_width <= width


def test_crops_have_the_published_shapes_equally_often() -> None:
    generator = np.random.default_rng(0)
    boxes = [crop_box(256, 340, 224, generator) for _ in range(5000)]
    shapes = Counter((height, width) for _, _, height, width in boxes)
    sides = [256, 224, 192, 168]
    assert set(shapes) == {
        (h, w) for i, h in enumerate(sides) for j, w in enumerate(sides) if abs(i - j) <= 1
    }
    assert min(shapes.values()) > 0.08 * len(boxes)
    places = Counter((top > 0, left > 0) for top, left, height, _ in boxes if height < 256)
    assert places[True, True] / sum(places.values()) == pytest.approx(
        0.4, abs=0.03
    )  # a corner and the centre


@pytest.mark.parametrize(("short_side", "expected"), [(254, 222.25), (256, 224), (259, 226.6), (252, 220.5)])
def test_crops_near_the_wanted_size_have_it(short_side: int, expected: float) -> None:
    generator = np.random.default_rng(0)
    heights = {crop_box(short_side, 400, 224, generator)[2] for _ in range(300)}
    assert (224 in heights) == (abs(int(expected) - 224) < 3)
    assert (int(expected) in heights) == (abs(int(expected) - 224) >= 3 or int(expected) == 224)


def test_all_frames_share_one_crop_scaled_as_opencv_does(clip: np.typing.NDArray[np.uint8]) -> None:
    cropping = Augmentation(True, 0.0, 0.0, 0.0)  # the crop is the first thing drawn
    for seed in range(12):
        top, left, height, width = crop_box(256, 340, 224, np.random.default_rng(seed))
        expected = [
            cv2.resize(np.ascontiguousarray(frame[top : top + height, left : left + width]), (224, 224))
            for frame in clip
        ]
        result = draw(clip, cropping, seed)
        assert result.is_contiguous()
        difference = result.permute(0, 2, 3, 1).numpy().astype(int) - np.stack(expected)
        assert np.abs(difference).max() <= 1


def test_a_flip_mirrors_all_frames(clip: np.typing.NDArray[np.uint8]) -> None:
    flipped = draw(clip, Augmentation(False, 1.0, 0.0, 0.0))
    torch.testing.assert_close(flipped, center_crop(clip, 224).flip(-1))


def test_grey_clips_are_pillows(clip: np.typing.NDArray[np.uint8]) -> None:
    grey = draw(clip, Augmentation(False, 0.0, 0.0, 1.0)).numpy()
    centre = center_crop(clip, 224).permute(0, 2, 3, 1).numpy()
    for frame, original in zip(grey, centre, strict=True):
        expected = np.asarray(Image.fromarray(original).convert("L"))
        np.testing.assert_array_equal(frame, np.stack([expected] * 3))


def test_each_chance_is_met(clip: np.typing.NDArray[np.uint8]) -> None:
    small = clip[:1, ::16, ::16]
    generator = np.random.default_rng(0)
    still = center_crop(small, 14)
    counts: Counter[str] = Counter()
    for _ in range(800):
        result = augment_clip(small, 14, Augmentation(False, 0.5, 0.0, 0.2), generator)
        is_grey = bool((result[:, 0] == result[:, 1]).all() and (result[:, 0] == result[:, 2]).all())
        counts["grey"] += is_grey
        counts["flipped"] += not is_grey and not torch.equal(result, still)
        counts["changed"] += not torch.equal(
            augment_clip(small, 14, Augmentation(False, 0, 0.8, 0), generator), still
        )
    assert counts["grey"] / 800 == pytest.approx(0.2, abs=0.05)
    assert counts["flipped"] / (800 - counts["grey"]) == pytest.approx(0.5, abs=0.06)
    assert counts["changed"] / 800 == pytest.approx(0.8, abs=0.05)


def test_colours_are_drawn_anew_for_each_frame() -> None:
    same = np.repeat(np.stack(list(textured_frames(1, 32, 32))), 6, axis=0)
    frames = augment_clip(same, 32, Augmentation(False, 0.0, 1.0, 0.0), np.random.default_rng(0))
    assert len({frame.numpy().tobytes() for frame in frames}) == 6


def test_one_seed_gives_one_clip(clip: np.typing.NDArray[np.uint8]) -> None:
    everything = Augmentation(True, 0.5, 0.8, 0.2)
    torch.testing.assert_close(draw(clip, everything, 5), draw(clip, everything, 5), rtol=0, atol=0)
    assert len({draw(clip, everything, seed).numpy().tobytes() for seed in range(6)}) == 6


@pytest.mark.parametrize("turns", [-0.1, -0.031, 0.0, 0.02, 0.0666, 0.1])
def test_hues_are_shifted_as_torchvision_does(clip: np.typing.NDArray[np.uint8], turns: float) -> None:
    from vifi_cli.model.torchvision_operators import declare_missing_operators

    declare_missing_operators()
    from torchvision.transforms.functional import adjust_hue

    expected = np.asarray(adjust_hue(Image.fromarray(clip[0]), turns)).astype(int)
    difference = np.abs(shift_hue(clip[0], turns) - expected)
    assert difference.mean() < 0.1
    assert (difference > 2).mean() < 1e-3


@given(st.integers(0, 2**32))
def test_a_shift_of_hue_leaves_greys_and_the_brightest_colour(seed: int) -> None:
    generator = np.random.default_rng(seed)
    turns = generator.uniform(-0.5, 0.5)
    grey = np.repeat(generator.integers(0, 256, (5, 7, 1), np.uint8), 3, axis=2)
    np.testing.assert_array_equal(shift_hue(grey, turns), grey)
    colours = generator.integers(0, 256, (5, 7, 3), np.uint8)
    np.testing.assert_array_equal(shift_hue(colours, turns).max(2), colours.max(2))


def test_jitter_stays_within_torchvisions_range() -> None:
    """The centre of a flat grey picture tells the brightness drawn, as nothing else changes it."""
    grey = np.full((8, 8, 3), 100, np.uint8)
    generator = np.random.default_rng(0)
    levels = np.array([jitter_colors(grey, generator)[4, 4, 0] for _ in range(500)])
    assert 60 <= levels.min() < 63
    assert 137 < levels.max() <= 140
    assert levels.mean() == pytest.approx(100, abs=4)


def test_chances_are_probabilities() -> None:
    with pytest.raises(InvalidInput, match=r"augmentation\.flip is a probability"):
        Augmentation(True, 1.5, 0.8, 0.2)
