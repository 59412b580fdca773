"""Compares ways of taking one frame a second from a video, 8 of a short one, in one run: speed and agreement.

    python -m tests.benchmarks.decode_speed [--seconds 60] [--rounds 3] [FILE ...]

Without files it makes 1080p clips with a keyframe every second and every 8 seconds. The ways take turns, and
the best round of each counts, since other programs disturb only upwards.
"""

import argparse
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.decoded_videos import read_video, sample_times
from tests.made_videos import textured_frames, write_video
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.pictures.frames import FrameGeometry
from vifi_cli.video.pictures.picture import FrameScaler, center, scaled_size

GEOMETRY = FrameGeometry(224, 224)
RATE = 30
Pictures = dict[float, npt.NDArray[np.uint8]]


def opencv_and_pil(path: Path, wanted: deque[float]) -> Pictures:
    """What most tools do: decode every frame, convert each to RGB at full size, resize the wanted by PIL."""
    video = cv2.VideoCapture(str(path))
    frames_per_second, pictures, index = video.get(cv2.CAP_PROP_FPS), {}, 0
    while True:
        found, picture = video.read()
        if not found:
            break
        if wanted and index / frames_per_second >= wanted[0]:
            image = Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
            height, width = scaled_size(image.height, image.width, GEOMETRY)
            resized = image.resize((width, height), Image.Resampling.BICUBIC)
            pictures[index / frames_per_second] = center(np.asarray(resized), GEOMETRY)
            wanted.popleft()
        index += 1
    return pictures


def plain_pyav(path: Path, wanted: deque[float]) -> Pictures:
    """Decode every frame by PyAV with its default threads, and scale the wanted in FFmpeg."""
    scaler, pictures = FrameScaler(GEOMETRY), {}
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            if wanted and frame.time >= wanted[0]:
                pictures[frame.time] = scaler(frame)
                wanted.popleft()
    return pictures


def vifi(path: Path, _: deque[float]) -> Pictures:
    """Decode what the chosen frames need."""
    frames, _ = read_video(path, FrameSampling(), GEOMETRY)
    return dict(zip(frames.seconds.tolist(), frames.pixels, strict=True))


WAYS: dict[str, Callable[[Path, deque[float]], Pictures]] = {
    "OpenCV, every frame, PIL resize": opencv_and_pil,
    "PyAV, every frame, swscale resize": plain_pyav,
    "vifi": vifi,
}


def best_seconds(path: Path, wanted: Iterable[float], rounds: int) -> dict[str, float]:
    """The shortest time of each way, which take turns."""
    best = dict.fromkeys(WAYS, float("inf"))
    for _ in range(rounds):
        for name, way in WAYS.items():
            started = time.perf_counter()
            way(path, deque(wanted))
            best[name] = min(best[name], time.perf_counter() - started)
    return best


def agreement(path: Path) -> tuple[int, int, float]:
    """How many frames vifi takes, how many equal those of decoding everything, and the largest shift in time."""
    frames, _ = read_video(path, FrameSampling(), GEOMETRY)
    taken = dict(zip(frames.seconds.round(6).tolist(), frames.pixels, strict=True))
    scaler, equal = FrameScaler(GEOMETRY), 0
    with av.open(path) as container:
        start = float((container.streams.video[0].start_time or 0) * container.streams.video[0].time_base)
        for frame in container.decode(video=0):
            picture = taken.get(round(frame.time - start, 6))
            equal += picture is not None and np.array_equal(picture, scaler(frame))
    shift = np.abs(frames.seconds - (np.floor(frames.seconds + 1e-3) + 0.5)).max()
    return len(frames), equal, float(shift)


def report(path: Path, rounds: int) -> Iterator[str]:
    """The table of one file, line by line."""
    count, equal, shift = agreement(path)
    _, info = read_video(path, FrameSampling(), GEOMETRY)
    size = f"{info.width} x {info.height}"
    yield f"{path.name}: {info.duration_seconds:.1f} s of {info.codec} {size}, {info.decoding}"
    best = best_seconds(path, sample_times(info.duration_seconds, FrameSampling()).tolist(), rounds)
    plain = best["PyAV, every frame, swscale resize"]
    for name, seconds in best.items():
        speed = info.duration_seconds / seconds
        yield f"  {name:36} {seconds:7.2f} s  {speed:6.1f} x real time  {plain / seconds:5.2f} x plain PyAV"
    yield f"  {equal} of {count} frames as in decoding everything, {shift:.2f} s at most off the time wanted"


def made_clips(folder: Path, seconds: int) -> list[Path]:
    """1080p clips with a keyframe every second and every 8 seconds."""
    return [
        write_video(
            folder / f"1080p_keyframe_every_{every}_s.mp4",
            textured_frames(seconds * RATE, 1080, 1920),
            fps=RATE,
            gop=every * RATE,
            b_frames=3,
            options={"preset": "veryfast"},
        )
        for every in (1, 8)
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--seconds", type=int, default=60, help="length of the clips made")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for path in arguments.files or made_clips(Path(folder), arguments.seconds):
            for line in report(path, arguments.rounds):
                print(line, flush=True)


if __name__ == "__main__":
    main()
