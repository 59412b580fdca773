"""Finds the weights of a CLIP in what training programs save: nested, and under the names of what wrapped the model."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from torch import Tensor

from vifi_cli.errors import ModelUnavailable

# what torch.compile and FSDP put into the names of weights, wherever they wrap a part
_WRAPPERS = {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
_IMAGE_TOWERS = {"visual", "image_encoder", "vision_model"}
_USUAL_KEYS = ("state_dict", "model_state_dict", "model", "module")
_AVERAGED = re.compile(r"(^|_|\.)(ema|teacher|momentum|shadow|averaged)(_|\.|$)", re.IGNORECASE)
_DEEPEST = 3


def find_weights(path: Path, content: object) -> Mapping[str, Tensor]:
    """The tensors by name: the content, or the part of it that holds an image tower; a plain model before an average.

    Raises ModelUnavailable if there are no names, or several models of which none has a usual key.
    """
    if not isinstance(content, dict):
        raise ModelUnavailable(f"{path} holds no weights by name: save a model's state_dict()")
    found = {
        key: part for key, part in _parts(content, "", _DEEPEST) if any(_image_prefix(name) for name in part)
    }
    if not found:
        return _without_image_tower(content)
    plain = [key for key in found if not _AVERAGED.search(key)] or list(found)
    usual = [key for key in plain if not key or key.split(".")[-1] in _USUAL_KEYS]
    ordered = sorted(usual, key=lambda key: _USUAL_KEYS.index(key.split(".")[-1]) if key else -1)
    if not ordered and len(plain) > 1:
        raise ModelUnavailable(
            f"{path} holds several models ({', '.join(plain)}): save the weights of one alone"
        )
    return found[(ordered or plain)[0]]


def _parts(content: object, key: str, depth: int) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """The dictionaries in a checkpoint that hold tensors, with the keys that lead to them."""
    if not isinstance(content, dict):
        return
    tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    if tensors:
        yield key, tensors
    for name, value in content.items():
        if depth and isinstance(value, dict):
            yield from _parts(value, f"{key}.{name}".removeprefix("."), depth - 1)


def _without_image_tower(content: object) -> dict[str, Tensor]:
    """The tensors under a usual key, else all; they may be prompts, or the weights of something else."""
    for key in _USUAL_KEYS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    items = content.items() if isinstance(content, dict) else ()
    return {str(name): value for name, value in items if isinstance(value, Tensor)}


def plain_names(path: Path, names: Iterable[str]) -> dict[str, str]:
    """The names that weights had before something wrapped their model, by the names in the file.

    `module.` of data-parallel training, `model.` of Lightning, `_orig_mod.` of torch.compile and any other prefix of
    the image tower are removed; what is not under the same prefix, such as a criterion, is left out.

    Raises ModelUnavailable if a file holds several image towers, unless all but one are averages of weights.
    """
    cleaned = {name: ".".join(part for part in name.split(".") if part not in _WRAPPERS) for name in names}
    prefixes = {prefix for name in cleaned.values() if (prefix := _image_prefix(name))}
    prefixes = {prefix for prefix in prefixes if not _AVERAGED.search(prefix[1:])} or prefixes
    if not prefixes:
        return {name: clean.removeprefix("module.") for name, clean in cleaned.items()}
    if len(prefixes) > 1:
        shown = ", ".join(sorted(f"{prefix[1:] or 'visual.'}*" for prefix in prefixes))
        raise ModelUnavailable(f"{path} holds several models ({shown}): save the weights of one alone")
    prefix = prefixes.pop()[1:]
    return {name: clean.removeprefix(prefix) for name, clean in cleaned.items() if clean.startswith(prefix)}


def _image_prefix(name: str) -> str:
    """`^` and what stands before the image tower in a weight's name; empty if the weight is not of one."""
    parts = name.split(".")
    place = next((place for place, part in enumerate(parts) if part in _IMAGE_TOWERS), None)
    return "" if place is None else "^" + "".join(f"{part}." for part in parts[:place])
