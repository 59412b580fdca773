"""Opens a video file, reads its packets and frames with their times, and says why a file cannot be read."""

from __future__ import annotations  # av.Packet is generic for type checkers only

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, islice, pairwise, takewhile
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.format import Flags
from av.packet import Packet
from av.stream import Discard, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vifi_cli.video.clock import (
    LEAP_SECONDS,
    PLAIN_CLOCK,
    SET_BACK_SECONDS,
    TRANSMITTED_CYCLE,
    FileClock,
    PacketPlace,
    SeekPoint,
    next_place,
)
from vifi_cli.video.decode.display_order import DisplayOrder
from vifi_cli.video.decode.flv_headers import header_before
from vifi_cli.video.decode.opening import TOO_LARGE, limit_frames, open_container
from vifi_cli.video.decode.side_data import LastingSideData
from vifi_cli.video.decode.source_file import SourceFile, check_memory, open_source
from vifi_cli.video.decode.stream_choice import (
    StreamChoice,
    candidates,
    choose,
    count_pictures,
    must_be_counted,
)

MICROSECOND = 1e-6  # the unit of a container's own duration
USUAL_FRAME_RATE, HIGHEST_FRAME_RATE = 25.0, 1000.0
SAME_DURATION_SECONDS = 0.1  # sound and pictures rarely end at the same instant
SAME_INSTANT_SECONDS = 0.001  # vifi shows milliseconds, and some containers store no more
REORDERED_FRAMES = 17  # the most by which codecs reorder, and one
BEFORE_ALL: PacketPlace = (-1, 0)
CODECS_THAT_TELL = {
    "mpeg4",
    "mpeg1video",
    "mpeg2video",
}  # the kind of each frame, from which its time follows
PALETTE_PIXELS = "pal8"
FORMATS_WITH_HEADERS_ON_THE_WAY = {"flv", "live_flv", "kux"}
ORDER_PACKETS = 64  # enough to see whether a file tells when its frames are shown


def unwatched() -> None:
    """The sign of life where nobody waits for one."""


class ClockUnsteady(Exception):
    """The file's own times are set back or leap, so its clock has to be read from all its packets first."""


