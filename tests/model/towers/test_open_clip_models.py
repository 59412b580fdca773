"""open_clip's models from folders and files: the same numbers as open_clip gives, and nothing run on loading."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from tests.model.conftest import GOLDEN, TINY, make_tiny_clip
from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import load_encoder, load_text_encoder
from vifi_cli.model.runtime.onnx_or_torch import frames_runtime
from vifi_cli.model.runtime.torch_runtime import PixelTower

Pixels = npt.NDArray[np.uint8]


def test_folder_gives_the_numbers_of_open_clip(tiny_clip: Path, noise: Pixels) -> None:
    import open_clip

    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{tiny_clip}")
    tokens = open_clip.get_tokenizer(f"local-dir:{tiny_clip}")(["a dog", "", "long " * 100])
    with torch.inference_mode():
        images = torch.stack([preprocess(Image.fromarray(picture)) for picture in noise])
        frames = model.encode_image(images).numpy()
        texts = model.encode_text(tokens, normalize=True).numpy()

    encoder = load_encoder(resolve_model(f"local-dir:{tiny_clip}"), "cpu")
    assert encoder.geometry.resize == "squash"
    np.testing.assert_allclose(encoder.encode_frames(noise), frames, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(["a dog", "", "long " * 100]), texts, atol=1e-5)


def test_file_of_weights_equals_its_folder(tmp_path: Path, noise: Pixels) -> None:
    # heads are 64 wide in OpenAI's naming, so the tiny model must have such
    import open_clip
    from safetensors.torch import save_file

    config = json.loads(json.dumps(TINY))
    config["vision_cfg"].update(width=64, head_width=64)
    config["text_cfg"].update(width=64, heads=1)
    model = open_clip.CLIP(**config).eval()
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    torch.save(
        {"module." + name: tensor for name, tensor in model.state_dict().items()}, tmp_path / "weights.pt"
    )
    with torch.inference_mode():
        tokens = open_clip.SimpleTokenizer(context_length=16)(["a dog"])
        expected = model.encode_text(tokens, normalize=True).numpy()

    safe, pickled = (
        load_encoder(resolve_model(str(tmp_path / name)), "cpu")
        for name in ("weights.safetensors", "weights.pt")
    )
    np.testing.assert_allclose(safe.encode_texts(["a dog"]), expected, atol=1e-5)
    assert safe.vision_fingerprint == pickled.vision_fingerprint
    assert "quick GELU" in safe.description
    plain = load_encoder(resolve_model(str(tmp_path / "weights.safetensors#gelu")), "cpu")
    assert plain.vision_fingerprint != safe.vision_fingerprint
    assert not np.allclose(plain.encode_frames(noise), safe.encode_frames(noise), atol=1e-5)


def test_towers_that_give_tokens_too_give_embeddings_alone(tiny_clip: Path, noise: Pixels) -> None:
    plain = load_encoder(resolve_model(str(tiny_clip)), "cpu")
    file = tiny_clip / "open_clip_config.json"
    content = json.loads(file.read_text())
    for tower in ("vision_cfg", "text_cfg"):
        content["model_cfg"][tower]["output_tokens"] = True
    file.write_text(json.dumps(content))
    coca = load_encoder(resolve_model(str(tiny_clip)), "cpu")
    np.testing.assert_array_equal(coca.encode_frames(noise), plain.encode_frames(noise))
    np.testing.assert_array_equal(coca.encode_texts(["a dog"]), plain.encode_texts(["a dog"]))


def test_a_coca_is_read_without_its_decoder(tmp_path: Path) -> None:
    import open_clip
    from safetensors.torch import save_file

    config = json.loads(json.dumps(TINY)) | {"quick_gelu": False}
    config["vision_cfg"] |= {"attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True}
    config["text_cfg"] |= {"embed_cls": True, "output_tokens": True, "context_length": 15}
    decoder = {"context_length": 15, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    torch.manual_seed(0)
    model = open_clip.CoCa(**config, multimodal_cfg=decoder).eval()
    save_file(model.state_dict(), tmp_path / "open_clip_model.safetensors")
    content = {"model_cfg": {**config, "multimodal_cfg": decoder, "custom_text": True}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(content))
    encoder = load_text_encoder(resolve_model(str(tmp_path)))
    tokens = open_clip.SimpleTokenizer(context_length=15)(["a dog"])
    with torch.inference_mode():
        expected = model.encode_text(tokens, normalize=True).numpy()
    np.testing.assert_allclose(encoder.encode_texts(["a dog"]), expected, atol=1e-5)


def test_fingerprints_follow_each_tower_alone(tiny_clip: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    first = load_encoder(resolve_model(str(tiny_clip)), "cpu")
    weights = load_file(tiny_clip / "open_clip_model.safetensors")
    for changed, vision_same, text_same in (
        ("visual.proj", False, True),
        ("text_projection", True, False),
        ("logit_scale", True, True),
    ):
        folder = make_tiny_clip(tmp_path / changed)
        tensors = {**weights, changed: weights[changed] + 1e-3}
        save_file(tensors, folder / "open_clip_model.safetensors")
        other = load_encoder(resolve_model(str(folder)), "cpu")
        assert (other.vision_fingerprint == first.vision_fingerprint) == vision_same
        assert (other.text_fingerprint == first.text_fingerprint) == text_same


def test_fingerprint_follows_the_preprocessing(tiny_clip: Path) -> None:
    first = load_encoder(resolve_model(str(tiny_clip)), "cpu")
    file = tiny_clip / "open_clip_config.json"
    content = json.loads(file.read_text())
    content["preprocess_cfg"]["resize_mode"] = "shortest"
    file.write_text(json.dumps(content))
    second = load_encoder(resolve_model(str(tiny_clip)), "cpu")
    assert second.vision_fingerprint != first.vision_fingerprint
    assert second.text_fingerprint == first.text_fingerprint


def test_text_side_alone_reads_the_text_tower_alone(tiny_clip: Path) -> None:
    from safetensors.torch import load_file, save_file

    whole = load_encoder(resolve_model(str(tiny_clip)), "cpu")
    weights = load_file(tiny_clip / "open_clip_model.safetensors")
    text = {name: tensor for name, tensor in weights.items() if not name.startswith("visual.")}
    save_file(text, tiny_clip / "open_clip_model.safetensors")
    alone = load_text_encoder(resolve_model(str(tiny_clip)), "cpu")
    assert alone.text_fingerprint == whole.text_fingerprint
    assert alone.model_name == whole.model_name == str(tiny_clip)
    np.testing.assert_array_equal(alone.encode_texts(["a dog"]), whole.encode_texts(["a dog"]))


def test_golden_weights_load_and_embed(noise: Pixels) -> None:
    weights = GOLDEN / "base_clip.safetensors"
    if not weights.exists():
        pytest.skip("the golden weights are not here")
    encoder = load_encoder(resolve_model(str(weights)), "cpu")
    frames, texts = encoder.encode_frames(noise), encoder.encode_texts(["playing guitar", "brush hair"])
    assert frames.shape == (3, 64)
    assert np.isfinite(frames).all()
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-6)


def test_convolutional_tower_is_compiled_exactly(vifi_home: Path, noise: Pixels) -> None:
    from open_clip.modified_resnet import ModifiedResNet

    from vifi_cli.model.preprocessing import Preprocessing
    from vifi_cli.video.pictures.frames import FrameGeometry

    torch.manual_seed(0)
    geometry = FrameGeometry(32, 32)
    tower = PixelTower(
        ModifiedResNet([1, 1, 1, 1], 16, heads=2, image_size=32, width=8),
        Preprocessing(geometry, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    )
    frames = frames_runtime(tower, geometry, torch.device("cpu"), "f" * 64)
    assert frames.description == "onnxruntime on cpu"
    with torch.inference_mode():
        expected = tower(torch.from_numpy(noise)).numpy()
    np.testing.assert_allclose(frames(noise), expected, atol=1e-4 * np.abs(expected).max())
    assert len(list((vifi_home / "cache").iterdir())) == 1


def test_tower_that_cannot_be_compiled_runs_by_torch(noise: Pixels) -> None:
    from torch import Tensor, nn

    from vifi_cli.model.preprocessing import Preprocessing
    from vifi_cli.video.pictures.frames import FrameGeometry

    class Dice(nn.Module):
        """Different on every call, so no compiled form can agree."""

        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Conv2d(3, 3, 1) for _ in range(10))

        def forward(self, images: Tensor) -> Tensor:
            return torch.rand_like(images).mean((2, 3)) + self.layers[0](images).mean((2, 3))

    geometry = FrameGeometry(32, 32)
    tower = PixelTower(Dice(), Preprocessing(geometry, (0, 0, 0), (1, 1, 1)))
    frames = frames_runtime(tower, geometry, torch.device("cpu"), "e" * 64)
    assert frames.description.startswith("torch on cpu (not the faster onnxruntime: ")
    assert frames(noise).shape == (3, 3)


def test_cache_that_cannot_be_written_costs_speed_only(
    tmp_path: Path, noise: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    from open_clip.modified_resnet import ModifiedResNet

    from vifi_cli.model.preprocessing import Preprocessing
    from vifi_cli.video.pictures.frames import FrameGeometry

    (tmp_path / "file").touch()
    monkeypatch.setenv("VIFI_HOME", str(tmp_path / "file" / "below"))
    geometry = FrameGeometry(32, 32)
    tower = PixelTower(
        ModifiedResNet([1, 1, 1, 1], 16, heads=2, image_size=32, width=8),
        Preprocessing(geometry, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    )
    frames = frames_runtime(tower, geometry, torch.device("cpu"), "d" * 64)
    assert "cannot be written" in frames.description
    assert frames(noise).shape == (3, 16)


class Malice:
    """Runs a command when unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch malice_was_here",)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin"])
