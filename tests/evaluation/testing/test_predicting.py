"""One prediction a video: however it is batched, by whatever views, and whatever cannot be read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.made_videos import solid_colour_clip, textured_frames, write_video
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import ModelUnavailable
from vifi_cli.evaluation.scoring.predictions import Predictions, joined, require_finite
from vifi_cli.evaluation.testing import predicting
from vifi_cli.evaluation.testing.class_texts import embed_class_names
from vifi_cli.evaluation.testing.predicting import (
    ClipInput,
    encode_videos,
    predict,
)
from vifi_cli.evaluation.testing.views import Views
from vifi_cli.model.preprocessing import Preprocessing
from vifi_cli.model.storage.loading import LoadedModel
from vifi_cli.video.clips.store import ClipStore
from vifi_cli.video.moment import TimeRange
from vifi_cli.video.pictures.frames import FrameGeometry

CLASSES = ("run", "walk", "jump")
ENTER = ClipInput(
    Preprocessing(FrameGeometry(32, 32), (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)),
    torch.device("cpu"),
    lambda: torch.autocast("cpu", enabled=False),
)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> tuple[LabeledVideo, ...]:
    """Five clips and, in their midst, a file that is none."""
    folder = tmp_path_factory.mktemp("videos")
    paths = [
        write_video(folder / f"{seed}.mp4", textured_frames(12 + 5 * seed, 40 + 4 * seed, 64, seed))
        for seed in range(5)
    ]
    (folder / "broken.mp4").write_text("no video")
    paths.insert(2, folder / "broken.mp4")
    return tuple(LabeledVideo(path, place % 3) for place, path in enumerate(paths))


def clips_of(videos: tuple[LabeledVideo, ...], views: Views) -> predicting.TestClips:
    return predicting.TestClips(videos, ClipStore(views.short_side(32)), 4, 32, views)


def predicted(tiny: LoadedModel, clips: predicting.TestClips, chosen: list[int], batch: int) -> Predictions:
    return predict(tiny.network, embed_class_names(tiny, CLASSES), replace(clips, batch=batch), chosen, ENTER)


@pytest.mark.parametrize("views", [Views(), Views(3, 3), Views(2, 3, drawn=True, seed=4)])
def test_batches_and_shares_of_the_work_change_nothing(
    tiny: LoadedModel, videos: tuple[LabeledVideo, ...], views: Views
) -> None:
    clips = clips_of(videos, views)
    one, sixteen = (predicted(tiny, clips, list(range(6)), batch) for batch in (1, 16))
    halves = joined([predicted(tiny, clips, [1, 3, 5], 2), predicted(tiny, clips, [0, 2, 4], 2)])
    for other in (sixteen, halves):
        assert other.videos.tolist() == one.videos.tolist() == [0, 1, 3, 4, 5]
        assert [video for video, _ in other.unreadable] == [2]
        np.testing.assert_allclose(other.probabilities, one.probabilities, rtol=2e-5)
    assert np.ptp(one.probabilities, axis=0).max() > 1e-4  # videos differ


@pytest.mark.parametrize("fusion", ["embedding", "decision"])
def test_views_are_averaged_as_probabilities(
    tiny: LoadedModel, videos: tuple[LabeledVideo, ...], fusion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny.network, "fusion", fusion)
    classes = embed_class_names(tiny, CLASSES)
    clips = clips_of(videos, Views(2, 3))
    pixels = clips[4].pixels
    assert pixels is not None
    with torch.inference_mode():
        each = [
            tiny.network.class_logits(tiny.network.encode_clips(ENTER(view[None])), classes).softmax(-1)[0]
            for view in pixels
        ]
    expected = sum(share.numpy() for share in each) / 6
    found = predicted(tiny, clips, [4], 1)
    np.testing.assert_allclose(found.probabilities[0], expected, rtol=2e-5)
    assert found.probabilities.sum() == pytest.approx(1)


def test_a_single_view_is_embedded_as_one_vector_a_video(
    tiny: LoadedModel, videos: tuple[LabeledVideo, ...]
) -> None:
    numbers, rows, bad = next(encode_videos(tiny.network, clips_of(videos, Views()), [0, 1, 2], ENTER))
    assert (numbers, [video for video, _ in bad], rows.shape) == ([0, 1], [2], (2, 16))
    with pytest.raises(ValueError, match="one view"):
        next(encode_videos(tiny.network, clips_of(videos, Views(2)), [0], ENTER))


def test_moments_of_a_file_have_the_clips_of_their_frames(tmp_path: Path) -> None:
    film = solid_colour_clip(tmp_path / "film.mp4", [("red", 1.0), ("blue", 1.0), ("lime", 1.0)])
    parts = TimeRange(1.0, 2.0), TimeRange(2.0, 9.0), TimeRange(0.0, 1.0), TimeRange(3.0, 4.0)
    clips = clips_of(tuple(LabeledVideo(film, 0, part=part) for part in parts), Views(2, 3))
    for video, channel in enumerate((2, 1, 0)):
        pixels = clips[video].pixels
        assert pixels is not None
        assert pixels.shape == (6, 4, 3, 32, 32)
        assert (pixels.float().mean((0, 1, 3, 4)) > 128).tolist() == [place == channel for place in range(3)]
    assert (clips[3].pixels, clips[3].reason) == (None, "no frame from 3 to 4 s: the last one is at 2.9 s")


def test_where_nothing_can_be_read_nothing_is_predicted(tiny: LoadedModel, tmp_path: Path) -> None:
    gone = (LabeledVideo(tmp_path / "gone.mp4", 0),)
    found = predicted(tiny, clips_of(gone, Views()), [0], 4)
    assert found.probabilities.shape == (0, 3)
    assert [video for video, _ in found.unreadable] == [0]


def test_a_model_that_gives_no_numbers_names_no_class(
    tiny: LoadedModel, videos: tuple[LabeledVideo, ...]
) -> None:
    classes = torch.full((3, 16), torch.nan)
    found = predict(tiny.network, classes, clips_of(videos, Views()), [0], ENTER)
    with pytest.raises(ModelUnavailable, match="not finite"):
        require_finite(found)
    assert require_finite(predicted(tiny, clips_of(videos, Views()), [0], 1)).videos.tolist() == [0]