@dataclass(slots=True)
class OpenVideo:
    """A file opened for reading, and the video stream in it that is its film."""

    container: InputContainer
    stream: VideoStream
    source: SourceFile
    clock: FileClock | None  # None if it is not known; then packets are checked
    ignored_streams: str | None = None  # which others are not read, in words for the user
    is_shown_in_order_read: bool = (
        False  # whether the file tells when frames are decoded, not when they are shown
    )
    delay_ticks: int = 0  # from the first time of decoding to the first time of showing
    late_ticks: int = 0  # by which all frames are said to be shown later than they are
    encrypted: bool = False  # whether reading ended at encrypted packets
    packets_read: int = 0  # by `packets`, so far
    packets_damaged: int = 0  # refused by the decoder
    may_be_too_large: bool = False  # whether it refused one as it does where frames are too large
    tick_seconds: float = field(init=False)  # the unit of the stream's times
    frame_seconds: float = field(init=False)  # the usual time from one frame to the next
    ahead: list[Packet[VideoStream]] = field(
        default_factory=list
    )  # read when it was opened, and to be read first
    origin_ticks: int | None = None  # the own time of the first picture
    _place: PacketPlace = BEFORE_ALL  # of the latest packet
    _latest_ticks: int | None = None  # when the latest packet is decoded, by the file
    _latest_decoded: int | None = None
    _sought: SeekPoint | None = None
    _order: DisplayOrder | None = None
    _header_is_missing: bool = False  # whether a seek may have jumped over a new one
    _lasting: LastingSideData = field(default_factory=LastingSideData)

    def __post_init__(self) -> None:
        self.tick_seconds = float(self.stream.time_base or MICROSECOND)
        rate = self.stream.average_rate or self.stream.guessed_rate or USUAL_FRAME_RATE
        rate = rate if rate <= HIGHEST_FRAME_RATE else USUAL_FRAME_RATE  # FFmpeg guesses one frame a tick
        known = None if self.clock is None else self.clock.frame_seconds
        self.frame_seconds = 1.0 / float(rate) if known is None else known
        self.origin_ticks = self.stream.start_time

    @property
    def duration_seconds(self) -> float | None:
        """The duration of the pictures by their packets, if these have been read, or else as the header declares it."""
        known = None if self.clock is None else self.clock.duration_seconds
        return self.declared_seconds if known is None else known

    @property
    def declared_seconds(self) -> float | None:
        """The duration of the pictures that the header declares, which may be missing or wrong."""
        if self.declares_pictures:
            return float((self.stream.duration or 0) * self.tick_seconds)
        if not self.container.duration:
            return None
        return max(self.container.duration * MICROSECOND - self.late_seconds, self.frame_seconds)

    @property
    def declared_end_seconds(self) -> float | None:
        """Where the header says that the pictures end, on the file's own clock."""
        declared = self.declared_seconds
        return None if declared is None else (self.stream.start_time or 0) * self.tick_seconds + declared

    @property
    def declares_pictures(self) -> bool:
        """Whether the header declares a duration for the pictures alone, whatever the sound lasts."""
        if not self.stream.duration:
            return False
        whole = (self.container.duration or 0) * MICROSECOND
        return abs(self.stream.duration * self.tick_seconds - whole) > SAME_DURATION_SECONDS

    @property
    def late_seconds(self) -> float:
        """How much later than the file, which may begin with sound, the pictures begin."""
        if self.origin_ticks is None or self.container.start_time is None:
            return 0.0
        return self.origin_ticks * self.tick_seconds - self.container.start_time * MICROSECOND

    def find_first_picture(self) -> None:
        """Reads up to the first pictures where FFmpeg may take the beginning of the file for that of the pictures."""
        name = self.container.format.name
        if (
            len(self.container.streams) < 2
            or name == "avi"
            or name.startswith("mov")
            or self.late_seconds > 0.001
        ):
            return
        self.ahead = list(islice(demuxed(self.container, self.stream), REORDERED_FRAMES))
        in_order = takewhile(lambda packet: (packet.dts or 0) >= (self.ahead[0].dts or 0), self.ahead)
        shown = [packet.pts for packet in in_order if packet.pts is not None]
        if self.stream.start_time is not None and shown:
            self.origin_ticks = max(min(shown), self.stream.start_time)

    def seconds(self, ticks: int) -> float:
        """One of the stream's times, on the file's clock, in seconds from its first picture."""
        if self.origin_ticks is None:
            self.origin_ticks = ticks
        return (ticks - self.origin_ticks) * self.tick_seconds

    def file_seconds(self, seconds: float) -> float:
        """Converts seconds from the first picture to the times of the file, which its other streams share."""
        return (self.origin_ticks or 0) * self.tick_seconds + seconds

    def length_seconds(self, packet: Packet[VideoStream]) -> float:
        """How long a packet's frame is on screen."""
        return (packet.duration or self.frame_ticks) * self.tick_seconds

    def steady_length(self, packet: Packet[VideoStream]) -> int:
        """How many ticks a packet's frame is on screen, for packets in order.

        Where the file does not say, as long as the one before. AVI leaves gaps for frames that are repeated, and FFmpeg
        does not know them at the end.
        """
        before, self._latest_decoded = self._latest_decoded, packet.dts
        since = 0 if before is None or packet.dts is None else packet.dts - before
        since = since if 0 < since * self.tick_seconds <= LEAP_SECONDS else self.frame_ticks
        if (
            self.clock is not None
            and self.clock.segments
            and (packet.duration or 0) * self.tick_seconds > LEAP_SECONDS
        ):
            return self.frame_ticks
        if self.container.format.name == "avi":
            return max(packet.duration or 0, self.frame_ticks, since)
        return packet.duration or since

    @property
    def has_guessed_times(self) -> bool:
        """Whether FFmpeg guessed some of the times, and one of them was wrong."""
        return self.shares_packets and self.clock is not None and not self.clock.is_plain

    @property
    def shares_packets(self) -> bool:
        """Whether frames share packets of the container, as in program streams, which give times only to some."""
        return self.container.format.name == "mpeg"

    @property
    def frame_ticks(self) -> int:
        """The usual time from one frame to the next."""
        return max(round(self.frame_seconds / self.tick_seconds), 1)

    @property
    def has_palette(self) -> bool:
        """Whether its colors come from a palette, which any packet may change, so that none can be skipped."""
        return self.stream.codec_context.pix_fmt == PALETTE_PIXELS

    def seek(self, seconds: float) -> bool:
        """Goes to the last keyframe before a time; False if the file has none there, and reading starts at 0."""
        if seconds <= 0 or self.stream.start_time is None or has_flag(self.container, Flags.no_timestamps):
            return False
        if self.has_palette:
            return False
        self._header_is_missing = self.container.format.name in FORMATS_WITH_HEADERS_ON_THE_WAY
        clock = self.clock or PLAIN_CLOCK
        self.ahead = []
        if clock.seek_points:
            return self._seek_point(clock.seek_point(self.file_seconds(seconds) + SAME_INSTANT_SECONDS))
        own = clock.own_seconds(self.file_seconds(seconds))
        if own is None:
            return False
        try:
            ticks = math.floor((own + SAME_INSTANT_SECONDS) / self.tick_seconds)
            self.container.seek(ticks, stream=self.stream)
        except av.FFmpegError:
            self.source.check()
            return False
        self._lose_order()
        return True

    def _lose_order(self) -> None:
        if self.is_shown_in_order_read:
            self._order = DisplayOrder(self.stream.start_time or 0, self.delay_ticks, is_from_start=False)

    def _seek_point(self, point: SeekPoint | None) -> bool:
        if point is None:
            return False
        try:
            self.container.seek(point.position_bytes, unsupported_byte_offset=True)
        except av.FFmpegError:
            self.source.check()
            return False
        self._sought, self._place = point, BEFORE_ALL
        self._lose_order()
        return True

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """The stream's packets in decoding order, on the file's clock, until it is cut off, broken or encrypted.

        Raises:
            ReadingBrokeOff: the disk failed or the file became shorter, so that packets are missing.
            ClockUnsteady: the file's clock was not known, and has to be read.
        """
        for packet in chain(self.ahead, demuxed(self.container, self.stream)):
            if packet.has_sidedata("encryption_info"):
                self.encrypted = True
                break
            if packet.size and self._is_reached(packet):
                self.packets_read += 1
                self._set_on_clock(packet)
                if self._header_is_missing and packet.pos is not None:
                    self._lasting.bring_header(header_before(self.source, packet.pos))
                    self._header_is_missing = False
                self._lasting.carry(packet)
                yield packet
        self.source.check()

    def _is_reached(self, packet: Packet[VideoStream]) -> bool:
        """Counts a packet; whether it is not before the keyframe sought."""
        self._place = next_place(self._place, packet.pos)
        if self._sought is not None and packet.is_keyframe and packet.pts == self._sought.ticks:
            self._sought = None
        return self._sought is None

    def _set_on_clock(self, packet: Packet[VideoStream]) -> None:
        packet.pts = self.plausible_pts(packet)
        packet.duration = self.steady_length(packet)
        if self.clock is None:
            self._check_clock(packet)
        clock_ticks = self.clock.shift_ticks(self._place) if self.clock is not None else 0
        if shift := clock_ticks - self.late_ticks:
            packet.pts = None if packet.pts is None else packet.pts + shift
            packet.dts = None if packet.dts is None else packet.dts + shift

    def _check_clock(self, packet: Packet[VideoStream]) -> None:
        ticks = packet.dts if packet.dts is not None else packet.pts
        if ticks is not None and self._latest_ticks is not None:
            ahead = (ticks - self._latest_ticks) * self.tick_seconds
            if ahead > LEAP_SECONDS or ahead < -SET_BACK_SECONDS:
                raise ClockUnsteady
        self._latest_ticks = self._latest_ticks if ticks is None else ticks

    def plausible_pts(self, packet: Packet[VideoStream]) -> int | None:
        """When a packet's frame is shown, by the file; None if that cannot be, far from when it is decoded."""
        if packet.pts is None or packet.dts is None:
            return packet.pts
        most = LEAP_SECONDS + REORDERED_FRAMES * max(self.frame_seconds, self.length_seconds(packet))
        for ticks in (packet.pts, packet.pts + TRANSMITTED_CYCLE, packet.pts - TRANSMITTED_CYCLE):
            if abs(ticks - packet.dts) * self.tick_seconds <= most:
                return ticks
        return None

    def skip_damaged(self, error: av.FFmpegError) -> None:
        """Counts a packet that the decoder refuses; raises ReadingBrokeOff if it only lacks memory."""
        check_memory(error)
        self.packets_damaged += 1
        self.may_be_too_large |= isinstance(error, av.ArgumentError)

    def frames(self, alive: Callable[[], None]) -> Iterator[VideoFrame]:
        """The frames of the remaining packets in presentation order, without damaged ones; calls `alive` often."""
        if self.is_shown_in_order_read and self._order is None:
            self._order = DisplayOrder(self.stream.start_time or 0, self.delay_ticks, is_from_start=True)
        for packet in self.packets():
            alive()
            if self._order is not None:
                self._order.feed(packet)
            try:
                yield from self._shown(packet.decode())
            except av.FFmpegError as error:
                self.skip_damaged(error)
        try:
            yield from self._shown(self.stream.codec_context.decode(None))
        except av.FFmpegError as error:
            self.skip_damaged(error)

    def _shown(self, frames: list[VideoFrame]) -> list[VideoFrame]:
        return frames if self._order is None else self._order.timed(frames)

    def why_no_frame(self) -> str:
        """Why a file yielded no frame, once it has been read to its end."""
        if self.encrypted:
            return "encrypted"
        if self.may_be_too_large or (self.packets_read and not self.stream.codec_context.width):
            return f"damaged, or its frames are {TOO_LARGE}: none of its {self.packets_read} packets can be decoded"
        if self.packets_read:
            return f"damaged: none of its {self.packets_read} packets can be decoded"
        if self.stream.frames:
            return f"cut off: none of its {self.stream.frames} frames is in the file"
        return "no frame in its video stream"


