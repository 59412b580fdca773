"""How a decoded picture becomes upright: the eight ways to turn and mirror it, from a display matrix.

Containers (`tkhd` in MP4, ProjectionPoseRoll in Matroska), H.264 and HEVC (SEI) and EXIF all reach the frame as a 3 x 3
matrix, which moves the point (x, y) of the decoded picture to (a x + c y, b x + d y). As for FFmpeg, its
signs alone matter; the scale is in the pixels' aspect ratio. Between two quarter turns, the nearer one counts.
"""

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Self, cast

import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.sidedata.sidedata import SideDataContainer, Type
from av.video.frame import VideoFrame

MATRIX = struct.Struct("=9i")  # by rows: a b u, c d v, x y w
# FFmpeg's filter for each combination of the fields of `Orientation`, in their order
TRANSPOSITIONS = {
    (False, False): "cclock_flip",
    (True, False): "clock",
    (False, True): "cclock",
    (True, True): "clock_flip",
}
NEWER_TYPES = range(len(Type), 48)  # of side data, unknown to PyAV, such as EXIF


@dataclass(frozen=True, slots=True)
class Orientation:
    """What makes a picture upright, in this order: exchange rows and columns, then mirror."""

    transposed: bool = False
    mirrored_horizontally: bool = False
    mirrored_vertically: bool = False

    @classmethod
    def of(cls, frame: VideoFrame) -> Self:
        """The orientation of a decoded frame, by its display matrix."""
        matrix = _display_matrix(frame)
        if matrix is None or len(matrix) != MATRIX.size:
            return cls()
        a, b, _, c, d, *_ = MATRIX.unpack(matrix)
        return cls.of_matrix(a, b, c, d)

    @classmethod
    def of_matrix(cls, a: float, b: float, c: float, d: float) -> Self:
        """The orientation that a display matrix describes, or the nearest one."""
        if abs(b) + abs(c) > abs(a) + abs(d):
            return cls(True, c < 0, b < 0)
        return cls(False, a < 0, d < 0)

    @property
    def is_mirrored(self) -> bool:
        """Whether turning the picture is not enough."""
        return self.transposed ^ self.mirrored_horizontally ^ self.mirrored_vertically

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the upright picture."""
        return (width, height) if self.transposed else (height, width)

    def applied(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The upright picture, (H, W, ...), a view of the decoded one."""
        turned = picture.swapaxes(0, 1) if self.transposed else picture
        rows, columns = -1 if self.mirrored_vertically else 1, -1 if self.mirrored_horizontally else 1
        return turned[::rows, ::columns]

    @property
    def filters(self) -> tuple[tuple[str, str], ...]:
        """The names and options of FFmpeg's filters that make a picture upright."""
        mirrors = self.mirrored_horizontally, self.mirrored_vertically
        if self.transposed:
            return (("transpose", TRANSPOSITIONS[mirrors]),)
        return tuple((name, "") for name, used in zip(("hflip", "vflip"), mirrors, strict=True) if used)


def _display_matrix(frame: VideoFrame) -> bytes | None:
    try:
        return bytes(cast(SideDataContainer, frame.side_data)[Type.DISPLAYMATRIX])
    except KeyError:
        return None
    except ValueError:  # PyAV refuses all of a frame's side data if it does not know the type of one
        return _display_matrix(_without_newer_side_data(frame))


def _without_newer_side_data(frame: VideoFrame) -> VideoFrame:
    graph = Graph()
    nodes = [
        graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000)
        ),
        *(graph.add("sidedata", f"mode=delete:type={number}") for number in NEWER_TYPES),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    graph.push(frame)
    bare = graph.pull()
    if not isinstance(bare, VideoFrame):
        raise TypeError("a graph of video filters gives video frames")
    return bare
