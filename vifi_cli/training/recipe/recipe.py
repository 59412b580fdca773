"""The recipe of a run, which its `config.toml` keeps."""

import math
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, model_validator

from vifi_cli.data.splits.random_splits import USUAL_SEED
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import HEADS, Fusion, LoraPlace, PromptShape

Tune = Literal["both", "image", "text", "linear-probe", "tip-adapter"]
"""The towers that learn, or else the classifier that is fitted on top of both."""
Protocol = Literal["default", "paper"]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """The probability, 0 to 1, of each random change of a training clip."""

    multi_scale_crop: float  # a crop of random size, shape and place instead of the center
    flip: float
    color_jitter: float  # each frame differently
    grayscale: float

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not 0 <= value <= 1:
                raise InvalidInput(f"augmentation.{name} is a probability from 0 to 1, not {value:g}")

    @classmethod
    def none(cls) -> Self:
        """The center of each clip, unchanged."""
        return cls(multi_scale_crop=0.0, flip=0.0, color_jitter=0.0, grayscale=0.0)


@dataclass(frozen=True, slots=True)
class Mixing:
    """How clips and their targets are mixed: mixup, CutMix and label smoothing."""

    mixup: float  # both parameters of the beta distribution of mixup's share; 0 turns mixup off
    cutmix: float  # the same for CutMix
    switch_probability: float  # of CutMix rather than mixup, where both are on
    label_smoothing: float  # share of a target that is spread over all classes, 0 to 1
    group: int = 4  # how many consecutive clips are mixed with each other

    def __post_init__(self) -> None:
        for name, value, most in (
            ("mixup", self.mixup, math.inf),
            ("cutmix", self.cutmix, math.inf),
            ("switch_probability", self.switch_probability, 1.0),
            ("label_smoothing", self.label_smoothing, 1.0),
        ):
            if not (math.isfinite(value) and 0 <= value <= most):
                limit = f"from 0 to {most:g}" if math.isfinite(most) else "0 or more"
                raise InvalidInput(f"mixing.{name} must be {limit}, not {value:g}")
        if self.group < 1:
            raise InvalidInput(f"mixing.group must be 1 or more, not {self.group}")


def _as_names(value: object) -> object:
    """Names that a text separates by commas, or those of a list."""
    if isinstance(value, str):
        return tuple(name for part in value.split(",") if (name := part.strip()) and name != "none")
    return tuple(value) if isinstance(value, list) else value


LoggerName = Literal["tensorboard", "wandb", "trackio"]
Loggers = Annotated[tuple[LoggerName, ...], BeforeValidator(_as_names)]


@dataclass(frozen=True, slots=True)
class Runtime:
    """How a run is carried out; nothing here changes what the model learns, except by rounding."""

    # auto: bf16 where the GPU has it, fp16 on other GPUs, fp32 on a CPU
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    micro_batch: int = 0  # clips that each process encodes at once; 0 finds the most that fit into memory
    workers: int = -1  # processes that read clips for each training process; -1 chooses
    clip_cache_gb: float = 8.0  # room on disk for decoded clips; 0 decodes every time
    compile: bool = False
    gradient_checkpointing: bool = False  # computes activations twice to save memory
    log: Loggers = ()  # shows the run in tensorboard, wandb or trackio too, or several: "wandb,tensorboard"
    save_minutes: float = 10.0  # how often an unfinished epoch is saved; 0 after each step

    @model_validator(mode="before")
    @classmethod
    def _with_former_name(cls, values: Any) -> Any:
        """Values of earlier versions, whose `tensorboard` was a key of its own."""
        if not (isinstance(values, dict) and isinstance(values.get("tensorboard"), bool)):
            return values
        others = {name: value for name, value in values.items() if name != "tensorboard"}
        return others | {"log": "tensorboard"} if values["tensorboard"] else others

    def __post_init__(self) -> None:
        for name, least in (("micro_batch", 0), ("workers", -1), ("clip_cache_gb", 0), ("save_minutes", 0)):
            if getattr(self, name) < least:
                raise InvalidInput(f"runtime.{name} must be {least} or more, not {getattr(self, name):g}")


@dataclass(frozen=True, slots=True)
class Lora:
    """Low-rank matrices that are learned beside the weights of the tuned towers: W + alpha / rank x B A."""

    rank: int = 0  # 0 for none
    alpha: float = 16.0
    # projections of attention, the two layers behind it (mlp), and convolutions of 1 x 1 pixels (conv)
    places: tuple[LoraPlace, ...] = ("q", "v")

    def __post_init__(self) -> None:
        if self.rank < 0:
            raise InvalidInput(f"lora.rank must be 0 or more, not {self.rank}")
        if not self.alpha > 0:
            raise InvalidInput(f"lora.alpha must be above 0, not {self.alpha:g}")
        if not self.places:
            raise InvalidInput(f"lora.places needs one or more of {', '.join(get_args(LoraPlace))}")


