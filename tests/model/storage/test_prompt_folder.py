"""Prompt models: small folders that give the same numbers everywhere, for their own base and no other."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.model.conftest import make_tiny_clip
from tests.model.storage.test_folder import compare_index_and_training
from vifi_cli.api.models.merging import merge_models
from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.model.prompts.initialization import add_prompts, prompt_parameters
from vifi_cli.model.registry.card import PromptShape, read_card
from vifi_cli.model.registry.hub import is_cached
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import ViFiEncoder, load_encoder, load_text_encoder, vision_fingerprint_of
from vifi_cli.model.storage.export.open_clip_folder import write_open_clip_folder
from vifi_cli.model.storage.loading import LoadedModel, describe_base, load_vifi_clip
from vifi_cli.model.storage.writing import write_model_folder

Pixels = npt.NDArray[np.uint8]
TEXTS = ["a dog", "someone waves both hands", "", "dog " * 30]
BOTH = PromptShape(4, 2, 3, 2)
TEXT_ONLY = PromptShape(4, 2)
IMAGE_ONLY = PromptShape(0, 0, 3, 1)


def prompted(base: str, shape: PromptShape, *, imagenet_statistics: bool = False) -> LoadedModel:
    """A model with prompts that say something, and its card."""
    loaded = load_vifi_clip(resolve_model(base))
    add_prompts(loaded.network, shape, seed=1)
    for prompt in prompt_parameters(loaded.network).values():
        prompt.data *= 10
    own = loaded.card.preprocessing
    preprocessing = own.with_imagenet_statistics() if imagenet_statistics else own
    card = replace(
        loaded.card,
        preprocessing=preprocessing,
        template="{}.",
        class_names=("jump",),
        prompts=shape,
        base=describe_base(loaded, preprocessing),
    )
    return replace(loaded, card=card)


def write_prompted(
    folder: Path, base: str, shape: PromptShape = BOTH, *, imagenet_statistics: bool = False
) -> Path:
    model = prompted(base, shape, imagenet_statistics=imagenet_statistics)
    write_model_folder(folder, model.network, model.card)
    return folder


@pytest.fixture
def folder(tiny_clip: Path, tmp_path: Path) -> Path:
    return write_prompted(tmp_path / "prompts", str(tiny_clip))


@pytest.mark.parametrize("shape", [BOTH, TEXT_ONLY, IMAGE_ONLY], ids=["both", "text", "image"])
def test_what_was_written_is_read(tiny_clip: Path, tmp_path: Path, shape: PromptShape) -> None:
    model = prompted(str(tiny_clip), shape)
    folder = tmp_path / "runs" / "best"
    write_model_folder(folder, model.network, model.card)
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "prompts.safetensors"]
    again = load_vifi_clip(resolve_model(str(folder)))
    assert again.card == model.card == read_card(folder)
    assert not again.network.training
    clips, tokens = torch.rand(2, 3, 3, 32, 32), again.tokenizer(TEXTS)
    with torch.inference_mode():
        logits = model.network(clips, tokens)
        torch.testing.assert_close(again.network(clips, tokens), logits, atol=1e-6, rtol=0)
        plain = load_vifi_clip(resolve_model(str(tiny_clip)))
        assert not torch.allclose(plain.network(clips, tokens), logits, atol=1e-3)
    write_model_folder(tmp_path / "again", again.network, again.card)
    before, after = (load_file(tmp_path / name / "prompts.safetensors") for name in ("runs/best", "again"))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_it_holds_prompts_alone_and_names_its_base(folder: Path, tiny_clip: Path) -> None:
    base = load_encoder(resolve_model(str(tiny_clip)), "cpu")
    with safe_open(folder / "prompts.safetensors", framework="pt") as file:
        assert file.metadata()["base"] == f"{base.vision_fingerprint} {base.text_fingerprint}"
        assert sorted(file.keys()) == [f"{tower}.prompts.{i}" for tower in ("text", "visual") for i in (0, 1)]
    assert (folder / "prompts.safetensors").stat().st_size < 3000
    assert json.loads((folder / "config.json").read_text())["base"]["model"] == str(tiny_clip)


@pytest.mark.parametrize("shape", [BOTH, TEXT_ONLY, IMAGE_ONLY], ids=["both", "text", "image"])
def test_index_and_training_see_the_same_model(
    tiny_clip: Path, tmp_path: Path, noise: Pixels, shape: PromptShape
) -> None:
    folder = write_prompted(tmp_path / "prompts", str(tiny_clip), shape)
    encoder = compare_index_and_training(folder, noise, TEXTS)
    base = load_encoder(resolve_model(str(tiny_clip)), "cpu")
    assert (encoder.vision_fingerprint == base.vision_fingerprint) == (shape == TEXT_ONLY)
    assert (encoder.text_fingerprint == base.text_fingerprint) == (shape == IMAGE_ONLY)
    assert vision_fingerprint_of(resolve_model(str(folder))) == encoder.vision_fingerprint


@pytest.mark.parametrize("shape", [BOTH, TEXT_ONLY], ids=["both", "text"])
def test_prompts_learned_on_other_pixels_need_an_index_of_their_own(
    tiny_clip: Path, tmp_path: Path, noise: Pixels, shape: PromptShape
) -> None:
    """The published code normalizes by ImageNet's statistics whatever CLIP itself was trained with."""
    folder = write_prompted(tmp_path / "prompts", str(tiny_clip), shape, imagenet_statistics=True)
    encoder = compare_index_and_training(folder, noise, TEXTS)
    assert read_card(folder).preprocessing.mean == (0.485, 0.456, 0.406)
    base = load_encoder(resolve_model(str(tiny_clip)), "cpu")
    assert encoder.vision_fingerprint != base.vision_fingerprint
    assert not np.allclose(encoder.encode_frames(noise), base.encode_frames(noise), atol=1e-2)
    assert vision_fingerprint_of(resolve_model(str(folder))) == encoder.vision_fingerprint


