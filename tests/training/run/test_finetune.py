"""Whole runs, small: that they learn, go on exactly, and lose nothing."""

import itertools
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.training.conftest import MakeRun, losses, reports_of
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.errors import InvalidInput, TrainingDiverged, VideoOutOfReach
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import load_encoder
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.recipe.changes import make_recipe, without_mirroring_sides
from vifi_cli.training.run.folder import RunFolder
from vifi_cli.training.run.reports import EpochReport, RunResult, Scores
from vifi_cli.training.run.state import RunProgress


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "weights.safetensors")


def same_weights(first: Path, second: Path) -> bool:
    one, other = weights(first), weights(second)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_tiny_clip_learns_colours_and_can_be_used_by_its_folder(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", "epochs=12", "augmentation.color_jitter=0", "augmentation.grayscale=0",
                   "mixing.mixup=0", "mixing.cutmix=0")  # fmt: skip
    *_, result = run.reports()
    assert isinstance(result, RunResult)
    assert result.test is not None
    assert result.test.top1 == 1.0
    assert result.test.videos == 3
    encoder = load_encoder(resolve_model(str(tmp_path / "run" / "best")), "cpu")
    assert encoder.encode_texts(["red"]).shape == (1, encoder.dimension)
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("ema", ["0", "0.5"])
def test_two_and_two_epochs_are_four_to_the_bit(make_run: MakeRun, tmp_path: Path, ema: str) -> None:
    for report in make_run(tmp_path / "whole", f"ema_decay={ema}").reports():
        assert report is not None
    first = make_run(tmp_path / "halves", f"ema_decay={ema}")
    steps = 0
    for report in first.reports():
        steps += isinstance(report, StepReport)
        if steps == 7:  # in the midst of the third epoch, two epochs are saved
            break
    rest = list(make_run(tmp_path / "halves", f"ema_decay={ema}", begin=False).reports(is_resumed=True))
    assert isinstance(rest[-1], RunResult)
    assert same_weights(tmp_path / "whole" / "last", tmp_path / "halves" / "last")
    assert losses(tmp_path / "whole") == losses(tmp_path / "halves")


def test_stopping_saves_the_step_at_hand(make_run: MakeRun, tmp_path: Path) -> None:
    list(make_run(tmp_path / "whole").reports())
    asked = itertools.count()
    run = make_run(tmp_path / "stopped", should_stop=lambda: next(asked) == 4)
    reports = list(run.reports())
    assert not isinstance(reports[-1], RunResult)
    assert len(losses(tmp_path / "stopped")) == 5
    list(make_run(tmp_path / "stopped", begin=False).reports(is_resumed=True))
    assert same_weights(tmp_path / "whole" / "last", tmp_path / "stopped" / "last")


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_disk_that_vanishes_stops_the_run_after_the_last_good_step(
    make_run: MakeRun, tmp_path: Path, colours: LabeledVideos, colour_folder: Path, workers: int
) -> None:
    disk = shutil.copytree(colour_folder, tmp_path / "disk")

    def on_disk(videos: tuple[LabeledVideo, ...]) -> tuple[LabeledVideo, ...]:
        return tuple(replace(video, path=disk / video.path.relative_to(colour_folder)) for video in videos)

    data = replace(
        colours, train=on_disk(colours.train), val=on_disk(colours.val), test=on_disk(colours.test)
    )
    list(make_run(tmp_path / "whole", "epochs=2", data=data).reports())
    run, steps = make_run(tmp_path / "run", f"runtime.workers={workers}", "epochs=2", data=data), 0
    reports = run.reports()
    while steps < 4:
        steps += isinstance(next(reports), StepReport)
    disk.rename(tmp_path / "away")
    with pytest.raises(
        VideoOutOfReach,
        match=f"{disk} is missing.*: plug its disk in, then continue with `vifi finetune --resume {tmp_path / 'run'}`",
    ):
        list(reports)
    assert run.unreadable() == [], "no video counts as damaged"
    (tmp_path / "away").rename(disk)
    list(make_run(tmp_path / "run", "epochs=2", data=data, begin=False).reports(is_resumed=True))
    assert same_weights(tmp_path / "whole" / "last", tmp_path / "run" / "last")
    assert losses(tmp_path / "whole") == losses(tmp_path / "run")


def test_the_last_epoch_is_kept_where_the_published_tests_take_it(make_run: MakeRun, tmp_path: Path) -> None:
    """docs/TRAIN.md of the published code tests ckpt_epoch_10, the last of base-to-novel."""
    good, progress = Scores("test", 0.9, 1.0, 3), RunProgress(best_score=0.1, best_epoch=1)
    for changes, expected in ((("keep_last=true",), [False, True]), ((), [True, True])):
        run = make_run(tmp_path / str(len(changes)), "select_on_test=true", *changes)
        kept = [run._validation.is_best(good, progress, is_last=is_last) for is_last in (False, True)]
        assert kept == expected


def test_the_micro_batch_changes_nothing_but_rounding(make_run: MakeRun, tmp_path: Path) -> None:
    for size in (1, 3):
        list(make_run(tmp_path / str(size), f"runtime.micro_batch={size}", "epochs=2").reports())
    assert losses(tmp_path / "1") == pytest.approx(losses(tmp_path / "3"), abs=1e-5)


