"""Published checkpoints become models with the published numbers; nothing in them is run."""

import io
import json
import os
import pickle
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.model.conftest import GOLDEN
from tests.model.published import NAMES, openai_clip, published_weights, save_published, yacs_node
from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import load_encoder
from vifi_cli.model.storage.checkpoint_import import import_checkpoint
from vifi_cli.model.weights.restricted_pickle import read_pickled


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return openai_clip(tmp_path_factory.mktemp("base") / "base.safetensors")


@pytest.fixture
def checkpoint(base: Path, tmp_path: Path) -> Path:
    return save_published(tmp_path / "ckpt_epoch_9.pth", published_weights(base))


def test_golden_checkpoint_gives_the_published_logits() -> None:
    if not GOLDEN.exists():
        pytest.skip("the golden numbers are not here")
    from safetensors.torch import load_file

    expected = load_file(GOLDEN / "expected.safetensors")
    names = json.loads((GOLDEN / "meta.json").read_text())["class_names"]
    imported = import_checkpoint(
        GOLDEN / "vifi_finetuned.pth", resolve_model(str(GOLDEN / "base_clip.safetensors"))
    )
    model = imported.model
    texts = [model.card.class_text(name) for name in names]
    assert texts[0] == "a photo of a ApplyEyeMakeup."
    with torch.inference_mode():
        logits = model.network(expected["video"], model.tokenizer(texts))
        own = model.network(
            expected["video"], model.tokenizer([model.card.class_text(n) for n in model.card.class_names])
        )
    torch.testing.assert_close(logits, expected["logits_finetuned"], atol=1e-4, rtol=0)
    torch.testing.assert_close(own, logits)
    assert model.card.tuned == ("image", "text")
    assert imported.remarks == ()


