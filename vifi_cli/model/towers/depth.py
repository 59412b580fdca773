"""How deep the parameters of a tower are: in which of its blocks, before the first or behind the last."""

import re

from torch import nn

from vifi_cli.errors import InvalidInput

# transformer blocks, and the stages of a convolutional network
_BLOCK = re.compile(r"(?:^|\.)(?:resblocks|blocks|layers?|stages)\.?(\d+)\.")
# projections that open_clip keeps as parameters of the tower, which come first whatever they are for
_LAST = ("proj", "text_projection")


def layers_above(tower: nn.Module) -> dict[str, int]:
    """How many layers are behind that of each parameter, by its name.

    0 is what comes behind the blocks, such as the last norm and the projection; 1 the last block; N the first of N
    blocks; and N + 1 what comes before them, such as patches and positions. InvalidInput if no blocks are found.
    """
    names = [name for name, _ in tower.named_parameters()]
    first = next(filter(None, map(_BLOCK.search, names)), None)
    if first is None:
        raise InvalidInput(
            f"recipe: vifi finds no blocks in {type(tower).__name__}: omit tune_layers and layer_decay"
        )
    prefix = first.string[: first.start(1)]
    blocks = {
        name: int(name.removeprefix(prefix).partition(".")[0]) for name in names if name.startswith(prefix)
    }
    order = sorted(set(blocks.values()), reverse=True)
    depths, above = {}, len(order) + 1
    for name in names:  # parts of a tower are in the order in which it uses them
        if name in blocks:
            depths[name], above = order.index(blocks[name]) + 1, 0
        else:
            depths[name] = 0 if name in _LAST else above
    return depths
