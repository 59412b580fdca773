"""The arithmetic of training: float32 on a CPU, half precision with float32 weights on a GPU."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from vifi_cli.errors import InvalidInput

NAMES = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True)
class Precision:
    """How products are computed; weights, sums and losses are always float32."""

    device: torch.device
    dtype: torch.dtype | None  # None for float32

    def __call__(self) -> AbstractContextManager[None]:
        """A context in which torch computes with this precision."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not None)

    def make_scaler(self) -> torch.amp.GradScaler:
        """Keeps fp16 gradients from vanishing; does nothing in other precisions."""
        return torch.amp.GradScaler(self.device.type, enabled=self.dtype is torch.float16)


def choose_precision(name: str, device: torch.device) -> Precision:
    """`auto` takes bf16 where the GPU has it, fp16 on other GPUs, float32 on a CPU."""
    if name != "auto":
        if device.type == "cpu" and name == "fp16":
            raise InvalidInput("recipe: runtime.precision = fp16 needs a GPU; a CPU trains in fp32")
        return Precision(device, NAMES[name])
    if device.type == "cpu":
        return Precision(device, None)
    has_bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return Precision(device, torch.bfloat16 if has_bf16 else torch.float16)
