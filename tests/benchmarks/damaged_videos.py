"""Small videos in many containers and codecs, and damaged copies of them."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import av
import numpy as np

from tests.benchmarks.mutations import MUTATIONS
from tests.made_videos import Sound, numbered_frames, write_video
from vifi_cli.video.files.recognition import VIDEO_SUFFIXES

LARGEST_BYTES = 200_000


def make_sources(folder: Path) -> list[Path]:
    """A few small videos in containers and codecs that the shared ones lack."""
    folder.mkdir()
    tone = Sound(np.sin(np.arange(4 * 44_100, dtype=np.float32) / 20)[None])
    by_name: dict[str, dict[str, Any]] = {
        "h264.mkv": {"b_frames": 2, "sound": tone},
        "h264.mov": {"sound": tone},
        "h264.ts": {"b_frames": 2},
        "h264.flv": {},
        "h264.m4v": {"rotation": 90},
        "h264.avi": {"b_frames": 2},
        "mpeg4.mkv": {"codec": "mpeg4"},
        "vp8.webm": {"codec": "vp8"},
        "vp9.mkv": {"codec": "vp9"},
        "hevc.mp4": {"codec": "hevc"},
    }
    made = [write_video(folder / name, numbered_frames(40), **options) for name, options in by_name.items()]
    at_a_constant_rate = ("mpeg1video.mpg", "mpeg2video.vob", "wmv2.wmv", "flv.flv", "mpeg4.avi", "mjpeg.avi")
    return [*made, *(write_at_constant_rate(folder / name) for name in at_a_constant_rate)]


def write_at_constant_rate(path: Path) -> Path:
    """Two seconds of numbered frames by the codec that the file is named for, for those that want a standard rate."""
    with av.open(path, "w") as container:
        stream = container.add_stream(path.stem, rate=25)
        stream.pix_fmt = "yuvj420p" if path.stem == "mjpeg" else "yuv420p"
        for number, picture in enumerate(numbered_frames(50)):
            if not number:
                stream.height, stream.width = picture.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def sources_in(folders: Sequence[Path]) -> list[Path]:
    """The videos small enough, smallest first."""
    found = [
        path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES
    ]
    return sorted(
        (path for path in found if 0 < path.stat().st_size <= LARGEST_BYTES),
        key=lambda path: path.stat().st_size,
    )


def write_damaged(sources: Sequence[Path], folder: Path, count: int, seed: int) -> dict[Path, Path]:
    """Damages files in turn, each in the next way; from the damaged file to its source."""
    contents = {source: source.read_bytes() for source in sources}
    origins = {}
    for number in range(count):
        random = Random(f"{seed} {number}")
        source, other = sources[number % len(sources)], random.choice(sources)
        kind = random.choice(list(MUTATIONS))
        name = f"{number:06}_{kind.replace(' ', '-')}_{source.name[-40:]}"
        target = folder / f"{number // 1000:03}" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(MUTATIONS[kind](contents[source], contents[other], random))
        origins[target] = source
    return origins
