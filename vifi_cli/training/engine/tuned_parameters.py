"""Which parameters of a network learn, and at which share of the learning rate."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from vifi_cli.errors import InvalidInput
from vifi_cli.model.lora.low_rank import lora_parameters
from vifi_cli.model.prompts.initialization import prompt_parameters
from vifi_cli.model.towers.depth import layers_above
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.training.recipe.recipe import Recipe, Tune

PREFIXES = {"both": ("visual.", "text.", "logit_scale"), "image": ("visual.",), "text": ("text.",)}
_TOWERS = {"visual.": "image", "text.": "text"}


def tuned_parameters(network: ViFiCLIP, tune: Tune, tune_layers: int = -1) -> dict[str, nn.Parameter]:
    """The parameters that are trained, by name: only prompts or low-rank matrices if there are any.

    As published, word embeddings are never trained, and the temperature only with both towers. With `tune_layers` of 0
    or more, only so many blocks at the end of each tower are, and what comes behind them.

    Raises:
        InvalidInput: a tower has fewer blocks, or nothing of it would be trained.
    """
    if changes := changes_of(network):
        return changes
    parameters = {
        name: parameter
        for name, parameter in network.named_parameters()
        if name.startswith(PREFIXES[tune]) and "token_embedding" not in name
    }
    if tune_layers < 0:
        return parameters
    depths = _depths(network, parameters)
    kept = {name: value for name, value in parameters.items() if depths[name] <= tune_layers}
    for prefix, tower in _TOWERS.items():
        own = {name: depth for name, depth in depths.items() if name.startswith(prefix)}
        if own and max(own.values()) <= tune_layers:
            blocks = max(own.values()) - 1
            raise InvalidInput(
                f"recipe: tune_layers = {tune_layers}, but the {tower} tower has {blocks} blocks"
            )
        if own and min(own.values()) > tune_layers:
            raise InvalidInput(
                f"recipe: tune_layers = {tune_layers} trains nothing of the {tower} tower: set it to 1 or more"
            )
    return kept


def changes_of(network: nn.Module) -> dict[str, nn.Parameter]:
    """The prompts or low-rank matrices of a network, which learn in place of its own weights."""
    return prompt_parameters(network) or lora_parameters(network)


def parameter_groups(
    network: ViFiCLIP, tuned: Mapping[str, nn.Parameter], recipe: Recipe
) -> list[dict[str, Any]]:
    """The groups of an optimizer: one, or with `layer_decay` one for each depth, whose `lr_scale` is decay^depth.

    Depth counts from the end of each tower, as in BEiT (Bao et al., 2022) and timm's `param_groups_layer_decay`. What
    is behind the blocks, and the temperature, have the full rate.
    """
    if recipe.layer_decay == 1:
        return [{"params": list(tuned.values()), "lr_scale": 1.0}]
    groups: dict[int, list[nn.Parameter]] = {}
    for name, depth in _depths(network, tuned).items():
        groups.setdefault(depth, []).append(tuned[name])
    return [{"params": groups[depth], "lr_scale": recipe.layer_decay**depth} for depth in sorted(groups)]


def _depths(network: ViFiCLIP, parameters: Mapping[str, nn.Parameter]) -> dict[str, int]:
    """How many layers are behind each parameter, by name; 0 for the temperature."""
    found = dict.fromkeys(parameters, 0)
    for prefix, tower in (("visual.", network.visual), ("text.", network.text)):
        if any(name.startswith(prefix) for name in parameters):
            found |= {
                prefix + name: depth for name, depth in layers_above(tower).items() if prefix + name in found
            }
    return found
