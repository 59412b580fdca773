"""Files of weights alone run as open_clip runs them, or say what is missing; each assumption is stated."""

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.model.conftest import TINY
from tests.model.published import openai_clip
from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.model.architectures.released import config_of, shapes_of
from vifi_cli.model.architectures.weights_alone import FileArchitecture, architecture_of_file
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip


def sparse_file(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Path:
    """A .safetensors file of zeros in half precision, which takes no room on disk."""
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 2 * torch.Size(shape).numel()
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    os.truncate(path, 8 + len(text) + end)
    return path


def found_in(path: Path, name: str, named: str = "", **changes: dict[str, Any]) -> FileArchitecture:
    """What vifi makes of weights with the shapes of an architecture that open_clip knows, which may be changed."""
    config = config_of(name)
    for part, values in changes.items():
        config[part] |= values
    file = sparse_file(path / "weights.safetensors", shapes_of(config))
    return architecture_of_file(resolve_model(f"{file}{named}"))


@pytest.mark.parametrize(
    ("name", "head_width", "gelu"),
    [
        ("ViT-H-14", 80, "plain"),
        ("ViT-bigG-14", 104, "plain"),
        ("ViT-B-16", 64, "quick"),
        ("ViT-B-32-256", 64, "plain"),
        ("ViT-L-14-336", 64, "quick"),
    ],
)
def test_heads_are_as_wide_as_in_open_clip(tmp_path: Path, name: str, head_width: int, gelu: str) -> None:
    found = found_in(tmp_path, name)
    config = config_of(name)
    assert found.config["vision_cfg"] == {"head_width": head_width, **config["vision_cfg"]}
    assert found.config["text_cfg"] == config["text_cfg"]
    assert found.config["quick_gelu"] == (gelu == "quick")
    assert f"with {gelu} GELU assumed" in found.assumed
    other = "gelu" if gelu == "quick" else "quickgelu"
    assert f"append #{other} for" in found.assumed
    chosen = architecture_of_file(resolve_model(f"{tmp_path / 'weights.safetensors'}#{other}"))
    assert (chosen.config["quick_gelu"], chosen.assumed) == (gelu == "plain", "")
    assert chosen.config["vision_cfg"] == found.config["vision_cfg"]


def test_another_picture_size_is_read_from_the_positions(tmp_path: Path) -> None:
    found = found_in(tmp_path, "ViT-H-14", vision_cfg={"image_size": 336})
    assert found.config["vision_cfg"]["image_size"] == 336
    assert found.config["vision_cfg"]["head_width"] == 80


def test_towers_of_timm_bring_their_preprocessing(tmp_path: Path) -> None:
    found = found_in(tmp_path, "ViT-B-16-SigLIP2-384")
    assert found.config["vision_cfg"]["timm_model_name"] == "vit_base_patch16_siglip_384"
    assert found.preprocessing["mean"] == (0.5, 0.5, 0.5)
    assert found.preprocessing["resize_mode"] == "squash"


def test_weights_of_several_architectures_need_a_name(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="weights of 2 architectures; name one: ") as caught:
        found_in(tmp_path, "convnext_base_w")
    assert f"{tmp_path / 'weights.safetensors'}#convnext_base_w_320" in str(caught.value)
    named = found_in(tmp_path, "convnext_base_w", "#convnext_base_w_320")
    assert (named.config["vision_cfg"]["image_size"], named.assumed) == (320, "")


def test_weights_of_no_known_architecture_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ModelUnavailable, match=r"does not fit any architecture .*30 layers, 1280 wide, 224 pixels"
    ):
        found_in(tmp_path, "ViT-H-14", vision_cfg={"layers": 30})
    shapes = shapes_of(config_of("ViT-B-16"))
    oblong = sparse_file(tmp_path / "oblong.pt", shapes | {"visual.positional_embedding": (151, 768)})
    with pytest.raises(ModelUnavailable, match="150 positions of patches do not make a square"):
        architecture_of_file(resolve_model(str(oblong)))
    with pytest.raises(InvalidInput, match="did you mean ViT-H-14"):
        resolve_model(f"{oblong}#ViT-H-14x")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("image_encoder.conv1.weight", "is a checkpoint of ViFi-CLIP: make it a model folder with"),
        (
            "base_model.model.vision_model.encoder.q_proj.lora_A.weight",
            "holds LoRA adapters without the model",
        ),
        ("layer1.0.conv1.weight", "does not name its weights as OpenAI's CLIP does .visual.* is missing"),
        ("visual.blocks.0.attn.q_proj.weight", "does not name its weights as OpenAI's CLIP does"),
    ],
)
def test_weights_of_other_names_are_called_by_what_they_are(tmp_path: Path, name: str, message: str) -> None:
    torch.save({name: torch.ones(2, 2)}, tmp_path / "weights.pth")
    with pytest.raises(ModelUnavailable, match=message):
        load_vifi_clip(resolve_model(str(tmp_path / "weights.pth")))
    with pytest.raises(InvalidInput, match=r"not a model folder.*did you mean .*weights\.pth"):
        resolve_model(str(tmp_path))


