"""Reads and writes weights files; reading runs nothing that the files may hold.

A file that is damaged, or holds more than weights, raises ModelUnavailable.
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from torch import Tensor

from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.weights.restricted_pickle import read_pickled
from vifi_cli.model.weights.size_limits import check_header_size, is_as_large_as_its_values


def read_weights(
    path: Path, wanted: Callable[[str], bool] = lambda name: True, *, or_none: bool = False
) -> dict[str, Tensor]:
    """Read the tensors whose names are `wanted`; of .safetensors, nothing else is read from disk.

    Other files are .pt, .pth and .bin as torch writes them. `or_none` accepts a file without any of these tensors.
    """
    if path.suffix == ".safetensors":
        tensors = _safetensors(path, wanted)
    else:
        found = weights_by_name(path, read_pickled(path))
        tensors = {name: tensor for name, tensor in found.items() if wanted(name)}
    if not tensors and not or_none:
        raise ModelUnavailable(f"{path} holds no weights of a CLIP model")
    return tensors


def _safetensors(path: Path, wanted: Callable[[str], bool]) -> dict[str, Tensor]:
    from safetensors import SafetensorError, safe_open

    try:
        check_header_size(path)
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys() if wanted(name)}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelUnavailable(f"{path} is damaged or not a safetensors file: fetch it again") from error


def weights_by_name(path: Path, content: object) -> dict[str, Tensor]:
    """Find the weights in the content of a pickled file: the content, or its `state_dict` or `model`.

    The prefix `module.` of data-parallel training is removed from their names.
    """
    for key in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict):
        raise ModelUnavailable(f"{path} holds no weights by name")
    found = {
        str(name).removeprefix("module."): tensor
        for name, tensor in content.items()
        if isinstance(tensor, Tensor)
    }
    for name, tensor in found.items():
        if not is_as_large_as_its_values(tensor):
            raise ModelUnavailable(
                f"{path} is refused: it holds fewer values than {name} claims; fetch it again"
            )
    return found


def save_weights(weights: Mapping[str, Tensor], file: Path, facts: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file, with facts about it in its header; failures raise OSError."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    file.touch()
    mode = file.stat().st_mode
    try:
        save_file(dict(weights), file, metadata=dict(facts or {"format": "pt"}))
        # safetensors makes its files readable for the owner alone
        file.chmod(mode)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(file)) from error
