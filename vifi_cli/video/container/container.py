"""Opens a video file, reads its packets and frames with their times, and says why a file cannot be read."""

from __future__ import annotations  # av.Packet is generic for type checkers only

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import av
from av.container import InputContainer
from av.format import Flags
from av.packet import Packet
from av.stream import Discard
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vifi_cli.video.clock.file_clock import PLAIN_CLOCK, SAME_INSTANT_SECONDS, FileClock, SeekPoint
from vifi_cli.video.container.demuxing import MICROSECOND, demuxed, has_flag
from vifi_cli.video.container.display_order import AS_THE_FILE_SAYS, DisplayOrder, FrameOrder
from vifi_cli.video.container.first_packets import FirstPackets, read_first_packets
from vifi_cli.video.container.formats.flv_headers import header_before
from vifi_cli.video.container.opening import TOO_LARGE, limit_frames, open_container
from vifi_cli.video.container.packet_times import BEFORE_ALL, PacketTimes, decoded_early
from vifi_cli.video.container.side_data import LastingSideData
from vifi_cli.video.container.source_file import SourceFile, check_memory, open_source
from vifi_cli.video.container.stream_choice import StreamChoice, chosen_stream

USUAL_FRAME_RATE, HIGHEST_FRAME_RATE, PALETTE_PIXELS = 25.0, 1000.0, "pal8"
SAME_DURATION_SECONDS = 0.1  # sound and pictures rarely end at the same instant
SEEK_EARLIER_SECONDS = (0.0, 20.0, math.inf)  # if an index leads past a time, start further before it
FORMATS_WITH_HEADERS_ON_THE_WAY = {"flv", "live_flv", "kux"}


def unwatched() -> None:
    """The sign of life where nobody waits for one."""


