"""The learning rate of each optimizer step: a linear warm-up, then half a cosine down to a hundredth."""

import math
from dataclasses import dataclass

FLOOR = 0.01


@dataclass(frozen=True, slots=True)
class Schedule:
    """The learning rate over a run.

    With `published_batches` it is that of the published code, which counts batches of its loader instead of steps.
    """

    top: float
    steps_per_epoch: int
    epochs: int
    warmup_epochs: float
    published_batches: int = 0  # of an epoch
    batches_per_step: int = 1  # of the published code

    def learning_rate(self, step: int) -> float:
        """The learning rate of an optimizer step, counted from 0 over the run."""
        return self._published(step) if self.published_batches else self._fixed(step)

    def _fixed(self, step: int) -> float:
        total = self.steps_per_epoch * self.epochs
        # a short run must still reach the full rate
        warmup = min(round(self.warmup_epochs * self.steps_per_epoch), total // 2)
        if step < warmup:
            return self.top * (step + 1) / warmup
        return self._cosine((step - warmup) / max(total - warmup, 1))

    def _published(self, step: int) -> float:
        """As the published code has it (utils/optimizer.py, main.py, timm's CosineLRScheduler).

        The rate is set after a step, from the loader's count, so the first step has rate 0. The cosine starts with
        the run, so the rate drops at once where the warm-up ends.
        """
        if step == 0:
            return 0.0
        epoch, of_epoch = divmod(step - 1, self.steps_per_epoch)
        count = epoch * self.published_batches + (of_epoch + 1) * self.batches_per_step - 1
        warmup = int(self.warmup_epochs * self.published_batches)
        if count < warmup:
            return self.top * count / warmup
        return self._cosine(min(count / (self.epochs * self.published_batches), 1.0))

    def _cosine(self, share: float) -> float:
        low = self.top * FLOOR
        return low + 0.5 * (self.top - low) * (1 + math.cos(math.pi * share))
