"""The card of a model: the content of its folder's `config.json`, read without torch."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from vifi_cli.errors import InvalidInput
from vifi_cli.model.preprocessing import Preprocessing
from vifi_cli.model.registry.class_texts import ClassTexts
from vifi_cli.model.registry.known_models import STARTER, STARTER_DIMENSION
from vifi_cli.model.registry.model_files import CARD_FILE
from vifi_cli.typed_files import as_dataclass

TEMPLATE = "a photo of a {}."

Fusion = Literal["embedding", "decision", "image"]
FUSIONS: tuple[Fusion, ...] = get_args(Fusion)
Tower = Literal["image", "text"]
HeadKind = Literal["linear-probe", "tip-adapter"]
HEADS: tuple[HeadKind, ...] = get_args(HeadKind)
# projections of attention, the two layers behind it, and convolutions of 1 x 1 pixels
LoraPlace = Literal["q", "k", "v", "o", "mlp", "conv"]
_OPEN_CLIP_KEYS = {"embed_dim", "vision_cfg", "text_cfg"}
# raise when a key changes its meaning
_FORMAT = 1


def short(fingerprint: str) -> str:
    """As much of a fingerprint as people compare."""
    return fingerprint[:12]


@dataclass(frozen=True, slots=True)
class PromptShape:
    """How many learned prompts a model has, and in how many layers, of which the input counts as one; 0 means none."""

    text_context: int = 0  # vectors before a class's name
    text_depth: int = 0
    image_context: int = 0  # vectors after an image's patches
    image_depth: int = 0

    def __post_init__(self) -> None:
        counts = (self.text_context, self.text_depth, self.image_context, self.image_depth)
        if min(counts) < 0:
            raise ValueError(f"prompts are counted from 0 on, not {counts}")
        for tower in get_args(Tower):
            context, depth = self.of(tower)
            if bool(context) != bool(depth):
                raise ValueError(f"{context} {tower} prompts in {depth} layers: both are 0, or neither is")

    def of(self, tower: Tower) -> tuple[int, int]:
        """Prompts and layers of one tower."""
        if tower == "image":
            return self.image_context, self.image_depth
        return self.text_context, self.text_depth

    def __bool__(self) -> bool:
        return bool(self.text_context or self.image_context)


@dataclass(frozen=True, slots=True)
class LoraShape:
    """Which weights of which towers have low-rank matrices beside them: W + alpha / rank x B A."""

    rank: int
    alpha: float
    towers: tuple[Tower, ...]
    places: tuple[LoraPlace, ...]

    def __post_init__(self) -> None:
        if self.rank < 1 or not self.alpha > 0 or not self.towers or not self.places:
            raise ValueError("LoRA needs a rank of 1 or more, an alpha above 0, towers and places")

    @property
    def scale(self) -> float:
        """The factor before the product of the matrices."""
        return self.alpha / self.rank


@dataclass(frozen=True, slots=True)
class BaseReference:
    """The model that a folder holds changes of, with the fingerprints of its towers."""

    model: str  # a name or a folder, relative to the folder of the changes where it is inside
    image: str
    text: str

    def __str__(self) -> str:
        return f"{self.model} (image tower {short(self.image)}, text tower {short(self.text)})"


@dataclass(frozen=True, slots=True, repr=False)
class ModelCard:
    """What a model is made of and where it came from."""

    architecture: Literal["starter"] | Mapping[str, Any]  # `starter`, or open_clip's `model_cfg`
    preprocessing: Preprocessing
    fusion: Fusion = "embedding"  # how frames become a clip; see `ViFiCLIP`
    template: str = TEMPLATE  # what class names are put into, in place of `{}`
    texts: ClassTexts | None = None  # what it was tuned with instead of the template
    class_names: tuple[str, ...] = ()  # of fine-tuning, in the order of their labels
    tuned: tuple[Tower, ...] = ()  # the towers that differ from the base model's
    # fingerprints of `starter`'s towers that were not tuned, by tower
    untouched: Mapping[str, str] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)  # base model, data, epochs and the like, in words
    prompts: PromptShape | None = None  # None where the folder holds the towers' own weights
    base: BaseReference | None = None  # the model that prompts, low-rank matrices or a head belong to
    lora: LoraShape | None = None  # None where no tower has low-rank matrices
    head: HeadKind | None = None  # the classifier on top of the base; None where class texts classify

    def __post_init__(self) -> None:
        if self.template.count("{}") != 1:
            raise ValueError(f"template needs {{}} once, in place of the class: {self.template!r}")
        if not isinstance(self.architecture, str) and not self.architecture.keys() >= _OPEN_CLIP_KEYS:
            raise ValueError(
                f"architecture is neither `{STARTER}` nor a model_cfg of open_clip, which has the keys "
                f"{', '.join(sorted(_OPEN_CLIP_KEYS))}"
            )
        if sum(map(bool, (self.prompts, self.lora, self.head))) > 1:
            raise ValueError("a model has prompts, lora or a head, only one of them")
        if bool(self.changes) != bool(self.base):
            raise ValueError(
                "base is given together with what changes it, prompts, lora or a head, and not without"
            )

    @property
    def dimension(self) -> int:
        """D, the length of an embedding."""
        return (
            STARTER_DIMENSION if isinstance(self.architecture, str) else int(self.architecture["embed_dim"])
        )

    @property
    def trained_frames(self) -> int | None:
        """T, the frames of a clip in its training; None if it was not trained on videos, or that is unknown."""
        frames = self.origin.get("frames", "")
        return int(frames) or None if frames.isascii() and frames.isdecimal() else None

    def __repr__(self) -> str:
        kind = self.architecture if isinstance(self.architecture, str) else "CLIP"
        made = f"{self.changes} for {self.base.model}" if self.base else " and ".join(self.tuned) + " tuned"
        changes = f", {made}" if self.base or self.tuned else ""
        return f"<ModelCard {kind}, {self.dimension} dimensions, {len(self.class_names)} classes{changes}>"

    @property
    def changes(self) -> str:
        """What the folder holds instead of weights, in words; empty where it holds the towers' own weights."""
        if self.head:
            return {
                "linear-probe": "the weights of a linear probe",
                "tip-adapter": "the keys of a Tip-Adapter",
            }[self.head]
        return "prompts" if self.prompts else "LoRA matrices" if self.lora else ""

    def changes_tower(self, tower: Tower) -> bool:
        """Whether the folder holds changes of this tower of its base."""
        return any(self.prompts_in(tower)) or bool(self.lora and tower in self.lora.towers)

    def prompts_in(self, tower: Tower) -> tuple[int, int]:
        """How many learned prompts a tower has, and in how many layers; zeros where it has none."""
        return self.prompts.of(tower) if self.prompts else (0, 0)

    def class_text(self, name: str) -> str:
        """The text that stands for a class; behind text prompts underscores are spaces, as published."""
        if self.prompts and self.prompts.text_context:
            name = name.replace("_", " ")
        return self.template.replace("{}", name)


def card_to_json(card: ModelCard) -> str:
    """The text of `config.json`."""
    content = {"format": _FORMAT} | {name: getattr(card, name) for name in ModelCard.__slots__}
    content["preprocessing"] = card.preprocessing.as_dict()
    # absent where there are none, so that an older vifi reads every model that it can run
    for name in ("texts", "prompts", "base", "lora"):
        part = content.pop(name)
        content |= {name: asdict(part)} if part else {}
    if card.head is None:
        del content["head"]
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_card(folder: Path) -> ModelCard:
    """Read `config.json`; InvalidInput if it is missing, damaged, from a newer vifi, or makes no sense."""
    file = folder / CARD_FILE
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        version = content.pop("format")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error).partition("\n")[0]
        raise InvalidInput(f"{file} is not the configuration of a vifi model ({reason})") from error
    if version != _FORMAT:
        raise InvalidInput(
            f"{file} is in format {version!r}, and this vifi reads format {_FORMAT}: update vifi"
        )
    return as_dataclass(ModelCard, content, str(file))
