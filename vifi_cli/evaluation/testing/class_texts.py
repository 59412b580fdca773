"""The texts that represent classes, embedded: a model's own template, several, or descriptions of each class.

The mean over templates is CLIP's prompt ensemble (Radford et al., 2021, section 3.1.4), the mean over descriptions is
that of CuPL (Pratt et al., 2023) and FROSTER (Huang et al., 2024).
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from vifi_cli.data.class_names import class_key, clean_class_name
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.testing.class_text_files import read_class_texts
from vifi_cli.model.prompts.class_tokens import describe_cut_texts, describe_unclear_classes
from vifi_cli.model.registry.card import ModelCard
from vifi_cli.model.registry.class_texts import ClassTexts
from vifi_cli.model.registry.languages import class_language_hint
from vifi_cli.model.storage.loading import LoadedModel
from vifi_cli.model.towers.vifi_clip import mean_of_classes

TEXTS_AT_ONCE = 256


def embed_class_names(
    loaded: LoadedModel,
    class_names: Sequence[str],
    texts: ClassTexts | None = None,
    *,
    clean: bool | None = None,
    warn: Callable[[str], object] = warnings.warn,
) -> Tensor:
    """Embeds classes: float32 (C, D), of length 1, on the network's device; or the rows of the network's head.

    Each text is embedded and scaled to length 1; a class is the mean of its texts, scaled to length 1. Without texts,
    those of `own_texts` are used, else the model's template. For `clean`, see `spelled_for`. `warn` receives a sentence
    if some classes are the same to the text tower, texts are cut, or the model's own texts do not fit.

    Raises:
        InvalidInput: the model has learned its own context, a class lacks a description, or all classes are the same
            to the text tower; or its head has no answer for a class.
    """
    head, names = loaded.network.head, spelled_for(loaded.card, class_names, clean)
    if head and loaded.card.head == "linear-probe":
        if stranger := next(iter(unanswered_classes(loaded.card, class_names)), None):
            raise InvalidInput(
                f"{loaded.source.name} is a linear probe, which reads no texts, and was not trained on {stranger!r}: "
                f"name classes of its training, or use its base, {loaded.card.origin.get('base')}"
            )
        return head.rows(_places_of(loaded.card, class_names))
    embeddings = _embed_names(loaded, class_names, names, texts, warn)
    return head.rows(_places_of(loaded.card, class_names), embeddings) if head else embeddings


def unanswered_classes(card: ModelCard | None, class_names: Sequence[str]) -> list[str]:
    """The classes for which a model has no answer: those that a linear probe was not trained on."""
    if card is None or card.head != "linear-probe":
        return []
    places = _places_of(card, class_names)
    return [name for name, place in zip(class_names, places, strict=True) if place is None]


def _places_of(card: ModelCard, class_names: Sequence[str]) -> list[int | None]:
    """The places of classes among those of a model's training, in any spelling; None for others."""
    exact = {name: place for place, name in enumerate(card.class_names)}
    any_spelling = {class_key(name): place for name, place in exact.items()}
    return [
        exact.get(name, exact.get(clean_class_name(name), any_spelling.get(class_key(name))))
        for name in class_names
    ]


def _embed_names(
    loaded: LoadedModel,
    class_names: Sequence[str],
    names: Sequence[str],
    texts: ClassTexts | None,
    warn: Callable[[str], object],
) -> Tensor:
    """Embeds classes by texts; `names` are the class names as the model reads them."""
    if texts is None:
        texts = own_texts(loaded.card, names)
        if loaded.card.texts and texts != loaded.card.texts:
            warn(_does_not_fit(loaded.card.texts, names))
    texts_by_class = _texts_by_class(loaded, names, texts)
    if unclear := describe_unclear_classes(loaded.text_reader, class_names, texts_by_class):
        warn(unclear)
    if (
        texts
        and texts.descriptions
        and (cut := describe_cut_texts(loaded.text_reader, class_names, texts_by_class))
    ):
        warn(cut)
    every_text = [text for of_class in texts_by_class for text in of_class]
    # a tuned model may have learned them
    if not loaded.card.class_names and (hint := class_language_hint(loaded.source.name, every_text)):
        warn(hint)
    return mean_of_classes(_embed(loaded, every_text), [len(of_class) for of_class in texts_by_class])


def own_texts(card: ModelCard, class_names: Sequence[str]) -> ClassTexts | None:
    """The texts that a model was tuned with, for a test of these classes; None for its template.

    Descriptions count only if they cover all classes, so that no class is described while another has a bare name.
    """
    texts = card.texts
    if texts is None or not undescribed(class_names, texts):
        return texts
    return replace(texts, descriptions={}) if texts.templates else None


