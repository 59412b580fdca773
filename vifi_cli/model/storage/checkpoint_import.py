"""Joins a published checkpoint with the CLIP that its training began with, into a model of vifi's own."""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from vifi_cli.errors import InvalidInput
from vifi_cli.model.prompts.initialization import put_prompts
from vifi_cli.model.registry.card import TEMPLATE, ModelCard, Tower
from vifi_cli.model.registry.source import ModelSource
from vifi_cli.model.storage.loading import LoadedModel, load_vifi_clip, reference_to
from vifi_cli.model.storage.published_checkpoint import (
    PublishedCheckpoint,
    PublishedPrompts,
    embedded_names,
    is_prompt,
    own_name,
    published_name,
    read_published_checkpoint,
    read_published_prompts,
)
from vifi_cli.model.storage.writing import write_model_folder
from vifi_cli.model.torchvision_operators import declare_missing_operators

# the CLIP of imported prompts, inside their folder
BASE_FOLDER = "base"
_PROMPTED_TEMPLATE = "{}."
_MOST_FROM_WORDS = 4
_TOKEN_EMBEDDING = "text.token_embedding.weight"
_CLASS_TEXTS = "prompt_learner.complete_text_embeddings"


@dataclass(frozen=True, slots=True)
class ImportedCheckpoint:
    """A checkpoint as a model."""

    model: LoadedModel
    looks_like: str  # the architecture in words
    remarks: tuple[str, ...]  # warnings for the user, a sentence each
    base: LoadedModel | None = None  # of a checkpoint with prompts, the model without them


def import_checkpoint(path: Path, base: ModelSource) -> ImportedCheckpoint:
    """Join a checkpoint with the CLIP that its training began with, whose weights must be on this machine.

    Raises:
        InvalidInput: the checkpoint is of another backbone, or its prompts make no sense.
        ModelUnavailable: a file is damaged, refused, or not a checkpoint of ViFi-CLIP.
    """
    checkpoint = read_published_checkpoint(path)
    loaded = load_vifi_clip(base)
    weights = {
        own_name(name): tensor.float()
        for name, tensor in checkpoint.weights.items()
        if not name.startswith("prompt_learner.") and not is_prompt(name)
    }
    prompts = read_published_prompts(path, checkpoint.weights)
    known = dict(loaded.network.state_dict())
    _check_shapes(checkpoint, weights, known, base.name)
    tuned = _tuned_towers(weights, known)
    # published training rounds the embedded class texts to half precision
    weights[_TOKEN_EMBEDDING] = known[_TOKEN_EMBEDDING].half().float()
    names, template = _names_and_template(checkpoint, weights[_TOKEN_EMBEDDING], prompts)
    loaded.network.load_state_dict(weights, strict=False)
    card = _card(checkpoint, loaded.card, tuned, names or ())
    is_other_base = names is None or not set(tuned) <= _towers_in_settings(checkpoint)
    remark = f"it was probably not trained from {base.name}: name the CLIP it was trained from with --base"
    imported = ImportedCheckpoint(
        replace(loaded, card=card), checkpoint.looks_like, (remark,) if is_other_base else ()
    )
    return _with_prompts(path, imported, prompts, template) if prompts.shape else imported


def _with_prompts(
    path: Path, plain: ImportedCheckpoint, prompts: PublishedPrompts, template: str
) -> ImportedCheckpoint:
    network, card = plain.model.network, plain.model.card
    # the classes it was tuned on before the prompts are unknown
    base = replace(plain.model, network=copy.deepcopy(network), card=replace(card, class_names=()))
    try:
        put_prompts(network, prompts.text, prompts.image)
    except InvalidInput as error:
        raise InvalidInput(f"{path} does not fit its backbone: {error}") from error
    prompted = replace(
        card,
        template=template,
        tuned=(),
        prompts=prompts.shape,
        base=reference_to(BASE_FOLDER, network, base.card),
    )
    return replace(plain, model=replace(plain.model, card=prompted), base=base)


def write_imported(folder: Path, imported: ImportedCheckpoint) -> None:
    """Write an imported checkpoint as a model folder; of prompts, their base goes into `base/` inside."""
    if imported.base:
        write_model_folder(folder / BASE_FOLDER, imported.base.network, imported.base.card)
    write_model_folder(folder, imported.model.network, imported.model.card)


def _names_and_template(
    checkpoint: PublishedCheckpoint, token_embedding: Tensor, prompts: PublishedPrompts
) -> tuple[tuple[str, ...] | None, str]:
    """The class names and what they are put into.

    The names are empty where they are unknown, None where the token embedding is another one.
    """
    texts, templates = checkpoint.weights.get(_CLASS_TEXTS), [_template(checkpoint)]
    if prompts.text:
        texts, templates = embedded_names(checkpoint.weights), _prompted_templates(checkpoint, prompts)
    if texts is None:
        return (), templates[0]
    read = [(class_names_of(texts, token_embedding, template), template) for template in templates]
    return next((found for found in read if found[0]), read[0])


