"""What clips cost: indexing with encoders of clips, relative to the encoder of single frames with the same tower.

    python -m tests.benchmarks.clip_encoders FOLDER --repeats 3

`starter` and a copy of it that averages the pictures of clips take turns, each in a process of its own. X-CLIP has
random weights of its published size, and is compared with an image tower of that size in the same process.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.benchmarks.measuring import ROOT, show_machine, show_table
from vifi_cli.api.library.indexing import index_videos
from vifi_cli.index.summary import summarize

CLIP_FRAMES = 8
XCLIP_BASE_32 = {
    "width": 768,
    "layers": 12,
    "image_size": 224,
    "patch_size": 32,
    "x_clip": {
        "num_frames": CLIP_FRAMES,
        "intermediate_size": 3072,
        "heads": 12,
        "mit_intermediate_size": 2048,
        "mit_num_attention_heads": 8,
        "mit_num_hidden_layers": 1,
    },
}


def write_blend(folder: Path) -> Path:
    """`starter` as it would be after fine-tuning with `--fusion image` in no steps."""
    from vifi_cli.model.registry.source import resolve_model
    from vifi_cli.model.storage.loading import load_vifi_clip
    from vifi_cli.model.storage.writing import write_model_folder

    model = load_vifi_clip(resolve_model("starter"))
    model.network.fusion = "image"
    write_model_folder(folder, model.network, replace(model.card, origin={"frames": str(CLIP_FRAMES)}))
    return folder


def index_once(videos: Path, model: str) -> dict[str, float]:
    """Indexes in this process; seconds, memory and sizes. Compiling is not counted."""
    import resource

    from vifi_cli.model.registry.source import resolve_model
    from vifi_cli.model.runtime.encoder import load_encoder

    load_encoder(resolve_model(model), "cpu")
    with tempfile.TemporaryDirectory() as folder:
        report = index_videos(videos, folder=Path(folder) / "index", model=model, device="cpu")
        summary = summarize(Path(folder) / "index")
    usage = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "video seconds": report.video_seconds,
        "wall seconds": report.wall_seconds - report.loading_seconds,
        "encoding seconds": report.encoding_seconds,
        "processor seconds": sum(one.ru_utime + one.ru_stime for one in usage),
        "peak MB": usage[0].ru_maxrss / 1024,
        "rows": summary.frames,
        "windows": summary.windows,
        "index KB": summary.size_bytes / 1024,
    }


def in_own_process(videos: Path, model: str) -> dict[str, float]:
    """`index_once` in a new process."""
    command = [sys.executable, "-m", "tests.benchmarks.clip_encoders", str(videos), "--once", model]
    run = subprocess.run(command, cwd=ROOT, env=os.environ, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def tower_seconds(run: object, pixels: npt.NDArray[np.uint8], repeats: int) -> float:
    """The processor time of a tower on pixels, the best of some runs."""
    times = []
    for _ in range(repeats + 1):  # the first one warms up
        started = time.process_time()  # others may use the machine too
        run(pixels)  # type: ignore[operator]
        times.append(time.process_time() - started)
    return min(times[1:])


def compare_x_clip(repeats: int) -> None:
    """A clip of eight frames by X-CLIP, and the same eight frames one by one by CLIP's tower of its size."""
    import torch

    from vifi_cli.model.torchvision_operators import declare_missing_operators

    declare_missing_operators()
    from open_clip.transformer import QuickGELU

    from vifi_cli.model.preprocessing import Preprocessing
    from vifi_cli.model.runtime.torch_runtime import PixelTower, TorchFrames, VideoPixelTower
    from vifi_cli.model.towers.image_tower import build_image_tower
    from vifi_cli.model.towers.x_clip import XClipTower
    from vifi_cli.video.pictures.frames import FrameGeometry

    device = torch.device("cpu")
    pictures = Preprocessing(FrameGeometry(224, 224), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    vision = {name: value for name, value in XCLIP_BASE_32.items() if name != "x_clip"}
    plain = TorchFrames(PixelTower(build_image_tower(512, vision, quick_gelu=True), pictures), device)
    x_clip = TorchFrames(VideoPixelTower(XClipTower(512, XCLIP_BASE_32, QuickGELU()), pictures), device)
    frames = np.random.default_rng(0).integers(0, 256, (16, 224, 224, 3), np.uint8)
    of_frames = tower_seconds(plain, frames, repeats)
    of_clips = tower_seconds(x_clip, frames.reshape(-1, CLIP_FRAMES, 224, 224, 3), repeats)
    ratio = of_clips / of_frames
    print(
        f"\nX-CLIP base/32 takes {ratio:.2f} times the processor time of ViT-B/32, for 16 frames in 2 clips"
    )


def main() -> None:
    """Measures and prints tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("videos", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--once", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        print(json.dumps(index_once(options.videos, options.once)))
        return
    show_machine()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VIFI_HOME"] = str(Path(folder) / "home")
        models = {"frames": "starter", "clips": str(write_blend(Path(folder) / "blend"))}
        for model in models.values():
            in_own_process(options.videos, model)  # compiles, and warms the disk cache
        runs = {name: [] for name in models}
        for _ in range(options.repeats):
            for name, model in models.items():
                runs[name].append(in_own_process(options.videos, model))
    middle = {
        name: {what: statistics.median(run[what] for run in found) for what in found[0]}
        for name, found in runs.items()
    }
    rows = [
        [
            what,
            f"{middle['frames'][what]:.1f}",
            f"{middle['clips'][what]:.1f}",
            f"{middle['clips'][what] / value:.2f}",
        ]
        for what, value in middle["frames"].items()
    ]
    show_table(
        f"medians of {options.repeats}, clips of {CLIP_FRAMES} frames", ["", "frames", "clips", "ratio"], rows
    )
    compare_x_clip(options.repeats)


if __name__ == "__main__":
    main()
