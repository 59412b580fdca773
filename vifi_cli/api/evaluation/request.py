"""What an evaluation is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict, get_args

from vifi_cli.api.training.request import as_changes
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.testing.class_texts import ClassTexts, read_class_texts
from vifi_cli.paths import given_path
from vifi_cli.training.recipe.changes import Change
from vifi_cli.training.recipe.recipe import Protocol, Tune


@dataclass(frozen=True, slots=True)
class Method:
    """A way to adapt a model to videos: towers to train, if any, then prompts to learn with frozen towers."""

    title: str
    tune: Tune | None = None
    fusion: Literal["embedding", "decision", "image"] | None = None
    prompts: bool = False


METHODS: Mapping[str, Method] = {
    "vanilla": Method("vanilla CLIP"),
    "image-ft": Method("CLIP image-FT", "image"),
    "text-ft": Method("CLIP text-FT", "text"),
    "vifi": Method("ViFi-CLIP", "both"),
    "bridge-prompt": Method("bridge and prompt", "both", prompts=True),
    "prompt": Method("prompts alone", prompts=True),
    "fusion-decision": Method("ViFi-CLIP, decision fusion", "both", "decision"),
    "fusion-image": Method("ViFi-CLIP, image fusion", "both", "image"),
}
DEFAULT_METHODS = ("vanilla", "image-ft", "text-ft", "vifi", "bridge-prompt")


class EvaluationOptions(TypedDict, total=False):
    """What `evaluate` takes beside models, data and setting, all of it optional.

    Attributes:
        methods: names of `METHODS` to train and compare; nothing is trained without them.
        recipe: changes of the recipes of training, as for `finetune`; `finetune.KEY` or `prompt.KEY` for one stage.
        protocol: `default`, or `paper` to test as the published code does: its frames, drawn views, bare names.
        texts: other class texts to test as well: a JSON file, or `bare`, `short` or `video`.
        published: whether the table shows the results of the paper too.
        allow_leak: whether a model may be tested on videos that it was trained on; the report is marked.
        data_root: folder of the public sets, else `$VIFI_DATA`.
        output: folder of the report and of the runs of training; a new one under `reports/` by default.
    """

    methods: Sequence[str]
    recipe: Sequence[Change]
    protocol: Protocol
    texts: str | None
    published: bool
    allow_leak: bool
    data_root: Path | str | None
    output: Path | str | None


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """An evaluation as the user wants it, see `evaluate` and `EvaluationOptions`; None leaves the choice to vifi."""

    models: tuple[str, ...] = ()
    data: DataSource | None = None
    setting: str | None = None
    methods: tuple[str, ...] = ()
    recipe: tuple[Change, ...] = ()
    protocol: Protocol = "default"
    texts: ClassTexts | None = None
    published: bool = False
    allow_leak: bool = False
    output: Path | None = None

    def __post_init__(self) -> None:
        if unknown := next((name for name in self.methods if name not in METHODS), None):
            raise InvalidInput(f"{unknown!r} is not a method: the methods are {', '.join(METHODS)}")
        if self.recipe and not self.methods:
            raise InvalidInput("--recipe goes with --train: a test does not train")
        if self.methods and len(self.models) > 1:
            raise InvalidInput("with --train, --model names the one model that training starts from")
        if self.protocol not in get_args(Protocol):
            raise InvalidInput(f"{self.protocol!r} is not a protocol: name default or paper")


def evaluation_request(
    models: Path | str | Sequence[Path | str],
    data: Path | str | None,
    setting: str | None,
    options: EvaluationOptions,
) -> EvaluationRequest:
    """A request from the arguments of `evaluate`, with absolute paths.

    Raises:
        InvalidInput: the request makes no sense.
        TypeError: an option does not exist.
    """
    if unknown := sorted(options.keys() - EvaluationOptions.__annotations__.keys()):
        raise TypeError(f"{unknown[0]!r} is not an option of evaluate")
    root, output, texts = options.get("data_root"), options.get("output"), options.get("texts")
    several = (models,) if isinstance(models, (str, Path)) else models
    return EvaluationRequest(
        models=tuple(map(str, several)),
        data=DataSource.parse(str(data), given_path(Path(root)) if root else None) if data else None,
        setting=setting,
        methods=tuple(dict.fromkeys(options.get("methods", ()))),
        recipe=as_changes(options.get("recipe", ())),
        protocol=options.get("protocol", "default"),
        texts=None if texts is None else read_class_texts(texts),
        published=options.get("published", False),
        allow_leak=options.get("allow_leak", False),
        output=given_path(Path(output)) if output else None,
    )