def test_what_is_recognised(checkpoint: Path, base: Path) -> None:
    imported = import_checkpoint(checkpoint, resolve_model(str(base)))
    card = imported.model.card
    assert imported.looks_like == (
        "a ViT/8 (image tower: 2 layers, 64 wide, 32 pixels; text tower: 2 layers, 64 wide; embeddings of 16)"
    )
    assert card.class_names == tuple(name.lower() for name in NAMES)
    assert card.template == "a photo of a {}."
    assert card.origin == {
        "base": str(base),
        "checkpoint": "ckpt_epoch_9.pth",
        "backbone": "ViT-B/16",
        "data": "kinetics400",
        "frames": "32",
        "epochs planned": "10",
        "use": "both",
        "epochs": "10",
        "best accuracy": "50.25",
    }
    assert card.preprocessing.mean == pytest.approx((0.485, 0.456, 0.406))
    assert card.preprocessing.std == pytest.approx((0.229, 0.224, 0.225))
    weights = published_weights(base)
    network = imported.model.network
    assert torch.equal(network.visual.proj, weights["image_encoder.proj"])  # type: ignore[arg-type]
    assert torch.equal(network.text.text_projection, weights["text_encoder.text_projection"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tuned", "use"),
    [(("image",), "image"), (("text",), "text"), ((), "both")],
    ids=["image", "text", "none"],
)
def test_tuned_towers_are_found(base: Path, tmp_path: Path, tuned: tuple[str, ...], use: str) -> None:
    file = save_published(tmp_path / "ckpt.pth", published_weights(base, tuned), use)
    imported = import_checkpoint(file, resolve_model(str(base)))
    assert imported.model.card.tuned == tuned
    assert imported.remarks == ()


def test_rounding_to_half_precision_is_no_tuning(base: Path, tmp_path: Path) -> None:
    """The published code rounds CLIP before training, so a base in full precision differs a little everywhere."""
    from safetensors.torch import load_file, save_file

    torch.manual_seed(3)
    full = {
        name: tensor.float() * (1 + 1e-5 * torch.rand(tensor.shape))
        for name, tensor in load_file(base).items()
    }
    save_file(full, tmp_path / "full.safetensors")
    save_file({name: tensor.half() for name, tensor in full.items()}, tmp_path / "half.safetensors")
    file = save_published(
        tmp_path / "ckpt.pth", published_weights(tmp_path / "half.safetensors", ("image",)), "image"
    )
    imported = import_checkpoint(file, resolve_model(str(tmp_path / "full.safetensors")))
    assert imported.model.card.tuned == ("image",)
    assert imported.model.card.class_names
    assert imported.remarks == ()


@pytest.mark.parametrize("form", ["plain", "half", "safetensors", "legacy", "prompt buffers"])
def test_other_forms_give_the_same_weights(base: Path, tmp_path: Path, form: str) -> None:
    weights = published_weights(base)
    file = tmp_path / "weights.pth"
    if form == "plain":
        torch.save(weights, file)
    elif form == "half":
        save_published(file, OrderedDict((name, tensor.half()) for name, tensor in weights.items()))
    elif form == "safetensors":
        from safetensors.torch import save_file

        file = tmp_path / "weights.safetensors"
        save_file({f"module.{name}": tensor for name, tensor in weights.items()}, file)
    elif form == "legacy":
        save_published(file, weights, _use_new_zipfile_serialization=False)
    else:
        weights["prompt_learner.token_prefix"] = torch.zeros(4, 1, 64)
        save_published(file, weights)
    imported = import_checkpoint(file, resolve_model(str(base))).model
    expected = weights["image_encoder.proj"]
    tolerance = 1e-3 if form == "half" else 0
    torch.testing.assert_close(imported.network.visual.proj.data, expected, atol=tolerance, rtol=0)  # type: ignore[union-attr, operator]
    assert imported.card.class_names == tuple(name.lower() for name in NAMES)
    assert imported.network.visual.proj.dtype == torch.float32  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("vision", "reason"),
    [
        (
            {"width": 128},
            r"image_encoder.class_embedding is \(64\) in the checkpoint and \(128\) in the backbone",
        ),
        ({"patch_size": 16}, r"image_encoder.conv1.weight is \(64, 3, 8, 8\) .* \(64, 3, 16, 16\)"),
        ({"layers": 3}, "resblocks.2.* is missing in the checkpoint"),
        ({"layers": 1}, r"resblocks.1.* is \(192\) in the checkpoint and missing in the backbone"),
    ],
    ids=["width", "patch", "deeper", "shallower"],
)
def test_wrong_checkpoint_for_the_backbone(
    checkpoint: Path, tmp_path: Path, vision: dict[str, int], reason: str
) -> None:
    other = openai_clip(tmp_path / "other.safetensors", **vision)
    with pytest.raises(InvalidInput, match=f"wrong checkpoint for the backbone .*{reason}") as caught:
        import_checkpoint(checkpoint, resolve_model(str(other)))
    assert "looks like a ViT/8 (image tower: 2 layers, 64 wide" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_known_backbones_are_called_by_name() -> None:
    from vifi_cli.model.storage.published_checkpoint import PublishedCheckpoint

    shapes: dict[str, tuple[int, ...]] = {
        "image_encoder.proj": (768, 512),
        "image_encoder.conv1.weight": (768, 3, 16, 16),
        "image_encoder.positional_embedding": (197, 768),
        "text_encoder.text_projection": (512, 512),
        "text_encoder.positional_embedding": (77, 512),
    }
    for layer in range(12):
        shapes[f"image_encoder.transformer.resblocks.{layer}.attn.in_proj_weight"] = (2304, 768)
        shapes[f"text_encoder.transformer.resblocks.{layer}.attn.in_proj_weight"] = (1536, 512)
    weights = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    looks = PublishedCheckpoint(Path("x.pth"), weights, {}).looks_like
    assert looks.startswith("ViT-B/16 (image tower: 12 layers, 768 wide, 224 pixels; text tower: 12 layers")
    assert PublishedCheckpoint(Path("x.pth"), {}, {}).looks_like == "not a CLIP that vifi knows"


def test_another_base_of_the_same_shape_is_noticed(checkpoint: Path, base: Path, tmp_path: Path) -> None:
    other = openai_clip(tmp_path / "other.safetensors", seed=1)
    imported = import_checkpoint(checkpoint, resolve_model(str(other)))
    assert "not trained from" in imported.remarks[0]
    assert imported.model.card.class_names == ()

    weights = published_weights(base, ("image",))
    del weights["prompt_learner.complete_text_embeddings"]
    imported = import_checkpoint(
        save_published(tmp_path / "image.pth", weights, "image"), resolve_model(str(other))
    )
    assert "not trained from" in imported.remarks[0], "its text tower should be the base's"


