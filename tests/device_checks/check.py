"""Checks vifi on a GPU in one table: half precision, training with resume, torch.compile, speed.

    python -m tests.device_checks.check --json checks.json

With `--tiny` it runs through on a CPU, which only shows that it works. That took 24 to 30 s of processor time, and
46 to 98 s on a busy machine with two processors.
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch.utils.flop_counter import FlopCounterMode

from tests.made_videos import solid_colour_clip
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.training.engine.processes.distributed import Processes
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.fine_tuning import FineTuning
from vifi_cli.training.recipe.changes import make_recipe
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.training.run.folder import RunConfig, RunFolder
from vifi_cli.training.run.listener import Listener

COLOURS = ("red", "green", "blue")
SHORT = ("frames=2", "epochs=2", "effective_batch=4", "learning_rate=1e-4", "warmup_epochs=1")
CLOSE = {"bf16": 0.05, "fp16": 0.01, "fp32": 1e-4}  # distance from fp32, relative
TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "patch_size": 16, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


class _Folder(RunFolder):
    """The folder of a run, without curves: matplotlib would not fit among the wheels."""

    def draw(self) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    check: str
    figure: str
    is_good: bool


def main() -> None:
    """Run all checks, print the table, and exit with 1 if one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="a tiny model, on any device")
    parser.add_argument("--json", type=Path, help="write the table here too")
    options = parser.parse_args()
    rows = list(check_device(tiny=options.tiny))
    for row in rows:
        print(f"{'ok  ' if row.is_good else 'BAD '} {row.check:<36} {row.figure}")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    raise SystemExit(not all(row.is_good for row in rows))


