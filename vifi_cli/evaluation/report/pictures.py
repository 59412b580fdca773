"""Frames of videos, and pictures as parts of a page."""

import base64
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.clips.clip_sampling import test_frame_indices
from vifi_cli.video.clips.store import ClipStore


def thumbnails(video: LabeledVideo, count: int = 3, short_side: int = 96) -> tuple[bytes, ...]:
    """Evenly spaced frames of a video as JPEG, a single one from its middle; none if it cannot be read."""
    try:
        frames = ClipStore(short_side).read(
            video.path, lambda total: test_frame_indices(total, count), video.part
        )
    except UnreadableVideo:
        return ()
    return tuple(map(_jpeg, frames))


def _jpeg(pixels: npt.NDArray[np.uint8]) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=75, optimize=True)
    return stream.getvalue()


def data_uri(kind: str, picture: bytes) -> str:
    """A picture as an address that a page can hold; `kind` is `png` or `jpeg`."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
