"""Model folders: the same model after writing and reading, for training and for the index, whatever goes wrong."""

import errno
import json
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from tests.model.conftest import make_tiny_clip
from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.model.registry.card import read_card
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import ViFiEncoder, load_encoder, load_text_encoder
from vifi_cli.model.storage.loading import LoadedModel, load_vifi_clip
from vifi_cli.model.storage.starter_model import starter_towers_of
from vifi_cli.model.storage.writing import write_model_folder

Pixels = npt.NDArray[np.uint8]
TEXTS = ["a dog", "someone waves both hands", ""]


def nudge(model: LoadedModel, tower: str) -> None:
    """Changes a tower a little, as training does."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in getattr(model.network, tower).parameters():
            parameter += 0.02 * torch.randn_like(parameter) * parameter.std(unbiased=False).clamp(min=1e-3)


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(name == other_name and torch.equal(a, b) for (name, a), (other_name, b) in pairs)


@pytest.fixture
def compiled(starter: ViFiEncoder, starter_home: Path, monkeypatch: pytest.MonkeyPatch) -> ViFiEncoder:
    """The starter, with a data folder in which it has been compiled already."""
    monkeypatch.setenv("VIFI_HOME", str(starter_home))
    return starter


@pytest.fixture
def folder(tiny_clip: Path, tmp_path: Path) -> Path:
    """A tuned tiny CLIP."""
    model = load_vifi_clip(resolve_model(str(tiny_clip)))
    nudge(model, "visual")
    nudge(model, "text")
    model.network.fusion = "decision"
    card = replace(
        model.card,
        template="a video of {}.",
        class_names=("jump", "wave, with “both” hands"),
        tuned=("image", "text"),
        origin={"base": "tiny", "data": "weizmann"},
    )
    write_model_folder(tmp_path / "runs" / "best", model.network, card)
    return tmp_path / "runs" / "best"


def test_what_was_written_is_read(folder: Path, tiny_clip: Path) -> None:
    model = load_vifi_clip(resolve_model(str(folder)))
    card = read_card(folder)
    assert model.card == card
    assert model.network.fusion == card.fusion == "decision"
    assert card.class_names == ("jump", "wave, with “both” hands")
    assert card.class_text("jump") == "a video of jump."
    assert card.origin == {"base": "tiny", "data": "weizmann"}
    assert card.preprocessing.geometry.resize == "squash"
    base = load_vifi_clip(resolve_model(str(tiny_clip)))
    assert base.card.tuned == ()
    assert base.card.origin == {"base": str(tiny_clip)}
    clips, tokens = torch.rand(2, 3, 3, 32, 32), model.tokenizer(TEXTS)
    again = folder.parent / "again"
    write_model_folder(again, model.network, card)
    reread = load_vifi_clip(resolve_model(str(again))).network
    assert same_weights(reread, model.network)
    assert not same_weights(reread, base.network)
    with torch.inference_mode():
        logits = model.network(clips, tokens)
        torch.testing.assert_close(reread(clips, tokens), logits, atol=1e-6, rtol=0)
        assert not torch.allclose(base.network(clips, tokens), logits, atol=1e-3)


def compare_index_and_training(folder: Path, noise: Pixels, texts: list[str]) -> ViFiEncoder:
    """Asserts that the index and training see the same model in a folder; gives the encoder of the index."""
    model, encoder = (
        load_vifi_clip(resolve_model(str(folder))),
        load_encoder(resolve_model(str(folder)), "cpu"),
    )
    mean, std = (
        torch.tensor(values).view(3, 1, 1)
        for values in (model.card.preprocessing.mean, model.card.preprocessing.std)
    )
    images = (torch.from_numpy(noise).permute(0, 3, 1, 2) / 255 - mean) / std
    with torch.inference_mode():
        frames = model.network.encode_frames(images[:, None])[:, 0].numpy()
        embedded = model.network.encode_classes(model.tokenizer(texts)).numpy()
    np.testing.assert_allclose(encoder.encode_frames(noise), frames, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(texts), embedded, atol=1e-5)
    assert encoder.model_name == str(folder)
    assert load_text_encoder(resolve_model(str(folder))).text_fingerprint == encoder.text_fingerprint
    return encoder


def test_index_and_training_see_the_same_model(folder: Path, noise: Pixels) -> None:
    compare_index_and_training(folder, noise, TEXTS)


@pytest.mark.parametrize("tower", ["visual", "text"])
def test_a_tower_left_alone_keeps_its_fingerprint(tiny_clip: Path, tmp_path: Path, tower: str) -> None:
    model, base = (
        load_vifi_clip(resolve_model(str(tiny_clip))),
        load_encoder(resolve_model(str(tiny_clip)), "cpu"),
    )
    nudge(model, tower)
    write_model_folder(tmp_path / "tuned", model.network, model.card)
    tuned = load_encoder(resolve_model(str(tmp_path / "tuned")), "cpu")
    assert (tuned.vision_fingerprint == base.vision_fingerprint) == (tower != "visual")
    assert (tuned.text_fingerprint == base.text_fingerprint) == (tower != "text")


def test_logit_bias_is_kept(tiny_clip: Path, tmp_path: Path) -> None:
    model = load_vifi_clip(resolve_model(str(tiny_clip)))
    model.network.logit_bias = torch.tensor(-10.0)
    write_model_folder(tmp_path / "biased", model.network, model.card)
    assert load_vifi_clip(resolve_model(str(tmp_path / "biased"))).network.logit_bias == -10
    assert load_encoder(resolve_model(str(tmp_path / "biased")), "cpu").dimension == 16


def test_tuned_text_tower_of_starter_reaches_the_index(compiled: ViFiEncoder, tmp_path: Path) -> None:
    model = load_vifi_clip(resolve_model("starter"))
    nudge(model, "text")
    write_model_folder(tmp_path / "tuned", model.network, replace(model.card, tuned=("text",)))
    again, encoder = (
        load_vifi_clip(resolve_model(str(tmp_path / "tuned"))),
        load_encoder(resolve_model(str(tmp_path / "tuned")), "cpu"),
    )
    assert same_weights(again.network, model.network)
    with torch.inference_mode():
        texts = again.network.encode_classes(again.tokenizer(TEXTS)).numpy()
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), texts, atol=1e-4)
    assert not np.allclose(compiled.encode_texts(TEXTS), texts, atol=1e-3)
    assert encoder.vision_fingerprint == compiled.vision_fingerprint, "its videos need not be embedded again"
    assert encoder.text_fingerprint != compiled.text_fingerprint
    assert encoder.description == encoder.text.description == "onnxruntime on cpu"


def test_tuned_image_tower_of_starter_reaches_the_index(
    compiled: ViFiEncoder, starter_home: Path, tmp_path: Path
) -> None:
    model = load_vifi_clip(resolve_model("starter"))
    with torch.no_grad():
        model.network.visual.head.concept_texts.weight[:, 500:] = 0  # type: ignore[index, union-attr]
    folder = tmp_path / "tuned"
    write_model_folder(folder, model.network, replace(model.card, tuned=("image",)))
    encoder = load_encoder(resolve_model(str(folder)), "cpu")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), np.uint8)
    images = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - 127) / 128
    with torch.inference_mode():
        expected = model.network.encode_frames(images[:, None])[:, 0].numpy()
    np.testing.assert_allclose(encoder.encode_frames(pixels), expected, atol=1e-3 * np.abs(expected).max())
    assert encoder.vision_fingerprint != compiled.vision_fingerprint
    assert encoder.text_fingerprint == compiled.text_fingerprint

    program = (
        "import sys; from vifi_cli.model.registry.source import resolve_model as resolve;"
        "from vifi_cli.model.runtime.encoder import load_text_encoder as load;"
        f"load(resolve({str(folder)!r})).encode_texts(['a dog']); print('torch' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], env={"VIFI_HOME": str(starter_home)}, capture_output=True, text=True
    )
    assert run.stdout.split() == ["False"], run.stderr


def test_a_starter_tuned_on_other_pixels_needs_an_index_of_its_own(tmp_path: Path) -> None:
    """The published code normalizes by ImageNet's statistics, also where only the text tower learns."""
    model, own = load_vifi_clip(resolve_model("starter")), starter_towers_of(resolve_model("starter"))
    assert own
    assert model.card.preprocessing == own.preprocessing
    for name, preprocessing in (
        ("plain", own.preprocessing),
        ("imagenet", own.preprocessing.with_imagenet_statistics()),
    ):
        card = replace(model.card, preprocessing=preprocessing, tuned=("text",))
        write_model_folder(tmp_path / name, model.network, card)
        towers = starter_towers_of(resolve_model(str(tmp_path / name)))
        assert towers
        assert towers.preprocessing == preprocessing
        assert (towers.vision_fingerprint() == own.vision_fingerprint()) == (name == "plain")


