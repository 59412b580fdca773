"""Reads weights from files without running anything that the files may hold."""

from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.registry.restricted_pickle import read_pickled


def read_weights(
    path: Path, wanted: Callable[[str], bool] = lambda name: True, *, or_none: bool = False
) -> dict[str, Tensor]:
    """Read the tensors of a file by name.

    Args:
        path: .safetensors, or .pt, .pth, .bin as torch writes them; of the latter, weights alone are read.
        wanted: which names to read; of safetensors, nothing else is read from disk.
        or_none: that none of them is there is no error.

    Raises:
        ModelUnavailable: the file is damaged, or holds more than weights.
    """
    tensors = _safetensors(path, wanted) if path.suffix == ".safetensors" else _pickled(path, wanted)
    if not tensors and not or_none:
        raise ModelUnavailable(f"{path} holds no weights of a CLIP model")
    return tensors


def _safetensors(path: Path, wanted: Callable[[str], bool]) -> dict[str, Tensor]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys() if wanted(name)}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelUnavailable(f"{path} is damaged or no safetensors file: fetch it again") from error


def _pickled(path: Path, wanted: Callable[[str], bool]) -> dict[str, Tensor]:
    return {
        name: tensor for name, tensor in weights_by_name(path, read_pickled(path)).items() if wanted(name)
    }


def weights_by_name(path: Path, content: object) -> dict[str, Tensor]:
    """Find the weights in what `torch.load` gives for a file: itself, or below `state_dict` or `model`.

    Returns:
        Tensors by name, without the `module.` that data-parallel training puts before it.

    Raises:
        ModelUnavailable: there is nothing of the kind.
    """
    for key in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict):
        raise ModelUnavailable(f"{path} holds no weights by name")
    return {
        str(name).removeprefix("module."): tensor
        for name, tensor in content.items()
        if isinstance(tensor, Tensor)
    }
