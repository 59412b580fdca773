"""`starter`, and model folders made from it: their towers and fingerprints, without reading what is not needed.

A tower that was not tuned is `starter`'s own, under its fingerprint. So it need not be compiled or embedded again, and
an index stays valid under a model of which only the text tower was tuned.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.model.preprocessing import STARTER_PREPROCESSING, Preprocessing
from vifi_cli.model.registry.card import ModelCard
from vifi_cli.model.registry.known_models import STARTER
from vifi_cli.model.registry.model_files import CARD_FILE, WEIGHTS_FILE
from vifi_cli.model.registry.source import ModelSource
from vifi_cli.model.storage.changed_model import changed_fingerprint, changed_tower
from vifi_cli.model.weights.fingerprint import fingerprint_of_files, fingerprint_of_tower_file
from vifi_cli.model.weights.packaged_weights import IMAGE_WEIGHTS, TEXT_TOKENIZER, TEXT_WEIGHTS

if TYPE_CHECKING:
    from torch import nn

    from vifi_cli.model.towers.minilm import SentenceTransformer
    from vifi_cli.model.towers.starter import StarterImageTower

_Network = TypeVar("_Network", bound="nn.Module")
# raise when the way the towers are made from the files changes
_RECIPE = {"architecture": "starter", "recipe": 1}


@dataclass(frozen=True, slots=True)
class StarterTowers:
    """The towers of `starter`, or of a model made from it; nothing is read before it is needed."""

    model_name: str  # resolves to the model
    preprocessing: Preprocessing
    vision_fingerprint: Callable[[], str]
    text_fingerprint: Callable[[], str]
    build_visual: "Callable[[], nn.Module]"
    build_text: "Callable[[], nn.Module]"  # a `SentenceTransformer` or one with prompts


def text_fingerprint() -> str:
    """Digest of `starter`'s text tower, from the files it is made of."""
    return fingerprint_of_files({**_RECIPE, "tower": "text"}, _text_digests())


def vision_fingerprint() -> str:
    """Digest of `starter`'s image tower; the text tower made its head, so it depends on those files too."""
    return fingerprint_of_files(
        {**_RECIPE, "tower": "vision"}, [IMAGE_WEIGHTS.checked_digest(), *_text_digests()]
    )


def _text_digests() -> list[bytes]:
    return [TEXT_WEIGHTS.checked_digest(), TEXT_TOKENIZER.checked_digest()]


def starter_towers_of(source: ModelSource) -> StarterTowers | None:
    """The towers, where a model is `starter`, tuned from it, or changes of one of these; otherwise None."""
    card, folder = source.card, source.path
    if source.kind == "starter":
        return StarterTowers(
            STARTER,
            STARTER_PREPROCESSING,
            vision_fingerprint,
            text_fingerprint,
            _packaged_visual,
            _packaged_text,
        )
    if not card or not folder or card.architecture != STARTER:
        return None
    return _changed_towers(source, source.base, card) if source.base else _tuned_towers(folder, card)


def _packaged_visual() -> "StarterImageTower":
    from vifi_cli.model.towers.starter import packaged_image_tower

    return packaged_image_tower(_packaged_text())


def _packaged_text() -> "SentenceTransformer":
    from vifi_cli.model.towers.minilm import load_minilm

    return load_minilm(TEXT_WEIGHTS.locate())


def _changed_towers(source: ModelSource, base_source: ModelSource, card: ModelCard) -> StarterTowers:
    base = starter_towers_of(base_source)
    if base is None or any(card.prompts_in("image")):
        raise InvalidInput(
            f"{source.name} holds {card.changes} that do not fit {base_source.name}: learn them for it again"
        )
    return StarterTowers(
        source.name,
        card.preprocessing,
        lambda: changed_fingerprint(source, "image", fingerprint_with(base, card.preprocessing)),
        lambda: changed_fingerprint(source, "text", base.text_fingerprint()),
        lambda: changed_tower(source, "image", base.build_visual()),
        lambda: changed_tower(source, "text", base.build_text()),
    )


def _tuned_towers(folder: Path, card: ModelCard) -> StarterTowers:
    file = folder / WEIGHTS_FILE
    keeps_image = card.untouched.get("image") == vision_fingerprint()
    keeps_text = card.untouched.get("text") == text_fingerprint()
    return StarterTowers(
        str(folder),
        card.preprocessing,
        lambda: _normalized(
            vision_fingerprint() if keeps_image else _fingerprint(file, "visual."),
            STARTER_PREPROCESSING,
            card.preprocessing,
        ),
        text_fingerprint if keeps_text else lambda: _fingerprint(file, "text."),
        _packaged_visual if keeps_image else lambda: read_image_tower(file),
        _packaged_text if keeps_text else lambda: read_text_tower(file),
    )


def fingerprint_with(towers: StarterTowers, preprocessing: Preprocessing) -> str:
    """The fingerprint of the image tower, were its pictures normalized as in `preprocessing`."""
    return _normalized(towers.vision_fingerprint(), towers.preprocessing, preprocessing)


def _normalized(fingerprint: str, own: Preprocessing, used: Preprocessing) -> str:
    if used.normalizes_like(own):
        return fingerprint
    return fingerprint_of_files({"tower": fingerprint, "mean": used.mean, "std": used.std}, ())


def _fingerprint(file: Path, prefix: str) -> str:
    return fingerprint_of_tower_file({"architecture": "starter"}, file, prefix)


def read_image_tower(file: Path) -> "StarterImageTower":
    """The image tower of a weights file, in evaluation mode; ModelUnavailable if the file does not hold one."""
    from vifi_cli.model.towers.starter import untrained_image_tower

    return _filled(untrained_image_tower(), file, "visual.")


def read_text_tower(file: Path) -> "SentenceTransformer":
    """The text tower of a weights file, in the same way."""
    from vifi_cli.model.towers.minilm import SentenceTransformer

    return _filled(SentenceTransformer(), file, "text.")


def _filled(tower: _Network, file: Path, prefix: str) -> _Network:
    from vifi_cli.model.weights.weights_file import read_weights

    weights = read_weights(file, lambda name: name.startswith(prefix))
    try:
        tower.load_state_dict({name.removeprefix(prefix): tensor for name, tensor in weights.items()})
    except RuntimeError as error:
        raise ModelUnavailable(
            f"{file} does not fit the architecture named in {CARD_FILE} beside it: copy the complete folder again"
        ) from error
    return tower.eval()
