"""Fingerprints: two encoders with equal digests give the same embeddings.

A fingerprint covers what determines an embedding (architecture, preprocessing, weights) and nothing else (device,
precision, runtime, path), so an index can be searched on another machine.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.preprocessing import Preprocessing
from vifi_cli.model.weights.size_limits import check_header_size

if TYPE_CHECKING:
    from torch import Tensor


def fingerprint_of_weights(description: Mapping[str, Any], weights: Mapping[str, "Tensor"]) -> str:
    """Digest a tower by its weights and its description, architecture and preprocessing in plain values: 64 hex digits.

    Values are compared as float32, so files in half precision agree with the modules they are loaded into.
    """
    digest = hashlib.sha256(_canonical(description))
    for name in sorted(weights):
        tensor = weights[name].detach().cpu()
        if tensor.is_floating_point():
            tensor = tensor.float()
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def fingerprint_of_image_tower(
    config: Mapping[str, Any], preprocessing: Preprocessing, weights: Mapping[str, "Tensor"]
) -> str:
    """Digest an image tower of open_clip by its state and by those parts of `model_cfg` that matter for it."""
    description = {"vision": config["vision_cfg"], "preprocessing": preprocessing.as_dict()}
    return fingerprint_of_weights(description | _of_both_towers(config), weights)


def fingerprint_of_text_tower(config: Mapping[str, Any], weights: Mapping[str, "Tensor"]) -> str:
    """Digest a text tower of open_clip in the same way."""
    return fingerprint_of_weights({"text": config["text_cfg"]} | _of_both_towers(config), weights)


def _of_both_towers(config: Mapping[str, Any]) -> dict[str, Any]:
    return {"dimension": int(config["embed_dim"]), "quick_gelu": bool(config.get("quick_gelu", False))}


def fingerprint_of_tower_file(description: Mapping[str, Any], file: Path, prefix: str) -> str:
    """Digest one tower of a .safetensors file without torch: the weights whose names begin with `prefix`."""
    from safetensors import SafetensorError, safe_open

    digest = hashlib.sha256(_canonical({**description, "tower": prefix}))
    try:
        check_header_size(file)
        with safe_open(file, framework="numpy") as weights:
            for name in sorted(name for name in weights.keys() if name.startswith(prefix)):  # noqa: SIM118
                values = weights.get_tensor(name)
                digest.update(f"{name} {values.shape} {values.dtype}".encode())
                digest.update(values.data)
    except (SafetensorError, OSError) as error:
        raise ModelUnavailable(f"{file} is damaged: copy or train the model again") from error
    return digest.hexdigest()


def fingerprint_of_files(description: Mapping[str, Any], sha256_digests: Iterable[bytes]) -> str:
    """Digest a tower by the digests of the files it is made from, without loading it; 64 hex digits."""
    digest = hashlib.sha256(_canonical(description))
    for file_digest in sha256_digests:
        digest.update(file_digest)
    return digest.hexdigest()


def _canonical(description: Mapping[str, Any]) -> bytes:
    return json.dumps(description, sort_keys=True, default=str).encode()
