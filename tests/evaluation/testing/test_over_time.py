"""Windows along a video: their frames, their predictions, and the spans they form."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.decoded_videos import read_video
from tests.made_videos import solid_colour_clip
from tests.model.conftest import make_tiny_clip
from vifi_cli.evaluation.testing.over_time import (
    ClassifiedWindow,
    ClassSpan,
    WindowSampling,
    class_spans,
    classify_over_time,
    frames_of,
    sliding_windows,
)
from vifi_cli.evaluation.testing.predicting import ClipInput
from vifi_cli.model.registry.card import FUSIONS, ModelCard
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import LoadedModel, load_vifi_clip
from vifi_cli.training.engine.precision import choose_precision

CPU = torch.device("cpu")


def test_windows_of_two_seconds_every_second() -> None:
    items = [(second / 2, second) for second in range(9)]  # at 0, 0.5 … 4 s
    assert list(sliding_windows(items, 1.0)) == [
        (0, [0, 1, 2, 3]),
        (1, [2, 3, 4, 5]),
        (2, [4, 5, 6, 7]),
        (3, [6, 7, 8]),
    ]


def test_a_gap_gives_no_empty_window() -> None:
    assert list(sliding_windows([(0.0, "a"), (7.2, "b")], 1.0)) == [(0, ["a"]), (7, ["b"])]


@given(st.lists(st.floats(0, 60), min_size=1, max_size=60), st.floats(0.05, 8))
def test_each_item_is_in_one_or_two_windows_that_are_no_longer_than_said(
    seconds: list[float], half: float
) -> None:
    items = [(second, place) for place, second in enumerate(sorted(seconds))]
    windows = list(sliding_windows(items, half))
    numbers = [number for number, _ in windows]
    assert numbers == sorted(set(numbers))
    members = [place for _, window in windows for place in window]
    assert set(members) == {place for _, place in items}
    assert max(members.count(place) for place in set(members)) <= 2
    for number, window in windows:
        for place in window:
            assert number * half - 1e-6 <= items[place][0] <= (number + 2) * half + 1e-6


def window(start: float, end: float, *probabilities: float) -> ClassifiedWindow:
    return ClassifiedWindow(start, end, np.array(probabilities, np.float32))


def test_windows_of_one_class_become_a_stretch_with_the_mean_probability() -> None:
    windows = (
        window(0, 1.5, 0.6, 0.4),
        window(1.5, 2.5, 0.8, 0.2),
        window(2.5, 4, 0.1, 0.9),
        window(4, 5, 1, 0),
    )
    first, second, third = class_spans(windows, ("cat", "dog"))
    assert (first.start_seconds, first.end_seconds, first.label) == (0, 2.5, 0)
    assert first.probability == pytest.approx(0.7)
    assert (second.start_seconds, second.end_seconds, second.label) == (2.5, 4, 1)
    assert third == ClassSpan(4, 5, "cat", 0, 1.0)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return load_vifi_clip(resolve_model(str(make_tiny_clip(tmp_path_factory.mktemp("tiny")))))


@pytest.fixture(scope="module")
def classes(tiny: LoadedModel) -> torch.Tensor:
    with torch.inference_mode():
        return tiny.network.encode_classes(tiny.tokenizer(["red", "green", "blue"]))


def enter_of(model: LoadedModel) -> ClipInput:
    preprocessing = model.card.preprocessing
    return ClipInput(preprocessing, CPU, choose_precision("fp32", CPU))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_short_video_has_one_window_which_says_what_the_model_says_of_its_frames(
    tiny: LoadedModel, classes: torch.Tensor, tmp_path: Path, fusion: str
) -> None:
    path = solid_colour_clip(tmp_path / "clip.mp4", [("red", 0.6), ("green", 0.6), ("blue", 0.4)])
    tiny.network.fusion = fusion  # type: ignore[assignment]
    sampling, geometry, enter = WindowSampling(2.0, 4), tiny.card.preprocessing.geometry, enter_of(tiny)
    (only,) = classify_over_time(tiny.network, classes, path, geometry, enter, sampling)
    frames, info = read_video(path, sampling.frame_sampling, geometry)
    assert len(frames) == 4
    with torch.inference_mode():
        clip = enter(torch.from_numpy(frames.pixels).permute(0, 3, 1, 2))[None]
        expected = tiny.network.class_logits(tiny.network.encode_clips(clip), classes).softmax(-1)[0]
    tiny.network.fusion = "embedding"
    assert only.probabilities == pytest.approx(expected.numpy(), abs=1e-5)
    assert (only.start_seconds, only.end_seconds) == (0, pytest.approx(info.duration_seconds))


def test_windows_speak_for_all_of_the_time_without_overlap(
    tiny: LoadedModel, classes: torch.Tensor, tmp_path: Path
) -> None:
    path = solid_colour_clip(tmp_path / "clip.mp4", [("red", 3.0), ("blue", 2.5)])
    geometry = tiny.card.preprocessing.geometry
    windows = classify_over_time(
        tiny.network, classes, path, geometry, enter_of(tiny), WindowSampling(2.0, 4)
    )
    assert [window.start_seconds for window in windows] == [0, 1.5, 2.5, 3.5, 4.5]
    assert [window.end_seconds for window in windows[:-1]] == [1.5, 2.5, 3.5, 4.5]
    assert windows[-1].end_seconds == pytest.approx(5.5, abs=0.11)
    alike, other = windows[0].probabilities, windows[-1].probabilities
    assert windows[1].probabilities == pytest.approx(alike, abs=1e-3), "red from 0 to 3 s"
    assert other != pytest.approx(alike, abs=1e-3)


@pytest.mark.parametrize(("said", "frames"), [("16", 16), ("", 8), ("0", 8), ("many", 8)])
def test_a_clip_has_as_many_frames_as_in_training(tiny: LoadedModel, said: str, frames: int) -> None:
    card = ModelCard(tiny.card.architecture, tiny.card.preprocessing, origin={"frames": said})
    assert frames_of(card) == frames
