"""Loads the encoders that fit an index, and refuses those that do not.

The index's own encoder serves it, unless a user names another for the words of queries. The setting `model` counts as
named only where it fits: a model that vifi has trained, and that encodes images as the index's own does.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.api.feedback import Feedback
from vifi_cli.api.models.weights import fetch_model
from vifi_cli.errors import EncoderMismatch, IndexMissing, InvalidInput, VifiError
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.records import IndexedWith
from vifi_cli.index.encoder import Encoder, TextEncoder, check_encoder, clip_length_of, reads_texts
from vifi_cli.paths import is_given_folder
from vifi_cli.settings.settings import load_settings

if TYPE_CHECKING:
    from vifi_cli.model.registry.source import ModelSource
    from vifi_cli.model.runtime.encoder import ModelEncoder


@dataclass(frozen=True, slots=True)
class EncoderChoice:
    """What encodes queries, and where: on `auto`, `cpu`, `cuda` or `mps`."""

    model: str | None = None  # reads words; None for the index's own encoder, which `with_reader` may replace
    device: str = "auto"


INDEX_ENCODER = EncoderChoice()


def load_query_encoder(indexed_with: IndexedWith, choice: EncoderChoice, feedback: Feedback) -> TextEncoder:
    """Loads the encoder of queries: the text side of the chosen model, or of the index's own encoder.

    Raises:
        EncoderMismatch: the model encodes images differently, or the weights of the index's own have changed.
    """
    model, device = choice.model, choice.device
    if model is None:
        require_text_side(indexed_with)
        return load_index_text_encoder(indexed_with, device, feedback)
    from vifi_cli.model.runtime.encoder import load_text_encoder, vision_fingerprint_of

    instead = f"or omit --model: {indexed_with.model}, which made the index, reads queries too"
    source = fetch_model(model, feedback, instead=instead)
    if vision_fingerprint_of(source, device) != indexed_with.vision_fingerprint:
        raise EncoderMismatch(
            f"the index was made with {indexed_with.model}, and {model} encodes images differently: omit --model, "
            f"or rebuild the index with `vifi index --rebuild --model {model}`"
        )
    return load_text_encoder(source, device)


def with_reader(choice: EncoderChoice, indexed_with: IndexedWith) -> EncoderChoice:
    """A choice with the setting `model` in it, if none was named and the setting reads the words of queries."""
    return choice if choice.model else replace(choice, model=model_that_reads(indexed_with))


def model_that_reads(indexed_with: IndexedWith) -> str | None:
    """The setting `model` if it reads the words of queries to an index; None if the index's own encoder does.

    Only what can be decided without loading an image tower fits: text prompts, and what was tuned from `starter`.
    """
    model = load_settings().model
    if model is None or model == indexed_with.model or not is_given_folder(model):
        return None
    from vifi_cli.model.registry.source import resolve_model
    from vifi_cli.model.runtime.encoder import quick_vision_fingerprint_of

    try:
        source = resolve_model(model)
        fits = quick_vision_fingerprint_of(source) == indexed_with.vision_fingerprint
    except VifiError:  # a model that is not there is no reason not to search
        return None
    return source.name if fits and source.name != indexed_with.model else None


def note_model_setting(index_folder: Path, feedback: Feedback) -> None:
    """Notes what the setting `model` means for an index that was made with another model, if there is one."""
    model = load_settings().model
    if model is None:
        return
    try:
        with Catalog(index_folder / CATALOG_FILE) as catalog:
            indexed_with = catalog.indexed_with
    except IndexMissing:
        return
    if model_that_reads(indexed_with):
        feedback.note(f"{model}, the model of your settings, reads the words of queries")
    elif model != indexed_with.model:
        feedback.note(
            f"the index keeps {indexed_with.model}: `vifi index --rebuild` changes it to {model}, "
            "the model of your settings"
        )


def load_index_text_encoder(indexed_with: IndexedWith, device: str, feedback: Feedback) -> TextEncoder:
    """Loads the text side of the index's own encoder; raises EncoderMismatch if its weights have changed."""
    from vifi_cli.model.runtime.encoder import load_text_encoder

    encoder = load_text_encoder(fetch_index_model(indexed_with, feedback), device)
    if encoder.text_fingerprint != indexed_with.text_fingerprint:
        raise changed_encoder(indexed_with)
    return encoder


