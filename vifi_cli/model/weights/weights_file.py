"""Reads and writes weights files; reading runs nothing that the files may hold.

A file that is damaged, or holds more than weights, raises ModelUnavailable.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from vifi_cli.disk.replacement import temporary_folder
from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.weights.checkpoint_content import find_weights, plain_names
from vifi_cli.model.weights.finite_weights import require_usable_values
from vifi_cli.model.weights.foreign_files import is_safetensors, refuse_foreign_file
from vifi_cli.model.weights.restricted_pickle import read_pickled
from vifi_cli.model.weights.size_limits import check_header_size, is_as_large_as_its_values


def read_weights(
    path: Path, wanted: Callable[[str], bool] = lambda name: True, *, or_none: bool = False
) -> dict[str, Tensor]:
    """Read the tensors whose names are `wanted`; of .safetensors, nothing else is read from disk.

    Other files are .pt, .pth, .bin and .ckpt as torch writes them; the content decides, not the name. Names are those
    of `plain_names`. `or_none` accepts a file without any of these tensors. Values must be numbers.
    """
    tensors = {name: tensor for name, tensor in _tensors(path, wanted) if wanted(name)}
    if not tensors and not or_none:
        raise ModelUnavailable(f"{path} holds no weights of a CLIP model")
    require_usable_values(path, tensors)
    return tensors


def weight_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of a file's weights by their plain names; values are not read, except of torch's oldest format."""
    refuse_foreign_file(path)
    if not is_safetensors(path):
        return {
            name: tuple(tensor.shape) for name, tensor in weights_by_name(path, read_pickled(path)).items()
        }
    with _opened(path) as file:
        names = plain_names(path, file.keys())
        return {plain: tuple(file.get_slice(name).get_shape()) for name, plain in names.items()}


def _tensors(path: Path, wanted: Callable[[str], bool]) -> Iterable[tuple[str, Tensor]]:
    refuse_foreign_file(path)
    if not is_safetensors(path):
        return weights_by_name(path, read_pickled(path)).items()
    with _opened(path) as file:
        names = plain_names(path, file.keys())
        return [(plain, file.get_tensor(name)) for name, plain in names.items() if wanted(plain)]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    try:
        check_header_size(path)
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise ModelUnavailable(f"{path} is damaged or not a safetensors file: fetch it again") from error


def weights_by_name(path: Path, content: object) -> dict[str, Tensor]:
    """The weights in the content of a pickled file, wherever they are in it, by their plain names."""
    weights = find_weights(path, content)
    found = {plain: weights[name] for name, plain in plain_names(path, weights).items()}
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
        # newer versions of safetensors write to a file beside it, which a killed process would leave for good
        with temporary_folder(file) as folder:
            written = folder / file.name
            save_file(dict(weights), written, metadata=dict(facts or {"format": "pt"}))
            written.chmod(mode)  # safetensors makes its files readable for the owner alone
            written.replace(file)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(file)) from error