class SteadyClock:
    """Times of an open video's frames on a clock that never runs backwards; made up where the file has none."""

    def __init__(self, video: OpenVideo) -> None:
        self.end_seconds = 0.0  # of the latest frame
        self._video = video
        self._latest = -math.inf

    def read(self, frame: VideoFrame) -> float | None:
        """When a frame comes on screen, in seconds; None if it is not later than the frames before."""
        seconds = self._seconds(frame)
        if seconds <= self._latest:
            return None
        self._latest = seconds
        length = frame.duration * self._video.tick_seconds if frame.duration else self._video.frame_seconds
        self.end_seconds = seconds + length
        return seconds

    def _seconds(self, frame: VideoFrame) -> float:
        ticks = ticks_of(frame)
        if ticks is None:
            return max(self.end_seconds, 0.0)
        return self._video.seconds(ticks)


def has_flag(container: InputContainer, flags: Flags) -> bool:
    """Whether the container's format has one of FFmpeg's flags."""
    return bool(Flags(container.format.flags) & flags)


def ticks_of(frame: VideoFrame) -> int | None:
    """A frame's time in its stream's unit; None if the file has none."""
    return frame.pts if frame.pts is not None else frame.dts


def demuxed(container: InputContainer, *streams: Stream) -> Iterator[Packet[Any]]:
    """The packets of streams, the last ones empty, until the file is cut off or broken."""
    try:
        yield from container.demux(*streams)
    except av.FFmpegError as error:
        check_memory(error)
    except (
        IndexError
    ):  # PyAV's, at the end of a file in which streams appeared that its beginning had not announced
        return


