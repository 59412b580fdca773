"""LoRA models: small folders that give the same numbers everywhere, for their own base and no other."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.model.conftest import make_tiny_clip
from tests.model.storage.test_folder import compare_index_and_training, same_weights
from vifi_cli.api.models.merging import merge_models
from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.model.lora.low_rank import add_low_rank, fix_low_rank, lora_parameters
from vifi_cli.model.registry.card import LoraPlace, LoraShape, Tower, read_card
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import ViFiEncoder, load_encoder, load_text_encoder, vision_fingerprint_of
from vifi_cli.model.storage.averaging import average_models
from vifi_cli.model.storage.export.open_clip_folder import write_open_clip_folder
from vifi_cli.model.storage.loading import LoadedModel, describe_base, load_vifi_clip
from vifi_cli.model.storage.writing import write_model_folder

Pixels = npt.NDArray[np.uint8]
TEXTS = ["a dog", "someone waves both hands", "", "dog " * 30]
BOTH: tuple[Tower, ...] = ("image", "text")


def adapted(
    base: str, towers: tuple[Tower, ...] = BOTH, places: tuple[LoraPlace, ...] = ("q", "v")
) -> LoadedModel:
    """A model with matrices that change something, as they learn, and its card."""
    loaded = load_vifi_clip(resolve_model(base))
    shape = LoraShape(2, 4, towers, places)
    reference = describe_base(loaded, loaded.card.preprocessing)
    add_low_rank(loaded.network, shape, seed=1)
    torch.manual_seed(2)
    for parameter in lora_parameters(loaded.network).values():
        parameter.data += 0.05 * torch.randn_like(parameter)
    card = replace(loaded.card, class_names=("jump",), tuned=towers, lora=shape, base=reference)
    return replace(loaded, card=card)


def write_adapted(folder: Path, base: str, towers: tuple[Tower, ...] = BOTH) -> Path:
    model = adapted(base, towers)
    write_model_folder(folder, model.network, model.card)
    return folder


@pytest.fixture
def folder(tiny_clip: Path, tmp_path: Path) -> Path:
    return write_adapted(tmp_path / "lora", str(tiny_clip))


def test_what_was_written_is_read(folder: Path, tiny_clip: Path) -> None:
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "lora.safetensors"]
    again, model = load_vifi_clip(resolve_model(str(folder))), adapted(str(tiny_clip))
    assert again.card == model.card == read_card(folder)
    assert not again.network.training
    fix_low_rank(model.network)
    summed = model.network.state_dict()
    assert all(torch.equal(tensor, summed[name]) for name, tensor in again.network.state_dict().items())
    assert not same_weights(again.network, load_vifi_clip(resolve_model(str(tiny_clip))).network)


def test_it_holds_matrices_alone_and_names_its_base(folder: Path, tiny_clip: Path) -> None:
    base = load_encoder(resolve_model(str(tiny_clip)), "cpu")
    weight = "transformer.resblocks.0.attn.in_proj_weight"
    with safe_open(folder / "lora.safetensors", framework="pt") as file:
        assert file.metadata()["base"] == f"{base.vision_fingerprint} {base.text_fingerprint}"
        of_first = sorted(name for name in file.keys() if weight in name)  # noqa: SIM118
        assert of_first == [
            f"{tower}.{weight}.{part}.lora_{end}"
            for tower in ("text", "visual") for part in ("q", "v") for end in ("A", "B")
        ]  # fmt: skip
        values = sum(file.get_tensor(name).numel() for name in file.keys())  # noqa: SIM118
    assert values == 2 * 2 * 2 * 2 * (2 * 32)  # towers x blocks x parts x matrices of rank 2
    card = json.loads((folder / "config.json").read_text())
    assert card["lora"] == {"rank": 2, "alpha": 4, "towers": ["image", "text"], "places": ["q", "v"]}
    assert card["base"]["model"] == str(tiny_clip)


@pytest.mark.parametrize("towers", [BOTH, ("text",), ("image",)], ids=["both", "text", "image"])
def test_index_and_training_see_the_same_model(
    tiny_clip: Path, tmp_path: Path, noise: Pixels, towers: tuple[Tower, ...]
) -> None:
    folder = write_adapted(tmp_path / "lora", str(tiny_clip), towers)
    encoder = compare_index_and_training(folder, noise, TEXTS)
    base = load_encoder(resolve_model(str(tiny_clip)), "cpu")
    assert (encoder.vision_fingerprint == base.vision_fingerprint) == ("image" not in towers)
    assert (encoder.text_fingerprint == base.text_fingerprint) == ("text" not in towers)
    assert vision_fingerprint_of(resolve_model(str(folder))) == encoder.vision_fingerprint


def test_fingerprints_follow_the_matrices_and_their_scale(folder: Path) -> None:
    first, file = load_encoder(resolve_model(str(folder)), "cpu"), folder / "lora.safetensors"
    matrices = load_file(file)
    name = "text.transformer.resblocks.1.attn.in_proj_weight.v.lora_B"
    save_file({**matrices, name: matrices[name] + 1e-3}, file)
    other = load_encoder(resolve_model(str(folder)), "cpu")
    assert other.vision_fingerprint == first.vision_fingerprint
    assert other.text_fingerprint != first.text_fingerprint
    card = json.loads((folder / "config.json").read_text())
    card["lora"]["alpha"] = 5
    (folder / "config.json").write_text(json.dumps(card))
    assert load_encoder(resolve_model(str(folder)), "cpu").vision_fingerprint != first.vision_fingerprint


def test_another_base_or_none_is_refused(folder: Path, tiny_clip: Path) -> None:
    make_tiny_clip(tiny_clip, seed=1)
    loads = (load_vifi_clip, load_encoder, load_text_encoder)
    for load in loads:
        with pytest.raises(InvalidInput, match=r"holds LoRA matrices for .*bring that model back as it was"):
            load(resolve_model(str(folder)))
    shutil.rmtree(tiny_clip)
    for load in loads:
        with pytest.raises(InvalidInput, match=f"holds LoRA matrices for .*no such model at {tiny_clip}"):
            load(resolve_model(str(folder)))


def test_a_base_inside_the_folder_moves_along(tmp_path: Path) -> None:
    base = make_tiny_clip(tmp_path / "one" / "base")
    write_adapted(tmp_path / "one", str(base))
    before = load_vifi_clip(resolve_model(str(tmp_path / "one"))).network
    (tmp_path / "one").rename(tmp_path / "other")
    assert same_weights(load_vifi_clip(resolve_model(str(tmp_path / "other"))).network, before)


def test_damaged_matrices_say_so(folder: Path) -> None:
    file = folder / "lora.safetensors"
    whole, matrices = file.read_bytes(), load_file(file)
    name = "visual.transformer.resblocks.1.attn.in_proj_weight.v.lora_B"
    for content in (b"", whole[:-10]):
        file.write_bytes(content)
        for load in (load_vifi_clip, load_encoder):
            with pytest.raises(ModelUnavailable, match="damaged"):
                load(resolve_model(str(folder)))
    for wrong in (
        {key: tensor for key, tensor in matrices.items() if key != name},
        {**matrices, name: matrices[name][:, :1].contiguous()},
        {**matrices, name.replace(".v.", ".k."): matrices[name].clone()},
    ):
        save_file(wrong, file)
        with pytest.raises(ModelUnavailable, match="copy the complete folder again"):
            load_vifi_clip(resolve_model(str(folder)))


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("lora", {"rank": 0, "alpha": 4, "towers": ["text"], "places": ["q"]}, "a rank of 1 or more"),
        ("lora", {"rank": 2, "alpha": 4, "towers": ["text"], "places": ["x"]}, "lora.places"),
        ("lora", None, "base is given together"),
        ("base", None, "base is given together"),
        (
            "prompts",
            {"text_context": 1, "text_depth": 1},
            "a model has prompts, lora or a head, only one of them",
        ),
    ],
)
def test_configurations_that_make_no_sense(folder: Path, key: str, value: object, reason: str) -> None:
    card = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**card, key: value}))
    with pytest.raises(InvalidInput, match=f"config.json: .*{reason}") as caught:
        load_vifi_clip(resolve_model(str(folder)))
    assert "\n" not in str(caught.value)


def test_it_is_exported_with_its_sums(folder: Path, tmp_path: Path) -> None:
    loaded = load_vifi_clip(resolve_model(str(folder)))
    write_open_clip_folder(tmp_path, loaded)
    import open_clip

    exported = open_clip.create_model(f"local-dir:{tmp_path}")
    images = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        expected = loaded.network.visual(images)
        torch.testing.assert_close(exported.encode_image(images), expected, atol=1e-6, rtol=0)


def test_merging_one_gives_full_weights(folder: Path, tmp_path: Path) -> None:
    merged = merge_models([folder], tmp_path / "full")
    again = load_vifi_clip(resolve_model(str(merged.folder)))
    assert same_weights(again.network, load_vifi_clip(resolve_model(str(folder))).network)
    assert (again.card.lora, again.card.base, again.card.tuned) == (None, None, BOTH)
    assert (merged.folder / "weights.safetensors").exists()
    with pytest.raises(InvalidInput, match="name two models or more"):
        merge_models([tmp_path / "full"], tmp_path / "again")
    with pytest.raises(InvalidInput, match="--alpha is for two models; name another one"):
        merge_models([folder], tmp_path / "again", alpha=0.5)


def test_it_mixes_with_its_base(folder: Path, tiny_clip: Path) -> None:
    base, model = (load_vifi_clip(resolve_model(str(path))) for path in (tiny_clip, folder))
    mixed = average_models((base, model), (0.75, 0.25)).model.network.state_dict()
    name = "visual.transformer.resblocks.0.attn.in_proj_weight"
    one, other = (loaded.network.state_dict()[name] for loaded in (base, model))
    torch.testing.assert_close(mixed[name], 0.75 * one + 0.25 * other)


def test_the_starter_takes_them_in_its_convolutions_too(
    starter: ViFiEncoder, starter_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIFI_HOME", str(starter_home))
    model = adapted("starter", ("image",), ("conv",))
    write_model_folder(tmp_path, model.network, model.card)
    assert (tmp_path / "lora.safetensors").stat().st_size < 500_000
    again = load_vifi_clip(resolve_model(str(tmp_path)))
    images = torch.rand(1, 3, 224, 224)
    with torch.inference_mode():
        expected = model.network.visual(images)
        torch.testing.assert_close(again.network.visual(images), expected, atol=1e-5, rtol=1e-5)
    text = load_text_encoder(resolve_model(str(tmp_path)))
    assert text.text_fingerprint == starter.text_fingerprint
    assert vision_fingerprint_of(resolve_model(str(tmp_path))) != starter.vision_fingerprint
