"""Makes checkpoints in the form in which the published ViFi-CLIP code saves them."""

import json
import sys
import types
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.model.conftest import TINY
from vifi_cli.model.torchvision_operators import declare_missing_operators

declare_missing_operators()

NAMES = ("HandstandWalking", "play_guitar", "brush hair", "pull-ups")


def openai_clip(file: Path, seed: int = 0, **vision: Any) -> Path:
    """A small CLIP under OpenAI's names, in half precision as OpenAI's are; heads are 64 wide there."""
    import open_clip
    from safetensors.torch import save_file

    config = json.loads(json.dumps(TINY))
    config["vision_cfg"].update({"width": 64, "head_width": 64, **vision})
    config["text_cfg"].update(width=64, heads=1, context_length=77)
    torch.manual_seed(seed)
    model = open_clip.CLIP(**config)
    save_file({name: tensor.half() for name, tensor in model.state_dict().items()}, file)
    return file


def published_weights(base: Path, tuned: tuple[str, ...] = ("image", "text")) -> "OrderedDict[str, Tensor]":
    """The weights after training some towers of a base, without `module.`."""
    import open_clip
    from safetensors.torch import load_file

    torch.manual_seed(7)
    weights: OrderedDict[str, Tensor] = OrderedDict()
    base_weights = {name: tensor.float() for name, tensor in load_file(base).items()}
    texts = open_clip.SimpleTokenizer()([f"a photo of a {name}." for name in NAMES])
    embedding = base_weights.pop("token_embedding.weight")
    weights["prompt_learner.complete_text_embeddings"] = embedding[texts].half().float()
    for name, tensor in base_weights.items():
        tower = "image" if name.startswith("visual.") else "text"
        changed = tensor + 1e-3 * torch.randn_like(tensor) if tower in tuned else tensor
        published = name if name == "logit_scale" else f"{tower}_encoder.{name.removeprefix('visual.')}"
        weights[published] = tensor if name == "logit_scale" else changed
    return weights


def save_published(
    file: Path, weights: "OrderedDict[str, Tensor]", use: str = "both", **options: Any
) -> Path:
    """A whole checkpoint: weights, optimizer, schedule and a configuration of yacs."""
    with yacs_node() as node:
        config = node(
            DATA=node(NUM_FRAMES=32, DATASET="kinetics400"),
            MODEL=node(ARCH="ViT-B/16"),
            TRAINER=node(ViFi_CLIP=node(USE=use, CTX_INIT="a photo of a", PROMPT_MODEL=False)),
            TRAIN=node(EPOCHS=10),
        )
        content = {
            "model": OrderedDict((f"module.{name}", tensor) for name, tensor in weights.items()),
            "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 8e-6}]},
            "lr_scheduler": {"t_initial": 100, "warmup_steps": [1.0]},
            "max_accuracy": 50.25,
            "epoch": 9,
            "config": config,
        }
        torch.save(content, file, **options)
    return file


class CfgNode(dict[str, object]):
    """As yacs has it: state beside the settings."""

    def __init__(self, **settings: object) -> None:
        super().__init__(settings)
        self.__dict__["__immutable__"] = False
        self.__dict__["__deprecated_keys__"] = set()


CfgNode.__module__ = "yacs.config"


@contextmanager
def yacs_node() -> Iterator[type]:
    """A class that is pickled just as yacs's configurations are, which yacs need not be here for."""
    package, module = types.ModuleType("yacs"), types.ModuleType("yacs.config")
    module.CfgNode = CfgNode  # type: ignore[attr-defined]
    before = {name: sys.modules.get(name) for name in ("yacs", "yacs.config")}
    sys.modules.update({"yacs": package, "yacs.config": module})
    try:
        yield CfgNode
    finally:
        for name, old in before.items():
            if old is None:
                del sys.modules[name]
            else:
                sys.modules[name] = old
