"""The report of an optimizer step; without torch, so that runs can be listed at once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vifi_cli.training.batches.loading import BadClip


@dataclass(frozen=True, slots=True)
class StepReport:
    """One optimizer step, on all processes together."""

    epoch: int  # from 0
    step: int  # from 0 in its epoch
    steps_per_epoch: int
    epochs: int
    loss: float  # mean over the clips
    learning_rate: float
    clips: int
    bad: tuple["BadClip", ...] = ()
    gradient_norm: float | None = None  # before clipping; None without, and where fp16 overflowed
