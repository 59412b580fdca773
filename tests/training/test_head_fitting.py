"""Runs of heads: fitted on what tests see, small, kept, and the same after a kill."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.training.conftest import COLOURS
from vifi_cli.api.models.merging import merge_models
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.evaluation.testing import predicting
from vifi_cli.evaluation.testing.class_texts import embed_class_names
from vifi_cli.evaluation.testing.predicting import ClipInput, predict
from vifi_cli.evaluation.testing.views import ONE_VIEW
from vifi_cli.model.registry.card import read_card
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import load_encoder, quick_vision_fingerprint_of
from vifi_cli.model.storage.averaging import average_models
from vifi_cli.model.storage.loading import LoadedModel, load_vifi_clip
from vifi_cli.model.storage.writing import write_model_folder
from vifi_cli.training.engine.processes.distributed import Processes
from vifi_cli.training.fine_tuning import Listener
from vifi_cli.training.head_fitting import HeadFitting
from vifi_cli.training.recipe.changes import make_recipe
from vifi_cli.training.run.folder import RunConfig, RunFolder
from vifi_cli.training.run.model import load_start
from vifi_cli.training.run.reports import RunResult
from vifi_cli.training.run.summary import summarize
from vifi_cli.video.clips.store import ClipStore

CPU = torch.device("cpu")
Fit = Callable[..., RunResult]


@pytest.fixture
def fit(tiny_model: Path, colours: LabeledVideos) -> Fit:
    """Carries out the run of a head in a folder."""

    def made(
        folder: Path,
        kind: str = "linear-probe",
        *,
        data: LabeledVideos = colours,
        model: Path = tiny_model,
        say: Callable[[str], None] = lambda message: None,
    ) -> RunResult:
        recipe = make_recipe("small", changes=["frames=2", "epochs=1", f"tune={kind}"])
        config = RunConfig(str(model), "colours", "", "supervised", "default", recipe)
        run = RunFolder(folder)
        if not run.is_begun():
            run.begin(config)
        run.metrics.unlink(missing_ok=True)
        fitting = HeadFitting(run, config, data, Processes(0, 1, CPU), Listener(say=say))
        *_, result = fitting.reports()
        assert isinstance(result, RunResult)
        return result

    return made


def load(folder: Path) -> LoadedModel:
    return load_vifi_clip(resolve_model(str(folder)))


def probabilities(model: LoadedModel, names: tuple[str, ...], videos: tuple[LabeledVideo, ...]) -> np.ndarray:
    side = model.card.preprocessing.geometry.height
    clips = predicting.TestClips(videos, ClipStore(ONE_VIEW.short_side(side)), 2, side)
    enter = ClipInput(model.card.preprocessing, CPU, lambda: torch.autocast("cpu", enabled=False))
    classes = embed_class_names(model, names, warn=lambda _: None)
    return predict(model.network, classes, clips, range(len(videos)), enter).probabilities


@pytest.mark.parametrize("kind", ["linear-probe", "tip-adapter"])
def test_a_run_leaves_a_small_model_that_learned_its_classes(
    fit: Fit, colours: LabeledVideos, tiny_model: Path, tmp_path: Path, kind: str
) -> None:
    said: list[str] = []
    result = fit(tmp_path / "run", kind, say=said.append)
    best = tmp_path / "run" / "best"
    assert (result.model, result.is_head, result.index_model) == (best, True, str(tiny_model))
    assert sorted(file.name for file in best.iterdir()) == ["config.json", "head.safetensors"]
    card, base = read_card(best), resolve_model(str(tiny_model))
    assert (card.head, card.tuned, card.class_names, card.trained_frames) == (kind, (), COLOURS, 2)
    assert card.base
    assert card.base.model == str(tiny_model)
    chosen = card.origin["C" if kind == "linear-probe" else "beta"]
    assert "9 groups by 3-fold" in chosen or "on 9 training videos, each without its group" in chosen
    assert any(chosen in line for line in said)
    assert result.test
    assert result.val == result.test  # the only held-out videos
    assert result.test.top1 == 1.0
    found = probabilities(load(best), COLOURS, colours.train)
    assert found.argmax(1).tolist() == [video.label for video in colours.train]
    # an index of the base stays valid
    encoder, plain = load_encoder(resolve_model(str(best)), "cpu"), load_encoder(base, "cpu")
    assert encoder.vision_fingerprint == plain.vision_fingerprint == card.base.image
    assert encoder.text_fingerprint == plain.text_fingerprint
    assert quick_vision_fingerprint_of(resolve_model(str(best))) == plain.vision_fingerprint
    summary = summarize(RunFolder(tmp_path / "run"))
    assert (summary.state, summary.recipe_text) == ("finished", f"{kind}, 2 frames")
    assert summary.best == result.val


@pytest.mark.parametrize("kind", ["linear-probe", "tip-adapter"])
def test_classes_may_come_in_another_order_spelling_or_choice(
    fit: Fit, colours: LabeledVideos, tmp_path: Path, kind: str
) -> None:
    fit(tmp_path / "run", kind)
    model = load(tmp_path / "run" / "best")
    every = probabilities(model, COLOURS, colours.test)
    turned = probabilities(model, ("Blue", "GREEN", "red"), colours.test)
    np.testing.assert_allclose(turned[:, ::-1], every, rtol=1e-5)
    ends = (colours.test[0], colours.test[2])
    two, of_three = probabilities(model, ("blue", "red"), ends), every[[0, 2]][:, [2, 0]]
    np.testing.assert_allclose(two, of_three / of_three.sum(1, keepdims=True), rtol=1e-4, atol=1e-7)


def test_classes_without_training_have_their_texts_or_no_answer(
    fit: Fit, colours: LabeledVideos, tiny_model: Path, tmp_path: Path
) -> None:
    fit(tmp_path / "tip", "tip-adapter")
    fit(tmp_path / "probe")
    new = ("walking a dog", "playing chess")
    plain = probabilities(load(tiny_model), new, colours.test)
    np.testing.assert_allclose(
        probabilities(load(tmp_path / "tip" / "best"), new, colours.test), plain, rtol=1e-5
    )
    with pytest.raises(
        InvalidInput, match="was not trained on 'playing chess': name classes of its training"
    ):
        probabilities(load(tmp_path / "probe" / "best"), ("red", "playing chess"), colours.test)


@pytest.mark.parametrize("kind", ["linear-probe", "tip-adapter"])
def test_a_killed_run_begins_again_and_gives_the_same_head(
    fit: Fit, tmp_path: Path, vifi_home: Path, kind: str
) -> None:
    fit(tmp_path / "at once", kind)
    features = sorted((vifi_home / "cache" / "features").glob("*/*.npy"))
    assert len(features) == 12
    for file in features[::3]:  # as if it had been killed before
        file.unlink()
    said: list[str] = []
    fit(tmp_path / "again", kind, say=said.append)
    assert any(line.startswith("frame features of ") for line in said)
    heads = [(tmp_path / name / "best" / "head.safetensors").read_bytes() for name in ("at once", "again")]
    assert heads[0] == heads[1]
    fit(tmp_path / "again", kind)  # in the folder that the killed one has begun
    assert (tmp_path / "again" / "best" / "head.safetensors").read_bytes() == heads[0]


def test_val_of_its_own_decides_and_val_that_is_test_does_not(
    fit: Fit, colours: LabeledVideos, tmp_path: Path
) -> None:
    own = replace(colours, train=colours.train[::2] + colours.train[1:2], val=colours.train[3::4])
    fit(tmp_path / "own", data=own)
    assert f"chosen on {len(own.val)} val videos" in read_card(tmp_path / "own" / "best").origin["C"]
    fit(tmp_path / "same", "tip-adapter", data=replace(colours, val=colours.test))
    assert "training videos" in read_card(tmp_path / "same" / "best").origin["beta"]


def test_unreadable_videos_are_left_out_and_too_many_stop_the_run(
    fit: Fit, colours: LabeledVideos, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    bad = LabeledVideo(broken, 1)
    said: list[str] = []
    fit(tmp_path / "one", "tip-adapter", data=replace(colours, train=(*colours.train, bad)), say=said.append)
    assert any("broken.mp4 is left out" in line for line in said)
    assert len(load_file(tmp_path / "one" / "best" / "head.safetensors")["keys"]) == len(colours.train)
    many = replace(colours, train=(bad, LabeledVideo(broken.with_name("gone.mp4"), 0), *colours.train[:4]))
    with pytest.raises(InvalidInput, match="2 of 6 training videos cannot be read"):
        fit(tmp_path / "many", data=many)


def test_a_class_whose_videos_cannot_be_read_is_named(
    fit: Fit, colours: LabeledVideos, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    data = replace(
        colours, class_names=(*COLOURS, "pink"), train=(*colours.train, LabeledVideo(broken, 3)), val=()
    )
    said: list[str] = []
    fit(tmp_path / "run", data=data, say=said.append)
    assert "no training video of 'pink' can be read: the linear probe never predicts it" in said
    found = probabilities(load(tmp_path / "run" / "best"), data.class_names, colours.test)
    assert found[:, 3].max() == 0
    assert found.argmax(1).tolist() == [0, 1, 2]


def test_a_head_on_a_model_of_decision_fusion_reads_the_mean_embedding(
    fit: Fit, colours: LabeledVideos, tiny_model: Path, tmp_path: Path
) -> None:
    start = load(tiny_model)
    start.network.fusion = "decision"
    write_model_folder(tmp_path / "decision", start.network, start.card)
    result = fit(tmp_path / "run", "tip-adapter", model=tmp_path / "decision")
    assert read_card(tmp_path / "run" / "best").fusion == "embedding"
    assert result.test
    assert result.test.top1 == 1.0
    fit(tmp_path / "plain", "tip-adapter")
    keys = [load_file(tmp_path / name / "best" / "head.safetensors")["keys"] for name in ("run", "plain")]
    assert torch.equal(keys[0], keys[1])


def test_what_does_not_take_a_head_says_what_to_do(fit: Fit, tiny_model: Path, tmp_path: Path) -> None:
    fit(tmp_path / "run")
    best = str(tmp_path / "run" / "best")
    with pytest.raises(InvalidInput, match=f"linear probe: name its base, {tiny_model}"):
        load_start(best)
    with pytest.raises(InvalidInput, match="fit the frozen towers"):
        average_models((load(tiny_model), load(Path(best))), (0.5, 0.5))
    with pytest.raises(InvalidInput, match=f"{tiny_model} alone, and has no weights of its own to merge"):
        merge_models([best], tmp_path / "merged")
    with pytest.raises(InvalidInput, match="tune = tip-adapter leaves the towers as they are: omit prompts"):
        make_recipe("small", changes=["tune=tip-adapter", "lora.rank=2"])
    (tmp_path / "run" / "best" / "head.safetensors").write_bytes(b"\x00" * 20)
    with pytest.raises(ModelUnavailable, match=r"head\.safetensors"):
        load(Path(best))