def undescribed(class_names: Sequence[str], texts: ClassTexts) -> list[str]:
    """The classes that lack a description; none where the texts are templates alone."""
    described = {class_key(name) for name in texts.descriptions}
    return [name for name in class_names if described and class_key(name) not in described]


def _does_not_fit(texts: ClassTexts, class_names: Sequence[str]) -> str:
    missing = undescribed(class_names, texts)
    instead = "templates alone stand" if texts.templates else "template stands"
    return (
        f"the model's texts, {texts.name}, describe no class {missing[0]!r} ({len(missing)} of {len(class_names)} lack "
        f"texts): its {instead} for all classes; --texts names others"
    )


def reads_bare_names(card: ModelCard, *, as_published: bool) -> bool:
    """Whether a model is asked for class names alone, without a template: the published code's vanilla CLIP is."""
    return as_published and not (card.tuned or card.base)


def embed_tested_classes(
    loaded: LoadedModel,
    class_names: Sequence[str],
    texts: ClassTexts | None = None,
    *,
    as_published: bool,
    warn: Callable[[str], object] = warnings.warn,
) -> Tensor:
    """Embeds classes as a test does, by `embed_class_names`; `as_published` as `--protocol paper` asks for them."""
    bare = read_class_texts("bare") if reads_bare_names(loaded.card, as_published=as_published) else None
    clean = False if as_published else None
    return embed_class_names(loaded, class_names, texts or bare, clean=clean, warn=warn)


def _texts_by_class(
    loaded: LoadedModel, names: Sequence[str], texts: ClassTexts | None
) -> list[tuple[str, ...]]:
    if texts is None:
        return [(loaded.card.class_text(name),) for name in names]
    if loaded.card.prompts and loaded.card.prompts.text_context:
        raise InvalidInput(
            f"{texts.name} does not go with a model that has learned its text context: it takes bare class names"
        )
    return list(texts_of_classes(names, texts))


def spelled_for(card: ModelCard, class_names: Sequence[str], clean: bool | None = None) -> tuple[str, ...]:
    """Class names as a model was trained to read them; unchanged if two of them would become equal.

    `clean` turns names such as `ApplyEyeMakeup` and `pull_ups` into words. None does what the model was tuned with: a
    class that it knows keeps the model's spelling, and a model tuned by the paper's protocol gets names as they are.
    """
    known = {class_key(name): name for name in card.class_names} if clean is None else {}
    as_words = clean if clean is not None else _reads_words(card)
    names = tuple(
        known.get(class_key(name)) or (clean_class_name(name) if as_words else name) for name in class_names
    )
    return names if len(set(names)) == len(names) else tuple(class_names)


def _reads_words(card: ModelCard) -> bool:
    is_published = "checkpoint" in card.origin or card.origin.get("protocol") == "paper"
    return not is_published and all(name == clean_class_name(name) for name in card.class_names)


def texts_of_classes(class_names: Sequence[str], texts: ClassTexts) -> Iterator[tuple[str, ...]]:
    """The texts of each class: its templates filled in, then its descriptions.

    Raises:
        InvalidInput: only some of the classes are described.
    """
    described = {class_key(name): of_class for name, of_class in texts.descriptions.items()}
    if missing := undescribed(class_names, texts):
        raise InvalidInput(
            f"{texts.name} describes no class {missing[0]!r} ({len(missing)} of {len(class_names)} lack texts)"
            f"{_hint_at_strangers(class_names, texts)}"
        )
    for name in class_names:
        filled = tuple(template.replace("{}", name) for template in texts.templates)
        yield filled + described.get(class_key(name), ())


def _hint_at_strangers(class_names: Sequence[str], texts: ClassTexts) -> str:
    if all(map(str.isdecimal, texts.descriptions)):
        return "; it numbers classes: write their names instead, since lists number them differently"
    strangers = described_strangers(class_names, texts)
    return f"; {strangers[0]!r} is none of these classes" if strangers else ""


def described_strangers(class_names: Sequence[str], texts: ClassTexts) -> list[str]:
    """The described classes that are none of these."""
    keys = {class_key(name) for name in class_names}
    return [name for name in texts.descriptions if class_key(name) not in keys]


@torch.no_grad()
def _embed(loaded: LoadedModel, texts: Sequence[str]) -> Tensor:
    loaded.network.eval()
    device = loaded.network.logit_scale.device
    parts = [texts[start : start + TEXTS_AT_ONCE] for start in range(0, len(texts), TEXTS_AT_ONCE)]
    return torch.cat(
        [loaded.network.encode_classes(loaded.tokenizer(part).to(device)).float() for part in parts]
    )
