"""The classifier of a model folder, on top of its base: `head.safetensors`."""

from collections.abc import Mapping

from torch import Tensor

from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.registry.card import ModelCard
from vifi_cli.model.registry.model_files import CARD_FILE, HEAD_FILE
from vifi_cli.model.registry.source import ModelSource
from vifi_cli.model.towers.class_head import ClassHead, head_from_tensors
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.model.weights.weights_file import read_weights


def read_head(source: ModelSource) -> ClassHead | None:
    """The classifier of a model; None if it has none.

    Raises:
        ModelUnavailable: the file is damaged, or is not the one that the card describes.
    """
    if not source.card or not source.card.head or not source.path:
        return None
    file = source.path / HEAD_FILE
    try:
        head = head_from_tensors(source.card.head, read_weights(file, lambda name: True))
        _check_size(head, source.card)
    except ValueError as error:
        raise ModelUnavailable(
            f"{file} is not what {CARD_FILE} beside it describes ({error}): copy the complete folder again"
        ) from error
    return head


def head_tensors(network: ViFiCLIP) -> Mapping[str, Tensor]:
    """The classifier of a network as its file has it."""
    return network.head.state_dict() if network.head else {}


def _check_size(head: ClassHead, card: ModelCard) -> None:
    first, second = (tuple(tensor.shape) for tensor in list(head.state_dict().values())[:2])
    classes = first[0] if card.head == "linear-probe" else second[1]
    if classes != len(card.class_names) or first[1] != card.dimension:
        raise ValueError(f"{classes} classes in {first[1]} dimensions")
