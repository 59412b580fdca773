"""The way from a plain model to a tuned one: scored at each step on the same clips, its ends being the models."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.made_videos import solid_colour_clip
from tests.model.conftest import make_tiny_clip
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.testing.alpha_sweep import (
    ALPHAS,
    AlphaSweep,
    ClipReading,
    SweepPoint,
    sweep,
)
from vifi_cli.evaluation.testing.class_texts import embed_class_names
from vifi_cli.evaluation.testing.predicting import ClipInput, predict
from vifi_cli.evaluation.testing.predicting import TestClips as ClipsOfTest
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.averaging import LoadedModel
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.model.towers.clip_transform import test_short_side as short_side_of_test
from vifi_cli.video.clips.store import ClipStore

COLOURS = ("red", "green", "blue", "yellow")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> LabeledVideos:
    folder = tmp_path_factory.mktemp("colours")
    paths = [solid_colour_clip(folder / f"{colour}.mp4", [(colour, 0.3)]) for colour in COLOURS]
    return LabeledVideos(
        "colours", COLOURS, test=tuple(LabeledVideo(path, label) for label, path in enumerate(paths))
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedModel, LoadedModel]:
    folder = tmp_path_factory.mktemp("models")
    first, second = (
        load_vifi_clip(resolve_model(str(make_tiny_clip(folder / str(seed), seed)))) for seed in (0, 1)
    )
    return first, second


def reading() -> ClipReading:
    return ClipReading(ClipStore(short_side_of_test(32)), 2, CPU, nullcontext)


def top1(named: LoadedModel, data: LabeledVideos) -> float:
    predictions = predict(
        named.network,
        embed_class_names(named, data.class_names),
        ClipsOfTest(data.test, reading().store, 2, 32),
        range(len(data.test)),
        ClipInput(named.card.preprocessing, CPU, nullcontext),
    )
    return sum(guess == label for label, guess in enumerate(predictions.probabilities.argmax(1))) / len(
        COLOURS
    )


def test_each_alpha_is_scored_and_the_ends_are_the_models(
    models: tuple[LoadedModel, LoadedModel], data: LabeledVideos
) -> None:
    seen: list[int] = []
    twice = LabeledVideos("again", data.class_names, test=data.test[:2])
    points = list(sweep(*models, (data, twice), reading(), seen.append))
    assert [point.alpha for point in points] == list(ALPHAS)
    assert points[0].top1[0] == top1(models[0], data)
    assert points[-1].top1[0] == top1(models[1], data)
    assert sum(seen) == 11 * (4 + 2)
    assert all(point.mean == pytest.approx(sum(point.top1) / 2) for point in points)


def test_the_best_point_has_the_highest_mean_and_of_equal_ones_the_most_tuned() -> None:
    points = [
        SweepPoint(0.0, (0.9, 0.1)),
        SweepPoint(0.5, (0.6, 0.6)),
        SweepPoint(0.7, (0.7, 0.5)),
        SweepPoint(1, (1, 0)),
    ]
    assert AlphaSweep((), tuple(points)).best.alpha == 0.7


def test_videos_of_several_classes_are_swept_by_map(
    models: tuple[LoadedModel, LoadedModel], data: LabeledVideos
) -> None:
    several = LabeledVideos(
        "several",
        data.class_names,
        test=tuple(replace(video, more_labels=((video.label + 1) % 3,)) for video in data.test[:3]),
    )
    point = next(sweep(*models, (several,), reading()))
    assert AlphaSweep((several,), (point,)).measure == "mAP"
    assert AlphaSweep((several, data), (point,)).measure == "top-1 or mAP"
    assert 0 < point.mean <= 1


def test_videos_that_cannot_be_read_at_all_are_said_plainly(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    data = LabeledVideos("broken", COLOURS, test=(LabeledVideo(broken, 0),))
    with pytest.raises(InvalidInput, match="none of the 1 videos of broken can be read"):
        next(sweep(*models, (data,), reading()))
