"""LoRA: W + alpha / rank x B A in place of a weight W, where only the thin matrices A and B learn.

Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022. A begins as in peft, uniform within
1 / sqrt(columns), and B as zeros, so nothing has changed before the first step. Where a tower keeps several projections
in one weight, as torch's attention does, each has matrices of its own.

The sum takes the place of the weight, so every tower works without code for it. That leaves no room for dropout between
input and A.
"""

import math
import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from vifi_cli.errors import InvalidInput
from vifi_cli.model.lora.places import AdaptedWeight, adapted_weights
from vifi_cli.model.registry.card import LoraShape
from vifi_cli.model.towers.vifi_clip import ViFiCLIP

Factors = Mapping[str, Tensor]
"""The thin matrices of a weight: `lora_A` (r, columns), `lora_B` (rows, r); in a fused weight `q.lora_A` and so on."""
_A, _B = "lora_A", "lora_B"
# how torch names what it puts in place of a weight
_PLACED = re.compile(r"\.parametrizations\.(\w+)\.0\.factors\.(.+)$")


class LowRankSum(nn.Module):
    """A weight plus a product of thin matrices in the rows of each of its projections."""

    def __init__(self, weight: AdaptedWeight, factors: Factors, scale: float) -> None:
        """Keep the factors of a weight."""
        super().__init__()
        self.parts, self.scale = weight.parts, scale
        # a dot in a name would be an attribute of an attribute
        self.factors = nn.ParameterDict(
            {name.replace(".", "_"): nn.Parameter(f) for name, f in factors.items()}
        )

    def forward(self, weight: Tensor) -> Tensor:
        """The sum, in the shape and the precision of the weight."""
        with torch.autocast(weight.device.type, enabled=False):
            for part, rows in self.parts:
                before = f"{part}_" if part else ""
                product = self.factors[before + _B] @ self.factors[before + _A] * self.scale
                rest = (0, 0, rows.start, len(weight) - rows.stop)
                weight = weight + nn.functional.pad(product, rest).view_as(weight)
            return weight


def add_low_rank(network: ViFiCLIP, shape: LoraShape, seed: int) -> None:
    """Let the towers of `shape` learn by low-rank matrices, in place; the network still computes what it did.

    The matrices of one tower do not depend on the other's. A tower without such weights raises InvalidInput.
    """
    towers = {"image": network.visual, "text": network.text}
    for number, tower in enumerate(towers):
        if tower not in shape.towers:
            continue
        random = torch.Generator().manual_seed(seed + number)
        found = list(adapted_weights(towers[tower], shape.places))
        if not found:
            raise InvalidInput(_nothing_there(tower, shape))
        for weight in found:
            factors = _begun(weight, shape.rank, random)
            low_rank = LowRankSum(weight, factors, shape.scale)
            parametrize.register_parametrization(weight.module, weight.attribute, low_rank)


def _nothing_there(tower: str, shape: LoraShape) -> str:
    other = "text" if tower == "image" else "image"
    hint = "" if "conv" in shape.places else "; conv names 1 x 1 convolutions"
    return (
        f"recipe: lora.places = {', '.join(shape.places)} names no weight of the {tower} tower{hint}: choose other "
        f"places, or train the other tower alone with --tune {other}"
    )


def _begun(weight: AdaptedWeight, rank: int, random: torch.Generator) -> dict[str, Tensor]:
    columns = weight.weight[0].numel()
    bound = 1 / math.sqrt(columns)
    factors = {}
    for part, rows in weight.parts:
        before = f"{part}." if part else ""
        drawn = torch.rand(rank, columns, generator=random) * 2 * bound - bound
        factors[before + _A] = drawn.to(weight.weight)
        factors[before + _B] = weight.weight.new_zeros(rows.stop - rows.start, rank)
    return factors


def lora_parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    """The low-rank matrices of a network, by their names in it."""
    return {name: tensor for name, tensor in network.named_parameters() if _PLACED.search(name)}


def lora_tensors(network: nn.Module) -> dict[str, Tensor]:
    """The same by their names in a file, which begin with the names of the weights that they change."""
    return {file_name(name): tensor.detach() for name, tensor in lora_parameters(network).items()}


def file_name(name: str) -> str:
    """From `….attn.parametrizations.in_proj_weight.0.factors.q_lora_A` to `….attn.in_proj_weight.q.lora_A`."""
    return _PLACED.sub(lambda found: f".{found[1]}.{found[2].replace('_lora', '.lora')}", name)


@torch.no_grad()
def merge_low_rank(tower: nn.Module, shape: LoraShape, tensors: Mapping[str, Tensor]) -> None:
    """Add the matrices of a file to the weights of a tower, in place; names begin with those of the weights.

    ValueError if they do not belong to a tower like this.
    """
    waiting = dict(tensors)
    for weight in adapted_weights(tower, shape.places):
        names = [f"{part}.{end}" if part else end for part, _ in weight.parts for end in (_A, _B)]
        factors = {name: waiting.pop(f"{weight.name}.{name}", torch.empty(0)) for name in names}
        wanted = {
            name: tensor.shape for name, tensor in _begun(weight, shape.rank, torch.Generator()).items()
        }
        if {name: factor.shape for name, factor in factors.items()} != wanted:
            raise ValueError(f"the matrices of {weight.name} are absent or have other shapes")
        factors = {name: factor.to(weight.weight) for name, factor in factors.items()}
        weight.weight.copy_(LowRankSum(weight, factors, shape.scale)(weight.weight))
    if waiting:
        raise ValueError(f"{next(iter(waiting))} belongs to no weight")


def fix_low_rank(network: nn.Module) -> None:
    """Write the sums into the weights of a network that learned, which then has the names and parts of its base."""
    for module in list(network.modules()):
        sums = module.parametrizations if parametrize.is_parametrized(module) else None
        if isinstance(sums, nn.ModuleDict):
            for attribute in list(sums):
                parametrize.remove_parametrizations(module, attribute, leave_parametrized=True)
