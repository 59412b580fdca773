"""Writing pictures as an h264 video that players and browsers show."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av

from vifi_cli.video.decode.picture import Picture

TICKS_PER_SECOND = 12_800
QUALITY = {"crf": "20", "preset": "medium"}


def write_mp4(path: Path, pictures: Iterable[tuple[float, Picture]], frames_per_second: float) -> None:
    """Write pictures as an mp4, each shown from its own time on; the first one's time becomes 0.

    Args:
        path: the file; its suffix does not matter.
        pictures: seconds, ascending, and uint8 (H, W, 3), all of one size; taken one by one. A last line or column
            that is odd is left out, as h264 has none.
        frames_per_second: about how many a second has.

    Raises:
        OSError: the file cannot be written.
    """
    with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(frames_per_second).limit_denominator(1001), options=QUALITY
        )
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, TICKS_PER_SECOND)
        first = None
        for seconds, picture in pictures:
            if first is None:
                first = seconds
                stream.height, stream.width = (side - side % 2 for side in picture.shape[:2])
            frame = av.VideoFrame.from_ndarray(
                picture[: stream.height, : stream.width].copy(), format="rgb24"
            )
            frame.pts, frame.time_base = (
                round((seconds - first) * TICKS_PER_SECOND),
                stream.codec_context.time_base,
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