@contextmanager
def open_video(path: Path, clock: FileClock | None = PLAIN_CLOCK) -> Iterator[OpenVideo]:
    """Opens a file. Without a clock, its packets are checked, and raise ClockUnsteady.

    Raises:
        UnreadableVideo: FFmpeg can read no video in it; the text is the reason.
        VideoOutOfReach: the file cannot be read now.
    """
    with _opened(path) as (container, source):
        choice = _read_alone(container, path)
        video = OpenVideo(container, choice.stream, source, clock, choice.remark)
        video.find_first_picture()
        if container.format.name == "avi" and video.stream.codec_context.has_b_frames:
            video.is_shown_in_order_read, video.late_ticks = _avi_order(path)
        elif video.has_guessed_times and video.stream.codec_context.name in CODECS_THAT_TELL:
            video.is_shown_in_order_read = True
            video.delay_ticks = video.frame_ticks if video.stream.codec_context.has_b_frames else 0
        yield video


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, SourceFile]]:
    with open_source(path) as source, open_container(source, path) as container:
        yield container, source


def has_other_packets_after(path: Path, seconds: float) -> bool:
    """Whether other streams than the pictures have packets after a time, counted from the first picture."""
    with _opened(path) as (container, source):
        video = OpenVideo(container, _read_alone(container, path).stream, source, PLAIN_CLOCK)
        video.find_first_picture()
        wanted = video.file_seconds(seconds)
        others = [stream for stream in container.streams if stream.type in ("audio", "subtitle")]
        for stream in others:
            stream.discard = Discard.default
        for start in (wanted, 0.0) if others else ():  # some formats find nothing by seeking
            with suppress(av.FFmpegError):
                container.seek(math.floor(start / MICROSECOND))
            for packet in demuxed(container, *others):
                if packet.size and packet.pts is not None and packet.pts * packet.time_base >= wanted:
                    return True
        return False