def load_both_sides(source: "ModelSource", device: str, feedback: Feedback) -> "ModelEncoder":
    """Loads both sides of a model, and says so: compiling it for this machine, once, takes longer."""
    from vifi_cli.model.runtime.encoder import is_compiled, load_encoder

    name = source.path.name if source.path else source.name
    what = f"Loading {name}" if is_compiled(source, device) else f"Compiling {name} for this machine, once"
    with feedback.busy(what):
        return load_encoder(source, device)


def load_index_encoder(indexed_with: IndexedWith, device: str, feedback: Feedback) -> Encoder:
    """Loads both sides of the index's own encoder; raises EncoderMismatch if its weights have changed."""
    encoder = load_both_sides(fetch_index_model(indexed_with, feedback), device, feedback)
    if not sees_alike(encoder, indexed_with):
        raise changed_encoder(indexed_with)
    return encoder


@dataclass(frozen=True, slots=True)
class OwnEncoder:
    """An encoder that a program has made itself, for an index that it made with it; other indexes are refused."""

    encoder: Encoder

    def __post_init__(self) -> None:
        check_encoder(self.encoder)

    def load(self, indexed_with: IndexedWith, device: str, feedback: Feedback) -> Encoder:
        """The encoder, as `load_index_encoder` returns that of a model."""
        if not sees_alike(self.encoder, indexed_with):
            raise EncoderMismatch(
                f"the index was made with {indexed_with.model}, and {self.encoder.model_name} encodes videos "
                "differently: pass the encoder that made it, or rebuild with index_videos(encoder=..., rebuild=True)"
            )
        return self.encoder

    def load_text_side(
        self, indexed_with: IndexedWith, choice: EncoderChoice, feedback: Feedback
    ) -> TextEncoder:
        """Its text side, or that of the chosen model, as `load_query_encoder` returns them."""
        encoder = self.load(indexed_with, choice.device, feedback)
        if choice.model is None and reads_texts(encoder):
            return encoder
        return load_query_encoder(indexed_with, choice, feedback)


def sees_alike(encoder: Encoder, indexed_with: IndexedWith) -> bool:
    """Whether an encoder gives videos the embeddings that are in an index."""
    return (
        encoder.vision_fingerprint == indexed_with.vision_fingerprint
        and encoder.dimension == indexed_with.dimension
        and clip_length_of(encoder) == indexed_with.clip_length
    )


def require_text_side(indexed_with: IndexedWith) -> None:
    """Raises InvalidInput if the index's own encoder reads no words."""
    if not indexed_with.reads_texts:
        raise InvalidInput(
            f"{indexed_with.model}, which made the index, reads no words: search by example with "
            "`vifi similar FILE`, or teach a concept by marking moments with `vifi teach NAME`"
        )


def fetch_index_model(indexed_with: IndexedWith, feedback: Feedback) -> "ModelSource":
    """Fetches the model that made an index; the errors are those of `fetch_model`."""
    try:
        return fetch_model(indexed_with.model, feedback)
    except InvalidInput as error:
        raise InvalidInput(
            f"{error} (it made the index; if it is an encoder of your own, pass it in Python, as encoder=...)"
        ) from error


def changed_encoder(indexed_with: IndexedWith) -> EncoderMismatch:
    """That the index's own encoder is no longer what it was, and what to do."""
    return EncoderMismatch(
        f"{indexed_with.model} no longer encodes videos as when the index was made: "
        "restore its weights, or rebuild the index with `vifi index --rebuild`"
    )