def test_malicious_pickle_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    monkeypatch.chdir(tmp_path)
    weights = tmp_path / f"weights{suffix}"
    torch.save({"visual.proj": Malice()}, weights)
    with pytest.raises(ModelUnavailable, match="refused"):
        load_encoder(resolve_model(str(weights)), "cpu")
    weights.write_bytes(pickle.dumps(Malice()))
    with pytest.raises(ModelUnavailable):
        load_encoder(resolve_model(str(weights)), "cpu")
    assert not (tmp_path / "malice_was_here").exists()


def test_damaged_folders_say_so_in_one_line(tiny_clip: Path) -> None:
    weights = tiny_clip / "open_clip_model.safetensors"
    whole = weights.read_bytes()
    for content in (whole[:100], whole[: len(whole) // 2], b""):
        weights.write_bytes(content)
        with pytest.raises(ModelUnavailable, match="damaged") as caught:
            load_encoder(resolve_model(str(tiny_clip)), "cpu")
        assert "\n" not in str(caught.value)
    weights.unlink()
    with pytest.raises(ModelUnavailable, match="no weights"):
        load_encoder(resolve_model(str(tiny_clip)), "cpu")
    for content in ("not json", "{}", '{"model_cfg": {}}', "[]"):
        (tiny_clip / "open_clip_config.json").write_text(content)
        weights.write_bytes(whole)
        with pytest.raises(InvalidInput, match="configuration"):
            load_encoder(resolve_model(str(tiny_clip)), "cpu")


def test_weights_of_another_architecture_are_refused(tiny_clip: Path) -> None:
    file = tiny_clip / "open_clip_config.json"
    content = json.loads(file.read_text())
    content["model_cfg"]["vision_cfg"]["layers"] = 3
    file.write_text(json.dumps(content))
    with pytest.raises(ModelUnavailable, match="does not fit"):
        load_encoder(resolve_model(str(tiny_clip)), "cpu")


def test_device_that_is_not_there(tiny_clip: Path) -> None:
    for device in ("tpu", "cuda:99", "cpu:1"):
        with pytest.raises(InvalidInput, match=r"this machine has no device .*; use --device"):
            load_encoder(resolve_model(str(tiny_clip)), device)
