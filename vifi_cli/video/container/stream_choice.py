"""Which of a file's video streams is its film: others are cover art, thumbnails, other angles, or empty."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.container.opening import open_container
from vifi_cli.video.container.source_file import open_source
from vifi_cli.wording import first_of

PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails
STILL_BRANDS = {"heic", "heix", "heim", "heis", "mif1", "avif"}  # of HEIF files that hold pictures
SEVERAL = 2  # pictures; so many make a film
MOST_PACKETS, MOST_BYTES = 2_000, 32 * 2**20  # read to see which streams hold pictures
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class StreamChoice:
    """The stream to read, and which others are not, in words for the user; None if that loses nothing."""

    stream: VideoStream
    remark: str | None = None


def chosen_stream(container: InputContainer, path: Path) -> StreamChoice:
    """The video stream to read of an open file, the same in every way to reach a frame; raises UnreadableVideo."""
    streams = _candidates(container)
    if not _must_be_counted(streams):
        return _choose(streams, {})
    with open_source(path) as source, open_container(source, path) as second:
        return _choose(streams, _count_pictures(second))


def _candidates(container: InputContainer) -> list[VideoStream]:
    """The video streams that are neither cover art nor thumbnails; raises UnreadableVideo if there are none."""
    moving = [stream for stream in container.streams.video if not stream.disposition & PICTURES]
    if not moving:
        only_pictures = ", only cover art" if container.streams.video else ""
        raise UnreadableVideo(f"no video stream{only_pictures}")
    if container.metadata.get("major_brand") in STILL_BRANDS and all(one.frames < SEVERAL for one in moving):
        raise UnreadableVideo("a picture, not a video")
    return moving


def _must_be_counted(streams: list[VideoStream]) -> bool:
    """Whether the header does not say which of several streams hold pictures."""
    return len(streams) > 1 and not all(stream.frames for stream in streams)


def _count_pictures(container: InputContainer) -> dict[int, int]:
    """How many pictures each candidate has near the beginning, `SEVERAL` at most; reads the container."""
    streams = _candidates(container)
    counts = dict.fromkeys((stream.index for stream in streams), 0)
    size = 0
    try:
        for read, packet in enumerate(container.demux(streams)):
            if packet.stream_index in counts:  # damaged files give packets of streams they had not announced
                counts[packet.stream_index] += packet.size > 0
            size += packet.size
            if min(counts.values()) >= SEVERAL or read >= MOST_PACKETS or size >= MOST_BYTES:
                break
    except (av.FFmpegError, IndexError):  # as in `container.demuxed`
        pass  # what was counted up to the damage decides
    return counts


def _choose(streams: list[VideoStream], counts: Mapping[int, int]) -> StreamChoice:
    """Prefers streams with several pictures to one, and one to none; then the default, the largest, the first.

    Raises:
        UnreadableVideo: no stream has a decoder, or the film has none and a single picture beside it has one.
    """
    pictures = {one.index: min(one.frames or counts.get(one.index, 0), SEVERAL) for one in streams}
    decodable = [stream for stream in streams if _is_decodable(stream)]
    if not decodable:
        raise UnreadableVideo("no decoder for its video codec")
    chosen = max(decodable, key=lambda stream: (pictures[stream.index], *_rank(stream)))
    if pictures[chosen.index] < max(pictures.values()):
        raise UnreadableVideo("no decoder for the codec of its film")
    others = [
        _described(stream, is_single=pictures[stream.index] == 1)
        for stream in streams
        if stream is not chosen and pictures[stream.index]
    ]
    if not others:
        return StreamChoice(chosen)
    return StreamChoice(
        chosen, f"only video stream {_described(chosen)} is read, not {first_of(others, MOST_NAMED)}"
    )


def _rank(stream: VideoStream) -> tuple[bool, int, int]:
    is_default = bool(stream.disposition & Disposition.default)
    return is_default, stream.codec_context.width * stream.codec_context.height, -stream.index


def _is_decodable(stream: VideoStream) -> bool:
    decoder: CodecContext | None = stream.codec_context  # PyAV's types hide that it may be missing
    return decoder is not None


def _described(stream: VideoStream, *, is_single: bool = False) -> str:
    known = _is_decodable(stream) and stream.codec_context.width
    size = f"{stream.codec_context.width}x{stream.codec_context.height}" if known else ""
    details = ", ".join(filter(None, (size, "a single picture" if is_single else "")))
    return f"#{stream.index} ({details})" if details else f"#{stream.index}"