def test_fingerprints_follow_the_prompts_of_each_tower_alone(folder: Path) -> None:
    first, file = load_encoder(resolve_model(str(folder)), "cpu"), folder / "prompts.safetensors"
    prompts = load_file(file)
    for tower, vision_same, text_same in (("visual", False, True), ("text", True, False)):
        name = f"{tower}.prompts.1"
        save_file({**prompts, name: prompts[name] + 1e-3}, file)
        other = load_encoder(resolve_model(str(folder)), "cpu")
        assert (other.vision_fingerprint == first.vision_fingerprint) == vision_same
        assert (other.text_fingerprint == first.text_fingerprint) == text_same


def test_text_side_alone_reads_no_image_tower(tiny_clip: Path, tmp_path: Path) -> None:
    folder = write_prompted(tmp_path / "prompts", str(tiny_clip), TEXT_ONLY)
    whole = load_encoder(resolve_model(str(folder)), "cpu")
    weights = load_file(tiny_clip / "open_clip_model.safetensors")
    text = {name: tensor for name, tensor in weights.items() if not name.startswith("visual.")}
    save_file(text, tiny_clip / "open_clip_model.safetensors")
    alone = load_text_encoder(resolve_model(str(folder)), "cpu")
    np.testing.assert_array_equal(alone.encode_texts(TEXTS), whole.encode_texts(TEXTS))
    assert vision_fingerprint_of(resolve_model(str(folder))) == whole.vision_fingerprint


@pytest.mark.parametrize("seed", [1, 2])
def test_another_base_is_refused(folder: Path, tiny_clip: Path, seed: int) -> None:
    make_tiny_clip(tiny_clip, seed)
    for load in (load_vifi_clip, load_encoder, load_text_encoder):
        with pytest.raises(InvalidInput, match="bring that model back as it was") as caught:
            load(resolve_model(str(folder)))
        message = str(caught.value)
        assert str(folder) in message
        assert str(tiny_clip) in message
        assert "\n" not in message


def test_a_base_whose_pictures_are_cut_otherwise_is_refused(folder: Path, tiny_clip: Path) -> None:
    file = tiny_clip / "open_clip_config.json"
    file.write_text(file.read_text().replace("squash", "shortest"))
    with pytest.raises(InvalidInput, match="with the image tower"):
        load_vifi_clip(resolve_model(str(folder)))


def test_a_base_that_is_gone_is_named(folder: Path, tiny_clip: Path) -> None:
    wanted = load_encoder(resolve_model(str(tiny_clip)), "cpu").vision_fingerprint[:12]
    shutil.rmtree(tiny_clip)
    for load in (load_vifi_clip, load_encoder, load_text_encoder):
        with pytest.raises(InvalidInput, match=f"no such model at {tiny_clip}") as caught:
            load(resolve_model(str(folder)))
        assert f"image tower {wanted}, " in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_base_inside_the_folder_moves_along(tmp_path: Path, noise: Pixels) -> None:
    folder = tmp_path / "one"
    base = make_tiny_clip(folder / "base")
    write_prompted(folder, str(base))
    assert json.loads((folder / "config.json").read_text())["base"]["model"] == "base"
    frames = load_encoder(resolve_model(str(folder)), "cpu").encode_frames(noise)
    folder.rename(tmp_path / "other")
    np.testing.assert_array_equal(
        load_encoder(resolve_model(str(tmp_path / "other")), "cpu").encode_frames(noise), frames
    )
    assert is_cached(resolve_model(str(tmp_path / "other")))
    shutil.rmtree(tmp_path / "other" / "base")
    with pytest.raises(InvalidInput, match=f"no such model at {tmp_path / 'other' / 'base'}"):
        load_encoder(resolve_model(str(tmp_path / "other")))


