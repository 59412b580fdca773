"""How well `starter` finds clips by their captions and names actions it was never shown, and how fast it is.

    python -m tests.benchmarks.starter_quality

Needs the reference clips in ../shared/videos. Frames as `vifi index` takes them: 1 a second, at least 8 a clip; a
clip's embedding is the mean of its frames' embeddings, not normalised, then of length 1.
"""

import csv
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.benchmarks.measuring import SHARED_VIDEOS, show_machine, show_table
from tests.decoded_videos import read_video
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import ViFiEncoder, load_encoder
from vifi_cli.video.decode.frame_sampling import FrameSampling

Float32Array = npt.NDArray[np.float32]
# templates of two kinds, averaged: ImageNet-like, and as people would ask
TEMPLATES = ("a photo of a person doing {}", "a video of {}")
WEIZMANN_NAMES = {
    "bend": "bending down",
    "jack": "jumping jacks",
    "jump": "jumping forward",
    "pjump": "jumping in place",
    "run": "running",
    "side": "galloping sideways",
    "skip": "skipping",
    "walk": "walking",
    "wave1": "waving one hand",
    "wave2": "waving both hands",
}


def main() -> None:
    """Measures quality and speed and prints both."""
    show_machine()
    encoder = load_encoder(resolve_model("starter"), "cpu")
    show_table("Text to video, videos/search", ("clips", "R@1", "R@5", "R@10"), [retrieval(encoder)])
    rows = [zero_shot(encoder, name) for name in ("ucf101_mini", "hmdb51_mini", "weizmann")]
    heads = ("clips", "set", "classes", "names as they are", "two templates", "by chance")
    show_table("Zero-shot top-1, videos/actions", heads, rows)
    show_table("Image tower, frames a second", ("batch", "torch", "onnxruntime", "ratio"), speeds(encoder))


def retrieval(encoder: ViFiEncoder) -> Sequence[str]:
    """Ranks all clips by each caption."""
    with (SHARED_VIDEOS / "search" / "captions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    clips = embed_clips(encoder, [SHARED_VIDEOS / "search" / row["file"] for row in rows])
    similarity = encoder.encode_texts([row["caption"] for row in rows]) @ clips.T
    ranks = (similarity > similarity.diagonal()[:, None]).sum(1)
    return [str(len(rows)), *(f"{(ranks < top).mean():.2f}" for top in (1, 5, 10))]


def zero_shot(encoder: ViFiEncoder, name: str) -> Sequence[str]:
    """Names the action of each clip of a set, among the classes that the set has."""
    clips = sorted((SHARED_VIDEOS / "actions" / name).glob("*/*"))
    classes = sorted({clip.parent.name for clip in clips})
    truth = np.array([classes.index(clip.parent.name) for clip in clips])
    texts = [in_words(label) for label in classes]
    frames = embed_clips(encoder, clips)
    plain = encoder.encode_texts(texts)
    templated = sum(encoder.encode_texts([template.format(text) for text in texts]) for template in TEMPLATES)
    scores = [
        f"{((frames @ side.T).argmax(1) == truth).mean():.2f}"
        for side in (plain, unit(np.asarray(templated)))
    ]
    return [str(len(clips)), name, str(len(classes)), *scores, f"{1 / len(classes):.2f}"]


def in_words(label: str) -> str:
    """`ApplyEyeMakeup` and `shoot_bow` as one would write them."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label.replace("_", " ")).lower()
    return WEIZMANN_NAMES.get(label, words)


def embed_clips(encoder: ViFiEncoder, clips: Sequence[Path]) -> Float32Array:
    """One embedding of length 1 for each clip."""
    sampling = FrameSampling()
    means = []
    for clip in clips:
        frames, _ = read_video(clip, sampling, encoder.geometry)
        means.append(encoder.encode_frames(frames.pixels).mean(0))
    return unit(np.stack(means))


def unit(vectors: Float32Array) -> Float32Array:
    """Vectors scaled to length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def speeds(compiled: ViFiEncoder) -> list[Sequence[str]]:
    """Frames a second by torch and by what the encoder uses, in turns, so that a busy machine is fair to both."""
    import torch

    from vifi_cli.model.preprocessing import STARTER_PREPROCESSING
    from vifi_cli.model.runtime.torch_runtime import PixelTower, TorchFrames
    from vifi_cli.model.towers.starter import build_starter

    visual = build_starter().visual
    eager = TorchFrames(PixelTower(visual, STARTER_PREPROCESSING), torch.device("cpu"))
    rows = []
    for batch in (1, 16, 64):
        pixels = np.random.default_rng(0).integers(0, 256, (batch, 224, 224, 3), np.uint8)
        slow, fast = fastest_rates((eager, compiled.encode_frames), pixels)
        rows.append([str(batch), f"{slow:.1f}", f"{fast:.1f}", f"{fast / slow:.1f}"])
    return rows


def fastest_rates(
    runs: Sequence[Callable[[npt.NDArray[np.uint8]], Float32Array]], pixels: npt.NDArray[np.uint8]
) -> list[float]:
    """Frames a second of each, the best of five turns."""
    best = [0.0] * len(runs)
    for _ in range(5):
        for number, run in enumerate(runs):
            started = time.perf_counter()
            run(pixels)
            best[number] = max(best[number], len(pixels) / (time.perf_counter() - started))
    return best


if __name__ == "__main__":
    main()