@dataclass(slots=True)
class OpenVideo:
    """A file opened for reading, and the video stream in it that is its film."""

    container: InputContainer
    stream: VideoStream
    source: SourceFile
    clock: FileClock | None  # None if it is not known; then packets are checked
    ignored_streams: str | None = None  # which others are not read, in words for the user
    order: FrameOrder = AS_THE_FILE_SAYS
    encrypted: bool = False  # whether reading ended at encrypted packets
    packets_read: int = 0  # by `packets`, so far
    packets_damaged: int = 0  # refused by the decoder
    may_be_too_large: bool = False  # whether it refused one as it does where frames are too large
    tick_seconds: float = field(init=False)  # the unit of the stream's times
    frame_seconds: float = field(init=False)  # the usual time from one frame to the next
    times: PacketTimes = field(init=False)
    ahead: list[Packet[VideoStream]] = field(default_factory=list)  # read already when it was opened
    origin_ticks: int | None = None  # the own time of the first picture
    _sought: SeekPoint | None = None
    _order: DisplayOrder | None = None
    _header_is_missing: bool = False  # whether a seek may have jumped over a new one
    _lasting: LastingSideData = field(default_factory=LastingSideData)

    def __post_init__(self) -> None:
        slowness = 1.0 if self.clock is None else self.clock.slowness
        self.tick_seconds = float(self.stream.time_base or MICROSECOND) / slowness
        rate = self.stream.average_rate or self.stream.guessed_rate or USUAL_FRAME_RATE
        rate = rate if rate <= HIGHEST_FRAME_RATE else USUAL_FRAME_RATE  # FFmpeg guesses one frame a tick
        known = None if self.clock is None else self.clock.frame_seconds
        self.frame_seconds = 1.0 / float(rate) if known is None else known
        self.origin_ticks = self.stream.start_time
        is_avi = self.container.format.name == "avi"
        self.times = PacketTimes(self.clock, self.tick_seconds, self.frame_ticks, is_avi)

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
        complete = (self.container.duration or 0) * MICROSECOND
        return abs(self.stream.duration * self.tick_seconds - complete) > SAME_DURATION_SECONDS

    @property
    def late_seconds(self) -> float:
        """How much later than the file, which may begin with sound, the pictures begin."""
        if self.origin_ticks is None or self.container.start_time is None:
            return 0.0
        return self.origin_ticks * self.tick_seconds - self.container.start_time * MICROSECOND

    def begin(self, first: FirstPackets) -> None:
        """Heeds what the first packets show."""
        self.order, self.origin_ticks, self.ahead = first.order, first.origin_ticks, first.ahead
        self.times.late_ticks = self.order.late_ticks

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
        clock = self.clock or PLAIN_CLOCK
        self._header_is_missing = self.container.format.name in FORMATS_WITH_HEADERS_ON_THE_WAY
        if clock.seek_points:
            return self._seek_point(clock.seek_point(self.file_seconds(seconds) + SAME_INSTANT_SECONDS))
        if (own := clock.own_seconds(self.file_seconds(seconds))) is None:
            return False
        try:
            ticks = math.floor((own + SAME_INSTANT_SECONDS) / self.tick_seconds)
            self.container.seek(ticks, stream=self.stream)
        except av.FFmpegError:
            self.source.check()
            return False
        self._begin_order(is_from_start=False)
        return True

    def _begin_order(self, *, is_from_start: bool) -> None:
        if not is_from_start:
            self.ahead = []
        if self.order.is_all_known:
            start = self.stream.start_time or 0
            self._order = DisplayOrder(start, self.order.delay_ticks, is_from_start=is_from_start)

    def _seek_point(self, point: SeekPoint | None) -> bool:
        entry = 0 if point is None else self.source.entry_before(point.position_bytes)
        if not entry:
            return False
        try:
            self.container.seek(entry, unsupported_byte_offset=True)
        except av.FFmpegError:
            self.source.check()
            return False
        self._sought, self.times.place = point, BEFORE_ALL
        self._begin_order(is_from_start=False)
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
                self.times.set(packet)
                if self._header_is_missing and packet.pos is not None:
                    self._lasting.bring_header(header_before(self.source, packet.pos))
                    self._header_is_missing = False
                self._lasting.carry(packet)
                yield packet
        self.source.check()

    def _is_reached(self, packet: Packet[VideoStream]) -> bool:
        """Counts a packet; whether it is not before the keyframe sought."""
        self.times.count(packet)
        if self._sought is not None and self._sought.is_keyframe(packet):
            self._sought = None
        return self._sought is None

    def skip_damaged(self, error: av.FFmpegError) -> None:
        """Counts a packet that the decoder refuses; raises ReadingBrokeOff if it only lacks memory."""
        check_memory(error)
        self.packets_damaged += 1
        self.may_be_too_large |= isinstance(error, av.ArgumentError)

    def frames(self, alive: Callable[[], None]) -> Iterator[VideoFrame]:
        """The frames of the remaining packets in presentation order, without damaged ones; calls `alive` often."""
        if self._order is None:
            self._begin_order(is_from_start=True)
        for packet in self.packets():
            alive()
            if self._order is not None:
                self._order.feed(packet)
            yield from self._shown(self._decoded(packet))
        yield from self._shown(self._decoded(None))

    def timed_packets(self) -> Iterator[Packet[VideoStream]]:
        """The packets with the times at which their frames are shown, decoded where the file does not hold them."""
        if self._order is None:
            self._begin_order(is_from_start=True)
        order = self._order
        packets = self.packets() if order is None else order.packets_as_shown(self.packets(), self._decoded)
        joined = self.container.format.name.startswith("matroska") and self.times.is_shifted
        yield from decoded_early(packets, self.frame_ticks) if joined or order else packets

    def _decoded(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        try:
            return self.stream.codec_context.decode(packet)
        except av.FFmpegError as error:
            self.skip_damaged(error)
            return []

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


@contextmanager
def open_video(path: Path, clock: FileClock | None = PLAIN_CLOCK) -> Iterator[OpenVideo]:
    """Opens a file. Without a clock, its packets are checked, and raise ClockUnsteady.

    Raises:
        UnreadableVideo: FFmpeg can read no video in it; the text is the reason.
        VideoOutOfReach: the file cannot be read now.
    """
    with _opened(path, None if clock is None else clock.frame_seconds) as (container, source):
        choice = _read_alone(container, path)
        video = OpenVideo(container, choice.stream, source, clock, choice.remark)
        video.begin(read_first_packets(container, choice.stream, clock, video.frame_ticks))
        yield video


@contextmanager
def _opened(path: Path, frame_seconds: float | None) -> Iterator[tuple[InputContainer, SourceFile]]:
    with open_source(path, frame_seconds) as source, open_container(source, path) as container:
        yield container, source


def _read_alone(container: InputContainer, path: Path) -> StreamChoice:
    """Chooses the video stream to read, and lets FFmpeg discard all others."""
    choice = chosen_stream(container, path)
    limit_frames(choice.stream.codec_context)
    for other in container.streams:
        other.discard = Discard.default if other is choice.stream else Discard.all
    return choice
