"""Training clips come from the videos that the plan draws, also where these are parts of one file."""

from pathlib import Path

import pytest

from tests.made_videos import solid_colour_clip
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.training.batches.epoch_plan import ClipDraw, DrawnGroup
from vifi_cli.training.batches.loading import BadClip, BadVideos, TrainingClips
from vifi_cli.training.recipe.recipe import Augmentation, Recipe
from vifi_cli.video.clips.store import ClipStore
from vifi_cli.video.moment import TimeRange


@pytest.mark.parametrize("is_cached", [False, True])
def test_a_moment_yields_frames_of_its_own_time_alone(tmp_path: Path, is_cached: bool) -> None:
    film = solid_colour_clip(tmp_path / "film.mp4", [("red", 1.0), ("blue", 1.2), ("red", 1.0)], gop=8)
    parts = TimeRange(1.0, 2.2), TimeRange(2.2), TimeRange(7.0, 8.0)
    videos = [LabeledVideo(film, place % 2, part=part) for place, part in enumerate(parts)]
    store = ClipStore(32, folder=tmp_path / "cache", budget_bytes=10**8 * is_cached)
    recipe = Recipe(4, 4, 1e-4, 3, augmentation=Augmentation.none())
    clips = TrainingClips(videos, store, recipe, 32)
    for epoch in range(4):
        group = clips[DrawnGroup(tuple(ClipDraw(video, epoch, video) for video in range(3)))]
        red, _, blue = group.clips.float().mean((1, 3, 4)).T
        assert ((blue > 200) & (red < 50)).tolist() == [
            True,
            False,
            True,
        ]  # the third is replaced by the first
        assert group.labels.tolist() == [[0], [1], [0]]
        assert group.bad == (BadClip(2, "no frame from 7 to 8 s: the last one is at 3.1 s"),)
    said: list[str] = []
    BadVideos(videos, said.append).note(group.bad)
    assert said == [f"{film}@0:07-0:08 is left out: no frame from 7 to 8 s: the last one is at 3.1 s"]
