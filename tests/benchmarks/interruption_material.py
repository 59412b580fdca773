"""What the commands that get interrupted work on: videos, labeled videos and tiny models."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measuring import SHARED_VIDEOS, compile_encoder
from tests.made_videos import numbered_frames, solid_colour_clip, write_video
from tests.model.conftest import make_tiny_clip

LARGEST_VIDEO_BYTES = 60_000
MADE_VIDEOS, ODD_VIDEOS = 16, 6


@dataclass(frozen=True)
class Material:
    """What the commands work on; they only read it."""

    videos: Path
    classes: Path  # labeled videos in splits
    model: Path  # a tiny one, to train
    compiled: Path  # a data folder in which `starter` is compiled

    @classmethod
    def make(cls, folder: Path) -> "Material":
        """Makes videos, some of them damaged, labeled videos, and the models."""
        videos, classes = folder / "videos", folder / "classes"
        videos.mkdir(parents=True)
        for number in range(MADE_VIDEOS):
            frames = numbered_frames(60 + 20 * (number % 5))
            write_video(videos / f"{number:02}.mp4", frames, gop=10)
        odd = SHARED_VIDEOS / "odd"
        small = [path for path in sorted(odd.rglob("*.mp4")) if path.stat().st_size < LARGEST_VIDEO_BYTES]
        for number, path in enumerate(small[:: max(1, len(small) // ODD_VIDEOS)]):
            shutil.copy2(path, videos / f"odd_{number}{path.suffix}")
        for split, numbers in (("train", range(4)), ("test", range(4, 5))):
            for color in ("red", "green", "blue"):
                for number in numbers:
                    path = classes / split / color / f"{color}_{number}.mp4"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    solid_colour_clip(path, [(color, 0.4), ("black", 0.1 * number)])
        compile_encoder(folder / "compiled")
        return cls(videos, classes, make_tiny_clip(folder / "model"), folder / "compiled")
