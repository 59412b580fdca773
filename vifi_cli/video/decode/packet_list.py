"""Lists a file's frames from its packets, without decoding, and decodes some of them with that knowledge.

packets    K p p p p p K p p p p p K p p p p p        K keyframe
wanted           ^       ^                 ^
decoded    K p p p     K p         K p p p p
"""

import math
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from vifi_cli.video.container.container import OpenVideo
from vifi_cli.video.decode.selective import WORTH_SKIPPING, FramesMissing

CODECS_WITH_HIDDEN_PACKETS = {"vp8"}  # with packets that show nothing and only serve others
ONE_THREAD = 1  # per decoder: many processes read clips at once, and damage looks the same each time
LATE_SECONDS = 1.0  # how much too late FFmpeg may guess that a packet is decoded


@dataclass(frozen=True, slots=True, eq=False)
class PacketList:
    """A video stream as its packets describe it, one per frame, N in all, in decoding order."""

    times: npt.NDArray[np.int64]  # (N,), presentation times in the stream's ticks
    keyframes: npt.NDArray[np.bool_]  # (N,), where decoding can start

    def __len__(self) -> int:
        return len(self.times)

    def seconds(self, video: OpenVideo) -> npt.NDArray[np.float64]:
        """When the frames are shown on the clock of their video, float64 (N,), in order of their times."""
        return np.array([video.seconds(ticks) for ticks in np.sort(self.times).tolist()], np.float64)

    def needed_for(self, wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which packets, bool (N,), must be decoded for the frames shown at some of the times."""
        needed = np.zeros(len(self), bool)
        latest_keyframe = np.maximum.accumulate(np.where(self.keyframes, np.arange(len(self)), 0))
        for position in np.flatnonzero(np.isin(self.times, wanted)):
            first = latest_keyframe[position]
            while self.times[first] > self.times[position]:  # it may refer to frames before the keyframe
                first = latest_keyframe[first - 1]
            needed[first : position + 1] = True
        for before, after in pairwise(np.flatnonzero(needed)):
            if after - before <= WORTH_SKIPPING:
                needed[before:after] = True
        return needed


def list_packets(video: OpenVideo) -> PacketList | None:
    """Reads a file without decoding; None if its packets may differ from its frames.

    Each must have a different time, on a clock that is never set back, and be shown; the first is a keyframe that is
    shown first. Some files only say when frames are decoded (`display_order`).
    """
    if video.source.is_frame_folder:
        return _listed_pictures(video)
    packets = list_packets_until(video, math.inf)
    if packets is None or not packets.keyframes[0] or packets.times[0] > packets.times.min():
        return None
    return packets


def _listed_pictures(video: OpenVideo) -> PacketList:
    """The pictures of a frame folder by its list alone: they are many files, and FFmpeg would read them all."""
    times = np.array([entry.timestamp for entry in video.stream.index_entries], np.int64)
    return PacketList(times, np.ones(len(times), bool))


def list_packets_until(video: OpenVideo, end_seconds: float) -> PacketList | None:
    """Lists the remaining packets of the frames before a time, and some after it, without decoding.

    None if they may differ from the frames, as in `list_packets`, except that any packet may come first.
    """
    times: list[int] = []
    keyframes: list[bool] = []
    clock = None
    for packet in video.packets():
        if packet.pts is None or packet.is_discard or packet.is_corrupt:
            return None
        if clock is not None and packet.dts is not None and packet.dts < clock:
            return None
        clock = packet.dts if packet.dts is not None else clock
        times.append(packet.pts)
        keyframes.append(packet.is_keyframe)
        if packet.dts is not None and video.seconds(packet.dts) >= end_seconds + LATE_SECONDS:
            break
    if video.encrypted or video.stream.codec_context.name in CODECS_WITH_HIDDEN_PACKETS:
        return None
    if video.order.is_all_known or video.has_palette:
        return None
    if not times or len(set(times)) < len(times):
        return None
    return PacketList(np.array(times, np.int64), np.array(keyframes))


def decode_listed(
    video: OpenVideo, packets: PacketList, wanted: npt.NDArray[np.int64]
) -> Iterator[tuple[int, VideoFrame]]:
    """The frames at some of the listed times, in order, of a video just opened; FramesMissing if it has others."""
    missing, listed = set(wanted.tolist()), set(packets.times.tolist())
    is_sought = video.source.is_frame_folder
    frames = (
        _sought(video, wanted) if is_sought else _decode_needed(video, packets.needed_for(wanted), missing)
    )
    for frame in frames:
        if frame.pts is None or frame.pts not in listed:
            break
        if frame.pts in missing:
            missing.remove(frame.pts)
            yield frame.pts, frame
        if not missing:
            return
    raise FramesMissing


def decode_everything(video: OpenVideo) -> Iterator[VideoFrame]:
    """All frames of a video just opened, in order, without damaged packets."""
    video.stream.codec_context.thread_count = ONE_THREAD
    for packet in video.packets():
        with suppress(av.FFmpegError):
            yield from packet.decode()
    with suppress(av.FFmpegError):
        yield from video.stream.codec_context.decode(None)


def _sought(video: OpenVideo, wanted: npt.NDArray[np.int64]) -> Iterator[VideoFrame]:
    """The frames at some times of a video of keyframes alone, without reading what is between them."""
    video.stream.codec_context.thread_count = ONE_THREAD
    try:
        for time in np.unique(wanted).tolist():
            video.seek(video.seconds(time))
            packet = next(video.packets(), None)
            if packet is None or packet.pts != time:
                raise FramesMissing
            yield from packet.decode()
    except av.FFmpegError as error:
        raise FramesMissing from error


def _decode_needed(
    video: OpenVideo, needed: npt.NDArray[np.bool_], wanted: Container[int | None]
) -> Iterator[VideoFrame]:
    """The decoder's output for the packets needed; it restarts after every gap."""
    context, in_decoder = video.stream.codec_context, False
    context.thread_count = ONE_THREAD
    try:
        for packet, is_needed in zip(video.packets(), needed, strict=False):
            if is_needed:
                # a frame nobody wants is skipped if no other refers to it
                context.skip_frame = "DEFAULT" if packet.pts in wanted else "NONREF"
                yield from packet.decode()
            elif in_decoder:
                yield from context.decode(None)
                context.flush_buffers()
            in_decoder = bool(is_needed)
        yield from context.decode(None)
    except av.FFmpegError as error:
        raise FramesMissing from error