def _prompted_templates(checkpoint: PublishedCheckpoint, prompts: PublishedPrompts) -> list[str]:
    """What may stand behind text prompts: up to four took the place of the first words, and the text keeps the others.

    Source: `trainers/vificlip.py`, VLPromptLearner.
    """
    count = prompts.shape.text_context
    declare_missing_operators()
    import open_clip

    tokenizer = open_clip.SimpleTokenizer()
    kept = tokenizer.encode(_template(checkpoint).partition("{}")[0])[count:]
    is_kept = count <= _MOST_FROM_WORDS and kept
    return [*([f"{tokenizer.decode(kept).strip()} {{}}."] if is_kept else []), _PROMPTED_TEMPLATE]


def _towers_in_settings(checkpoint: PublishedCheckpoint) -> set[str]:
    """The towers that the published code tunes under its setting `USE`; any value it does not know means text."""
    use = checkpoint.facts.get("use", "both")
    return {"image", "text"} if use == "both" else {"image"} if use == "image" else {"text"}


def _check_shapes(
    checkpoint: PublishedCheckpoint, weights: Mapping[str, Tensor], known: Mapping[str, Tensor], base: str
) -> None:
    expected = {
        name: tensor for name, tensor in known.items() if name not in (_TOKEN_EMBEDDING, "logit_bias")
    }
    for name in (*weights, *expected):
        here, there = weights.get(name), expected.get(name)
        if here is not None and there is not None and here.shape == there.shape:
            continue
        raise InvalidInput(
            f"{checkpoint.path} is the wrong checkpoint for the backbone {base}: {published_name(name)} is "
            f"{_shape(here)} in the checkpoint and {_shape(there)} in the backbone. The checkpoint looks like "
            f"{checkpoint.looks_like}; name its backbone with --base"
        )


def _shape(tensor: Tensor | None) -> str:
    return "missing" if tensor is None else f"({', '.join(map(str, tensor.shape))})"


def _tuned_towers(weights: Mapping[str, Tensor], known: Mapping[str, Tensor]) -> tuple[Tower, ...]:
    """The towers of which a weight differs from the base's, as it is or rounded to half precision as published."""
    towers: tuple[tuple[Tower, str], ...] = (("image", "visual."), ("text", "text."))
    return tuple(
        tower
        for tower, prefix in towers
        if any(
            not torch.equal(tensor, known[name]) and not torch.equal(tensor, known[name].half().float())
            for name, tensor in weights.items()
            if name.startswith(prefix)
        )
    )


def _template(checkpoint: PublishedCheckpoint) -> str:
    context = checkpoint.facts.get("context", "").replace("_", " ")
    return f"{context} {{}}." if context and "{}" not in context else TEMPLATE


def _card(
    checkpoint: PublishedCheckpoint, base: ModelCard, tuned: tuple[Tower, ...], names: tuple[str, ...]
) -> ModelCard:
    facts = {name: fact for name, fact in checkpoint.facts.items() if name != "context"}
    return replace(
        base,
        preprocessing=base.preprocessing.with_imagenet_statistics(),
        fusion="embedding",
        template=_template(checkpoint),
        class_names=names,
        tuned=tuned,
        origin={**base.origin, "checkpoint": checkpoint.path.name, **facts},
    )


def class_names_of(embedded: Tensor, token_embedding: Tensor, template: str) -> tuple[str, ...] | None:
    """Read class names back out of a published checkpoint, which keeps them only as embedded tokens.

    Args:
        embedded: float (C, L, W), `complete_text_embeddings` of a checkpoint: the class texts, token by token.
        token_embedding: float (V, W), rounded to half precision as the published code does.
        template: what the names were put into.

    Returns:
        C names, in lower case as CLIP's tokenizer has them; empty where they cannot be separated from the template;
        None where another token embedding was used.
    """
    if embedded.ndim != 3 or embedded.shape[2] != token_embedding.shape[1]:
        return None
    tokens = _token_ids(embedded, token_embedding)
    return None if tokens is None else _names(tokens, template)


def _names(tokens: Tensor, template: str) -> tuple[str, ...]:
    declare_missing_operators()
    import open_clip

    tokenizer = open_clip.SimpleTokenizer(context_length=tokens.shape[1])
    before, after = (tokenizer.decode(tokenizer.encode(part)).strip() for part in template.split("{}"))
    names = []
    for row in tokens:
        text = tokenizer.decode(row[1 : int(row.argmax())].tolist()).strip()
        name = text.removeprefix(before).removesuffix(after).strip()
        tight = re.sub(r" ?([^\w ]|_) ?", r"\1", name)
        fitting = [n for n in (tight, name) if torch.equal(tokenizer(template.replace("{}", n))[0], row)]
        if not fitting:
            return ()
        names.append(fitting[0])
    return tuple(names)


def _token_ids(embedded: Tensor, token_embedding: Tensor) -> Tensor | None:
    """The token ids int64 (C, L) that were embedded, or None."""
    ids = {row.tobytes(): index for index, row in enumerate(token_embedding.half().numpy())}
    found = [ids.get(row.tobytes(), -1) for row in embedded.half().flatten(0, 1).numpy()]
    return None if -1 in found else torch.tensor(found).view(embedded.shape[:2])