def _avi_order(path: Path) -> tuple[bool, int]:
    """Whether only the order of an AVI's frames tells when they are shown; else by how many ticks FFmpeg is late.

    AVI stores when frames are decoded. FFmpeg finds out when they are shown where the frames themselves say enough
    (MPEG-4, MPEG-2); else it shifts all alike (H.264).
    """
    with _opened(path) as (container, _):
        stream = _read_alone(container, path).stream
        first: list[tuple[int | None, int | None]] = []
        for packet in demuxed(container, stream):
            if packet.size:
                first.append((packet.pts, packet.dts))
            if len(first) >= ORDER_PACKETS:
                break
    shown = [pts for pts, _ in first if pts is not None]
    decoded = [dts for _, dts in first if dts is not None]
    is_complete = len(shown) == len(decoded) == len(first)
    is_even = {after - before for before, after in pairwise(decoded)} == {1}
    if stream.codec_context.name in CODECS_THAT_TELL and is_complete and is_even and shown != sorted(shown):
        return False, min(shown) - (stream.start_time or 0)
    return True, 0


def _read_alone(container: InputContainer, path: Path) -> StreamChoice:
    """Chooses the video stream to read, and lets FFmpeg discard all others."""
    choice = chosen_stream(container, path)
    limit_frames(choice.stream.codec_context)
    for other in container.streams:
        other.discard = Discard.default if other is choice.stream else Discard.all
    return choice


def chosen_stream(container: InputContainer, path: Path) -> StreamChoice:
    """The video stream to read of an open file, the same in every way to reach a frame; raises UnreadableVideo."""
    streams = candidates(container)
    if not must_be_counted(streams):
        return choose(streams, {})
    with open_source(path) as source, open_container(source, path) as second:
        return choose(streams, count_pictures(second))
