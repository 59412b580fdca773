"""What a fine-tuning run does, in values: the paper's recipes as presets, the user's changes on top of them.

A recipe file is TOML. Its keys are the fields of `Recipe`, with the tables `[prompts]`, `[augmentation]`, `[mixing]`
and `[runtime]`; a table `[image]` or `[text]` holds what differs when only that tower is tuned. An unknown key is an
error, so that a misspelt one cannot be ignored.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from vifi_cli.data.labeled_videos import LabeledVideos
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import PromptShape
from vifi_cli.training.batches.augmentation import Augmentation
from vifi_cli.training.batches.mixing import Mixing
from vifi_cli.training.recipe.toml_table import checked, from_table

Tune = Literal["both", "image", "text"]
Change = str | Mapping[str, Any]
"""What a user changes: the name of a preset, the path of a TOML file, `key=value`, or TOML values."""
Protocol = Literal["default", "paper"]
TOWERS: tuple[Tune, ...] = ("image", "text")
FINETUNE_PRESETS = ("supervised", "few-shot", "base2novel", "zero-shot", "small")
PROMPT_PRESETS = ("prompt-few-shot", "prompt-base2novel", "prompt-small")
PRESETS = (*FINETUNE_PRESETS, *PROMPT_PRESETS)
_SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Runtime:
    """How a run is carried out; nothing here changes what is learned, but for rounding.

    Attributes:
        precision: `auto` is bf16 where the GPU has it, fp16 on other GPUs, fp32 on a CPU.
        micro_batch: clips that go through the encoder at once, on each process; 0 finds the most that fits.
        workers: processes that read clips for each training process; -1 chooses.
        clip_cache_gb: room on disk for decoded clips, in gigabytes; 0 decodes anew every time.
        compile: whether torch.compile is used.
        gradient_checkpointing: whether activations are computed twice to save memory.
        tensorboard: whether TensorBoard's files are written too.
        save_minutes: an unfinished epoch is saved this often.
    """

    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    micro_batch: int = 0
    workers: int = -1
    clip_cache_gb: float = 8.0
    compile: bool = False
    gradient_checkpointing: bool = False
    tensorboard: bool = False
    save_minutes: float = 10.0


NO_PROMPTS = PromptShape()
PUBLISHED_AUGMENTATION = Augmentation(multi_scale_crop=1.0, flip=0.5, color_jitter=0.8, grayscale=0.2)
PUBLISHED_MIXING = Mixing(mixup=0.8, cutmix=1.0, switch_probability=0.5, label_smoothing=0.1)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is learned from, and how.

    Attributes:
        frames: T, frames of each clip.
        epochs: passes over the training videos.
        learning_rate: at the top of the schedule.
        effective_batch: clips an optimizer step learns from, on all processes together.
        tune: the towers that are trained, and with `both` the temperature; or those that get prompts.
        fusion: where the frames of a clip are joined: embeddings, predictions, or pictures.
        template: what stands around a class name, `{}` being the name.
        clean_class_names: whether `_` and CamelCase become words.
        batches_per_step: how the published code cut a step, which its schedule counts by.
        warmup_epochs: while the learning rate rises from 0.
        warmup_cliff: whether it then falls at once to where the cosine would have been, as published.
        weight_decay: of AdamW, on all parameters.
        drop_incomplete: whether clips of an epoch that do not fill a step are left out, as published.
        imagenet_statistics: whether pixels are normalised by ImageNet's mean and deviation, as published, or by
            what the model was trained with.
        random_frames: whether frames are drawn anew each epoch; else they are those of the test.
        select_on_test: whether the best epoch is chosen on the test videos where there are no validation videos.
        validate_every: epochs from one validation to the next; the first and the last are always validated.
        ema_decay: of the average of weights that becomes the model, 0 for none.
        seed: of all that is drawn.
        prompts: learned in place of the towers, which then stay as they are; all 0 for none.
        augmentation: what is drawn for each clip.
        mixing: how clips and targets are blended.
        runtime: what does not change the result.
    """

    frames: int
    epochs: int
    learning_rate: float
    effective_batch: int
    tune: Tune = "both"
    fusion: Literal["embedding", "decision", "image"] = "embedding"
    template: str = "a photo of a {}."
    clean_class_names: bool = True
    batches_per_step: int = 1
    warmup_epochs: float = 5.0
    warmup_cliff: bool = False
    weight_decay: float = 0.001
    drop_incomplete: bool = False
    imagenet_statistics: bool = False
    random_frames: bool = True
    select_on_test: bool = False
    validate_every: int = 1
    ema_decay: float = 0.0
    seed: int = 1024
    prompts: PromptShape = NO_PROMPTS
    augmentation: Augmentation = PUBLISHED_AUGMENTATION
    mixing: Mixing = PUBLISHED_MIXING
    runtime: Runtime = Runtime()

    def __post_init__(self) -> None:
        positive = (
            "frames",
            "epochs",
            "learning_rate",
            "effective_batch",
            "batches_per_step",
            "validate_every",
        )
        for name in positive:
            if not getattr(self, name) > 0:
                raise InvalidInput(f"recipe: {name} must be above 0, not {getattr(self, name)}")
        if self.template.count("{}") != 1:
            raise InvalidInput(
                f"recipe: template needs {{}} once, where the class name goes: {self.template!r}"
            )
        if not 0 <= self.ema_decay < 1:
            raise InvalidInput(f"recipe: ema_decay lies between 0 and 1, not {self.ema_decay}")
        if self.seed >= 2**63:
            raise InvalidInput(f"recipe: seed must be below 2 to the power of 63, not {self.seed}")
        if self.warmup_epochs < 0 or self.weight_decay < 0 or self.seed < 0:
            raise InvalidInput("recipe: warmup_epochs, weight_decay and seed must not be below 0")
        for tower, other in (("text", "image"), ("image", "text")):
            if self.tune == tower and getattr(self.prompts, f"{other}_context"):
                raise InvalidInput(
                    f"recipe: tune = {tower}, so there are no {other} prompts; set tune = both"
                )

    def embeds_clips_once(self) -> bool:
        """Whether the image tower is frozen and a video gives the same clip in every epoch."""
        still = not self.random_frames and self.augmentation == Augmentation.none()
        return self.tune == "text" and still and self.mixing.mixup == 0 and self.mixing.cutmix == 0

    def as_table(self) -> dict[str, Any]:
        """The recipe as TOML values."""
        return asdict(self)


