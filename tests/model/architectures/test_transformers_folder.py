"""A CLIPModel as transformers saves it gives the embeddings of transformers, from one file or several."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.model.torchvision_operators import declare_missing_operators

declare_missing_operators()  # which transformers needs where torchvision lacks its own
transformers = pytest.importorskip("transformers", reason="the package transformers makes the models")

TOWER = {"hidden_size": 32, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A folder, and the model in it, with another activation and wider heads than OpenAI's rule would give."""
    torch.manual_seed(0)
    vision = {**TOWER, "image_size": 32, "patch_size": 8, "hidden_act": "gelu", "hidden_size": 64}
    text = {**TOWER, "vocab_size": 49408, "hidden_act": "gelu", "eos_token_id": 49407}
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)
    model = transformers.CLIPModel(config).eval()
    folder = tmp_path_factory.mktemp("transformers") / "clip"
    model.save_pretrained(folder)
    preprocessor = {
        "crop_size": {"height": 32, "width": 32},
        "image_mean": [0.1, 0.2, 0.3],
        "image_std": [0.4, 0.5, 0.6],
        "resample": 2,
        "size": {"shortest_edge": 32},
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return folder, model


def copied(folder: Path, to: Path, **changes: object) -> Path:
    """A copy of the folder, in whose configuration some values differ."""
    to.mkdir()
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    content = json.loads((to / "config.json").read_text())
    for name, value in changes.items():
        content[name] = {**content.get(name, {}), **value} if isinstance(value, dict) else value
    (to / "config.json").write_text(json.dumps(content))
    return to


@torch.inference_mode()
def assert_same_embeddings(folder: Path, model: Any) -> None:
    loaded = load_vifi_clip(resolve_model(str(folder)))
    images = torch.rand(2, 3, 32, 32)
    tokens = loaded.tokenizer(["a dog", "two people dance in the rain"])
    vision = model.visual_projection(model.vision_model(pixel_values=images).pooler_output)
    text = model.text_projection(model.text_model(input_ids=tokens).pooler_output)
    torch.testing.assert_close(loaded.network.visual(images), vision, atol=1e-5, rtol=0)
    torch.testing.assert_close(loaded.network.text(tokens), text, atol=1e-5, rtol=0)
    assert loaded.network.logit_scale.item() == pytest.approx(model.logit_scale.item())


def test_embeddings_are_those_of_transformers(made: tuple[Path, Any]) -> None:
    folder, model = made
    assert_same_embeddings(folder, model)
    card = load_vifi_clip(resolve_model(str(folder))).card
    assert card.preprocessing.mean == (0.1, 0.2, 0.3)
    assert (card.preprocessing.geometry.interpolation, card.preprocessing.geometry.height) == ("bilinear", 32)


def test_weights_in_several_files_are_one_model(made: tuple[Path, Any], tmp_path: Path) -> None:
    model = made[1]
    model.save_pretrained(tmp_path / "parts", max_shard_size="3MB")
    parts = sorted((tmp_path / "parts").glob("model-*.safetensors"))
    assert len(parts) > 1
    assert_same_embeddings(tmp_path / "parts", model)
    with pytest.raises(InvalidInput, match=f"one of {len(parts)} files of a model: name their folder"):
        resolve_model(str(parts[0]))
    parts[-1].unlink()
    with pytest.raises(ModelUnavailable, match=f"lists {parts[-1].name}, which is not beside it"):
        load_vifi_clip(resolve_model(str(tmp_path / "parts")))


def test_a_file_with_its_configuration_beside_it_is_the_model(made: tuple[Path, Any], tmp_path: Path) -> None:
    folder, model = made
    assert_same_embeddings(folder / "model.safetensors", model)
    alone = tmp_path / "model.safetensors"
    alone.write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(ModelUnavailable, match=r"naming of transformers.*name the folder"):
        load_vifi_clip(resolve_model(str(alone)))


def test_a_snapshot_of_links_in_the_cache_of_the_hub_is_read(made: tuple[Path, Any], tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    for place in (blobs, snapshot):
        place.mkdir(parents=True)
    for number, file in enumerate(made[0].iterdir()):
        (blobs / str(number)).write_bytes(file.read_bytes())
        (snapshot / file.name).symlink_to(Path("../../blobs") / str(number))
    assert_same_embeddings(snapshot, made[1])
    assert_same_embeddings(snapshot / "model.safetensors", made[1])


def test_a_repository_in_the_cache_of_the_hub_is_its_current_snapshot(
    made: tuple[Path, Any], tmp_path: Path
) -> None:
    repository = tmp_path / "models--org--my clip é"
    snapshots = repository / "snapshots"
    snapshots.mkdir(parents=True)
    for name in ("old", "new"):
        copied(made[0], snapshots / name)
    with pytest.raises(InvalidInput, match="several snapshots of a model: name one of them"):
        resolve_model(str(repository))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("old")
    assert resolve_model(str(repository)) == resolve_model(str(snapshots / "old"))
    (repository / "refs" / "main").write_text("another")
    shutil.rmtree(snapshots / "old")
    assert resolve_model(str(snapshots)) == resolve_model(str(snapshots / "new"))


def test_a_configuration_without_weights_is_called_so(made: tuple[Path, Any], tmp_path: Path) -> None:
    folder = copied(made[0], tmp_path / "clip")
    (folder / "model.safetensors").unlink()
    with pytest.raises(
        InvalidInput, match=r"of a model of transformers, but no weights \(model\.safetensors\)"
    ):
        resolve_model(str(folder))


def test_pickled_and_half_precision_weights_are_read(made: tuple[Path, Any], tmp_path: Path) -> None:
    folder, model = made
    other = copied(folder, tmp_path / "pickled")
    (other / "model.safetensors").unlink()
    torch.save(
        {name: tensor.half() for name, tensor in model.state_dict().items()}, other / "pytorch_model.bin"
    )
    rounded = copy.deepcopy(model).half().float()
    assert_same_embeddings(other, rounded)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "blip"}, r"BLIP \(model_type 'blip'\), and vifi reads CLIPModel and SiglipModel"),
        ({"model_type": "own", "auto_map": {"AutoModel": "m.M"}}, "never runs the code that a folder brings"),
        ({"model_type": "clip_text_model"}, "the text tower of a CLIP alone, and a search needs both towers"),
        ({"architectures": ["CLIPForImageClassification"]}, "a CLIPForImageClassification, and vifi reads"),
        ({"quantization_config": {"bits": 8}}, "quantized weights"),
        ({"vision_config": {"hidden_act": "relu"}}, "activations or layer norms that open_clip does not"),
        ({"text_config": {"vocab_size": 21128, "eos_token_id": 2}}, "another tokenizer than CLIP"),
        ({"vision_config": {"num_attention_heads": 0}}, "not a configuration of transformers' CLIPModel"),
        ({"vision_config": {"num_attention_heads": 3}}, "3 heads do not divide 64"),
        ({"text_config": {"num_hidden_layers": 10**9}}, "num_hidden_layers is 1000000000"),
        ({"text_config": {"num_hidden_layers": "2"}}, "num_hidden_layers is '2'"),
        ({"text_config": {"eos_token_id": None}}, "eos_token_id is None"),
        ({"text_config": {"eos_token_id": 49408}}, "eos_token_id is 49408, among 49408 tokens"),
        ({"text_config": 5}, "text_config is not an object"),
        ({"vision_config": {"image_size": []}}, r"image_size is \[\]"),
        ({"vision_config": {"hidden_act": None}}, "hidden_act is None"),
        ({"vision_config": {"num_channels": 1}}, "num_channels is 1"),
        ({"projection_dim": -1}, "projection_dim is -1"),
        ({"projection_dim": 10**9}, "projection_dim is 1000000000"),
        ({"projection_dim": None}, "projection_dim is None"),
        ({"model_type": ["clip"]}, "vifi reads CLIPModel and SiglipModel"),
    ],
)
def test_other_models_are_refused_by_name(
    made: tuple[Path, Any], tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    folder = copied(made[0], tmp_path / "other", **changes)
    with pytest.raises(InvalidInput, match=message):
        load_vifi_clip(resolve_model(str(folder)))


@pytest.mark.parametrize(
    "changes",
    [
        {"vision_config": {"hidden_size": 99_968}},  # 120 GB
        {"text_config": {"max_position_embeddings": 100_000}},  # a mask of 40 GB
        {"projection_dim": 99_999},
    ],
)
def test_numbers_that_do_not_fit_the_weights_take_no_memory(
    made: tuple[Path, Any], tmp_path: Path, changes: dict[str, object]
) -> None:
    folder = copied(made[0], tmp_path / "other", **changes)
    with pytest.raises(ModelUnavailable, match="does not fit the architecture of"):
        load_vifi_clip(resolve_model(str(folder)))
