"""From a decoded frame to the picture of a video to write: upright, of one even size, 8 bits, SDR.

Colors keep their matrix and primaries, which the encoder writes down, so that no player has to guess. FFmpeg's scaler
converts only HDR (PQ or HLG), which needs a special screen and player, to BT.709.
"""

from dataclasses import dataclass
from fractions import Fraction

from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc

from vifi_cli.video.pictures.orientation import Orientation

HDR_TRANSFERS: dict[int, str] = {ColorTrc.SMPTE2084: "PQ", ColorTrc.ARIB_STD_B67: "HLG"}
TO_BT709 = "out_color_matrix=bt709:out_primaries=bt709:out_transfer=bt709:intent=perceptual"
SCALER = "flags=bicubic+accurate_rnd+full_chroma_int"
UNSPECIFIED = 2  # FFmpeg's number of an unspecified color matrix
SD_HEIGHT = 576  # pictures of unknown colors are BT.601 up to here, BT.709 above, as for players


@dataclass(frozen=True, slots=True)
class Canvas:
    """The size of the pictures of a video to write, in pixels, even."""

    height: int
    width: int
    sample_aspect: Fraction = Fraction(1)  # width of a pixel divided by its height


def canvas_of(frame: VideoFrame, sample_aspect: Fraction | None) -> Canvas:
    """The canvas that shows a frame as it is, upright; an odd last row or column is left out."""
    aspect = sample_aspect or Fraction(1)
    height, width = frame.height, frame.width
    if Orientation.of(frame).transposed:
        height, width, aspect = width, height, 1 / aspect
    return Canvas(max(2, height // 2 * 2), max(2, width // 2 * 2), aspect)


def lowered(canvas: Canvas, height: int) -> Canvas:
    """The canvas scaled down to a height in pixels; never enlarged."""
    scale = min(1.0, height / canvas.height)
    rows, columns = (max(2, 2 * round(side * scale / 2)) for side in (canvas.height, canvas.width))
    return Canvas(rows, columns, canvas.sample_aspect)


def shown_size(canvas: Canvas) -> tuple[int, int]:
    """Height and width in square pixels, even, no smaller than the canvas."""
    wide = max(canvas.sample_aspect, Fraction(1))
    high = max(1 / canvas.sample_aspect, Fraction(1))
    return 2 * round(canvas.height * high / 2), 2 * round(canvas.width * wide / 2)


class PictureFitter:
    """Fits frames of one video, whatever their size, to a canvas: scaled, with black beside them."""

    def __init__(self, canvas: Canvas, sample_aspect: Fraction | None, *, bt709: bool = False) -> None:
        """`sample_aspect` is that of the video's own pixels; `bt709` converts all colors, for videos to be joined."""
        self.hdr: str | None = None  # the kind that was converted to SDR
        self._canvas = canvas
        self._sample_aspect = sample_aspect or Fraction(1)
        self._bt709 = bt709
        self._graph: Graph
        self._graph_is_for: tuple[object, ...] | None = None

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """The picture as yuv420p in the canvas's size."""
        seen_as = Orientation.of(frame)
        key = frame.height, frame.width, frame.format.name, seen_as, frame.color_trc, frame.colorspace
        if key != self._graph_is_for:
            self._graph, self._graph_is_for = self._fitting_graph(frame), key
        self._graph.push(frame)
        fitted = self._graph.pull()
        if not isinstance(fitted, VideoFrame):
            raise TypeError("a graph of video filters gives video frames")
        if self._bt709 or frame.format.is_rgb:
            fitted.color_primaries, fitted.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        return fitted

    def _fitting_graph(self, frame: VideoFrame) -> Graph:
        self.hdr = HDR_TRANSFERS.get(frame.color_trc) or self.hdr
        graph = Graph()
        source = graph.add(
            "buffer",
            video_size=f"{frame.width}x{frame.height}",
            pix_fmt=frame.format.name,
            time_base=str(frame.time_base or Fraction(1, 1000)),
            pixel_aspect=str(self._sample_aspect),
            colorspace=str(int(frame.colorspace)),
            range=str(int(frame.color_range)),
        )
        steps = [*Orientation.of(frame).filters, *self._size_steps(frame)]
        steps += [("scale", f"{SCALER}:out_range=tv{self._color_options(frame)}"), ("format", "yuv420p")]
        nodes: list[FilterContext] = [source, *(graph.add(name, options or None) for name, options in steps)]
        graph.link_nodes(*nodes, graph.add("buffersink")).configure()
        return graph

    def _size_steps(self, frame: VideoFrame) -> list[tuple[str, str]]:
        canvas = self._canvas
        if canvas_of(frame, self._sample_aspect) == canvas and min(frame.height, frame.width) > 1:
            return [("crop", f"{canvas.width}:{canvas.height}:0:0:exact=1")]
        height, width = frame.height, frame.width * self._sample_aspect / canvas.sample_aspect
        if Orientation.of(frame).transposed:
            height, width = frame.width, frame.height / self._sample_aspect / canvas.sample_aspect
        scale = min(canvas.height / Fraction(height), canvas.width / Fraction(width))
        rows, columns = (max(2, 2 * round(side * scale / 2)) for side in (height, width))
        return [
            ("scale", f"{columns}:{rows}:{SCALER}"),
            ("pad", f"{canvas.width}:{canvas.height}:-1:-1:black"),
            ("setsar", str(canvas.sample_aspect)),
        ]

    def _color_options(self, frame: VideoFrame) -> str:
        """Options of the scaler that convert colors, where needed."""
        if frame.color_trc in HDR_TRANSFERS:
            return f":{TO_BT709}"
        if not self._bt709:
            return ":out_color_matrix=bt709" if frame.format.is_rgb else ""
        unknown = frame.colorspace == UNSPECIFIED and not frame.format.is_rgb
        guess = "bt601" if min(frame.height, frame.width) <= SD_HEIGHT else "bt709"
        return (f":in_color_matrix={guess}" if unknown else "") + ":out_color_matrix=bt709"
