"""Loads the model of a run, adds what it learns instead of weights, and makes the card of the models that it saves."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from vifi_cli.data.class_names import clean_class_name
from vifi_cli.data.labeled_videos import LabeledVideos
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.testing.class_texts import (
    described_strangers,
    embed_tested_classes,
    texts_of_classes,
)
from vifi_cli.model.lora.low_rank import add_low_rank
from vifi_cli.model.prompts.class_tokens import describe_cut_texts, refuse_unclear_classes
from vifi_cli.model.prompts.image import image_layers
from vifi_cli.model.prompts.initialization import add_prompts, embedded_words
from vifi_cli.model.prompts.text import text_layers
from vifi_cli.model.registry.card import HEADS, BaseReference, LoraShape, ModelCard, Tower, read_card
from vifi_cli.model.registry.model_files import is_model_folder
from vifi_cli.model.registry.source import ModelSource, resolve_model
from vifi_cli.model.storage.loading import LoadedModel, describe_base, load_vifi_clip, preprocessing_of
from vifi_cli.model.storage.writing import name_base
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.training.engine.class_tokens import ClassTokens
from vifi_cli.training.recipe.prompt_recipe import PromptRoom
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.training.run.folder import RunConfig
from vifi_cli.wording import as_argument, counted

_MANY_TEXTS = 1000  # of 25 tokens, as much work as 50 frames for ViT-B/16: a step of `small` has 64
TUNED: dict[str, tuple[Tower, ...]] = {
    **{"both": ("image", "text"), "image": ("image",), "text": ("text",)},
    **dict.fromkeys(HEADS, ()),
}


def load_start(name: str, *, of_changes: bool = False) -> LoadedModel:
    """Load the model that a run starts from, which must not be a prompt model.

    `of_changes` is whether the run learns changes of it, which cannot stand on low-rank matrices. Other runs start from
    the sum of these and the weights.
    """
    source = resolve_model(name)
    check_start(source, of_changes=of_changes)
    return load_vifi_clip(source)


def check_start(start: ModelSource, *, of_changes: bool) -> None:
    """Check that a run can start from a model, by its card alone; see `load_start`."""
    name, card = start.name, start.card
    if not card or not card.base:
        return
    if card.head:
        raise InvalidInput(f"{name} holds {card.changes}: name its base, {card.base.model}")
    if not card.lora:
        raise InvalidInput(f"{name} is a prompt model: name its base, {card.base.model}")
    if of_changes:
        raise InvalidInput(
            f"{name} holds {card.changes}: put them into full weights first, with "
            f"`vifi model merge {as_argument(Path(name))} --output FOLDER`, and name that folder"
        )


def prompt_room(model: str) -> PromptRoom:
    """Where a model takes prompts; refuses one whose text tower takes none."""
    loaded = load_start(model, of_changes=True)
    text, fusion = text_layers(loaded.network.text), loaded.card.fusion
    try:
        image = len(image_layers(loaded.network.visual).blocks)
    except InvalidInput as error:
        return PromptRoom(len(text.blocks), 0, text.room, fusion, str(error))
    return PromptRoom(len(text.blocks), image, text.room, fusion)


def load_training_model(
    config: RunConfig,
    data: LabeledVideos,
    device: torch.device,
    say: Callable[[str], None] = lambda message: None,
) -> tuple[ViFiCLIP, ClassTokens, ModelCard]:
    """Load the model of a run and add the prompts or low-rank matrices of its recipe.

    `say` receives what is lost of class texts. Raises InvalidInput if two classes are the same to the text tower.

    Returns the network and the class texts, both on the device, and the card of the models that the run saves.
    """
    recipe = config.recipe
    learns_changes = bool(recipe.prompts or recipe.lora.rank)
    model = load_start(config.model, of_changes=learns_changes)
    card = tuned_card(model.card, config, data)
    if learns_changes:
        base = describe_base(model, card.preprocessing)
        card = replace(card, prompts=recipe.prompts or None, lora=_lora_of(recipe), base=base)
    network = model.network
    network.fusion = card.fusion
    prepare_towers(network, recipe)
    if recipe.prompts:
        words, count = recipe.context_words, recipe.prompts.text_context
        context = embedded_words(network.text, model.tokenizer, words, count) if words else None
        add_prompts(network, recipe.prompts, recipe.seed, context)
    if card.lora:
        add_low_rank(network, card.lora, recipe.seed)
    texts = class_texts_of(card)
    refuse_unclear_classes(model.text_reader, data.class_names, texts)
    cut = describe_cut_texts(model.text_reader, data.class_names, texts)
    for remark in filter(None, (cut, _unused_texts(card), slow_texts(recipe, texts))):
        say(remark)
    tokens = model.tokenizer([text for of_class in texts for text in of_class])
    return network.to(device), ClassTokens(tokens.to(device), tuple(map(len, texts))), card


def class_texts_of(card: ModelCard) -> list[tuple[str, ...]]:
    """The texts of each class of a run, by the card of its models.

    Raises:
        InvalidInput: only some of the classes are described.
    """
    if card.texts is None:
        return [(card.class_text(name),) for name in card.class_names]
    return list(texts_of_classes(card.class_names, card.texts))


def slow_texts(recipe: Recipe, texts: Sequence[Sequence[str]]) -> str:
    """A note that a step encodes many of the `texts` of each class, where it could draw some; otherwise empty."""
    count = sum(map(len, texts))
    if recipe.tune == "image" or recipe.texts_per_step or count == len(texts) or count < _MANY_TEXTS:
        return ""
    return f"each step encodes {count:,} class texts; --recipe texts_per_step=1 draws one of each class, in less time"


def _unused_texts(card: ModelCard) -> str:
    """A note on described classes that a run does not learn; otherwise empty."""
    strangers = described_strangers(card.class_names, card.texts) if card.texts else []
    if not card.texts or not strangers:
        return ""
    return (
        f"{card.texts.name} describes {counted(len(strangers), 'class', 'classes')} that this run does not learn, such "
        f"as {strangers[0]!r}: kept in the model for tests of them"
    )


def _lora_of(recipe: Recipe) -> LoraShape | None:
    lora = recipe.lora
    return LoraShape(lora.rank, lora.alpha, TUNED[recipe.tune], lora.places) if lora.rank else None


def check_class_texts(config: RunConfig, data: LabeledVideos) -> None:
    """Check before an earlier stage that the run can begin: its prompts must not displace what names differ in."""
    if config.recipe.prompts and config.recipe.prompts.text_context:
        load_training_model(config, data, torch.device("cpu"))


@torch.inference_mode()
def load_untrained(
    name: str, class_names: Sequence[str], device: torch.device, *, as_published: bool
) -> tuple[ViFiCLIP, Tensor]:
    """The model that a run starts from, with the class embeddings (C, D) by which `vifi eval` tests it."""
    model = load_start(name)
    model.network.to(device)
    # warnings about class names concern the model that learns, and have been shown
    classes = embed_tested_classes(model, class_names, as_published=as_published, warn=lambda _: None)
    return model.network, classes


def check_base(saved: Sequence[Path], base: BaseReference | None) -> None:
    """Check that saved changes of a model continue with the model that they were learned for.

    If that model was moved, as in a bridge, its new path is written into the saved folders.
    """
    for folder in saved:
        begun = read_card(folder).base if is_model_folder(folder) else None
        if not base or not begun or begun == base:
            continue
        if (begun.image, begun.text) != (base.image, base.text):
            raise InvalidInput(f"{base.model} has changed since this run began: start a new run")
        name_base(folder, base)


def keeps_index(card: ModelCard, start: str) -> bool:
    """Whether frames give the embeddings that the start of a run gives, so that an index of it serves the result."""
    if not card.base or card.changes_tower("image"):
        return False
    return card.preprocessing.normalizes_like(preprocessing_of(resolve_model(start)))


def prepare_towers(network: ViFiCLIP, recipe: Recipe) -> None:
    """Set the towers up for training as the recipe's runtime says."""
    # convolutions are twice as fast in this memory layout
    network.visual.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for tower in (network.visual, network.text):
        if recipe.runtime.gradient_checkpointing:
            if not hasattr(tower, "set_grad_checkpointing"):
                raise InvalidInput("recipe: this model cannot do runtime.gradient_checkpointing: omit it")
            tower.set_grad_checkpointing()  # type: ignore[operator]
        if recipe.runtime.compile:
            tower.compile()