def test_changed_weights_change_the_fingerprint_of_a_tuned_starter(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from vifi_cli.model.weights.fingerprint import fingerprint_of_tower_file

    weights = {"text.a": torch.ones(2), "text.b": torch.ones(2), "visual.a": torch.ones(2)}
    digests = []
    for changed in (None, "text.b", "visual.a"):
        if changed:
            weights[changed] = torch.zeros(2)
        save_file(weights, tmp_path / "weights.safetensors")
        digests.append(fingerprint_of_tower_file({}, tmp_path / "weights.safetensors", "text."))
    assert digests[0] != digests[1] == digests[2]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda card: card.update(format=2), "format 2.*update vifi"),
        (lambda card: card.update(colour="red"), "there is no key colour"),
        (lambda card: card.update(fusion="late"), "fusion should be 'embedding', 'decision' or 'image'"),
        (lambda card: card.update(template="a photo"), "needs {} once"),
        (lambda card: card.update(template=3), "template should be a valid string"),
        (lambda card: card.update(tuned=["both"]), "tuned should be 'image' or 'text'"),
        (lambda card: card.update(class_names="jump"), "class_names should be a list"),
        (lambda card: card.update(architecture="VGG"), "architecture should be 'starter' or a table"),
        (lambda card: card.pop("architecture"), "architecture is missing"),
        (lambda card: card.pop("preprocessing"), "preprocessing is missing"),
        (lambda card: card.pop("format"), "not the configuration of a vifi model"),
        (lambda card: card["preprocessing"].update(mean=[1]), "preprocessing.mean is missing"),
        (
            lambda card: card["preprocessing"]["geometry"].update(resize="stretch"),
            "resize should be 'shortest', 'squash' or 'longest'",
        ),
    ],
)
def test_configurations_that_make_no_sense(
    folder: Path, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    file = folder / "config.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    for load in (load_vifi_clip, load_encoder, load_text_encoder):
        with pytest.raises(InvalidInput, match=reason) as caught:
            load(resolve_model(str(folder)))
        assert str(file) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_what_a_diverged_run_left_is_refused_by_everything(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    file = folder / "weights.safetensors"
    weights = load_file(file)
    weights["visual.proj"][0, 0] = float("nan")
    save_file(weights, file)
    for load in (load_vifi_clip, load_encoder):
        with pytest.raises(
            ModelUnavailable, match=r"holds NaN or infinite weights, first in visual\.proj"
        ) as caught:
            load(resolve_model(str(folder)))
        assert str(file) in str(caught.value)


def test_damaged_files_say_so(folder: Path) -> None:
    weights, card = folder / "weights.safetensors", folder / "config.json"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelUnavailable, match="damaged"):
        load_vifi_clip(resolve_model(str(folder)))
    weights.write_bytes(whole)
    content = json.loads(card.read_text())
    content["architecture"]["vision_cfg"]["layers"] = 3
    card.write_text(json.dumps(content))
    with pytest.raises(ModelUnavailable, match="does not fit"):
        load_vifi_clip(resolve_model(str(folder)))
    card.write_text(json.dumps({**content, "architecture": "starter"}))
    with pytest.raises(ModelUnavailable, match="does not fit"):
        load_vifi_clip(resolve_model(str(folder)))
    card.write_text("{")
    with pytest.raises(InvalidInput, match="not the configuration"):
        load_vifi_clip(resolve_model(str(folder)))


def test_names_of_folders(folder: Path, tiny_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    for name in ("best", "./best", str(folder), f"local-dir:{folder}"):
        assert resolve_model(name).name == str(folder)
        assert resolve_model(name).kind == "vifi"
    with pytest.raises(InvalidInput, match=f"did you mean {folder}"):
        resolve_model(str(folder.parent))
    (folder / "weights.safetensors").unlink()
    with pytest.raises(
        InvalidInput,
        match=r"nor config\.json and weights\.safetensors, prompts\.safetensors, lora\.safetensors or "
        r"head\.safetensors$",
    ):
        resolve_model(str(folder))
    assert resolve_model(str(tiny_clip)).kind == "folder"


def test_writing_again_replaces_and_leaves_nothing_else(folder: Path) -> None:
    model = load_vifi_clip(resolve_model(str(folder)))
    nudge(model, "visual")
    write_model_folder(folder, model.network, replace(model.card, class_names=("run",)))
    again = load_vifi_clip(resolve_model(str(folder)))
    assert again.card.class_names == ("run",)
    assert torch.equal(again.network.visual.proj, model.network.visual.proj)  # type: ignore[arg-type]
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "weights.safetensors"]
    modes = {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert len(modes) == 1, "both files are for the same readers"


def test_full_disk_leaves_the_older_model(folder: Path, request: pytest.FixtureRequest) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    model = load_vifi_clip(resolve_model(str(folder)))
    model.network.visual.proj.data += 1
    request.getfixturevalue("full_disk")
    with pytest.raises(OSError, match="File too large") as caught:
        write_model_folder(folder, model.network, model.card)
    assert caught.value.errno == errno.EFBIG
    assert str(folder) in str(caught.value.filename)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_base_weights_in_half_precision_become_a_model_in_full(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    clip = make_tiny_clip(tmp_path / "half")
    file = clip / "open_clip_model.safetensors"
    save_file({name: tensor.half() for name, tensor in load_file(file).items()}, file)
    assert {
        tensor.dtype for tensor in load_vifi_clip(resolve_model(str(clip))).network.state_dict().values()
    } == {torch.float32}
