"""Chooses the device that a model runs on."""

import importlib.metadata
from typing import TYPE_CHECKING

from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    import torch


def choose_device(wanted: str) -> "torch.device":
    """The device that `--device` names (`auto`, `cpu`, `mps`, `cuda`, `cuda:1`); `auto` means the fastest one here.

    Raises InvalidInput if this machine does not have it; the text names those it has.
    """
    import torch

    here = available_devices()
    if wanted == "auto":
        return torch.device(here[0])
    kind, _, index = wanted.partition(":")
    known = kind in here and (not index or (index.isdecimal() and kind == "cuda"))
    if not known or (index and int(index) >= torch.cuda.device_count()):
        raise InvalidInput(
            f"this machine has no device {wanted!r}; use --device {' or '.join((*here, 'auto'))}"
        )
    return torch.device(wanted)


def means_cpu(wanted: str) -> bool:
    """Whether a choice of device leads to the CPU; torch is imported only where it may support another."""
    if wanted == "auto" and importlib.metadata.version("torch").endswith("+cpu"):
        return True
    return wanted == "cpu" or choose_device(wanted).type == "cpu"


def available_devices() -> tuple[str, ...]:
    """The kinds of device that torch can use on this machine, fastest first; the last is `cpu`."""
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return (*(kind for kind, is_here in present.items() if is_here), "cpu")
