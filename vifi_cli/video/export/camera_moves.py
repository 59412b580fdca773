"""Makes a clip from photographs: a camera pans and zooms over one after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

FRAMES_PER_SECOND = 12
WIDTH, HEIGHT = 640, 360


@dataclass(frozen=True, slots=True)
class Scene:
    """A photograph and how the camera moves over it.

    A zoom of 1 shows as much as fits. A pan says where the camera looks, as shares 0..1 of the room to move in x and y.
    """

    photograph: npt.NDArray[np.uint8]  # (H, W, 3), RGB
    seconds: float = 5.0
    zoom_from: float = 1.0
    zoom_to: float = 1.3
    pan_from: tuple[float, float] = (0.0, 0.5)
    pan_to: tuple[float, float] = (1.0, 0.5)


def write_scenes(path: Path, scenes: Sequence[Scene]) -> None:
    """Writes an h264 clip of the scenes, 640 x 360 at 12 frames per second."""
    with av.open(path, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for scene in scenes:
            for picture in _pictures(scene):
                frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
                container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _pictures(scene: Scene) -> Iterator[Image.Image]:
    photograph = Image.fromarray(scene.photograph)
    for position in np.linspace(0.0, 1.0, round(scene.seconds * FRAMES_PER_SECOND)):
        box = _view(scene, photograph.width, photograph.height, float(position))
        yield photograph.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC, box=box)


def _view(scene: Scene, width: int, height: int, position: float) -> tuple[float, float, float, float]:
    """The rectangle (left, top, right, bottom) in view at a position 0..1 of the scene."""
    zoom = scene.zoom_from + (scene.zoom_to - scene.zoom_from) * position
    scale = min(width / WIDTH, height / HEIGHT) / zoom
    view_width, view_height = WIDTH * scale, HEIGHT * scale
    x, y = (start + (end - start) * position for start, end in zip(scene.pan_from, scene.pan_to, strict=True))
    left, top = x * (width - view_width), y * (height - view_height)
    return left, top, left + view_width, top + view_height
