"""Writes vifi's model folders: `config.json` beside `weights.safetensors`.

Weights are named as the network's parts are: `visual.*`, `text.*`, `logit_scale`, and `logit_bias` of a SigLIP. A
model that only changes a base has `prompts.safetensors`, `lora.safetensors` or `head.safetensors` instead, with its
prompts, low-rank matrices or classifier alone, and names its base in `config.json`. A model that brought its own
tokenizer keeps it in `tokenizer.json`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from vifi_cli.disk.replacement import new_folder
from vifi_cli.errors import InvalidInput
from vifi_cli.model.lora.low_rank import lora_tensors
from vifi_cli.model.prompts.initialization import prompt_parameters
from vifi_cli.model.registry.card import BaseReference, ModelCard, Tower, card_to_json, read_card
from vifi_cli.model.registry.known_models import STARTER
from vifi_cli.model.registry.model_files import (
    CARD_FILE,
    HEAD_FILE,
    LORA_FILE,
    PROMPTS_FILE,
    TENSOR_FILES,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
)
from vifi_cli.model.storage.head_file import head_tensors
from vifi_cli.model.storage.starter_model import text_fingerprint, vision_fingerprint
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.model.weights.weights_file import save_weights
from vifi_cli.paths import replacing


def write_model_folder(folder: Path, network: ViFiCLIP, card: ModelCard) -> None:
    """Write a model folder, or replace one; the network's fusion is written, whatever the card says.

    Where the card has prompts, LoRA or a head, only they are written; the network must have them as it learned them.
    Both files are written under other names first, so a full disk leaves the older ones intact.
    """
    card = replace(card, fusion=network.fusion, untouched=_untouched(card), base=_base_from(folder, card))
    folder.mkdir(parents=True, exist_ok=True)
    kept, tensors = _content(network, card)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # one fact at most: safetensors writes several in random order, and equal models are to be equal files
    facts = {"base": f"{card.base.image} {card.base.text}"} if card.base else None
    _write_tokenizer(folder / TOKENIZER_FILE, "" if card.base else network.tokenizer_json)
    with replacing(folder / CARD_FILE) as new_card, replacing(folder / kept) as new_weights:
        save_weights(weights, new_weights, facts)
        new_card.write_text(card_to_json(card), encoding="utf-8")
    for other in TENSOR_FILES:
        if other != kept:
            (folder / other).unlink(missing_ok=True)


def _content(network: ViFiCLIP, card: ModelCard) -> tuple[str, Mapping[str, Tensor]]:
    """The file that a folder with this card has, and what goes into it."""
    if card.lora:
        return LORA_FILE, lora_tensors(network)
    if card.head:
        return HEAD_FILE, head_tensors(network)
    return (
        (PROMPTS_FILE, prompt_parameters(network)) if card.prompts else (WEIGHTS_FILE, network.state_dict())
    )


def _write_tokenizer(file: Path, content: str) -> None:
    """Write a model's own tokenizer, unless it is there: some take 34 MB, and a run saves its model often."""
    data = content.encode()
    if not data:
        file.unlink(missing_ok=True)
    elif not file.is_file() or file.stat().st_size != len(data):
        with replacing(file) as unfinished:
            unfinished.write_bytes(data)


def _base_from(folder: Path, card: ModelCard) -> BaseReference | None:
    """The base; relative to the folder where it is inside, so that both can be moved together."""
    if card.base is None or not Path(card.base.model).is_relative_to(folder.absolute()):
        return card.base
    return replace(card.base, model=str(Path(card.base.model).relative_to(folder.absolute())))


def _untouched(card: ModelCard) -> dict[str, str]:
    """The fingerprints of those towers that are still `starter`'s own."""
    if card.architecture != STARTER or card.changes:
        return {}
    towers: dict[Tower, Callable[[], str]] = {"image": vision_fingerprint, "text": text_fingerprint}
    return {tower: fingerprint() for tower, fingerprint in towers.items() if tower not in card.tuned}


def name_base(folder: Path, base: BaseReference) -> None:
    """Update where the base of a model that holds changes is, in its folder."""
    card = replace(read_card(folder), base=base)
    with replacing(folder / CARD_FILE) as unfinished:
        unfinished.write_text(card_to_json(card), encoding="utf-8")


@contextmanager
def new_model_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder to write to; it takes the name when all went well and is removed otherwise.

    Raises InvalidInput if something has this name already.
    """
    if folder.is_symlink() or folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise InvalidInput(f"{folder} is there already, and not empty: name a new folder with --output")
    with new_folder(folder) as temporary:
        yield temporary