def tuned_card(base: ModelCard, config: RunConfig, data: LabeledVideos) -> ModelCard:
    """The card of the models that a run saves; only models with square input can be tuned."""
    recipe = config.recipe
    geometry = base.preprocessing.geometry
    if geometry.height != geometry.width:
        raise InvalidInput(
            f"{config.model} takes pictures of {geometry.height} x {geometry.width}; only square ones can be tuned"
        )
    preprocessing = base.preprocessing
    if recipe.imagenet_statistics:
        preprocessing = preprocessing.with_imagenet_statistics()
    return ModelCard(
        base.architecture,
        preprocessing,
        fusion=recipe.fusion,
        template=recipe.template,
        texts=config.texts,
        class_names=_class_names(data, recipe),
        tuned=tuple(dict.fromkeys((*base.tuned, *TUNED[recipe.tune]))),
        origin={
            "base": config.model,
            "data": data.name,
            "setting": config.setting,
            "protocol": config.protocol,
            "frames": str(recipe.frames),
        },
    )


def _class_names(data: LabeledVideos, recipe: Recipe) -> tuple[str, ...]:
    if recipe.clean_class_names:
        names = tuple(clean_class_name(name) for name in data.class_names)
    elif recipe.prompts:
        # as published (trainers/vificlip.py, PromptLearner), where CamelCase stays
        names = tuple(name.replace("_", " ") for name in data.class_names)
    else:
        return data.class_names
    # if two names would become the same, all keep their spelling
    return names if len(set(names)) == len(names) else data.class_names