PAPER_ODDITIES: Mapping[str, Any] = {
    "warmup_cliff": True,
    "drop_incomplete": True,
    "imagenet_statistics": True,
    "clean_class_names": False,
    "select_on_test": True,
}
"""What `--protocol paper` keeps of the published code that the default mends."""


def make_recipe(
    preset: str, *, protocol: Protocol = "default", tune: Tune | None = None, changes: Sequence[Change] = ()
) -> Recipe:
    """Put a recipe together: the preset, the protocol, the tuned towers, then the user's changes in their order.

    Args:
        preset: one of `PRESETS`.
        protocol: `paper` adds `PAPER_ODDITIES`.
        tune: the towers; None leaves it to the preset and the changes.
        changes: each what `Change` says, keys dotted for tables.

    Raises:
        InvalidInput: an unknown key or preset, a value of the wrong kind, a file that is no TOML.
    """
    published = {
        "augmentation": asdict(PUBLISHED_AUGMENTATION),
        "mixing": asdict(PUBLISHED_MIXING),
        "prompts": asdict(NO_PROMPTS),
        "runtime": asdict(Runtime()),
    }
    oddities = [PAPER_ODDITIES] if protocol == "paper" else []
    layers = [published, _preset(preset), *oddities, *(change_table(change) for change in changes)]
    named = [tune] if tune else [layer["tune"] for layer in layers if "tune" in layer]
    chosen = checked(Tune, named[-1] if named else "both", "tune")
    table: dict[str, Any] = {}
    for layer in layers:
        table = _merged(table, _for_towers(layer, chosen))
    return recipe_from_table({**table, "tune": chosen})


def _for_towers(layer: Mapping[str, Any], chosen: Tune) -> dict[str, Any]:
    """What a layer of a recipe says where these towers are tuned."""
    rest = {key: value for key, value in layer.items() if key not in TOWERS}
    for tower in TOWERS:
        if not isinstance(layer.get(tower, {}), Mapping):
            raise InvalidInput(f"recipe: {tower} is a table, not {layer[tower]!r}")
    return _merged(rest, layer.get(chosen, {})) if chosen in TOWERS else rest


def with_changes(recipe: Recipe, changes: Sequence[Change]) -> Recipe:
    """A recipe with the user's changes; arguments and errors are those of `make_recipe`."""
    table = recipe.as_table()
    for change in changes:
        table = _merged(table, change_table(change))
    return recipe_from_table(table)


def heed_sides(recipe: Recipe, data: LabeledVideos) -> Recipe:
    """Leave out mirroring where class names tell left from right: it would make a clip show another class."""
    if recipe.augmentation.flip and any(_SIDES.search(name) for name in data.class_names):
        return replace(recipe, augmentation=replace(recipe.augmentation, flip=0.0))
    return recipe


def recipe_from_table(table: Mapping[str, Any]) -> Recipe:
    """A recipe from TOML values, complete ones; errors are those of `make_recipe`."""
    recipe: Recipe = from_table(Recipe, table)
    return recipe


def _preset(name: str) -> dict[str, Any]:
    if name not in PRESETS:
        raise InvalidInput(f"there is no recipe {name!r}; those that ship are {', '.join(PRESETS)}")
    return tomllib.loads(
        files("vifi_cli.training.recipe").joinpath(f"presets/{name}.toml").read_text("utf-8")
    )


def change_table(text: Change) -> dict[str, Any]:
    """A change as TOML values; errors are those of `make_recipe`."""
    if not isinstance(text, str):
        return dict(text)
    if text in PRESETS:
        return _preset(text)
    path = Path(text).expanduser()
    if path.suffix == ".toml" or ("=" not in text and path.is_file()):
        return _toml_file(path)
    key, found, value = text.partition("=")
    if not found:
        raise InvalidInput(
            f"--recipe {text}: neither a recipe ({', '.join(PRESETS)}) nor a .toml file nor KEY=VALUE"
        )
    *tables, last = key.strip().split(".")
    change: dict[str, Any] = {last: _value(value.strip())}
    for table in reversed(tables):
        change = {table: change}
    return change


def _toml_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidInput(f"there is no recipe file {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is no TOML: {error}") from error


def _value(text: str) -> Any:
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    # a template may be {} alone, which TOML takes for a table
    return text if isinstance(value, dict) else value


def _merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        inner = merged.get(key, {})
        merged[key] = (
            _merged(inner, value) if isinstance(value, Mapping) and isinstance(inner, Mapping) else value
        )
    return merged
