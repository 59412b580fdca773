"""What the benchmarks share: the machine in words, tables, made videos, and a run of `vifi` as a program."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module, metadata
from itertools import cycle
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

ROOT = Path(__file__).parents[2]
SHARED_VIDEOS = ROOT.parent / "shared" / "videos"
PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket", "hubble_deep_field")
PACKAGES = ("torch", "onnxruntime", "av", "opencv-python-headless", "faiss-cpu", "numpy")
SCENE_SECONDS = 5.0
GRAIN_LEVELS = 4  # grey levels of noise, as a camera's sensor gives


def show_machine() -> None:
    """Prints what a reader needs to judge the numbers."""
    cpu_info = Path("/proc/cpuinfo")
    lines = cpu_info.read_text().splitlines() if cpu_info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    load = os.getloadavg()[0]
    print(
        f"machine: {os.cpu_count()} cores, {names[0] if names else platform.processor()}, {platform.system()}"
    )
    print(f"load before the run: {load:.2f}; Python {platform.python_version()}")
    print("packages:", ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES))


def show_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table as Markdown, columns aligned."""
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    print(f"\n{title}\n")
    for row in (heads, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
    sys.stdout.flush()


def start_vifi(home: Path, *arguments: str, **options: object) -> "subprocess.Popen[bytes]":
    """Starts `vifi` as a process of its own, with a data folder of its own."""
    environment = {**os.environ, "VIFI_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "vifi_cli", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment, **options)  # type: ignore[call-overload]


def compile_encoder(home: Path) -> None:
    """Loads `starter` once, so that its compiled form lies in the data folder and no run pays for it."""
    code = (
        "from vifi_cli.model.registry.source import resolve_model as resolve;"
        "from vifi_cli.model.runtime.encoder import load_encoder; load_encoder(resolve('starter'), 'cpu')"
    )
    environment = {**os.environ, "VIFI_HOME": str(home)}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)


def write_panning_clip(
    path: Path,
    seconds: float,
    *,
    width: int,
    height: int,
    frames_per_second: int,
    keyframe_seconds: float,
    preset: str = "superfast",
) -> Path:
    """Encodes an h264 clip in which a camera pans over photographs, with a sensor's grain; height in fours.

    Pictures are cut from photographs that are YUV already, so that making a clip costs little but its encoding.
    """
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=frames_per_second)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = round(keyframe_seconds * frames_per_second)
        stream.options = {"preset": preset, "sc_threshold": "0"}
        pictures = _panning_pictures(width, height, round(SCENE_SECONDS * frames_per_second))
        for _, planes in zip(range(round(seconds * frames_per_second)), pictures, strict=False):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode())
    return path


def _panning_pictures(width: int, height: int, scene_frames: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Endless YUV 4:2:0 pictures, uint8 (height * 3 / 2, width), planes one below the other."""
    random = np.random.default_rng(0)
    wide, high = width * 5 // 4 // 4 * 4, height * 5 // 4 // 4 * 4
    grain = random.integers(0, GRAIN_LEVELS, (high, wide), np.uint8)
    for name in cycle(PHOTOGRAPHS):
        luma, *colors = _planes(name, wide, high)
        for position in np.linspace(0.0, 1.0, scene_frames):
            top, left = (int(position * play) // 2 * 2 for play in (high - height, wide - width))
            down, right = random.integers(0, (high - height, wide - width))
            noisy = luma[top : top + height, left : left + width] + grain[down:, right:][:height, :width]
            top, left, rows, columns = top // 2, left // 2, height // 2, width // 2
            cut = [plane[top : top + rows, left : left + columns].reshape(-1, width) for plane in colors]
            yield np.concatenate([noisy, *cut])


def _planes(photograph: str, width: int, height: int) -> list[npt.NDArray[np.uint8]]:
    picture = Image.fromarray(getattr(import_module("skimage.data"), photograph)())
    picture = picture.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24").reformat(format="yuv420p")
    planes = frame.to_ndarray()
    luma = np.clip(planes[:height], 16, 235 - GRAIN_LEVELS).astype(np.uint8)
    return [luma, *(plane.reshape(height // 2, width // 2) for plane in np.split(planes[height:], 2))]