NO_PROMPTS, NO_LORA = PromptShape(), Lora()
MOST_FROM_WORDS = 4  # of text prompts; the published code draws more of them at random, whatever the words
PUBLISHED_AUGMENTATION = Augmentation(multi_scale_crop=1.0, flip=0.5, color_jitter=0.8, grayscale=0.2)
PUBLISHED_MIXING = Mixing(mixup=0.8, cutmix=1.0, switch_probability=0.5, label_smoothing=0.1)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is trained."""

    frames: int  # T, of each clip
    epochs: int
    learning_rate: float  # at the top of the schedule
    effective_batch: int  # clips per optimizer step, on all processes together
    # the towers that are trained, and with both the temperature; or those that get prompts
    tune: Tune = "both"
    # how many blocks at the end of each tower are trained, with what comes behind them; -1 for all of the tower
    tune_layers: int = -1
    fusion: Fusion = "embedding"  # what is averaged over the frames of a clip
    template: str = "a photo of a {}."  # the text of a class, {} being its name
    clean_class_names: bool = True  # splits names at _ and in CamelCase into words
    texts_per_step: int = 0  # of each class, drawn for a step if it has more; 0 takes the mean of all
    batches_per_step: int = 1  # of the published loader, which the published schedule counts by
    warmup_epochs: float = 5.0  # while the learning rate rises
    warmup_cliff: bool = False  # then drops the rate to where the cosine would have been, as published
    weight_decay: float = 0.001  # of AdamW, on all parameters
    layer_decay: float = 1.0  # factor of the rate from each block to the one before it; 1 for one rate
    clip_gradients: float = (
        0.0  # the greatest norm of a step's gradient, which is scaled down to it; 0 for any
    )
    class_balance: float = 0.0  # draws rare classes more often: 0 each video once, 1 all classes alike
    drop_incomplete: bool = False  # omits clips at the end of an epoch that do not fill a step, as published
    imagenet_statistics: bool = False  # normalizes pixels by ImageNet's, as published, instead of the model's
    random_frames: bool = True  # draws frames in each epoch; else they are those of the test
    select_on_test: bool = False  # chooses the best epoch on the test videos if there are no others
    keep_last: bool = False  # makes the last epoch the best one, as published in some settings
    validate_every: int = 1  # in epochs; the first and the last are always validated
    patience: int = (
        0  # validations in a row without a better score, after which a run ends; 0 never ends it early
    )
    ema_decay: float = 0.0  # of the average of weights that becomes the model, after a warm-up; 0 for none
    seed: int = USUAL_SEED  # of everything that is drawn
    context_words: str = ""  # whose embeddings begin the text prompts, at most MOST_FROM_WORDS
    prompts: PromptShape = NO_PROMPTS  # learned instead of the towers; all 0 for none
    lora: Lora = NO_LORA  # learned instead of the towers' own weights
    augmentation: Augmentation = PUBLISHED_AUGMENTATION
    mixing: Mixing = PUBLISHED_MIXING
    runtime: Runtime = Runtime()

    def __post_init__(self) -> None:
        positive = "frames epochs learning_rate effective_batch batches_per_step validate_every"
        for name in positive.split():
            if not getattr(self, name) > 0:
                raise InvalidInput(f"recipe: {name} must be above 0, not {getattr(self, name)}")
        if self.template.count("{}") != 1:
            raise InvalidInput(f"recipe: template needs {{}} once, for the class name: {self.template!r}")
        if not 0 <= self.class_balance <= 1:
            raise InvalidInput(f"recipe: class_balance must be from 0 to 1, not {self.class_balance}")
        if not 0 <= self.ema_decay < 1:
            raise InvalidInput(f"recipe: ema_decay must be from 0 to below 1, not {self.ema_decay}")
        if self.seed >= 2**63:
            raise InvalidInput(f"recipe: seed must be below 2 to the power of 63, not {self.seed}")
        if self.texts_per_step < 0:
            raise InvalidInput(f"recipe: texts_per_step must be 0 or more, not {self.texts_per_step}")
        if self.warmup_epochs < 0 or self.weight_decay < 0 or self.seed < 0:
            raise InvalidInput("recipe: warmup_epochs, weight_decay and seed must not be below 0")
        if self.tune in HEADS and (self.prompts or self.lora.rank):
            raise InvalidInput(
                f"recipe: tune = {self.tune} leaves the towers as they are: omit prompts and lora"
            )
        for tower, other in (("text", "image"), ("image", "text")):
            if self.tune == tower and getattr(self.prompts, f"{other}_context"):
                raise InvalidInput(f"recipe: tune = {tower} excludes {other} prompts; set tune = both")

        self._check_limits()
        self._check_combinations()

    def _check_limits(self) -> None:
        if self.tune_layers < -1:
            raise InvalidInput(
                f"recipe: tune_layers must be 0 or more, or -1 for all, not {self.tune_layers}"
            )
        if not 0 < self.layer_decay <= 1:
            raise InvalidInput(f"recipe: layer_decay must be above 0 and at most 1, not {self.layer_decay:g}")
        if self.clip_gradients < 0 or self.patience < 0:
            raise InvalidInput("recipe: clip_gradients and patience must not be below 0")

    def _check_combinations(self) -> None:
        changes = "prompts" if self.prompts else "lora" if self.lora.rank else ""
        if self.prompts and self.lora.rank:
            raise InvalidInput("recipe: prompts and lora exclude each other: set lora.rank = 0")
        if changes and self.tune_layers >= 0:
            raise InvalidInput(
                f"recipe: tune_layers is for the towers' own weights, not for {changes}: set it to -1"
            )
        if self.prompts and self.layer_decay != 1:
            raise InvalidInput(
                "recipe: layer_decay is for the towers' own weights, not for prompts: set it to 1"
            )
        if self.patience and self.keep_last:
            raise InvalidInput(
                "recipe: patience looks for the best epoch, and keep_last takes the last: set one"
            )

    def embeds_clips_once(self) -> bool:
        """Whether the image tower is frozen and a video gives the same clip in every epoch."""
        still = not self.random_frames and self.augmentation == Augmentation.none()
        return self.tune == "text" and still and self.mixing.mixup == 0 and self.mixing.cutmix == 0
