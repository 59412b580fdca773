"""The embedding of an example in a query: a picture, a video or a part of one.

An indexed video is looked up in the catalog, also by another name and while its disk is unplugged. Anything else is
read as an index run would read it, so that both give the same embedding.
"""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.index.arrays import Float16Array, Float32Array, Float64Array
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.catalog.twins import twins_of
from vifi_cli.index.encoder import Encoder, clip_length_of, embed_clips, embed_still
from vifi_cli.index.search.query import Example
from vifi_cli.index.search.ranking import Place
from vifi_cli.index.windows import stretch_embedding
from vifi_cli.paths import check_visible
from vifi_cli.video.clips.clip_cutting import ClipCutter, Clips
from vifi_cli.video.container.clock_reading import clock_of
from vifi_cli.video.container.container import open_video
from vifi_cli.video.decode.decoder import check_reaches, decode_range
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.content import is_there, video_status
from vifi_cli.video.files.file_state import is_unchanged
from vifi_cli.video.files.recognition import VIDEO_SUFFIXES
from vifi_cli.video.files.video_file import VideoFile
from vifi_cli.video.moment import WHOLE_VIDEO, TimeRange
from vifi_cli.video.pictures.picture_files import is_picture, read_picture

Watch = Callable[[float, float | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class SeenExample:
    """An example as the encoder sees it; see `_seen`, which checks it."""

    embedding: Float32Array  # (D,), of length 1
    place: Place | None = None  # in the catalog, if it is indexed


def look_up_example(catalog: Catalog, example: Example) -> SeenExample | None:
    """The example from the frames in the catalog; None if its file is not indexed as it is now.

    Raises:
        InvalidInput: the video ends before the part begins.
    """
    with catalog.snapshot():
        video = _video_of(catalog, example.path)
        return see_indexed(catalog, video, example.part) if video else None


def recall_example(catalog: Catalog, example: Example) -> SeenExample:
    """The example from the catalog alone, whatever has become of its file; raises InvalidInput if it is not indexed."""
    with catalog.snapshot():
        video = catalog.video_at(example.path)
        if video is None:
            raise InvalidInput(f"{example.path} is not an indexed video: only those can be named here")
        return see_indexed(catalog, video, example.part)


def see_indexed(catalog: Catalog, video: CatalogedVideo, part: TimeRange | None) -> SeenExample:
    """A part of an indexed video, or all of it; raises InvalidInput if the video ends before the part begins."""
    seen = part or WHOLE_VIDEO
    check_reaches(video.path, video.duration_seconds, seen)
    embedding = catalog.embedding_of(video.id, seen.start_seconds, seen.end_seconds)
    start = seen.start_seconds if part else -math.inf
    return _seen(video.path, embedding, Place(video.id, start, seen.end_seconds))


def read_example(
    example: Example,
    load_encoder: Callable[[], Encoder],
    sampling: FrameSampling,
    watch: Watch = lambda done, total: None,
) -> SeenExample:
    """The example from its file; `load_encoder` is called only if there is a file to look at.

    `watch` is called with the seconds of a video that were read, and their total if known.

    Raises:
        InvalidInput: the file is missing, it is neither a picture nor a readable video, or it ends before the part
            begins.
    """
    path = example.path
    check_visible(path)
    is_video = is_there(path)
    if not (is_video or os.path.exists(path)):  # noqa: PTH110 - Path.exists() raises where a name is too long
        raise InvalidInput(
            f"{path}: no such file. To search for words that look like a file's name, write "
            "`vifi search text:WORDS`"
        )
    if path.is_dir() and not is_video:
        raise InvalidInput(
            f"{path} is a folder: name a picture or a video in it, or search under it with --path"
        )
    if not is_video:  # opening a pipe would wait for ever
        raise InvalidInput(f"{path} is not a regular file: name a picture or a video")
    encoder = load_encoder()
    is_lone_file = path.is_file() and path.suffix.lower() not in VIDEO_SUFFIXES
    if example.part is None and is_lone_file and is_picture(path):
        return _seen(path, _unit(embed_still(encoder, read_picture(path, encoder.geometry))[0]))
    try:
        return _read_video(example, encoder, sampling, watch)
    except UnreadableVideo as error:
        raise InvalidInput(f"{path}: {error}; name a picture or a video that can be read") from error


def _read_video(example: Example, encoder: Encoder, sampling: FrameSampling, watch: Watch) -> SeenExample:
    part = example.part or WHOLE_VIDEO
    clock = clock_of(example.path)
    with open_video(example.path, clock) as video:
        video_seconds = video.duration_seconds or math.inf
    end = min(part.end_seconds, video_seconds)
    total = None if math.isinf(end) else end - part.start_seconds
    length = clip_length_of(encoder)
    # of clips that are partly in it, one may show the part best; the index has them from the beginning of the video
    before = max(part.start_seconds - length.seconds, 0.0)
    around = replace(part, start_seconds=before, end_seconds=part.end_seconds + length.seconds)
    cutter, clips = ClipCutter(length, before), []
    for chunk in decode_range(example.path, sampling, encoder.geometry, around, clock):
        clips.append(_embedded(encoder, cutter.add(chunk)))
        watch(float(chunk.seconds[-1]) - part.start_seconds, total)
    reached = min(video_seconds, around.end_seconds)
    if last := cutter.finish(reached if math.isfinite(reached) else 0.0):
        clips.append(_embedded(encoder, last))
    times, embeddings = (np.concatenate(each) for each in zip(*clips, strict=True))
    with np.errstate(invalid="ignore"):  # of numbers beyond float16; `_seen` refuses them
        asked = part.start_seconds, part.end_seconds
        return _seen(example.path, stretch_embedding(times, embeddings, *asked, length.seconds))


def _embedded(encoder: Encoder, clips: Clips) -> tuple[Float64Array, Float16Array]:
    """When clips begin, float64 (N,), and their embeddings (N, D)."""
    if not len(clips):
        return clips.seconds, np.empty((0, encoder.dimension), np.float16)
    return clips.seconds, embed_clips(encoder, clips.pixels).astype(np.float16)


def _video_of(catalog: Catalog, path: Path) -> CatalogedVideo | None:
    """The video of a path, if its file is as it was indexed or cannot be seen; else one with the same content."""
    known = catalog.video_at(path)
    try:
        file = VideoFile.seen(path, video_status(path))
    except OSError:
        return known
    if known and is_unchanged(file, known):
        return known
    twins = twins_of(file, catalog.videos_of_size(file.size_bytes))
    return min(twins, key=lambda video: video.path != path, default=None)


def _seen(path: Path, embedding: Float32Array, place: Place | None = None) -> SeenExample:
    """An example; raises InvalidInput where its embedding is not one, or no direction at all."""
    if not np.isfinite(embedding).all() or not embedding.any():
        raise InvalidInput(
            f"{path}: the encoder returns no embedding of it that can be compared: name another example, or use words"
        )
    return SeenExample(embedding, place)


def _unit(embedding: Float32Array) -> Float32Array:
    return (embedding / max(float(np.linalg.norm(embedding)), 1e-12)).astype(np.float32)
