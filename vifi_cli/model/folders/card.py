"""What a model folder's `config.json` says; read without torch, as a search does."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from operator import index
from pathlib import Path
from typing import Any, Literal, cast, get_args

from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.backbones import STARTER
from vifi_cli.model.registry.source import CARD_FILE
from vifi_cli.model.towers.preprocessing import Preprocessing
from vifi_cli.video.decode.frames import FrameGeometry

TEMPLATE = "a photo of a {}."

Fusion = Literal["embedding", "decision", "image"]
FUSIONS: tuple[Fusion, ...] = get_args(Fusion)
Tower = Literal["image", "text"]
# raise when a key changes its meaning
_FORMAT = 1
_RESIZES, _INTERPOLATIONS = ("shortest", "squash", "longest"), ("bicubic", "bilinear")


@dataclass(frozen=True, slots=True)
class PromptShape:
    """How many learned prompts a model has, and how deep they go; all 0 where there are none.

    Attributes:
        text_context: vectors that stand before a class's name.
        text_depth: layers of the text tower that have vectors of their own, the input counting as one.
        image_context: vectors that stand after an image's patches.
        image_depth: layers of the image tower that have vectors of their own, the input counting as one.
    """

    text_context: int = 0
    text_depth: int = 0
    image_context: int = 0
    image_depth: int = 0

    def __post_init__(self) -> None:
        counts = (self.text_context, self.text_depth, self.image_context, self.image_depth)
        if any(index(count) < 0 for count in counts):
            raise ValueError(f"prompts are counted by whole numbers from 0 on, not {counts}")
        for tower in ("text", "image"):
            context, depth = getattr(self, f"{tower}_context"), getattr(self, f"{tower}_depth")
            if bool(context) != bool(depth):
                raise ValueError(f"{context} {tower} prompts in {depth} layers: both are 0, or neither is")

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.text_context or self.image_context)


@dataclass(frozen=True, slots=True)
class BaseReference:
    """The model that prompts were learned for.

    Attributes:
        model: its name, or the path of its folder, relative to the prompts' folder where it lies inside.
        image: the fingerprint of its image tower, 64 hex digits.
        text: the fingerprint of its text tower.
    """

    model: str
    image: str
    text: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model is made of and where it came from.

    Attributes:
        architecture: `starter`, or open_clip's `model_cfg`.
        preprocessing: the picture that the image tower wants.
        fusion: how frames become a clip; see `vifi_clip.ViFiCLIP`.
        template: what class names are put into, `{}` standing for the name.
        class_names: those it was tuned on, in the order of their labels; empty where unknown.
        tuned: the towers that differ from the base model's.
        untouched: of `starter`'s towers that were not tuned, the base's fingerprints, by tower.
        origin: base model, data, epochs and the like, in words.
        prompts: how many learned prompts the towers have; None where the folder holds the towers' own weights.
        base: the model whose towers the prompts belong to; given where `prompts` is.
    """

    architecture: Literal["starter"] | Mapping[str, Any]
    preprocessing: Preprocessing
    fusion: Fusion = "embedding"
    template: str = TEMPLATE
    class_names: tuple[str, ...] = ()
    tuned: tuple[Tower, ...] = ()
    untouched: Mapping[str, str] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)
    prompts: PromptShape | None = None
    base: BaseReference | None = None

    def __post_init__(self) -> None:
        if self.fusion not in FUSIONS:
            raise ValueError(f"fusion is one of {', '.join(FUSIONS)}, not {self.fusion!r}")
        if self.template.count("{}") != 1:
            raise ValueError(f"a template holds {{}} once, for the class: {self.template!r}")
        if not set(self.tuned) <= set(get_args(Tower)):
            raise ValueError(f"tuned names towers, image and text, not {self.tuned!r}")
        if bool(self.prompts) != bool(self.base):
            raise ValueError("prompts and base are given together, or neither is")

    def class_text(self, name: str) -> str:
        """The text that stands for a class; behind text prompts underscores are spaces, as published."""
        if self.prompts and self.prompts.text_context:
            name = name.replace("_", " ")
        return self.template.replace("{}", name)


def card_to_json(card: ModelCard) -> str:
    """The text of `config.json`."""
    content = {"format": _FORMAT} | {name: getattr(card, name) for name in ModelCard.__slots__}
    content["preprocessing"] = card.preprocessing.as_dict()
    # left out where they say nothing, so that an older vifi reads every model that it can run
    for name in ("prompts", "base"):
        part = content.pop(name)
        content |= {name: asdict(part)} if part else {}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_card(folder: Path) -> ModelCard:
    """Read `config.json`.

    Raises:
        InvalidInput: it is missing, damaged, from a newer vifi, or says something that makes no sense.
    """
    file = folder / CARD_FILE
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        version = content.pop("format")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{file} is no configuration of a vifi model ({_first_line(error)})") from error
    if version != _FORMAT:
        raise InvalidInput(
            f"{file} is in format {version!r}, and this vifi reads format {_FORMAT}: update vifi"
        )
    if unknown := set(content) - set(ModelCard.__slots__):
        raise InvalidInput(f"{file} has a key that vifi does not know: {', '.join(sorted(unknown))}")
    try:
        return _card(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(f"{file} makes no sense: {_first_line(error)}") from error


def _card(content: dict[str, Any]) -> ModelCard:
    architecture = content.pop("architecture")
    if architecture != STARTER and not {"embed_dim", "vision_cfg", "text_cfg"} <= set(architecture):
        raise ValueError("architecture is neither `starter` nor a model_cfg of open_clip")
    preprocessing = content.pop("preprocessing")
    prompts, base = content.pop("prompts", None), content.pop("base", None)
    geometry = FrameGeometry(**preprocessing["geometry"])
    if geometry.resize not in _RESIZES or geometry.interpolation not in _INTERPOLATIONS:
        raise ValueError(f"vifi cannot resize by {geometry.resize}/{geometry.interpolation}")
    return ModelCard(
        architecture,
        Preprocessing(geometry, _colours(preprocessing["mean"]), _colours(preprocessing["std"])),
        class_names=_texts(content.pop("class_names", [])),
        tuned=cast("tuple[Tower, ...]", _texts(content.pop("tuned", []))),
        prompts=PromptShape(**prompts) if prompts else None,
        base=BaseReference(**base) if base else None,
        **content,
    )


def _colours(values: list[float]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"a list of texts is wanted, not {values!r}")
    return tuple(values)


def _first_line(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error).partition("\n")[0]
