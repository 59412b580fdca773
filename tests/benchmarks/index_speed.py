"""How fast videos are indexed, against the plain way of doing it, in one run:

    python -m tests.benchmarks.index_speed

The plain way is what most tools do: OpenCV decodes every frame, the frames wanted go through PIL and the reference
preprocessing (open_clip's), and the very same `starter` model embeds them by eager torch in batches of 16.
`vifi` is `encode_videos` and the catalogue, as `vifi index` uses them, decoding processes started anew. Both want
one frame a second, at least 8 a clip; loading the model counts for neither.
A middle row gives the plain way its easiest mend: OpenCV converts only the frames wanted to RGB (grab, retrieve).
The ways take turns, and the fastest run of each counts, since other programs disturb only upwards; processor
seconds are those of all cores together.
"""

import argparse
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import torch
from av.video.reformatter import Interpolation
from PIL import Image

from tests.benchmarks.measuring import SHARED_VIDEOS, show_machine, show_table, write_panning_clip
from tests.decoded_videos import sample_times
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.records import EncodedVideo
from vifi_cli.index.update.encoding import BATCH_SIZE, EncodingTimes, encode_videos
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.index.vectors import open_vectors
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import ViFiEncoder, load_encoder
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.model.towers.starter import build_starter
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.discovery import find_videos

PLAIN_BATCH = 16
SAMPLING = FrameSampling()
SAME_TIME_SECONDS = 0.002
EXACT_COLORS = int(Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT)
Times = Mapping[Path, npt.NDArray[np.float64]]


@dataclass
class Run:
    """One pass over some videos: seconds in all and by step, processor seconds, and what came out."""

    seconds: float = 0.0
    processor_seconds: float = 0.0
    steps: dict[str, float] = field(default_factory=dict)
    embeddings: list[npt.NDArray[np.float32]] = field(default_factory=list)
    videos: list[EncodedVideo] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.steps[name] = self.steps.get(name, 0.0) + time.perf_counter() - started

    @contextmanager
    def whole(self) -> Iterator[None]:
        started, used = time.perf_counter(), sum(os.times()[:4])
        yield
        self.seconds = time.perf_counter() - started
        self.processor_seconds = sum(os.times()[:4]) - used  # ended processes included

    @property
    def frames(self) -> int:
        return sum(len(part) for part in self.embeddings)


class PlainWay:
    """OpenCV, PIL and eager torch, one after the other."""

    def __init__(self, model: ViFiCLIP) -> None:
        declare_missing_operators()
        import open_clip

        configuration = open_clip.transform.PreprocessCfg(**model.visual.preprocess_cfg)
        self.model = model
        self.transform: Callable[[Image.Image], torch.Tensor]
        self.transform = open_clip.transform.image_transform_v2(configuration, is_train=False)

    def index(self, wanted: Times, *, convert_all: bool) -> Run:
        """Embeds the frames that are the first at or after the times wanted."""
        run = Run()
        with run.whole():
            for path, times in wanted.items():
                pictures = _opencv_frames(path, times, convert_all, run)
                while batch := [picture for _, picture in zip(range(PLAIN_BATCH), pictures, strict=False)]:
                    with run.step("preprocessing"):
                        images = [self.transform(Image.fromarray(picture)) for picture in batch]
                    with run.step("encoding"):
                        run.embeddings.append(self.encode(torch.stack(images)))
        return run

    @torch.inference_mode()
    def encode(self, images: torch.Tensor) -> npt.NDArray[np.float32]:
        embeddings: npt.NDArray[np.float32] = self.model.visual(images).numpy()
        return embeddings


def _opencv_frames(
    path: Path, times: npt.NDArray[np.float64], convert_all: bool, run: Run
) -> Iterator[npt.NDArray[np.uint8]]:
    waiting = deque(times.tolist())
    capture = cv2.VideoCapture(str(path))
    picture = None
    while waiting:
        with run.step("decoding"):
            decoded, picture = capture.read() if convert_all else (capture.grab(), None)
            seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if not decoded:
                break
            if seconds < waiting[0] - SAME_TIME_SECONDS:
                continue
            waiting.popleft()
            picture = picture if convert_all else capture.retrieve()[1]
            rgb = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        yield rgb
    capture.release()


