"""From a decoded frame to the upright RGB picture an encoder wants, scaled by FFmpeg's scaler.

The reference is what most tools do: RGB at full size, resized by Pillow, cut or padded as by torchvision and
open_clip. Encoders notice less than one gray level, so the arithmetic is the same:

* RGB at full size comes from FFmpeg's plain conversion, as in `VideoFrame.to_image` and OpenCV. It rounds down:
  pictures are about one gray level darker than with the scaler's own, exact conversion.
* Width and height are scaled one after the other, rounded to 8 bits in between, with Pillow's filters. Pillow's
  bicubic is the one with `a = -0.5`, in FFmpeg's terms B = 0 and C = 0.5.

Pixels count as square, as in the reference tools. The frame's own color matrix and range apply.
"""

from fractions import Fraction

import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc, VideoReformatter

from vifi_cli.video.pictures.frames import FrameGeometry
from vifi_cli.video.pictures.orientation import Orientation

FILTERS = {
    "bicubic": "flags=bicubic+accurate_rnd+full_chroma_int:param0=0:param1=0.5",
    "bilinear": "flags=bilinear+accurate_rnd+full_chroma_int",
}
NO_TIMES = Fraction(1, 1000)  # the scaler wants a unit of time, and does not use it
# a strip of a picture, thousands of times wider than high, must not fill the memory when scaled up
LONGEST_TO_SHORTEST = 32

Picture = npt.NDArray[np.uint8]


class FrameScaler:
    """Turns decoded frames into pictures of one geometry; keep one per video, since setting it up takes time."""

    def __init__(self, geometry: FrameGeometry, threads: int = 1) -> None:
        self._geometry = geometry
        self._threads = threads
        self._to_rgb = VideoReformatter()
        self._to_planes = VideoReformatter()
        self._graph: Graph
        self._graph_is_for: tuple[int, int, Orientation] | None = None

    def __call__(self, frame: VideoFrame) -> Picture:
        """The upright picture, uint8 (geometry.height, geometry.width, 3)."""
        orientation = Orientation.of(frame)
        key = frame.height, frame.width, orientation
        if key != self._graph_is_for:
            self._graph, self._graph_is_for = self._scaling_graph(frame, orientation), key
        self._graph.push(self._as_planes(frame))
        scaled = self._graph.pull()
        if not isinstance(scaled, VideoFrame):
            raise TypeError("a graph of video filters gives video frames")
        return center(orientation.applied(scaled.to_ndarray().astype(np.uint8, copy=False)), self._geometry)

    def _as_planes(self, frame: VideoFrame) -> VideoFrame:
        """The frame as planes of red, green and blue, which the scaler scales separately."""
        rgb = self._to_rgb.reformat(frame, format="rgb24", threads=self._threads)
        planes = self._to_planes.reformat(rgb, format="gbrp", threads=self._threads)
        # the values are RGB now; tags of their origin would only confuse the scaler
        planes.color_trc, planes.color_primaries = ColorTrc.UNSPECIFIED, ColorPrimaries.UNSPECIFIED
        return planes

    def _scaling_graph(self, frame: VideoFrame, orientation: Orientation) -> Graph:
        """Filters that scale the upright picture's width, then its height."""
        height, width = scaled_size(*orientation.size(frame.height, frame.width), self._geometry)
        if orientation.transposed:
            first, then = f"{frame.width}:{width}", f"{height}:{width}"
        else:
            first, then = f"{width}:{frame.height}", f"{width}:{height}"
        options = FILTERS[self._geometry.interpolation]
        planes = VideoFormat("gbrp")
        graph = Graph()
        graph.threads = self._threads
        filters = [
            graph.add_buffer(width=frame.width, height=frame.height, format=planes, time_base=NO_TIMES),
            graph.add("scale", f"{first}:{options}"),
            graph.add("format", "gbrp"),
            graph.add("scale", f"{then}:{options}"),
            graph.add("format", "gbrp"),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*filters).configure()
        return graph


def upright_size(frame: VideoFrame) -> tuple[int, int]:
    """Height and width of the frame when it is upright."""
    return Orientation.of(frame).size(frame.height, frame.width)


def scaled_size(height: int, width: int, geometry: FrameGeometry) -> tuple[int, int]:
    """Height and width of the scaled picture before it is cut or padded."""
    if geometry.resize == "squash":
        return geometry.height, geometry.width
    longest = LONGEST_TO_SHORTEST * max(geometry.height, geometry.width)
    if geometry.resize == "shortest" and geometry.height == geometry.width:
        side = geometry.height
        scaled = (int(side * height / width), side) if width <= height else (side, int(side * width / height))
    else:
        ratios = height / geometry.height, width / geometry.width
        ratio = min(ratios) if geometry.resize == "shortest" else max(ratios)
        scaled = round(height / ratio), round(width / ratio)
    return min(max(scaled[0], 1), longest), min(max(scaled[1], 1), longest)


def center(picture: Picture, geometry: FrameGeometry) -> Picture:
    """Cuts the picture's center to the geometry's size, and pads it where it is smaller."""
    height, width = geometry.height, geometry.width
    missing = [max(0, height - picture.shape[0]), max(0, width - picture.shape[1])]
    if any(missing):
        borders = [(gap // 2, gap - gap // 2) for gap in missing]
        picture = np.pad(picture, [*borders, (0, 0)], constant_values=geometry.fill)
    top, left = round((picture.shape[0] - height) / 2), round((picture.shape[1] - width) / 2)
    return np.ascontiguousarray(picture[top : top + height, left : left + width])
