"""The options of an evaluation, and which of them make sense."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict, get_args

from vifi_cli.api.evaluation.methods.method import find_method
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.testing.paper_settings import read_seeds
from vifi_cli.training.recipe.changes import Change
from vifi_cli.training.recipe.recipe import Protocol


class EvaluationOptions(TypedDict, total=False):
    """What `evaluate` takes beside models, data and setting, all of it optional.

    Attributes:
        methods: names of `METHODS` to train and compare; nothing is trained without them. `NAME@ALPHA` averages the
            weights of NAME with those of the start (WiSE-FT).
        recipe: changes of the recipes of training, as for `finetune`; `finetune.KEY` or `prompt.KEY` for one stage.
        protocol: `default`, or `paper` to test as the published code does: its frames, drawn views, bare names.
        views: clips in time x crops in space that a test averages over, such as `4x3`; by default those of the setting
            `views`, else `1x1`, and with the paper's protocol in the supervised setting `4x3`.
        seeds: of training, which is repeated for each: `1,2,3`, or how many; of a public set in base2novel 1, 2 and 3.
        frames: of a test clip, for all models; by default as many as each was trained with.
        texts: other class texts to test by as well: a JSON file, or `bare`, `short` or `video`; methods that train
            weights are trained a second time, on them.
        published: whether the table shows the results of the paper too.
        allow_leak: whether a model may be tested on videos that it was trained on; the report is marked.
        data_root: folder of the public sets, else the setting `data_root`.
        classes: the only ones to test, names or `present` for those with videos on disk, or a file of names; of a run's
            own data, those of the run by default, and `all` for all.
        output: folder of the report and of the runs of training; a new one under `reports/` by default.
    """

    methods: Sequence[str]
    recipe: Sequence[Change]
    protocol: Protocol
    views: str | None
    seeds: str | int | Sequence[int] | None
    frames: int | None
    texts: str | None
    published: bool
    allow_leak: bool
    data_root: Path | str | None
    classes: str | Sequence[str] | None
    output: Path | str | None


def check_options(
    options: EvaluationOptions,
    models: Sequence[str],
    methods: Sequence[str],
    changes: Sequence[Change],
    protocol: str,
) -> None:
    """Refuses options that make no sense, alone or together.

    Raises:
        InvalidInput: they make none.
        TypeError: an option does not exist.
    """
    if unknown := sorted(options.keys() - EvaluationOptions.__annotations__.keys()):
        raise TypeError(f"{unknown[0]!r} is not an option of evaluate")
    for name in methods:
        find_method(name)
    if changes and not methods:
        raise InvalidInput("--recipe goes with --train: a test does not train")
    if options.get("seeds") is not None:
        _check_seeds(options, changes, trains=bool(methods))
    if methods and len(models) > 1:
        raise InvalidInput("with --train, --model names the one model that training starts from")
    if (frames := options.get("frames")) is not None and frames < 1:
        raise InvalidInput(f"--frames {frames}: a clip has 1 frame or more")
    if protocol not in get_args(Protocol):
        raise InvalidInput(f"{protocol!r} is not a protocol: name default or paper")


def _check_seeds(options: EvaluationOptions, changes: Sequence[Change], *, trains: bool) -> None:
    read_seeds(options["seeds"])
    if not trains:
        raise InvalidInput("--seeds goes with --train: a test without training is the same for every seed")
    if any(str(change).partition("=")[0].rpartition(".")[2] == "seed" for change in changes):
        raise InvalidInput("--recipe seed and --seeds both set the seed: use one of them")