def index_by_vifi(paths: Sequence[Path], encoder: ViFiEncoder) -> Run:
    """Decodes, embeds and stores, up to and with the vector file, in a new index."""
    run, times = Run(), EncodingTimes()
    videos = find_videos(paths).videos
    signature = indexed_with(encoder, SAMPLING)
    with (
        tempfile.TemporaryDirectory() as folder,
        run.whole(),
        Catalog.create(Path(folder) / CATALOG_FILE, signature) as catalog,
    ):
        for video in encode_videos(videos, encoder, SAMPLING, times=times):
            assert isinstance(video, EncodedVideo), video
            run.videos.append(video)
            with run.step("storing"):
                catalog.store(video)
        with run.step("storing"):
            open_vectors(catalog)
    run.videos.sort(key=lambda video: video.file.path)
    run.embeddings = [video.embeddings.astype(np.float32) for video in run.videos]
    run.steps |= {"decoding": times.waiting_seconds, "encoding": times.encoding_seconds}
    return run


def compare(title: str, paths: Sequence[Path], encoder: ViFiEncoder, plain: PlainWay, repeats: int) -> None:
    """Runs the three ways in turn, several times, and shows the fastest run of each."""
    first = index_by_vifi(paths, encoder)
    length = sum(video.info.duration_seconds for video in first.videos)
    wanted = {v.file.path: sample_times(v.info.duration_seconds, SAMPLING) for v in first.videos}
    ways: dict[str, Callable[[], Run]] = {
        "plain": lambda: plain.index(wanted, convert_all=True),
        "plain, grab/retrieve": lambda: plain.index(wanted, convert_all=False),
        "vifi": lambda: index_by_vifi(paths, encoder),
    }
    runs: dict[str, list[Run]] = {way: [] for way in ways}
    for _ in range(repeats):
        for way, work in ways.items():
            runs[way].append(work())
    baseline = min(run.seconds for run in runs["plain"])
    rows = [_row(way, sorted(runs[way], key=lambda run: run.seconds), length, baseline) for way in ways]
    decoding = ", ".join(sorted({video.info.decoding for video in first.videos}))
    heads = ("way", "frames", "seconds (all runs)", "x real time", "x plain", "processor seconds")
    heads += ("decoding / waiting for it", "preprocessing", "encoding", "storing")
    show_table(f"{title}: {length:.0f} s of video, decoded by vifi as {decoding}", heads, rows)
    _show_agreement(first, plain)


def _row(way: str, runs: Sequence[Run], length: float, baseline: float) -> list[str]:
    run = runs[0]
    steps = ("decoding", "preprocessing", "encoding", "storing")
    return [
        way,
        str(run.frames),
        f"{run.seconds:.2f} ({runs[0].seconds:.2f} – {runs[-1].seconds:.2f})",
        f"{length / run.seconds:.1f}",
        f"{baseline / run.seconds:.1f}",
        f"{min(each.processor_seconds for each in runs):.2f}",
        *(f"{run.steps[step]:.2f}" if step in run.steps else "–" for step in steps),
    ]


def _show_agreement(run: Run, plain: PlainWay) -> None:
    """How near the embeddings of the very frames that vifi took are, however they were made into pictures."""
    taken = {video.file.path: video.seconds for video in run.videos}
    by_opencv = np.concatenate(plain.index(taken, convert_all=True).embeddings)
    pictures = [picture for path, times in taken.items() for picture in _exact_frames(path, times.tolist())]
    images = [plain.transform(Image.fromarray(picture)) for picture in pictures]
    exact = np.concatenate([plain.encode(part) for part in torch.stack(images).split(PLAIN_BATCH)])
    by_vifi = np.concatenate(run.embeddings)
    pairs = {
        "vifi, plain way (OpenCV's RGB)": (by_vifi, by_opencv),
        "vifi, plain way with FFmpeg's exact RGB": (by_vifi, exact),
        "the two plain ways": (exact, by_opencv),
    }
    lengths = [len(part) for part in run.embeddings]
    rows = [[name, *_agreement(ours, theirs, lengths)] for name, (ours, theirs) in pairs.items()]
    heads = ("cosine between", "frames", "lowest", "mean", "whole videos, lowest")
    show_table("Embeddings of the same frames, made in different ways", heads, rows)


