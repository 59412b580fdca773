"""A model exported for transformers gives there the embeddings, tokens and pictures that it gives in vifi."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.made_videos import solid_colour_clip
from tests.model.conftest import make_tiny_clip
from tests.small_transformers import save_siglip, transformers
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import PromptShape
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.export.open_clip_folder import write_open_clip_folder
from vifi_cli.model.storage.export.tokenizer_files import write_tokenizer
from vifi_cli.model.storage.export.transformers_folder import write_transformers_folder
from vifi_cli.model.storage.loading import LoadedModel, load_vifi_clip

TEXTS = ["a dog!", "two people dance in the rain, don't they?", "", "wave " * 90]


def load(folder: Path) -> LoadedModel:
    return load_vifi_clip(resolve_model(str(folder)))


@pytest.fixture(scope="module")
def siglip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("siglip") / "model"
    save_siglip(folder)
    return folder


@pytest.fixture(params=["clip", "siglip"])
def model(request: pytest.FixtureRequest, siglip: Path, tmp_path: Path) -> LoadedModel:
    """A model with class names, whose weights are large enough that each counts."""
    loaded = load(siglip if request.param == "siglip" else make_tiny_clip(tmp_path / "tiny"))
    with torch.no_grad():
        for parameter in loaded.network.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    card = replace(loaded.card, class_names=("wave", "jump"), tuned=("image",), template="a person doing {}.")
    return replace(loaded, card=card)


@torch.inference_mode()
def test_transformers_gives_the_same_numbers(model: LoadedModel, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    write_transformers_folder(folder, model)
    theirs = transformers.AutoModel.from_pretrained(folder)
    assert type(theirs).__name__ == ("SiglipModel" if model.network.logit_bias is not None else "CLIPModel")
    tokens = model.tokenizer(TEXTS)
    processor = transformers.AutoProcessor.from_pretrained(folder)
    found = processor(text=TEXTS, padding="max_length", truncation=True, return_tensors="pt")["input_ids"]
    if model.network.logit_bias is None:  # what follows the first end token does not count in a CLIP
        tokens = torch.where((tokens == 49407).cumsum(1) > 0, 49407, tokens)
    assert found[:, : tokens.shape[1]].equal(tokens)
    size = model.card.preprocessing.geometry.height
    images = torch.rand(2, 3, size, size)
    vision = theirs.get_image_features(pixel_values=images).pooler_output
    torch.testing.assert_close(vision, model.network.visual(images), atol=1e-5, rtol=0)
    text = theirs.get_text_features(input_ids=found).pooler_output
    torch.testing.assert_close(text, model.network.text(tokens), atol=1e-5, rtol=0)
    assert theirs.logit_scale.item() == pytest.approx(model.network.logit_scale.item())
    again = load(folder)
    assert again.card.preprocessing == model.card.preprocessing
    weights = again.network.state_dict()
    assert all(weights[name].equal(tensor) for name, tensor in model.network.state_dict().items())


@torch.inference_mode()
def test_the_lines_of_its_readme_classify_a_video(
    model: LoadedModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    write_transformers_folder(folder, model)
    page = (folder / "README.md").read_text()
    assert str(tmp_path) not in page
    lines = page.split("```python\n")[1].split("```")[0]
    video = tmp_path / "clip.mp4"
    solid_colour_clip(video, [("red", 1.0), ("blue", 1.0)])
    exec(lines.replace("FOLDER", str(folder)).replace("video.mp4", str(video)), {})
    shown = eval(capsys.readouterr().out)
    assert list(shown) == ["wave", "jump"]
    assert sum(shown.values()) == pytest.approx(1, abs=1e-5)


def test_pictures_are_prepared_alike(model: LoadedModel, tmp_path: Path) -> None:
    write_transformers_folder(tmp_path, model)
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path)
    picture = Image.fromarray(np.full((40, 60, 3), 128, np.uint8))
    pixels = processor(images=picture, return_tensors="pt")["pixel_values"]
    preprocessing = model.card.preprocessing
    size = preprocessing.geometry.height
    assert pixels.shape == (1, 3, size, size)
    for color in range(3):
        expected = (128 / 255 - preprocessing.mean[color]) / preprocessing.std[color]
        assert pixels[0, color].mean().item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "starter"}, "transformers has no class for starter"),
        ({"prompts": PromptShape(4, 1), "base": "…"}, "learned prompts: export their base"),
        ({"head": "linear-probe", "base": "…"}, "the classifier of this model: export its base"),
        (
            {"vision": {"timm_model_name": "fastvit_mci2", "timm_pool": "avg"}},
            r"\(fastvit_mci2\): export it with",
        ),
        ({"vision": {"no_ln_pre": True}}, "a CLIP with no_ln_pre: export it with --format open_clip"),
        ({"text": {"pool_type": "first"}}, "pools by first"),
    ],
)
def test_what_transformers_has_no_class_for_is_refused(
    tiny_clip: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    loaded = load(tiny_clip)
    config: Any = loaded.card.architecture
    for name in ("vision", "text"):
        if part := changes.pop(name, None):
            changes["architecture"] = {**config, f"{name}_cfg": {**config[f"{name}_cfg"], **part}}
    with pytest.raises(InvalidInput, match=message):
        write_transformers_folder(tmp_path, replace(loaded, card=replace(loaded.card, **changes)))
    assert not (tmp_path / "config.json").exists()


def test_open_clip_gets_a_siglip_only_if_it_knows_its_form(siglip: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"an image tower of this form \(64 wide, 2 layers, patches of 8"):
        write_open_clip_folder(tmp_path, load(siglip))
    assert not (tmp_path / "config.json").exists()


def test_open_clip_gets_the_tokenizer_of_a_folder(siglip: Path, tiny_clip: Path, tmp_path: Path) -> None:
    import open_clip

    loaded = load(tiny_clip)
    own = load(siglip)
    loaded.network.tokenizer_json = own.network.tokenizer_json
    write_open_clip_folder(tmp_path, replace(loaded, tokenizer=own.tokenizer))
    tokens = open_clip.get_tokenizer(f"local-dir:{tmp_path}")(["wave jump", "two people"])
    ours = own.tokenizer(["wave jump", "two people"])
    assert tokens[:, : ours.shape[1]].equal(ours)


def test_the_cleaning_of_open_clip_goes_into_the_tokenizer(siglip: Path, tmp_path: Path) -> None:
    folder = make_tiny_clip(tmp_path / "tiny")
    for file in siglip.glob("tokenizer*"):
        (folder / file.name).write_bytes(file.read_bytes())
    content = json.loads((folder / "open_clip_config.json").read_text())
    content["model_cfg"]["text_cfg"] |= {
        "hf_tokenizer_name": "its own",
        "tokenizer_kwargs": {"clean": "canonicalize"},
        "pool_type": "last",
    }
    (folder / "open_clip_config.json").write_text(json.dumps(content))
    loaded = load(folder)
    write_tokenizer(tmp_path, loaded)
    texts = ["Two people", "a_person, in the RAIN!", "  wave\tjump ", ""]
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    found = tokenizer(texts, padding="max_length", truncation=True)["input_ids"]
    assert found == loaded.tokenizer(texts).tolist()
