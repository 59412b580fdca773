"""Averages models: two by alpha, which a sweep can choose, or several in equal shares."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from vifi_cli.api.evaluation.leaks.leaks import find_leak, run_of, trained_on
from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.api.models.weights import fetch_model
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, require_usable
from vifi_cli.data.loading import read_labeled_videos
from vifi_cli.data.source import DataSource
from vifi_cli.data.splits.holding_out import how_to_hold_out
from vifi_cli.data.splits.random_splits import USUAL_SEED
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.figures.sweep import draw_sweep
from vifi_cli.evaluation.testing.alpha_sweep import (
    ALPHAS,
    AlphaSweep,
    ClipReading,
    sweep,
)
from vifi_cli.evaluation.testing.over_time import frames_of
from vifi_cli.model.registry.card import ModelCard
from vifi_cli.model.registry.source import ModelSource
from vifi_cli.model.runtime.device import choose_device
from vifi_cli.model.storage.averaging import average_models, require_own_weights
from vifi_cli.model.storage.loading import LoadedModel, load_vifi_clip
from vifi_cli.model.storage.writing import new_model_folder, write_model_folder
from vifi_cli.model.towers.clip_transform import square_side, test_short_side
from vifi_cli.paths import cache_folder, given_path
from vifi_cli.training.engine.precision import choose_precision
from vifi_cli.video.clips.store import ClipStore

CURVE_FILE = "sweep.png"
_EQUAL_SHARES = 0.5
_CLIP_CACHE_BYTES = 8 * 10**9


@dataclass(frozen=True, slots=True)
class MergedModel:
    """A model folder made of several models; load it with `load_model(folder)`."""

    folder: Path
    card: ModelCard
    remarks: tuple[str, ...]  # warnings, a sentence each
    # the scores of all mixtures, where there was data; their curve is `sweep.png` in the folder
    sweep: AlphaSweep | None = None


def merge_models(
    models: Sequence[str | Path],
    output: Path | str,
    *,
    alpha: float | None = None,
    data: Sequence[str | Path] = (),
    device: str = "auto",
    feedback: Feedback = AUTOMATIC,
) -> MergedModel:
    """Averages the weights of models: two by alpha (WiSE-FT), three or more in equal shares (a soup).

    Averaging a fine-tuned model with its base often recovers what fine-tuning lost. One LoRA model gets full weights.

    Args:
        models: two, the plain one first, then the tuned one; or three and more tuned from the same one; or one of LoRA.
        output: the folder to make; new or empty.
        alpha: the second model's share of the weights; if None, the best of the sweep, or 0.5 without data.
        data: score alpha 0, 0.1 … 1 on these, each as in `finetune`; on their videos held out from training.
        device: where mixtures are scored: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.
        feedback: receives notes and progress.

    Raises:
        InvalidInput: the models cannot be averaged, one of them was trained on `data`, or the folder exists.
        ModelUnavailable: a model's weights are unavailable or damaged.
    """
    if len(models) != 2 and (alpha is not None or data):
        option = "--sweep" if data else "--alpha"
        others = f"{len(models)} are averaged in equal shares" if models[1:] else "name another one"
        raise InvalidInput(f"{option} is for two models; {others}")
    folder = given_path(Path(output))
    with new_model_folder(folder) as temporary:
        sources = [fetch_model(name, feedback) for name in models]
        _require_something_to_merge(sources)
        remarks: list[str] = []
        swept = None
        if data:
            parts = tuple(_held_out(str(one), sources, remarks, feedback) for one in data)
            swept = _sweep(sources, parts, device, feedback)
            alpha = swept.best.alpha if alpha is None else alpha
            draw_sweep(temporary / CURVE_FILE, swept, alpha)
        merged = average_models(_loaded(sources, feedback), _shares(len(models), alpha))
        write_model_folder(temporary, merged.model.network, merged.model.card)
    return MergedModel(folder, merged.model.card, (*remarks, *merged.remarks), swept)


def _require_something_to_merge(sources: Sequence[ModelSource]) -> None:
    for source in sources:
        if source.card:
            require_own_weights(source.name, source.card)
    has_matrices = any(source.card and source.card.lora for source in sources)
    if len(sources) < 2 and not has_matrices:
        raise InvalidInput(
            "name two models or more to merge, such as `vifi model merge starter runs/clips/best`"
        )


def _shares(models: int, alpha: float | None) -> tuple[float, ...]:
    if models != 2:
        return (1 / models,) * models
    share = _EQUAL_SHARES if alpha is None else alpha
    return 1 - share, share


def _loaded(sources: Sequence[ModelSource], feedback: Feedback) -> Iterator[LoadedModel]:
    for source in sources:
        with feedback.busy(f"Loading {source.name}"):
            loaded = load_vifi_clip(source)
        yield loaded


def _held_out(
    data: str, sources: Sequence[ModelSource], remarks: list[str], feedback: Feedback
) -> LabeledVideos:
    """The val videos of a dataset, otherwise its test videos; of a run's data, those held out in that run; as `test`.

    Raises InvalidInput if there are none, or one of the models was trained on them.
    """
    source = DataSource.parse(data)
    found = (run_of(model.name) for model in sources)
    runs = [run for run in found if run and run.data == str(source.absolute())]
    root = Path(runs[-1].data_root) if runs and runs[-1].data_root else None
    # held-out videos are drawn at random, and must be drawn as in training
    seed = runs[-1].recipe.seed if runs else USUAL_SEED
    source = replace(source, root=root, classes=runs[-1].classes if runs else ())
    videos = read_labeled_videos(source, seed=seed)
    require_usable(videos)
    held_out = videos.val or videos.test
    for remark in videos.remarks:
        feedback.note(f"{videos.name}: {remark}")
    if not held_out:
        raise InvalidInput(f"{videos.name} has no val and no test video: {how_to_hold_out(videos)}")
    _refuse_leaks(held_out, sources, source)
    if held_out == videos.test:
        remarks.append(
            f"alpha was chosen on the test videos of {videos.name}: measure the merged model on other videos"
        )
    return replace(videos, name=Path(videos.name).name, test=held_out)


def _refuse_leaks(videos: Sequence[LabeledVideo], sources: Sequence[ModelSource], data: DataSource) -> None:
    for model in sources:
        learned = trained_on(model.name, data.name)
        if leak := find_leak(model.name, learned, videos, (), by_name=data.is_public_set):
            raise InvalidInput(f"{leak}: they cannot show which alpha is best; name other videos with --data")


def _sweep(
    sources: Sequence[ModelSource], parts: tuple[LabeledVideos, ...], device: str, feedback: Feedback
) -> AlphaSweep:
    plain, tuned = _loaded(sources, feedback)
    side = square_side(tuned.card.preprocessing.geometry, tuned.source.name)
    store = ClipStore(test_short_side(side), folder=cache_folder() / "clips", budget_bytes=_CLIP_CACHE_BYTES)
    chosen = choose_device(device)
    precision = choose_precision("auto", chosen)
    reading = ClipReading(store, frames_of(tuned.card), chosen, precision, cache(feedback.warn))
    total, done = len(ALPHAS) * sum(len(part.test) for part in parts), 0
    with feedback.task("Scoring mixtures", total, "videos") as report:

        def watch(more: int) -> None:
            nonlocal done
            done += more
            report(done)

        points = tuple(sweep(plain, tuned, parts, reading, watch))
        return AlphaSweep(parts, points, reading.frames)