def _agreement(
    ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32], lengths: Sequence[int]
) -> list[str]:
    cosines = _cosines(ours, theirs)
    ends = np.cumsum(lengths)[:-1]
    ours, theirs = (np.stack([part.mean(0) for part in np.split(whole, ends)]) for whole in (ours, theirs))
    pooled = _cosines(ours, theirs)
    return [str(len(cosines)), f"{cosines.min():.4f}", f"{cosines.mean():.4f}", f"{pooled.min():.4f}"]


def _cosines(ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    cosines: npt.NDArray[np.float32] = (ours * theirs).sum(1) / lengths
    return cosines


def _exact_frames(path: Path, times: list[float]) -> Iterator[npt.NDArray[np.uint8]]:
    """The frames at these times as RGB at full size, without the scaler's shortcuts."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        start = stream.start_time or 0
        for frame in container.decode(stream):
            seconds = float((frame.pts - start) * stream.time_base)
            if times and seconds >= times[0] - SAME_TIME_SECONDS:
                times = times[1:]
                yield frame.to_ndarray(format="rgb24", interpolation=EXACT_COLORS)


def compare_encoders(encoder: ViFiEncoder, plain: PlainWay, repeats: int, batches: int = 6) -> None:
    """The image tower alone, on random pixels; torch gets its images normalised beforehand."""
    pixels = np.random.default_rng(0).integers(0, 256, (BATCH_SIZE, 224, 224, 3), np.uint8)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        f"eager torch, batches of {PLAIN_BATCH}": (PLAIN_BATCH, lambda: plain.encode(images[:PLAIN_BATCH])),
        f"eager torch, batches of {BATCH_SIZE}": (BATCH_SIZE, lambda: plain.encode(images)),
        f"{encoder.description}, batches of {PLAIN_BATCH}": (
            PLAIN_BATCH,
            lambda: encoder.encode_frames(pixels[:PLAIN_BATCH]),
        ),
        f"{encoder.description}, batches of {BATCH_SIZE}": (
            BATCH_SIZE,
            lambda: encoder.encode_frames(pixels),
        ),
    }
    speeds = {way: [_frames_a_second(*work, batches) for _ in range(repeats)] for way, work in ways.items()}
    slowest = max(next(iter(speeds.values())))
    rows = [[way, f"{max(each):.1f}", f"{max(each) / slowest:.1f}"] for way, each in speeds.items()]
    show_table("The image tower alone", ("runtime", "frames/s", "x torch"), rows)


def _frames_a_second(size: int, encode: Callable[[], object], batches: int) -> float:
    encode()
    started = time.perf_counter()
    for _ in range(batches):
        encode()
    return size * batches / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="passes of each way")
    parser.add_argument("--seconds", type=float, default=90, help="length of the made clips")
    arguments = parser.parse_args()
    show_machine()
    encoder, plain = load_encoder(resolve_model("starter"), "cpu"), PlainWay(build_starter())
    compare_encoders(encoder, plain, arguments.repeats)
    if (SHARED_VIDEOS / "search").is_dir():
        videos = sorted(file.path for file in find_videos([SHARED_VIDEOS / "search"]).videos)
        compare("17 short clips (videos/search)", videos, encoder, plain, arguments.repeats)
    else:
        print(f"\nvideos/search: skipped, {SHARED_VIDEOS / 'search'} is not here")
    with tempfile.TemporaryDirectory() as folder:
        for gap in (1, 8):
            clip = Path(folder) / f"keyframes_every_{gap}_s.mp4"
            write_panning_clip(
                clip, arguments.seconds, width=1920, height=1080, frames_per_second=30, keyframe_seconds=gap
            )
            megabits = clip.stat().st_size * 8e-6 / arguments.seconds
            title = f"1080p30 h264 of {megabits:.0f} Mbit/s, keyframes every {gap} s"
            compare(title, [clip], encoder, plain, arguments.repeats)


if __name__ == "__main__":
    main()