def check_device(*, tiny: bool) -> Iterator[Row]:
    """The rows of the table, one after the other."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "no GPU"
    yield Row("device", f"{name}, torch {torch.__version__}", tiny or device.type == "cuda")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = _write_model(folder / "model", tiny=tiny)
        precisions = ("bf16", "fp16") if device.type == "cuda" else ("bf16",)
        yield from _encoding(model, device, precisions)
        data = _colours(folder / "clips")
        for kind, preset in (("finetune", "small"), ("prompts", "prompt-small")):
            for precision in precisions:
                yield from _training(folder / f"{kind}-{precision}", model, data, device, preset, precision)
        if not tiny:  # on a CPU, compiling takes minutes
            yield from _compiled(folder, model, data, device)
    yield from _speed(device, tiny=tiny)


def _write_model(folder: Path, *, tiny: bool) -> Path:
    declare_missing_operators()
    import open_clip

    torch.manual_seed(0)
    config = TINY if tiny else open_clip.get_model_config("ViT-B-16")
    network = open_clip.CLIP(**config)
    folder.mkdir()
    save_file(
        {name: each.contiguous() for name, each in network.state_dict().items()},
        folder / "open_clip_model.safetensors",
    )
    statistics = {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28]}
    preprocess = {**statistics, "interpolation": "bicubic", "resize_mode": "shortest"}
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": preprocess})
    )
    return folder


def _network(*, tiny: bool, device: torch.device) -> torch.nn.Module:
    import open_clip

    config = TINY if tiny else open_clip.get_model_config("ViT-B-16")
    return open_clip.CLIP(**config).visual.to(device)  # type: ignore[no-any-return]


def _encoding(model: Path, device: torch.device, precisions: tuple[str, ...]) -> Iterator[Row]:
    from vifi_cli.model.registry.source import resolve_model
    from vifi_cli.model.storage.loading import load_vifi_clip
    from vifi_cli.training.engine.precision import choose_precision

    loaded = load_vifi_clip(resolve_model(str(model)))
    network = loaded.network.to(device).eval()
    size = loaded.card.preprocessing.geometry.height
    clips = torch.rand(8, 2, 3, size, size, generator=torch.Generator().manual_seed(1)).to(device)
    with torch.inference_mode():
        exact = network.encode_clips(clips).float()
        for precision in precisions:
            with choose_precision(precision, device)():
                half = network.encode_clips(clips).float()
            cosine = float(torch.cosine_similarity(exact, half, dim=-1).min())
            yield Row(f"encoding in {precision} against fp32", f"cosine {cosine:.5f}", cosine > 0.999)


def _colours(folder: Path) -> LabeledVideos:
    folder.mkdir()
    videos = []
    for label, colour in enumerate(COLOURS):
        for number in range(3):
            path = folder / f"{colour}{number}.mp4"
            solid_colour_clip(path, [(colour, 0.4), ("black", 0.05 * number)])
            videos.append(LabeledVideo(path, label))
    return LabeledVideos("colours", COLOURS, tuple(videos), (), tuple(videos[::3]))


def _recipe(preset: str, *changes: str) -> Recipe:
    depth = ("prompts.text_depth=2", "prompts.image_depth=2") if preset.startswith("prompt") else ()
    return make_recipe(preset, changes=[*SHORT, *depth, *changes])


def _carry_out(
    folder: Path, model: Path, data: LabeledVideos, device: torch.device, recipe: Recipe, stop_after: int = 0
) -> list[float]:
    """Trains to the end, or saves after some steps and resumes; returns the losses."""
    run, config = _Folder(folder), RunConfig(str(model), "colours", "", "supervised", "default", recipe)
    run.begin(config)
    taken = 0
    for is_resumed in (False, True) if stop_after else (False,):
        # the consumer of the reports counts, so that the run stops after the same step everywhere
        listener = Listener(lambda: taken == stop_after > 0)  # noqa: B023 - it means the present count
        for report in FineTuning(run, config, data, Processes(0, 1, device), listener).reports(
            is_resumed=is_resumed
        ):
            taken += isinstance(report, StepReport)
    return [step.loss for step in run.history()[0]]


def _training(
    folder: Path, model: Path, data: LabeledVideos, device: torch.device, preset: str, precision: str
) -> Iterator[Row]:
    recipe = _recipe(preset, f"runtime.precision={precision}")
    began = time.perf_counter()
    whole = _carry_out(folder / "whole", model, data, device, recipe)
    halves = _carry_out(folder / "halves", model, data, device, recipe, stop_after=2)
    exact = _carry_out(folder / "exact", model, data, device, _recipe(preset, "runtime.precision=fp32"))
    seconds = time.perf_counter() - began
    names = [folder / name / "last/weights.safetensors" for name in ("whole", "halves")]
    one, other = (
        load_file(name if name.exists() else next(name.parent.glob("*.safetensors"))) for name in names
    )
    apart = max(float((one[name].float() - other[name].float()).abs().max()) for name in one)
    off = max(abs(a - b) / b for a, b in zip(whole, exact, strict=True))
    kind = folder.name.rpartition("-")[0]
    is_good = len(whole) == len(halves) and all(map(math.isfinite, whole)) and off < 5 * CLOSE[precision]
    yield Row(
        f"{kind} in {precision}, {len(whole)} steps",
        f"losses within {off:.2%} of fp32, {seconds:.0f} s",
        is_good,
    )
    yield Row(f"{kind} in {precision}, resumed", f"weights differ by {apart:.1e}", apart < 1e-3)


def _compiled(folder: Path, model: Path, data: LabeledVideos, device: torch.device) -> Iterator[Row]:
    began = time.perf_counter()
    eager = _carry_out(folder / "eager", model, data, device, _recipe("small", "runtime.precision=fp32"))
    changes = ("runtime.precision=fp32", "runtime.compile=true")
    try:
        compiled = _carry_out(folder / "compiled", model, data, device, _recipe("small", *changes))
    except Exception as error:  # noqa: BLE001 - whatever the compiler raises is what this row shows
        yield Row(
            "torch.compile", f"{type(error).__name__}: {str(error).splitlines()[0][:80]}", is_good=False
        )
        return
    off = max(abs(a - b) / b for a, b in zip(compiled, eager, strict=True))
    yield Row(
        "torch.compile", f"losses within {off:.2%} of eager, {time.perf_counter() - began:.0f} s", off < 0.01
    )


def _speed(device: torch.device, *, tiny: bool) -> Iterator[Row]:
    """Frames per second of the image tower, and its share of what this device does in a large product."""
    batch, size, side = (4, 32, 256) if tiny else (256, 224, 8192)
    dtype = torch.bfloat16
    square = torch.rand(side, side, device=device, dtype=dtype)
    peak = 2 * side**3 / _seconds(lambda: square @ square, device)
    # so small a product, or tower, says nothing about a device
    yield Row("product of matrices in bf16", "–" if tiny else f"{peak / 1e12:.2f} TFLOP/s", is_good=True)
    tower = _network(tiny=tiny, device=device)
    frames = torch.rand(batch, 3, size, size, device=device)
    for learns in (False, True):

        def step(learns: bool = learns) -> None:
            with nullcontext() if learns else torch.inference_mode(), torch.autocast(device.type, dtype):
                embeddings = tower(frames)
            if learns:
                embeddings.float().sum().backward()

        with FlopCounterMode(display=False) as counter:
            step()
        seconds = _seconds(step, device)
        achieved = counter.get_total_flops() / seconds
        share = "–" if tiny else f"{achieved / 1e12:.2f} TFLOP/s, {achieved / peak:.0%} of the product"
        figure = f"{batch / seconds:,.0f} frames/s, {share}"
        yield Row(f"{'training' if learns else 'encoding'}, {batch} frames of {size}", figure, is_good=True)


def _seconds(work: Callable[[], object], device: torch.device, times: int = 5) -> float:
    """The best time of several, after one that warms up."""
    best = math.inf
    for number in range(times + 1):
        before = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if number:
            best = min(best, time.perf_counter() - before)
    return best


if __name__ == "__main__":
    main()
