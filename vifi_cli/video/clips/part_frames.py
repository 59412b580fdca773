"""The frames of a part of a video: found by seeking, counted by the packets around it, decoded as far as needed.

time      0 ................ start ............ end ...
packets          K p p p p p p p p K p p p p p p p p      K keyframe, where reading begins
frames                       0 1 2 3 4 5 6 7 8 9          N = 10, numbered from the part's start
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.clips.clip_sampling import FrameNumbers
from vifi_cli.video.clock.file_clock import SAME_INSTANT_SECONDS, FileClock
from vifi_cli.video.container.clock_reading import clock_of
from vifi_cli.video.container.container import SEEK_EARLIER_SECONDS, OpenVideo, open_video, unwatched
from vifi_cli.video.decode.packet_list import ONE_THREAD, PacketList, decode_listed, list_packets_until
from vifi_cli.video.decode.selective import TimedFrame
from vifi_cli.video.decode.steady_clock import SteadyClock, ticks_of
from vifi_cli.video.moment import TimeRange

Seconds = npt.NDArray[np.float64]
NumberedFrame = tuple[int, VideoFrame]


class NothingInPart(UnreadableVideo):
    """A part of a readable video has no frame."""


def holds(part: TimeRange, seconds: Seconds) -> npt.NDArray[np.bool_]:
    """Which frames are in a part, by their times, bool like `seconds`: from its start on, before its end.

    Times equal to a millisecond are the same, so that parts that follow each other share no frame and lose none. The
    first frame is in a part that starts at 0, also where the file counts from a little before.
    """
    shown = np.maximum(seconds, 0.0) + SAME_INSTANT_SECONDS
    is_in: npt.NDArray[np.bool_] = (shown >= part.start_seconds) & (shown < part.end_seconds)
    return is_in


@dataclass(frozen=True, slots=True, eq=False)
class ListedPart:
    """The N frames of a part, as the packets around it describe them."""

    seconds: Seconds  # (N,), ascending, on the file's clock
    path: Path
    clock: FileClock
    start_seconds: float  # where to seek, so that the same packets come again
    packets: PacketList
    times: npt.NDArray[np.int64]  # (N,), of the frames in the stream's ticks

    def __len__(self) -> int:
        return len(self.seconds)

    def decode(self, numbers: FrameNumbers) -> Iterator[NumberedFrame]:
        """Some frames in order, with their numbers; raises FramesMissing if the packets promised others."""
        with open_video(self.path, self.clock) as video:
            video.seek(self.start_seconds)
            for time, frame in decode_listed(video, self.packets, self.times[numbers]):
                yield int(np.searchsorted(self.times, time)), frame


def list_part(path: Path, part: TimeRange) -> ListedPart | None:
    """Lists the frames of a part without decoding; None if its packets may differ from its frames.

    Raises:
        NothingInPart: no frame is shown in the part.
    """
    clock = clock_of(path)
    for earlier_seconds in SEEK_EARLIER_SECONDS:
        start = part.start_seconds - earlier_seconds
        with open_video(path, clock) as video:
            has_sought = video.seek(start)
            packets = list_packets_until(video, part.end_seconds)
            if packets is None:
                return None
            if has_sought and not _begins_by(part, packets, video):
                continue
            times = np.sort(packets.times)
            seconds = packets.seconds(video)
            within = holds(part, seconds)
            if not within.any():
                raise nothing_in(part, float(seconds[-1]))
            is_decodable = packets.keyframes.any() and times[within][0] >= _first_keyframe(packets)
            if not is_decodable:
                return None
            return ListedPart(seconds[within], path, clock, start, packets, times[within])
    return None


def _begins_by(part: TimeRange, packets: PacketList, video: OpenVideo) -> bool:
    """Whether packets, after seeking, begin with a keyframe that is not after the part's start."""
    if not packets.keyframes.any():
        return False
    return video.seconds(_first_keyframe(packets)) <= part.start_seconds + SAME_INSTANT_SECONDS


def _first_keyframe(packets: PacketList) -> int:
    return int(packets.times[packets.keyframes][0])


def decode_part(path: Path, part: TimeRange) -> Iterator[TimedFrame]:
    """All frames of a part with their seconds, in order, decoded from the keyframe before it, without damaged ones.

    Raises:
        NothingInPart: no frame is shown in the part.
        UnreadableVideo: the file has no frame at all.
    """
    latest = found = -math.inf
    clock = clock_of(path)
    for earlier_seconds in SEEK_EARLIER_SECONDS:
        with open_video(path, clock) as video:
            has_sought = video.seek(part.start_seconds - earlier_seconds)
            is_reached = not has_sought
            for seconds, frame in _timed_frames(video, times_needed=has_sought):
                is_reached |= seconds <= part.start_seconds + SAME_INSTANT_SECONDS
                if not is_reached:
                    break
                latest = seconds
                if seconds > found and holds(part, np.array(seconds)):
                    found = seconds
                    yield seconds, frame
                if seconds >= part.end_seconds:
                    break
            if is_reached:
                break
    if math.isinf(latest):
        raise UnreadableVideo(video.why_no_frame())
    if math.isinf(found):
        raise nothing_in(part, latest)


def _timed_frames(video: OpenVideo, *, times_needed: bool) -> Iterator[TimedFrame]:
    """The remaining frames, until one has no time where it is needed."""
    video.stream.codec_context.thread_count = ONE_THREAD
    clock = SteadyClock(video)
    for frame in video.frames(unwatched):
        if times_needed and ticks_of(frame) is None:
            return
        seconds = clock.read(frame)
        if seconds is not None:
            yield seconds, frame


def nothing_in(part: TimeRange, latest_seconds: float) -> NothingInPart:
    """The error for a part without a frame; `latest_seconds` is the time of the last frame found."""
    end = f" to {part.end_seconds:g} s" if math.isfinite(part.end_seconds) else " s on"
    problem = f"no frame from {part.start_seconds:g}{end}"
    is_over = latest_seconds < part.start_seconds
    return NothingInPart(f"{problem}: the last one is at {latest_seconds:.1f} s" if is_over else problem)
