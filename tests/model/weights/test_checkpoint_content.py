"""Weights are found in what training programs save around them, whatever wrapped the model."""

import argparse
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.weights.weights_file import read_weights, weight_shapes

WEIGHTS = {
    "visual.conv1.weight": torch.arange(6.0).reshape(2, 3),
    "visual.transformer.resblocks.0.ln_1.bias": torch.ones(2),
    "transformer.resblocks.0.ln_1.bias": torch.zeros(2),
    "token_embedding.weight": torch.full((3, 2), 0.5),
    "logit_scale": torch.tensor(4.6),
}
AVERAGE = {name: tensor + 1 for name, tensor in WEIGHTS.items()}


def under(prefix: str, weights: Mapping[str, Tensor] = WEIGHTS) -> dict[str, Any]:
    return {prefix + name: tensor for name, tensor in weights.items()}


def compiled_tower() -> dict[str, Tensor]:
    """As after `model.visual = torch.compile(model.visual)`."""
    return {name.replace("visual.", "visual._orig_mod."): tensor for name, tensor in WEIGHTS.items()}


LAYOUTS: dict[str, dict[str, Any]] = {
    "torch.compile": under("_orig_mod."),
    "DDP": under("module."),
    "compiled in DDP": under("module._orig_mod."),
    "DDP, compiled": under("_orig_mod.module."),
    "one tower compiled": compiled_tower(),
    "FSDP": under("_fsdp_wrapped_module."),
    "open_clip": {"epoch": 3, "name": "run", "state_dict": under("module."), "optimizer": {"state": {}}},
    "model_state_dict": {"model_state_dict": dict(WEIGHTS), "loss": 0.5},
    "model": {"model": dict(WEIGHTS), "config": None},
    "Lightning": {"state_dict": under("model.") | {"criterion.weight": torch.ones(3)}, "epoch": 1},
    "Lightning, compiled": {"state_dict": under("model._orig_mod."), "loops": {}},
    "Lightning, deep": {"state_dict": under("net.clip.") | {"metric.total": torch.tensor(1)}},
    "its own key": {"clip": dict(WEIGHTS), "args": {"lr": 1e-5}},
    "beside an average": {"model": dict(WEIGHTS), "model_ema": AVERAGE},
    "average first": {"state_dict_ema": AVERAGE, "state_dict": dict(WEIGHTS)},
    "average inside": {"state_dict": under("ema_model.", AVERAGE) | under("model.")},
    "nested twice": {"checkpoint": {"model": under("module.")}},
    "teacher and student": {"teacher": AVERAGE, "student": dict(WEIGHTS)},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_weights_are_found_under_their_plain_names(tmp_path: Path, layout: str) -> None:
    torch.save(LAYOUTS[layout], tmp_path / "a.pt")
    found = read_weights(tmp_path / "a.pt")
    assert found.keys() == WEIGHTS.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in WEIGHTS.items())
    assert weight_shapes(tmp_path / "a.pt") == {name: tuple(t.shape) for name, t in WEIGHTS.items()}


def test_an_average_alone_is_read(tmp_path: Path) -> None:
    averaged = nn.Module()
    averaged.visual = nn.Linear(2, 2)
    ema = torch.optim.swa_utils.AveragedModel(averaged)
    torch.save({"ema": ema.state_dict()}, tmp_path / "a.pt")
    assert read_weights(tmp_path / "a.pt").keys() == {"visual.weight", "visual.bias"}


def test_safetensors_lose_their_prefix_too_whatever_the_file_is_called(tmp_path: Path) -> None:
    save_file(under("model._orig_mod."), tmp_path / "a.bin")
    assert weight_shapes(tmp_path / "a.bin")["visual.conv1.weight"] == (2, 3)
    found = read_weights(tmp_path / "a.bin", lambda name: name.startswith("visual."))
    assert found.keys() == {name for name in WEIGHTS if name.startswith("visual.")}
    torch.save(WEIGHTS, tmp_path / "b.safetensors")
    assert read_weights(tmp_path / "b.safetensors").keys() == WEIGHTS.keys()


@pytest.mark.parametrize(
    "content",
    [under("left.") | under("right."), {"first": dict(WEIGHTS), "second": dict(WEIGHTS)}],
    ids=["prefixes", "keys"],
)
def test_two_models_in_one_file_are_not_guessed_between(tmp_path: Path, content: dict[str, Any]) -> None:
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(ModelUnavailable, match=r"holds several models .*save the weights of one alone"):
        read_weights(tmp_path / "a.pt")


class AttributeDict(dict[str, object]):
    """As Lightning keeps hyperparameters."""


AttributeDict.__module__ = "lightning.fabric.utilities.data"
SETTINGS: dict[str, Callable[[], object]] = {
    "hyper_parameters": lambda: AttributeDict(lr=1e-5, layers=[1, 2]),
    "args": lambda: argparse.Namespace(lr=1e-5, output=Path("runs")),
    "best": lambda: np.float64(0.5),
}


@pytest.mark.parametrize("key", SETTINGS)
@pytest.mark.parametrize("is_zip", [True, False])
def test_settings_and_scores_beside_the_weights_do_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, is_zip: bool
) -> None:
    name = AttributeDict.__module__
    module = types.ModuleType(name)
    module.AttributeDict = AttributeDict  # type: ignore[attr-defined]
    content = {"state_dict": under("model."), key: SETTINGS[key]()}
    with monkeypatch.context() as patch:
        for parent in ("lightning", "lightning.fabric", "lightning.fabric.utilities", name):
            patch.setitem(sys.modules, parent, module)
        torch.save(content, tmp_path / "a.ckpt", _use_new_zipfile_serialization=is_zip)
    found = read_weights(tmp_path / "a.ckpt")
    assert torch.equal(found["visual.conv1.weight"], WEIGHTS["visual.conv1.weight"])
    assert name not in sys.modules


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_numbers_are_refused_by_name(
    tmp_path: Path, dtype: torch.dtype, value: float
) -> None:
    weights = {name: tensor.clone().to(dtype) for name, tensor in WEIGHTS.items()}
    assert read_weights(_saved(tmp_path / "good.pt", weights))["logit_scale"].dtype == dtype
    weights["visual.conv1.weight"][1, 1] = value
    for file in ("a.pt", "a.safetensors"):
        with pytest.raises(ModelUnavailable, match=rf"{file} holds NaN or infinite .* visual\.conv1\.weight"):
            read_weights(_saved(tmp_path / file, weights))
        assert read_weights(tmp_path / file, lambda name: name == "logit_scale"), "it is not wanted"


def test_large_weights_are_numbers(tmp_path: Path) -> None:
    weights = {"visual.proj": torch.full((1000,), 3e38)}
    assert read_weights(_saved(tmp_path / "a.pt", weights)).keys() == {"visual.proj"}
    with pytest.raises(ModelUnavailable, match=r"quantized weights \(visual\.proj is int8"):
        read_weights(_saved(tmp_path / "a.pt", {"visual.proj": torch.ones(2, 2, dtype=torch.int8)}))


def _saved(path: Path, weights: dict[str, Tensor]) -> Path:
    if path.suffix == ".safetensors":
        save_file(weights, path)
    else:
        torch.save(weights, path)
    return path