def test_heads_beside_the_towers_do_no_harm_and_missing_layers_are_named(tmp_path: Path) -> None:
    weights = load_file(openai_clip(tmp_path / "small.safetensors"))
    torch.save(
        weights | {"classifier.weight": torch.ones(3, 3), "fc.bias": torch.ones(3)}, tmp_path / "head.pt"
    )
    loaded = load_vifi_clip(resolve_model(str(tmp_path / "head.pt")))
    assert torch.equal(loaded.network.visual.proj, weights["visual.proj"].float())  # type: ignore[arg-type]
    torch.save({**weights, "positional_embedding_res": torch.ones(3, 3)}, tmp_path / "long.pt")
    with pytest.raises(ModelUnavailable, match="positional_embedding_res is one weight too many"):
        load_vifi_clip(resolve_model(str(tmp_path / "long.pt")))
    for missing in ("transformer", "visual.transformer", "token_embedding", "positional_embedding"):
        kept = {name: tensor for name, tensor in weights.items() if not name.startswith(missing)}
        torch.save(kept, tmp_path / "part.pt")
        with pytest.raises(ModelUnavailable, match=f"OpenAI's CLIP does .*'{missing}.* is missing"):
            load_vifi_clip(resolve_model(str(tmp_path / "part.pt")))
    for odd in ({"token_embedding.weight": torch.ones(3)}, {"visual.conv1.weight": torch.ones(0, 3, 0, 0)}):
        torch.save(weights | odd, tmp_path / "odd.pt")
        with pytest.raises(ModelUnavailable, match="is not a CLIP that vifi knows"):
            load_vifi_clip(resolve_model(str(tmp_path / "odd.pt")))


def test_a_named_architecture_gives_the_numbers_of_open_clip(tmp_path: Path) -> None:
    """The smallest architecture of open_clip with heads that OpenAI's rule gets wrong, at a tenth of its size."""
    import open_clip

    config = json.loads(json.dumps(TINY)) | {"quick_gelu": False}
    config["vision_cfg"] |= {"width": 160, "head_width": 80}
    open_clip.factory._MODEL_CONFIGS["tiny-with-wide-heads"] = config
    try:
        torch.manual_seed(0)
        model = open_clip.create_model("tiny-with-wide-heads").eval()
        torch.save({"state_dict": model.state_dict()}, tmp_path / "wide#1.pt")
        loaded = load_vifi_clip(resolve_model(f"{tmp_path / 'wide#1.pt'}#tiny-with-wide-heads"))
        found = load_vifi_clip(resolve_model(str(tmp_path / "wide#1.pt")))
        images = torch.rand(2, 3, 32, 32)
        with torch.inference_mode():
            expected = model.encode_image(images)
            torch.testing.assert_close(loaded.network.visual(images), expected, atol=1e-5, rtol=0)
            torch.testing.assert_close(found.network.visual(images), expected, atol=1e-5, rtol=0)
    finally:
        del open_clip.factory._MODEL_CONFIGS["tiny-with-wide-heads"]
