"""The request for a training run, and the recipe that follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypedDict, get_args

from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.api.training.concept_data import clips_of_concepts, concept_names, run_folder_of_concepts
from vifi_cli.data.paper_setting import SUPERVISED, Setting
from vifi_cli.data.source import DataSource
from vifi_cli.data.splits.class_choice import read_class_choice
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.testing.class_text_files import read_class_texts
from vifi_cli.model.registry.card import HEADS, Fusion
from vifi_cli.model.registry.class_texts import ClassTexts
from vifi_cli.paths import given_path
from vifi_cli.training.recipe.changes import PRESETS, TOWERS, Change, change_table, make_recipe
from vifi_cli.training.recipe.prompt_recipe import make_prompt_recipe
from vifi_cli.training.recipe.recipe import Augmentation, Mixing, Protocol, Recipe, Tune
from vifi_cli.training.run.model import prompt_room

Method = Literal["finetune", "prompt"]
# [image] and [text] are for runs that tune that tower, and prompts and LoRA are refused where they are not 0
HEEDED_BY_HEADS = (
    "tune", "frames", "seed", "clean_class_names", "imagenet_statistics", "runtime", "prompts", "lora", *TOWERS
)  # fmt: skip


class TrainingOptions(TypedDict, total=False):
    """Optional arguments of `finetune`, `prompt_tune` and `bridge`; see `finetune`."""

    setting: str
    tune: Tune
    protocol: Protocol
    recipe: Sequence[Change]
    texts: Path | str
    output: Path | str
    data_root: Path | str
    classes: str | Sequence[str]
    concepts: str | Sequence[str]


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """A training run as the user wants it; None leaves the choice to vifi. Fields are as in `finetune`."""

    data: DataSource
    model: str | None = None
    method: Method = "finetune"
    setting: Setting = SUPERVISED
    tune: Tune | None = None
    fusion: Fusion | None = None
    protocol: Protocol = "default"
    recipe: tuple[Change, ...] = ()
    texts: ClassTexts | None = None
    output: Path | None = None


def training_request(
    data: Path | str | None,
    model: Path | str | None,
    method: Method,
    options: TrainingOptions,
    fusion: Fusion | None = None,
    feedback: Feedback = AUTOMATIC,
) -> TrainingRequest:
    """Make a request from the arguments of a program, with absolute paths; writes the table of marked moments, if any.

    Raises:
        InvalidInput: the data is not named, or the setting or protocol does not exist.
        TypeError: an option does not exist.
    """
    if unknown := sorted(options.keys() - TrainingOptions.__annotations__.keys()):
        raise TypeError(f"there is no option {unknown[0]!r} here; changes of the recipe go into recipe=[...]")
    protocol = options.get("protocol", "default")
    if protocol not in get_args(Protocol):
        raise InvalidInput(f"there is no protocol {protocol!r}: the protocols are default and paper")
    output, root = options.get("output"), options.get("data_root")
    if concepts := concept_names(options.get("concepts"), data):
        output = run_folder_of_concepts(concepts, output)
        data = clips_of_concepts(concepts, output, feedback)
    if data is None or not str(data):
        raise InvalidInput(
            "--data is missing: name a dataset, a folder with a folder per class, or a table; or name --concepts"
        )
    source = DataSource.parse(str(data), given_path(root) if root else None)
    return TrainingRequest(
        data=replace(source, classes=read_class_choice(options.get("classes"))),
        model=None if model is None else str(model),
        method=method,
        setting=Setting.parse(options.get("setting", "supervised")),
        tune=options.get("tune"),
        fusion=fusion,
        protocol=protocol,
        recipe=as_changes(options.get("recipe", ())),
        texts=read_class_texts(str(texts)) if (texts := options.get("texts")) is not None else None,
        output=given_path(output) if output else None,
    )


def as_changes(recipe: Sequence[Change]) -> tuple[Change, ...]:
    """Changes of a recipe as a program passes them: several, or a single one."""
    return (recipe,) if isinstance(recipe, str) else tuple(recipe)


def recipe_of(request: TrainingRequest) -> Recipe:
    """The recipe of a request: the preset of its setting, its protocol, its changes."""
    changes = [*request.recipe, *([{"fusion": request.fusion}] if request.fusion else [])]
    recipe = make_recipe(_preset(request), protocol=request.protocol, tune=request.tune, changes=changes)
    if (
        recipe.tune in HEADS
    ):  # each video is encoded once, as in a test, and frames are fused as the base does
        _check_options_of_head(request, recipe.tune)
        still = replace(recipe, fusion="embedding", random_frames=False, augmentation=Augmentation.none())
        recipe = replace(still, epochs=1, mixing=Mixing(0, 0, 0, 0))
    if recipe.prompts and request.method == "finetune":
        raise InvalidInput("recipe: prompts are learned by `vifi prompt-tune`, not by `vifi finetune`")
    return recipe


def _check_options_of_head(request: TrainingRequest, kind: str) -> None:
    if request.fusion not in (None, "embedding"):
        raise InvalidInput(
            f"--fusion {request.fusion}: {kind} reads the embeddings of its base; omit --fusion"
        )
    if request.texts and kind == "linear-probe":
        raise InvalidInput(f"--texts {request.texts.name}: a linear probe reads no texts; omit --texts")


def require_heeded_changes(request: TrainingRequest) -> None:
    """Raise InvalidInput for changes of the recipe that do nothing where a classifier is fitted.

    Not in an evaluation, whose changes are for all methods.
    """
    recipe = recipe_of(request)
    if recipe.tune not in HEADS:
        return
    own = [change_table(change) for change in request.recipe if change not in PRESETS]
    ignored = dict.fromkeys(key for table in own for key in table if key not in HEEDED_BY_HEADS)
    names = [*ignored, *(["runtime.log"] if recipe.runtime.log else [])]
    if names:
        raise InvalidInput(
            f"recipe: {recipe.tune} takes no steps, so {', '.join(names)} would do nothing: omit "
            f"{'them' if len(names) > 1 else 'it'}"
        )


def prompt_recipe_of(request: TrainingRequest, model: str, feedback: Feedback = AUTOMATIC) -> Recipe:
    """The recipe of prompt tuning, fitted to a model on this machine; errors are those of `make_prompt_recipe`."""
    return make_prompt_recipe(
        _preset(request),
        prompt_room(model),
        protocol=request.protocol,
        tune=request.tune,
        changes=request.recipe,
        say=feedback.note,
    )


def _preset(request: TrainingRequest) -> str:
    name, is_small = request.setting.name, has_small_recipe(request.data, request.protocol)
    if request.method == "finetune":
        return "small" if is_small else name
    if not is_small and name in ("few-shot", "base2novel"):
        return f"prompt-{name}"
    if request.protocol == "paper":
        raise InvalidInput("the paper learns prompts in the settings few-shot-K and base2novel: name one")
    return "prompt-small"


def has_small_recipe(data: DataSource, protocol: Protocol) -> bool:
    """Whether a recipe for small data replaces that of the setting, whose steps are too few and too small for it."""
    return protocol == "default" and not data.is_public_set
