"""A model that learns: its tuned parameters, their optimizer, and the moving average of its weights (EMA)."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from vifi_cli.model.lora.low_rank import fix_low_rank
from vifi_cli.model.prompts.image import PromptedImageTower
from vifi_cli.model.prompts.text import PromptedTextTower
from vifi_cli.model.towers.vifi_clip import ViFiCLIP, mean_of_classes
from vifi_cli.training.engine.class_tokens import ClassTokens
from vifi_cli.training.engine.loss_and_gradients import (
    Arithmetic,
    MicroBatch,
    accumulate_gradients,
    encode_parts,
)
from vifi_cli.training.engine.precision import Precision
from vifi_cli.training.engine.processes.distributed import Processes, sharing_gradients
from vifi_cli.training.engine.tuned_parameters import changes_of, parameter_groups, tuned_parameters
from vifi_cli.training.recipe.recipe import Recipe

# betas and epsilon of the published code (utils/optimizer.py)
BETAS, EPSILON = (0.9, 0.98), 1e-8


def warm_decay(step: int, decay: float) -> float:
    """The decay of the moving average after optimizer step number `step`, from 0: it rises to `decay` over a run.

    A short run would otherwise keep almost the weights that it began with: 0.999 to the power of 36 steps is 96 % of
    them. Source: timm's ModelEmaV3 with `use_warmup`, whose steps count from 1.
    """
    return min(decay, 1 - math.pow(1 + step, -2 / 3))


def freeze_statistics(network: ViFiCLIP) -> None:
    """Set towers that learn to training mode, except batch norms: the statistics of a few clips do not fit a test.

    A tower with prompts does not learn, only its prompts do.
    """
    network.train()
    for tower in (network.visual, network.text):
        has_prompts = isinstance(tower, PromptedImageTower | PromptedTextTower)
        tower.train(not has_prompts and any(parameter.requires_grad for parameter in tower.parameters()))
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.eval()


class Learner:
    """A model that learns from micro-batches, step by step.

    `tuned` and `average` hold parameters and their moving averages by name; without `ema_decay`, `average` is empty.
    """

    def __init__(
        self,
        network: ViFiCLIP,
        texts: ClassTokens,
        recipe: Recipe,
        processes: Processes,
        precision: Precision,
    ) -> None:
        """Freeze what does not learn: all but prompts or low-rank matrices, or without them but the tuned towers.

        Network and class texts are on the device.
        """
        self.network, self.processes = network, processes
        self.tuned = tuned_parameters(network, recipe.tune, recipe.tune_layers)
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(name in self.tuned)
        self.optimizer = torch.optim.AdamW(
            parameter_groups(network, self.tuned, recipe),
            lr=recipe.learning_rate,
            betas=BETAS,
            eps=EPSILON,
            weight_decay=recipe.weight_decay,
            fused=processes.device.type == "cuda" or None,
        )
        self.scaler = precision.make_scaler()
        self._arithmetic = Arithmetic(processes, precision, self.scaler)
        self.average: dict[str, Tensor] = {}
        if recipe.ema_decay:
            self.average = {name: parameter.detach().clone() for name, parameter in self.tuned.items()}
        self._decay, self._greatest_norm = recipe.ema_decay, recipe.clip_gradients
        self._shared = sharing_gradients(network, processes)
        self._texts, self._texts_per_step, self._seed = texts, recipe.texts_per_step, recipe.seed
        if recipe.tune == "image":
            self._texts = replace(texts, embeddings=self._embed_texts())

    @torch.no_grad()
    def embed_classes(self) -> Tensor:
        """The present class embeddings by all texts: float32 (C, D), of length 1."""
        return mean_of_classes(self._embed_texts(), self._texts.counts)

    def _embed_texts(self) -> Tensor:
        self.network.eval()
        return encode_parts(self.network, self._texts.parts(), self._arithmetic.precision).float()

    def state(self) -> dict[str, Tensor]:
        """The tensors that training may have changed: the prompts or low-rank matrices of the network, or all of it."""
        return dict(changes_of(self.network)) or self.network.state_dict()

    def take_weights(self, network: ViFiCLIP | None) -> None:
        """Take over a model that the first process has read from disk, after the last step; the others pass None.

        Low-rank matrices become part of weights.
        """
        fix_low_rank(self.network)
        weights = network.state_dict() if network else {}
        self.network.load_state_dict(self.processes.share_tensors(weights))

    def gather_gradients(self, micro_batches: Iterable[MicroBatch], clips: int, number: int = 0) -> float:
        """Compute the gradients of step `number` of the run, from 0, with `clips` on all processes.

        Returns this process's share of the loss.
        """
        freeze_statistics(self.network)
        self.optimizer.zero_grad(set_to_none=True)
        texts = self._texts.drawn(self._texts_per_step, self._seed, number)
        return accumulate_gradients(self._shared, texts, micro_batches, clips, self._arithmetic)

    def has_finite_gradients(self) -> bool:
        """Whether the gathered gradients are finite; with fp16 the scaler skips those that are not."""
        if self.scaler.is_enabled():
            return True
        gradients = [parameter.grad for parameter in self.tuned.values() if parameter.grad is not None]
        return bool(torch.nn.utils.get_total_norm(gradients).isfinite())

    def try_gradients(self, micro: MicroBatch) -> None:
        """Compute gradients of a micro-batch in this process alone, to see whether they fit into memory."""
        alone = replace(self._arithmetic, processes=Processes(0, 1, self.processes.device))
        freeze_statistics(self.network)
        texts = self._texts.drawn(self._texts_per_step, self._seed, 0)
        accumulate_gradients(self.network, texts, [micro], 1, alone)

    def step(self, learning_rate: float, number: int) -> float | None:
        """Change the parameters by the gathered gradients; `number` is that of the step in the run, from 0.

        Returns the norm that the gradients had before clipping; None if they are not clipped, or overflowed in fp16.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate * group["lr_scale"]
        norm = self._clip_gradients() if self._greatest_norm else None
        self.scaler.step(self.optimizer)
        self.scaler.update()
        with torch.no_grad():
            for name, average in self.average.items():
                average.lerp_(self.tuned[name].detach(), 1 - warm_decay(number, self._decay))
        return norm

    def _clip_gradients(self) -> float | None:
        """Scale gradients down to the greatest norm; they are means over all processes, so each has the same norm."""
        self.scaler.unscale_(self.optimizer)
        norm = float(torch.nn.utils.clip_grad_norm_(self.tuned.values(), self._greatest_norm))
        return norm if math.isfinite(norm) else None

    @contextmanager
    def averaged(self) -> Iterator[ViFiCLIP]:
        """The model with its averaged weights, if there are any, until the block ends."""
        self._exchange()
        try:
            yield self.network
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for name, average in self.average.items():
            parameter = self.tuned[name]
            mine = parameter.detach().clone()
            parameter.copy_(average)
            average.copy_(mine)