def test_prompts_for_prompts_are_refused(folder: Path, tmp_path: Path) -> None:
    model = load_vifi_clip(resolve_model(str(folder)))
    assert model.card.base is not None
    card = replace(model.card, base=replace(model.card.base, model=str(folder)))
    write_model_folder(tmp_path / "second", model.network, card)
    with pytest.raises(InvalidInput, match="made of prompts itself"):
        load_vifi_clip(resolve_model(str(tmp_path / "second")))


def test_a_base_on_the_hub_is_one_to_fetch(folder: Path) -> None:
    card = json.loads((folder / "config.json").read_text())
    card["base"]["model"] = "clip-vit-b-32"
    (folder / "config.json").write_text(json.dumps(card))
    assert not is_cached(resolve_model(str(folder)))
    with pytest.raises(ModelUnavailable, match="vifi model pull"):
        load_vifi_clip(resolve_model(str(folder)))


def test_damaged_prompts_say_so(folder: Path) -> None:
    file = folder / "prompts.safetensors"
    whole, prompts = file.read_bytes(), load_file(file)
    for content in (b"", whole[:50], whole[:-10]):
        file.write_bytes(content)
        for load in (load_vifi_clip, load_encoder):
            with pytest.raises(ModelUnavailable, match="damaged"):
                load(resolve_model(str(folder)))
    for wrong in (
        {name: tensor for name, tensor in prompts.items() if name != "text.prompts.1"},
        {**prompts, "visual.prompts.2": prompts["visual.prompts.1"].clone()},
        {**prompts, "text.prompts.0": prompts["text.prompts.0"][:3]},
    ):
        save_file(wrong, file)
        with pytest.raises(ModelUnavailable, match="copy the complete folder again"):
            load_vifi_clip(resolve_model(str(folder)))
    save_file({**prompts, "text.prompts.0": prompts["text.prompts.0"][:, :8].contiguous()}, file)
    with pytest.raises(InvalidInput, match="the text prompts are 8 long, and the text tower is 32 wide"):
        load_vifi_clip(resolve_model(str(folder)))


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("prompts", {"text_context": 4}, "4 text prompts in 0 layers"),
        ("prompts", {"text_context": "4", "text_depth": 1}, "integer"),
        ("prompts", {"depth": 4}, "depth"),
        ("base", None, "base is given together with what changes it"),
        ("base", {"model": "x"}, "image"),
    ],
)
def test_configurations_that_make_no_sense(folder: Path, key: str, value: object, reason: str) -> None:
    card = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**card, key: value}))
    with pytest.raises(InvalidInput, match=f"config.json: .*{reason}") as caught:
        load_vifi_clip(resolve_model(str(folder)))
    assert "\n" not in str(caught.value)


def test_a_folder_can_change_from_weights_to_prompts_and_back(
    folder: Path, tiny_clip: Path, tmp_path: Path
) -> None:
    base, prompts = load_vifi_clip(resolve_model(str(tiny_clip))), load_vifi_clip(resolve_model(str(folder)))
    for model, file in (
        (base, "weights.safetensors"),
        (prompts, "prompts.safetensors"),
        (base, "weights.safetensors"),
    ):
        write_model_folder(tmp_path / "one", model.network, model.card)
        assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["config.json", file]


def test_open_clip_has_no_place_for_prompts(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no place for learned prompts"):
        write_open_clip_folder(tmp_path, load_vifi_clip(resolve_model(str(folder))))


def test_prompts_are_nothing_to_merge(folder: Path, tiny_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InvalidInput, match=f"prompts that were learned for the frozen weights of {tiny_clip}"
    ):
        merge_models([folder], tmp_path / "merged")


def test_prompts_for_the_starter(
    starter: ViFiEncoder, starter_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its text tower is compiled with its prompts, so that a search still needs no torch."""
    monkeypatch.setenv("VIFI_HOME", str(starter_home))
    folder = write_prompted(tmp_path / "prompts", "starter", PromptShape(8, 3))
    model, encoder = (
        load_vifi_clip(resolve_model(str(folder))),
        load_encoder(resolve_model(str(folder)), "cpu"),
    )
    assert encoder.vision_fingerprint == starter.vision_fingerprint
    assert encoder.text_fingerprint != starter.text_fingerprint
    assert encoder.text.description == "onnxruntime on cpu"
    with torch.inference_mode():
        expected = model.network.encode_classes(model.tokenizer(TEXTS)).numpy()
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), expected, atol=1e-5)
    assert np.abs(encoder.encode_texts(TEXTS) - starter.encode_texts(TEXTS)).max() > 0.01

    program = (
        "import sys; from vifi_cli.model.registry.source import resolve_model as resolve;"
        "from vifi_cli.model.runtime.encoder import load_text_encoder;"
        f"print(load_text_encoder(resolve({str(folder)!r})).encode_texts(['a dog']).shape, 'torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.strip() == "(1, 384) False", run.stderr

    with pytest.raises(InvalidInput, match="--side text"):
        prompted("starter", BOTH)
