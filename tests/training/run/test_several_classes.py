"""A run on videos that show several classes each, as in Charades."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.made_videos import solid_colour_clip
from tests.training.conftest import MakeRun, losses
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.training import prepare
from vifi_cli.api.training.request import training_request
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.data.loading import _in_setting
from vifi_cli.data.paper_setting import Setting
from vifi_cli.errors import InvalidInput
from vifi_cli.training.run.reports import RunResult

CLASSES = ("red", "green", "blue")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> LabeledVideos:
    """Clips that show one colour after another one, and are labelled with both."""
    folder, videos = tmp_path_factory.mktemp("pairs"), []
    for first, second in ((0, 1), (1, 2), (2, 0)):
        for number in range(3):
            path = folder / f"{first}{second}{number}.mp4"
            solid_colour_clip(path, [(CLASSES[first], 0.4), (CLASSES[second], 0.4 + 0.04 * number)])
            videos.append(LabeledVideo(path, first, more_labels=(second,)))
    test = tuple(videos[::3])
    train = tuple(video for video in videos if video not in test)
    return LabeledVideos("pairs", CLASSES, train, test, test)


def test_both_classes_of_a_video_are_learned(make_run: MakeRun, tmp_path: Path, pairs: LabeledVideos) -> None:
    run = make_run(tmp_path / "run", "epochs=30", "validate_every=30", "learning_rate=3e-3", data=pairs)
    result = list(run.reports())[-1]
    assert isinstance(result, RunResult)
    assert result.test is not None
    assert result.test.mean_average_precision == pytest.approx(1.0)
    assert result.test.top1 is None
    # two classes share a target, so the best loss is that of a fair coin
    assert min(losses(tmp_path / "run")) == pytest.approx(torch.log(torch.tensor(2.0)).item(), abs=0.08)


def test_settings_that_draw_class_by_class_refuse_them(pairs: LabeledVideos) -> None:
    for name in ("few-shot-2", "base2novel", "novel"):
        with pytest.raises(
            InvalidInput, match=f"--setting {name} draws videos class by class, but videos of pairs"
        ):
            _in_setting(pairs, Setting.parse(name), 0)
    assert _in_setting(pairs, Setting("supervised"), 0).train == pairs.train


def test_balance_refuses_them(
    pairs: LabeledVideos, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "load_data", lambda *_, **__: pairs)
    request = training_request(
        tmp_path, tiny_model, "finetune", {"recipe": ["class_balance=1"], "output": tmp_path / "run"}
    )
    with pytest.raises(
        InvalidInput, match="class_balance draws videos class by class, but videos of pairs show"
    ):
        prepare.prepare_run(request, AUTOMATIC)
    alone = replace(pairs, train=tuple(replace(video, more_labels=()) for video in pairs.train))
    monkeypatch.setattr(prepare, "load_data", lambda *_, **__: alone)
    assert prepare.prepare_run(request, AUTOMATIC).config.recipe.class_balance == 1
