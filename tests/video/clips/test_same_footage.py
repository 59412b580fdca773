"""Which videos show the same footage: copies of every kind do, other takes in front of the same background do not."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.made_videos import textured_frames, write_video
from vifi_cli.video.clips.same_footage import read_footage, same_footage

Frames = npt.NDArray[np.uint8]
COPY = 0.9  # as `vifi data check --near-duplicates` has it
BACKGROUND = next(iter(textured_frames(1, 96, 128)))


def take(seed: int, count: int = 40) -> Frames:
    """A bright square that wanders in front of the same background, differently in each take."""
    steps = np.random.default_rng(seed).normal(0, 1, (2, 4))
    times = np.linspace(0, 2 * np.pi, count)
    waves = np.stack([np.sin((place + 1) * times / 2 + 3 * place) for place in range(4)])
    down, right = (steps @ waves) / np.abs(steps @ waves).max() * np.array([[30], [45]])
    frames = np.repeat(BACKGROUND[None], count, axis=0)
    for frame, y, x in zip(frames, (48 + down).astype(int), (64 + right).astype(int), strict=True):
        frame[y - 9 : y + 9, x - 9 : x + 9] = 250
    return frames


def agreement(folder: Path, one: Frames, other: Frames, fps: float = 25.0, **options: object) -> float:
    first = write_video(folder / "one.mp4", one, fps=25.0)
    second = write_video(folder / "other.mp4", other, fps=fps, **options)  # type: ignore[arg-type]
    return same_footage(read_footage(first), read_footage(second))


@pytest.mark.parametrize(
    ("change", "fps"),
    [
        (lambda frames: frames, 25.0),
        (lambda frames: frames[:, ::2, ::2], 25.0),
        (lambda frames: frames[:, 8:88, 12:116], 25.0),
        (lambda frames: frames[9:33], 25.0),
        (lambda frames: frames[::2], 12.5),
        (lambda frames: (frames * 0.7 + 20).astype(np.uint8), 25.0),
    ],
    ids=["again", "smaller", "cropped", "cut shorter", "half the rate", "darker"],
)
def test_a_copy_shows_the_same_footage(tmp_path: Path, change: object, fps: float) -> None:
    original = take(1)
    assert agreement(tmp_path, original, change(original), fps, codec="mpeg4") > COPY  # type: ignore[operator]


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_another_take_does_not(tmp_path: Path, seed: int) -> None:
    assert agreement(tmp_path, take(1), take(seed)) < 0.7


def test_another_place_and_still_pictures_do_not(tmp_path: Path) -> None:
    assert agreement(tmp_path, take(1), np.stack(list(textured_frames(40, 96, 128, seed=5)))) < 0.5
    still = np.repeat(BACKGROUND[None], 30, axis=0)
    assert agreement(tmp_path, still, still) == 0, "nothing moves, so nothing can be said"
