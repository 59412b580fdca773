"""What a picture, a video or a part of one looks like to an index: the embedding of an example in a query.

A video that is indexed is looked up in the catalogue, also by another name and while its disk is not there; anything
else is read as the index would read it, so that both give the same.
"""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.index.catalog.catalog import Catalog, encode_path
from vifi_cli.index.encoder import Encoder
from vifi_cli.index.search.query import Example
from vifi_cli.index.search.ranking import Place
from vifi_cli.index.windows import stretch_embedding
from vifi_cli.video.decode.container import open_video
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.decode.picture_files import is_picture, read_picture
from vifi_cli.video.decode.time_range import check_reaches, decode_range
from vifi_cli.video.files.discovery import content_fingerprint
from vifi_cli.video.files.recognition import VIDEO_SUFFIXES
from vifi_cli.video.moment import TimeRange

Float32Array = npt.NDArray[np.float32]
Watch = Callable[[float, float | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class SeenExample:
    """An example as the encoder sees it.

    Attributes:
        embedding: float32 (D,), of length 1.
        place: where the catalogue has it, if it does.
    """

    embedding: Float32Array
    place: Place | None = None


def look_up_example(catalog: Catalog, example: Example) -> SeenExample | None:
    """The example from the frames that the catalogue keeps; None if it is of no file that is indexed as it is now.

    Raises:
        InvalidInput: the video ends before the part begins.
    """
    with catalog.snapshot():
        video_id = _video_of(catalog, example.path)
        if video_id is None:
            return None
        statement = "SELECT duration_seconds FROM videos WHERE id = ?"
        (duration,) = catalog.db.execute(statement, (video_id,)).fetchone()
        part = example.part or TimeRange()
        check_reaches(example.path, duration, part)
        embedding = stretch_embedding(*catalog.frames(video_id), part.start_seconds, part.end_seconds)
        start = part.start_seconds if example.part else -math.inf
        return SeenExample(embedding, Place(video_id, start, part.end_seconds))


def read_example(
    example: Example,
    load_encoder: Callable[[], Encoder],
    sampling: FrameSampling,
    watch: Watch = lambda done, total: None,
) -> SeenExample:
    """The example from its file.

    Args:
        example: what is shown.
        load_encoder: called only if there is a file to look at; gives the index's own.
        sampling: the index's own.
        watch: told how many seconds of a video have been looked at, and of how many, if that is known.

    Raises:
        InvalidInput: there is no such file, it is neither a picture nor a video that can be read, or it ends before
            the part begins.
    """
    path = example.path
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists() raises where a name is too long
        raise InvalidInput(
            f"{path}: no such file: name one that is there; `vifi search` takes words that look like a file's name "
            "as text:WORDS"
        )
    if path.is_dir():
        raise InvalidInput(
            f"{path} is a folder: name a picture or a video in it, or search below it with --path"
        )
    if not path.is_file():  # opening a pipe would wait for ever
        raise InvalidInput(f"{path} is no regular file: name a picture or a video")
    encoder = load_encoder()
    if example.part is None and path.suffix.lower() not in VIDEO_SUFFIXES and is_picture(path):
        return SeenExample(_unit(encoder.encode_frames(read_picture(path, encoder.geometry)[None])[0]))
    try:
        return _read_video(example, encoder, sampling, watch)
    except UnreadableVideo as error:
        raise InvalidInput(f"{path}: {error}; name a picture or a video that can be read") from error


def _read_video(example: Example, encoder: Encoder, sampling: FrameSampling, watch: Watch) -> SeenExample:
    part = example.part or TimeRange()
    with open_video(example.path) as video:
        end = min(part.end_seconds, video.declared_seconds or math.inf)
    total = None if math.isinf(end) else end - part.start_seconds
    seconds, embeddings = [], []
    for chunk in decode_range(example.path, sampling, encoder.geometry, part):
        seconds.append(chunk.seconds)
        embeddings.append(encoder.encode_frames(chunk.pixels).astype(np.float16))
        watch(float(chunk.seconds[-1]) - part.start_seconds, total)
    times, frames = np.concatenate(seconds), np.concatenate(embeddings)
    return SeenExample(stretch_embedding(times, frames, part.start_seconds, part.end_seconds))


def _video_of(catalog: Catalog, path: Path) -> int | None:
    """The video of a path, if its file is as it was indexed or cannot be seen; else one of the same content."""
    statement = "SELECT id, size_bytes, modified_ns FROM videos WHERE path = ?"
    known = catalog.db.execute(statement, (encode_path(path),)).fetchone()
    try:
        status = path.stat()
        if known and (status.st_size, status.st_mtime_ns) == known[1:]:
            return int(known[0])
        statement = "SELECT id, fingerprint FROM videos WHERE size_bytes = ? ORDER BY id"
        same_size = catalog.db.execute(statement, (status.st_size,)).fetchall()
        fingerprint = content_fingerprint(path) if same_size else None
    except OSError:
        return int(known[0]) if known else None
    return next((int(video_id) for video_id, print_of_it in same_size if print_of_it == fingerprint), None)


def _unit(embedding: Float32Array) -> Float32Array:
    return (embedding / max(float(np.linalg.norm(embedding)), 1e-12)).astype(np.float32)
