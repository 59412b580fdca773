"""`vifi model merge`: several models made one by averaging their weights, and the best mixture of two looked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli import paths as places
from vifi_cli.cli.models.conversion import OutputOption
from vifi_cli.cli.models.download import fetch_model
from vifi_cli.cli.models.facts import card_document, card_facts
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options import Device, DeviceOption, JsonOption
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path

if TYPE_CHECKING:
    from vifi_cli.data.labeled_videos import LabeledVideo
    from vifi_cli.data.source import DataSource
    from vifi_cli.evaluation.testing.alpha_sweep import Reading, SweepData, SweepPoint
    from vifi_cli.model.folders.averaging import MergedModel
    from vifi_cli.model.folders.loading import LoadedModel
    from vifi_cli.model.registry.card import ModelCard

CURVE_FILE = "sweep.png"
MIDDLE = 0.5
CLIP_CACHE_BYTES = 8 * 10**9


def merge_models(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODELS",
            help="Two models, the plain one first, then the tuned one; or three and more tuned from the same one.",
            show_default=False,
        ),
    ],
    folder: OutputOption,
    alpha: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="The second model's share of the weights; 0.5 unless said.",
            show_default=False,
        ),
    ] = None,
    sweep: Annotated[
        bool,
        typer.Option(
            "--sweep", help="Score alpha 0, 0.1 … 1 on --data, and take the best unless --alpha is said."
        ),
    ] = False,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="What to score on, as in `vifi finetune`; may be given several times.", show_default=False
        ),
    ] = None,
    device: DeviceOption = Device.auto,
    as_json: JsonOption = False,
) -> None:
    """Average the weights of models: two by alpha (WiSE-FT), three or more in equal shares (a soup).

    What a model forgot when it was tuned, a mixture with the plain model often remembers.
    """
    from vifi_cli.model.folders.writing import new_folder, write_model_folder

    _check_request(models, alpha, sweep, data or [])
    folder = given_path(folder)
    with new_folder(folder) as temporary:
        points: list[SweepPoint] = []
        parts: list[SweepData] = []
        if sweep:
            parts = [_held_out(name, models) for name in data or []]
            points = _swept(models, parts, device)
            alpha = _chosen(points, alpha)
            _draw(temporary / CURVE_FILE, parts, points, alpha)
        merged = _merged(models, alpha)
        write_model_folder(temporary, merged.model.network, merged.model.card)
    for remark in merged.remarks:
        output.warning(remark)
    if as_json:
        output.document(_as_document(folder, merged.model.card, merged.remarks, parts, points))
    else:
        _show(merged.model.card, parts, points)
    output.note(f"written to {folder}; use it as --model {folder}")


def _check_request(models: Sequence[str], alpha: float | None, sweep: bool, data: Sequence[str]) -> None:
    if len(models) < 2:
        raise InvalidInput(
            "name two models or more to merge, such as `vifi model merge starter runs/clips/best`"
        )
    if len(models) > 2 and (alpha is not None or sweep):
        option = "--sweep" if sweep else "--alpha"
        raise InvalidInput(f"{option} is for two models; {len(models)} are averaged in equal shares")
    if sweep and not data:
        raise InvalidInput("--sweep needs videos to score on: name them by --data")
    if data and not sweep:
        raise InvalidInput("--data is for --sweep: add it, or leave --data away")


def _named(names: Sequence[str]) -> Iterator[LoadedModel]:
    """Loads models one after the other."""
    from vifi_cli.model.folders.loading import load_vifi_clip

    for name in names:
        source = fetch_model(name)
        with output.busy(f"Loading {name}"):
            loaded = load_vifi_clip(source)
        yield loaded


def _merged(names: Sequence[str], alpha: float | None) -> MergedModel:
    from vifi_cli.model.folders.averaging import average_models

    share = MIDDLE if alpha is None else alpha
    shares = (1 - share, share) if len(names) == 2 else (1 / len(names),) * len(names)
    return average_models(_named(names), shares)


def _held_out(data: str, models: Sequence[str]) -> SweepData:
    """The videos of a data set that training is watched with, or else tested on; those of a run, where one is merged.

    Raises:
        InvalidInput: there are none, or one of the models has learned from them.
    """
    from vifi_cli.api.evaluation.leaks import run_of
    from vifi_cli.data.labeled_videos import require_usable
    from vifi_cli.data.loading import read_labeled_videos
    from vifi_cli.data.source import DataSource
    from vifi_cli.evaluation.testing.alpha_sweep import SweepData

    source = DataSource.parse(data)
    runs = [run for model in models if (run := run_of(model)) and run.data == str(source.absolute())]
    root = Path(runs[-1].data_root) if runs and runs[-1].data_root else None
    # what is held out is drawn, and must be drawn as it was in training
    seed = runs[-1].recipe.seed if runs else 0
    videos = read_labeled_videos(replace(source, root=root), seed=seed)
    require_usable(videos)
    held_out = videos.val or videos.test
    for remark in videos.remarks:
        output.note(f"{videos.name}: {remark}")
    if not held_out:
        raise InvalidInput(f"{videos.name} has no val and no test video: `vifi data split` holds some out")
    _refuse_leaks(held_out, models, source)
    if held_out == videos.test:
        output.warning(
            f"alpha is looked for on the test videos of {videos.name}: "
            "how good the mixture is has to be told by other videos"
        )
    return SweepData(Path(videos.name).name, videos.class_names, held_out)


def _refuse_leaks(videos: Sequence[LabeledVideo], models: Sequence[str], data: DataSource) -> None:
    """Sees to it that alpha is not looked for on what a model has learned, where that can be known."""
    from vifi_cli.api.evaluation.leaks import find_leak, trained_on

    for model in models:
        learned = trained_on(model, data.name)
        if leak := find_leak(model, learned, videos, (), by_name=data.is_public_set):
            raise InvalidInput(f"{leak}: no alpha can be told from them; name other videos by --data")


def _swept(names: Sequence[str], parts: Sequence[SweepData], device: Device) -> list[SweepPoint]:
    from vifi_cli.evaluation.testing.alpha_sweep import ALPHAS, sweep

    plain, tuned = _named(names)
    reading = _reading(tuned, device)
    with output.progress() as bar:
        total = len(ALPHAS) * sum(len(part.videos) for part in parts)
        task = bar.add_task("Scoring mixtures", total=total)
        return list(sweep(plain, tuned, parts, reading, lambda more: bar.advance(task, more)))


def _reading(tuned: LoadedModel, device: Device) -> Reading:
    from vifi_cli.evaluation.testing.alpha_sweep import Reading
    from vifi_cli.evaluation.testing.over_time import frames_of
    from vifi_cli.model.runtime.device import choose_device
    from vifi_cli.model.towers.clip_transform import square_side, test_short_side
    from vifi_cli.training.engine.precision import choose_precision
    from vifi_cli.video.clips.store import ClipStore

    card = tuned.card
    side = test_short_side(square_side(card.preprocessing.geometry, tuned.source.name))
    store = ClipStore(side, folder=places.cache_folder() / "clips", budget_bytes=CLIP_CACHE_BYTES)
    chosen = choose_device(device.value)
    return Reading(store, frames_of(card), chosen, choose_precision("auto", chosen))


def _chosen(points: Sequence[SweepPoint], asked: float | None) -> float:
    from vifi_cli.evaluation.testing.alpha_sweep import best_point

    return best_point(points).alpha if asked is None else asked


def _draw(path: Path, parts: Sequence[SweepData], points: Sequence[SweepPoint], alpha: float) -> None:
    from vifi_cli.evaluation.testing.alpha_sweep import draw_sweep

    draw_sweep(path, [part.name for part in parts], points, alpha)


def _as_document(
    folder: Path,
    card: ModelCard,
    remarks: Sequence[str],
    parts: Sequence[SweepData],
    points: Sequence[SweepPoint],
) -> dict[str, object]:
    document = {"folder": str(folder), **card_document(card), "remarks": remarks}
    if not points:
        return document
    return {
        **document,
        "data": [{"name": part.name, "videos": len(part.videos)} for part in parts],
        "sweep": [{"alpha": point.alpha, "top1": point.top1, "mean": point.mean} for point in points],
        "curve": str(folder / CURVE_FILE),
    }


def _show(card: ModelCard, parts: Sequence[SweepData], points: Sequence[SweepPoint]) -> None:
    if points:
        names = [part.name for part in parts]
        mean = ["Mean"] if len(parts) > 1 else []
        rows = [
            (
                f"{point.alpha:.1f}",
                *(f"{top1:.3f}" for top1 in (*point.top1, *([point.mean] if mean else []))),
            )
            for point in points
        ]
        output.rows(("Alpha", *names, *mean), rows, right=("Alpha", *names, *mean))
    else:
        output.facts(card_facts(card))