@pytest.mark.slow
def test_workers_and_cache_change_nothing(make_run: MakeRun, tmp_path: Path) -> None:
    list(make_run(tmp_path / "plain", "runtime.clip_cache_gb=0", "epochs=1").reports())
    list(make_run(tmp_path / "workers", "runtime.workers=1", "epochs=1").reports())
    assert losses(tmp_path / "plain") == losses(tmp_path / "workers")


def test_a_frozen_image_tower_is_asked_once_with_the_same_result(make_run: MakeRun, tmp_path: Path) -> None:
    still = ("tune=text", "mixing.mixup=0", "mixing.cutmix=0", "random_frames=false", "epochs=2",
             "augmentation.multi_scale_crop=0", "augmentation.flip=0", "augmentation.color_jitter=0",
             "augmentation.grayscale=0")  # fmt: skip
    list(make_run(tmp_path / "cached", *still).reports())
    # a flip that is as good as never drawn keeps the shortcut from being taken
    list(make_run(tmp_path / "plain", *still, "augmentation.flip=1e-12").reports())
    assert losses(tmp_path / "cached") == pytest.approx(losses(tmp_path / "plain"), abs=1e-5)


@pytest.mark.parametrize(("tune", "frozen"), [("image", "text."), ("text", "visual.")])
def test_only_the_tuned_tower_moves(make_run: MakeRun, tmp_path: Path, tune: str, frozen: str) -> None:
    run = make_run(tmp_path / "run", f"tune={tune}", "epochs=2")
    before = {name: tensor.clone() for name, tensor in run._learner.network.state_dict().items()}
    list(run.reports())
    after = weights(tmp_path / "run" / "last")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved
    assert not [name for name in moved if name.startswith((frozen, "logit_scale"))]


def test_before_is_the_model_as_it_would_be_tested(make_run: MakeRun, tmp_path: Path) -> None:
    list(
        make_run(tmp_path / "tuned", "epochs=8", "learning_rate=3e-3", "template=a photo of a {}.").reports()
    )
    run = make_run(tmp_path / "run", "template={}", model=tmp_path / "tuned" / "best")
    with torch.no_grad():
        for parameter in run._learner.network.text.parameters():
            parameter.fill_(torch.nan)  # which reads the texts of the recipe
    before = next(iter(run.reports()))
    assert isinstance(before, EpochReport)
    assert before.scores
    assert before.scores.top1 == 1


def test_word_embeddings_stay_as_they_are(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", "epochs=1")
    before = run._learner.network.state_dict()["text.token_embedding.weight"].clone()
    list(run.reports())
    assert torch.equal(weights(tmp_path / "run" / "last")["text.token_embedding.weight"], before)


def test_a_bad_clip_gives_its_place_to_another(
    make_run: MakeRun, tmp_path: Path, colours: LabeledVideos
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    data = replace(colours, train=(*colours.train, LabeledVideo(broken, 0)))
    run = make_run(tmp_path / "run", "epochs=2", data=data)
    steps, _ = reports_of(run)
    assert all(math.isfinite(step.loss) for step in steps)
    assert [video.path for video, _ in run.unreadable()] == [broken]


def test_too_many_bad_clips_stop_the_run(make_run: MakeRun, tmp_path: Path, colours: LabeledVideos) -> None:
    bad = []
    for number in range(3):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(b"no video")
        bad.append(LabeledVideo(path, 0))
    run = make_run(tmp_path / "run", data=replace(colours, train=(*colours.train, *bad)))
    with pytest.raises(InvalidInput, match="training videos cannot be read: `vifi data check`"):
        list(run.reports())


def test_a_loss_that_is_no_number_names_step_videos_and_the_last_good_model(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", "epochs=3")
    reports = run.reports()
    for report in reports:
        if isinstance(report, EpochReport) and report.epoch == 1:
            break
    torch.nn.init.constant_(run._learner.network.logit_scale, math.nan)
    with pytest.raises(
        TrainingDiverged, match=r"epoch 2, step 1 is nan.*; its videos: .*\.mp4.*last good one is in"
    ):
        list(reports)
    saved = weights(tmp_path / "run" / "last")
    assert all(torch.isfinite(tensor).all() for tensor in saved.values())


def test_a_folder_in_use_is_not_written_to(make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("precious")
    with pytest.raises(InvalidInput, match="is not empty"):
        make_run(tmp_path / "run")


def test_a_state_of_another_model_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", "epochs=1")
    save_file({"weights.x": torch.zeros(1)}, tmp_path / "run" / "training_state.safetensors",
              {"facts": json.dumps({"progress": {}, "scaler": {}})})  # fmt: skip
    with pytest.raises(InvalidInput, match="damaged or belongs to another model"):
        list(run.reports(is_resumed=True))


def test_a_configuration_is_read_as_it_was_written(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", "tune=image")
    assert RunFolder(tmp_path / "run").read_config() == run._config


def test_mirroring_is_left_out_where_names_tell_sides(colours: LabeledVideos) -> None:
    recipe = make_recipe("small")
    sided = replace(colours, class_names=("pushing left", "pushing right", "leftover"))
    assert without_mirroring_sides(recipe, sided).augmentation.flip == 0
    assert without_mirroring_sides(recipe, colours) == recipe


def test_tensorboard_gets_what_the_metrics_say(make_run: MakeRun, tmp_path: Path) -> None:
    list(make_run(tmp_path / "run", "epochs=2", "runtime.log=tensorboard").reports())
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    told = [event.value for event in events.Scalars("train/loss")]
    assert told == pytest.approx(losses(tmp_path / "run"))
    assert len(events.Scalars("test/top1")) == 3