def test_what_is_no_checkpoint_says_so(base: Path, checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="not a checkpoint of ViFi-CLIP"):
        import_checkpoint(base, resolve_model(str(base)))
    with pytest.raises(ModelUnavailable, match="vifi model import"):
        load_encoder(resolve_model(str(checkpoint)), "cpu")
    whole = checkpoint.read_bytes()
    for size in (0, 10, 1000, len(whole) // 2, len(whole) - 10):
        checkpoint.write_bytes(whole[:size])
        with pytest.raises(ModelUnavailable, match="damaged") as caught:
            import_checkpoint(checkpoint, resolve_model(str(base)))
        assert "\n" not in str(caught.value)


class Call:
    """Calls something when unpickled."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.function, self.arguments


def nested(call: Call) -> Any:
    return OrderedDict(deep=[{"deeper": (call,)}])


def in_the_configuration(call: Call) -> Any:
    with yacs_node() as node:
        return node(setting=call)


ATTACKS = [
    (Call(os.system, "touch malice_was_here"), f"{os.system.__module__}.system"),
    (Call(eval, "open('malice_was_here', 'w')"), "eval"),
    (Call(getattr, "os", "system"), "getattr"),
    (Call(torch.load, "other.pth"), "torch.serialization.load"),
    (Call(torch.hub.load, "someone/something"), "torch.hub.load"),
    (Call(pickle.loads, b"."), "loads"),
    (Call(io.open, "malice_was_here", "w"), "open"),
]


@pytest.mark.parametrize(("call", "name"), ATTACKS, ids=[name for _, name in ATTACKS])
@pytest.mark.parametrize("wrapped", [nested, in_the_configuration])
def test_pickles_that_call_are_refused_by_name(
    checkpoint: Path,
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrapped: Callable[[Call], Any],
    call: Call,
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    forms: tuple[dict[str, Any], ...] = (
        {},
        {"_use_new_zipfile_serialization": False},
        {"pickle_protocol": 4},
    )
    for options in forms:
        with yacs_node():
            torch.save({"model": published_weights(base), "config": wrapped(call)}, checkpoint, **options)
        with pytest.raises(ModelUnavailable, match="is refused") as caught:
            import_checkpoint(checkpoint, resolve_model(str(base)))
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "malice_was_here").exists()
    assert "yacs" not in sys.modules


def test_a_configuration_that_hides_its_methods_does_no_harm(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a pickle says of a configuration's state lands in a plain dictionary's attributes, and nowhere else."""
    with yacs_node() as node:
        config = node(DATA=node(NUM_FRAMES=16))
        config.__dict__.update({"get": "shadow", "__class__": "x", "__setstate__": "y"})
        torch.save({"model": published_weights(base), "config": config}, tmp_path / "ckpt.pth")
    imported = import_checkpoint(tmp_path / "ckpt.pth", resolve_model(str(base)))
    assert imported.model.card.origin["frames"] == "16"
    content = read_pickled(tmp_path / "ckpt.pth")
    assert isinstance(content, dict)
    assert type(content["config"]) is OrderedDict


def test_weights_that_are_not_numbers_are_not_imported(base: Path, tmp_path: Path) -> None:
    weights = published_weights(base)
    weights["image_encoder.proj"][0, 0] = float("nan")
    file = save_published(tmp_path / "diverged.pth", weights)
    with pytest.raises(ModelUnavailable, match=r"diverged\.pth holds NaN .* first in image_encoder\.proj"):
        import_checkpoint(file, resolve_model(str(base)))


def test_compiled_and_distributed_checkpoints_are_imported(base: Path, tmp_path: Path) -> None:
    weights = published_weights(base)
    wrapped = OrderedDict((f"_orig_mod.module.{name}", tensor) for name, tensor in weights.items())
    imported = import_checkpoint(save_published(tmp_path / "a.pth", wrapped), resolve_model(str(base)))
    assert torch.equal(imported.model.network.visual.proj, weights["image_encoder.proj"])  # type: ignore[arg-type]
    assert imported.model.card.class_names == tuple(name.lower() for name in NAMES)


def test_programs_and_other_files_are_refused(base: Path, tmp_path: Path) -> None:
    for name, content in (("text.pth", b"hello"), ("empty.zip.pth", b"PK\x05\x06" + bytes(18))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ModelUnavailable):
            import_checkpoint(tmp_path / name, resolve_model(str(base)))
