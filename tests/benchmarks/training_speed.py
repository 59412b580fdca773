"""Compares fine-tuning's optimizer step with the plain way of the published code, on the same clips and weights.

    python -m tests.benchmarks.training_speed [--quick] [--device cpu]

The plain way decodes every clip anew, computes attention by its formula, and embeds all classes, padded to 77
tokens, for every micro-batch. vifi keeps decoded clips, uses torch's fused attention, cuts the padding off, and
embeds the classes once a step. Ways take turns and the median counts; the learning rate is 0, so that AdamW does
its work and every step starts from the same weights.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode

from tests.benchmarks.measuring import show_machine, show_table, write_panning_clip
from tests.benchmarks.training_ways import (
    ACCUMULATION,
    CONTEXT,
    LADDER,
    PLAIN,
    SETS,
    VIFI,
    Case,
    Result,
    Timing,
    Training,
    compare,
)
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.model.torchvision_operators import declare_missing_operators

VIDEOS = 8
# as in ViT-B/16 a frame takes about as many operations as 6 classes of 77 tokens
SMALL = {
    "embed_dim": 64,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 112, "patch_size": 16, "width": 192, "layers": 6, "head_width": 32},
    "text_cfg": {"width": 64, "layers": 4, "heads": 2, "vocab_size": 49408, "context_length": CONTEXT},
}
BIG = "ViT-B-16-quickgelu"
NAMES = {"small": "small", BIG: "ViT-B/16"}
HEADS = ("model", "classes", "micro-batch", "plain, s", "vifi, s", "ratio", "loss", "gradient")


def make_model(name: str, folder: Path) -> Path:
    """An open_clip model folder with random weights, unless it is there."""
    declare_missing_operators()
    import open_clip

    if not folder.exists():
        config = SMALL if name == "small" else open_clip.get_model_config(name)
        torch.manual_seed(0)
        folder.mkdir()
        save_file(open_clip.CLIP(**config).state_dict(), folder / "open_clip_model.safetensors")
        (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
    return folder


def make_videos(folder: Path) -> list[Path]:
    """Clips in the size and length of Kinetics, a keyframe every 4 seconds."""
    return [
        write_panning_clip(
            folder / f"{number}.mp4", 10, width=340, height=256, frames_per_second=30, keyframe_seconds=4
        )
        for number in range(VIDEOS)
    ]


def cases(device: torch.device, *, quick: bool) -> list[Case]:
    """What is measured; ViT-B/16 on a CPU only as far as time and memory allow."""
    if quick:
        return [Case("small", classes, 1, 2, measured=2, rounds=2) for classes in (51, 101)]
    small = [Case("small", classes, 1, 8) for classes in SETS]
    small += [Case("small", 400, 1, 16), Case("small", 400, 4, 16, rounds=2)]
    if device.type == "cuda":
        shapes = (1, 8), (4, 16), (4, 32)
        return small + [Case(BIG, classes, *shape) for shape in shapes for classes in SETS]
    return [
        *small,
        Case(BIG, 51, 1, 8, measured=2, rounds=1),
        Case(BIG, 101, 1, 8, measured=1, rounds=1),
        Case(BIG, 400, 1, 8, measured=1, rounds=1, plain_classes=101),
    ]


def row(result: Result) -> list[str]:
    case, plain, vifi = result.case, result.timings[PLAIN.name].step, result.timings[VIFI.name].step
    about = "about " if case.measured < ACCUMULATION else ""
    differences = [
        "not comparable" if value is None else f"{value:.0e}"
        for value in (result.loss_difference, result.gradient_difference)
    ]
    shape = f"{case.clips} x {case.frames}"
    seconds = [f"{about}{plain:.2f}", f"{about}{vifi:.2f}", f"{plain / vifi:.1f}"]
    return [NAMES[case.model], str(case.classes), shape, *seconds, *differences]


def prepare(
    case: Case, folder: Path, videos: Sequence[Path], device: torch.device, dtype: torch.dtype = torch.float32
) -> Training:
    model = load_vifi_clip(resolve_model(str(make_model(case.model, folder / case.model))))
    return Training(model, case, videos, device, dtype)


def show_proof(folder: Path, videos: Sequence[Path], device: torch.device, *, quick: bool) -> None:
    """The small model in float64: all 8 micro-batches, losses and every gradient."""
    rows = []
    for classes in list(SETS)[: 1 if quick else None]:
        case = Case("small", classes, 1, 2, rounds=1)
        result = compare(prepare(case, folder, videos, device, torch.float64), (PLAIN, VIFI))
        rows.append([str(classes), f"{result.loss_difference:.0e}", f"{result.gradient_difference:.0e}"])
    heads = ("classes", "loss, relative difference", "gradients, largest relative difference")
    show_table("vifi against the plain way in float64, small model, clips of 2 frames", heads, rows)


def show_ladder(result: Result) -> None:
    """Where the gain comes from, one change after the other."""
    rows, before = [], result.timings[PLAIN.name].step
    for name, timing in result.timings.items():
        rows.append([name, f"{timing.step:.2f}", f"{before / timing.step:.2f}"])
        before = timing.step
    case = result.case
    title = f"Where the gain comes from: small model, {case.classes} classes, {case.clips} x {case.frames}"
    show_table(title, ("way", "seconds a step", "times as fast as the line above"), rows)


def show_operations(training: Training, timing: Timing) -> None:
    """What a GPU achieves; the operations are those of vifi's way."""
    with FlopCounterMode(display=False) as counter:
        training.step(VIFI)
    teraflops = counter.get_total_flops() / timing.step / 1e12
    print(f"  {teraflops:.1f} TFLOP/s achieved in vifi's way")


def run(folder: Path, device: torch.device, *, quick: bool) -> None:
    """Measure and print."""
    videos = make_videos(folder)
    show_proof(folder, videos, device, quick=quick)
    print()
    all_cases = cases(device, quick=quick)
    ladder_case = all_cases[1 if quick else 2]
    results = []
    for case in all_cases:
        training = prepare(case, folder, videos, device)
        results.append(compare(training, LADDER if case == ladder_case else (PLAIN, VIFI)))
        timings = results[-1].timings
        parts = (f"{timing.micro_batch:.2f} + {timing.rest:.2f} s" for timing in timings.values())
        print(f"{case}, a micro-batch + the rest, way by way: {'; '.join(parts)}", flush=True)
        if device.type == "cuda":
            show_operations(training, timings[VIFI.name])
        del training
    show_table(f"A step of {ACCUMULATION} micro-batches (clips x frames)", HEADS, [row(r) for r in results])
    show_ladder(results[all_cases.index(ladder_case)])
    training = prepare(all_cases[0], folder, videos, device)
    decoded, kept = (training.reading_seconds(way) * 1000 for way in (PLAIN, VIFI))
    print(f"\nreading a clip of {all_cases[0].frames} frames: {decoded:.0f} ms decoded, {kept:.0f} ms kept")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    arguments = parser.parse_args()
    show_machine()
    print(f"torch threads: {torch.get_num_threads()}")
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VIFI_HOME"] = folder
        run(Path(folder), torch.device(arguments.device), quick=arguments.quick)
    print(f"\nthe whole run took {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
