"""Small real models: the starter encoder, and tiny CLIPs with random weights."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import ViFiEncoder, load_encoder

GOLDEN = Path(__file__).parents[3] / "shared" / "golden"
TINY = {
    "embed_dim": 16,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
TINY_PREPROCESSING = {
    "mean": [0.1, 0.2, 0.3],
    "std": [0.4, 0.5, 0.6],
    "interpolation": "bicubic",
    "resize_mode": "squash",
}


@pytest.fixture(scope="session")
def starter(starter_home: Path) -> ViFiEncoder:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIFI_HOME", str(starter_home))
        return load_encoder(resolve_model("starter"), "cpu")


def make_tiny_clip(folder: Path, seed: int = 0, *, quick_gelu: bool = True) -> Path:
    """Writes a tiny open_clip model folder with random weights, and seeds torch for what the test draws itself."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "open_clip_model.safetensors").write_bytes(_tiny_weights(seed, quick_gelu))
    config = {**TINY, "quick_gelu": quick_gelu}
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": TINY_PREPROCESSING})
    )
    torch.manual_seed(seed)
    return folder


@cache
def _tiny_weights(seed: int, quick_gelu: bool) -> bytes:
    """The content of a tiny CLIP's weights file; many tests want the same one."""
    from vifi_cli.model.torchvision_operators import declare_missing_operators

    declare_missing_operators()
    import open_clip
    import torch
    from safetensors.torch import save

    torch.manual_seed(seed)
    model = open_clip.CLIP(**{**TINY, "quick_gelu": quick_gelu})
    return save(model.state_dict())


@pytest.fixture
def tiny_clip(tmp_path: Path) -> Path:
    return make_tiny_clip(tmp_path / "tiny")


@pytest.fixture
def noise() -> npt.NDArray[np.uint8]:
    """Three pictures of 32 x 32."""
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)


def photograph(name: str, side: int = 224) -> npt.NDArray[np.uint8]:
    """One of scikit-image's photographs, its short side scaled to fit and the centre cut out."""
    data = pytest.importorskip("skimage.data", reason="scikit-image carries the photographs")
    image = Image.fromarray(getattr(data, name)()).convert("RGB")
    scale = side / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return np.array(image.crop((left, top, left + side, top + side)))
