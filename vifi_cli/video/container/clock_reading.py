"""Reads the packets of a file, without decoding, and finds out how its clock runs."""

from __future__ import annotations  # av.Packet is generic for type checkers only

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from av.format import Flags
from av.packet import Packet
from av.stream import Discard

from vifi_cli.disk.file_version import FileVersion, version_of
from vifi_cli.errors import VideoOutOfReach
from vifi_cli.video.clock.file_clock import (
    LEAP_SECONDS,
    PLAIN_CLOCK,
    SET_BACK_SECONDS,
    FileClock,
    SeekPoint,
)
from vifi_cli.video.clock.pieces import ClockPiece, Evidence, joined_pieces
from vifi_cli.video.container.container import (
    HIGHEST_FRAME_RATE,
    USUAL_FRAME_RATE,
    OpenVideo,
    open_video,
    unwatched,
)
from vifi_cli.video.container.demuxing import demuxed, has_flag, shares_packets
from vifi_cli.video.container.formats.avi_headers import outvoting_rate
from vifi_cli.video.container.formats.frame_movie import frame_clock
from vifi_cli.video.container.source_file import why_not_opened
from vifi_cli.video.files.content import video_status
from vifi_cli.video.files.virtual.frame_folders import read_frame_folder

READ_AT_ONCE_BYTES = 64 * 2**20  # reading the packets of a smaller file takes milliseconds
SPARSE_BYTES_PER_SECOND = 4000  # of a file that is small for the duration it declares
LONGEST_PLAUSIBLE_SECONDS = 24 * 3600.0
POINT_SECONDS, MOST_POINTS = 2.0, 2000  # between two places to seek to, and how many are kept
NEAR_SECONDS = 1.0  # from one packet of sound to the next
KNOWN_CLOCKS = 256
SLOWEST_SECONDS, FEWEST_INTERVALS = 600.0, 8  # from one picture to the next, and of how many to judge
SLOW_SECONDS = 1.0  # from one picture to the next, if other headers of an AVI say less than a tenth of it
NOTHING_SHARE = 0.1  # of a file's length: so little sound proves nothing
ENDING_SECONDS, MOST_ABOVE_MEAN, SLACK_BYTES = 10.0, 4.0, 16 * 2**20  # of the last seconds of a file


def clock_of(path: Path, alive: Callable[[], None] = unwatched) -> FileClock:
    """The clock of a file that is not known yet; reads the packets only if the file may have another than a plain one.

    Raises:
        UnreadableVideo: it is not a video.
    """
    if (known := known_clock(path)) is not None:
        return known
    with open_video(path) as video:
        if not _needs_reading(video, video_status(path).st_size):
            return PLAIN_CLOCK
    return _clock_of_version(path, version_of(video_status(path)), _Alive(alive))


def known_clock(path: Path) -> FileClock | None:
    """The clock of a folder of frames, which needs no reading; None for other videos. Errors as in `clock_of`."""
    try:
        frames = read_frame_folder(path) if path.is_dir() else None
    except OSError as error:
        raise VideoOutOfReach(why_not_opened(error)) from error
    return None if frames is None else frame_clock(frames)


def read_clock(path: Path, alive: Callable[[], None] = unwatched) -> FileClock:
    """The clock of a file by all its packets, with the duration of its pictures."""
    if (known := known_clock(path)) is not None:
        return known
    with open_video(path) as video:
        reading = _ClockReading(video)
        sounds = video.container.streams.audio
        for stream in sounds:
            stream.discard = Discard.default
        for packet in chain(video.ahead, demuxed(video.container, video.stream, *sounds)):
            alive()
            if packet.has_sidedata("encryption_info"):
                break
            if packet.size and packet.stream_index == video.stream.index:
                reading.see(packet)
            elif packet.size:
                reading.hear(packet)
        return reading.clock()


def is_suspect(video: OpenVideo, size_bytes: int) -> bool:
    """Whether a file declares a duration that its size makes doubtful; its packets are few."""
    declared = video.declared_seconds or 0.0
    return declared > LONGEST_PLAUSIBLE_SECONDS or size_bytes < SPARSE_BYTES_PER_SECOND * declared


def _needs_reading(video: OpenVideo, size_bytes: int) -> bool:
    return (
        has_flag(video.container, Flags.ts_discont)
        or size_bytes <= READ_AT_ONCE_BYTES
        or is_suspect(video, size_bytes)
        or (video.container.format.name.startswith("matroska") and _goes_on_after_its_end(video, size_bytes))
    )


def _goes_on_after_its_end(video: OpenVideo, size_bytes: int) -> bool:
    """Whether far more follows the end that a header declares than a few seconds, as where files were joined."""
    declared = video.declared_seconds or 0.0
    start = declared - ENDING_SECONDS
    if start <= 0 or not video.seek(start):
        return True
    position = next((packet.pos for packet in video.packets() if packet.pos is not None), 0)
    return size_bytes - position > SLACK_BYTES + MOST_ABOVE_MEAN * ENDING_SECONDS * size_bytes / declared


class _Alive:
    """A callback that does not count when clocks are remembered."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Alive)

    def __hash__(self) -> int:
        return 0


@lru_cache(KNOWN_CLOCKS)
def _clock_of_version(path: Path, version: FileVersion, alive: _Alive) -> FileClock:
    return read_clock(path, alive.call)


@dataclass(slots=True)
class _ClockReading:
    """What the packets of a file say about its clock, gathered one by one."""

    video: OpenVideo
    _pieces: list[ClockPiece] = field(default_factory=list)
    _sound: list[list[float]] = field(default_factory=list)  # spans of seconds on the file's own clock
    _intervals: list[int] = field(default_factory=list)
    # reading position, ticks, piece, own position
    _keyframes: list[tuple[int, int, int, int]] = field(default_factory=list)
    _keyframe_position: int | None = None
    _has_shared: bool = False
    _untimed: int = 0  # ticks of all packets, if none has a time

    @property
    def _stores_shown(self) -> bool:
        """Whether the file tells when pictures are shown, but not when they are decoded."""
        return self.video.container.format.name.startswith("matroska") and not self.video.order.is_all_known

    def see(self, packet: Packet[Any]) -> None:
        """Notes a packet of the pictures."""
        self._has_shared |= packet.pos is None
        self.video.times.count(packet)
        length = self.video.times.length_ticks(packet)
        decoded = packet.dts if packet.dts is not None else packet.pts
        if decoded is not None and packet.pts is not None and self._stores_shown:
            decoded = min(decoded, packet.pts)  # FFmpeg's guess is too late where recordings were joined
        shown = None if self.video.order.is_all_known else self.video.times.plausible_pts(packet)
        if decoded is not None:
            shown = decoded if shown is None else shown
            piece = self._pieces[-1] if self._pieces else None
            if piece is None or self._breaks(piece, decoded):
                piece = ClockPiece(self.video.times.place, decoded, shown, packet.is_keyframe)
                self._pieces.append(piece)
            else:
                self._intervals.append(decoded - piece.last_decoded)
            piece.add(decoded, shown, length)
        elif self._pieces:
            self._pieces[-1].last_length += length
        else:
            self._untimed += length
        if packet.is_keyframe:
            start = max(
                self.video.times.place[0] if self._keyframe_position is None else self._keyframe_position, 0
            )
            if packet.pts is not None and self._pieces:
                own = 0 if packet.pos is None else packet.pos
                self._keyframes.append((start, packet.pts, len(self._pieces) - 1, own))
            self._keyframe_position = self.video.times.place[0]

    def hear(self, packet: Packet[Any]) -> None:
        """Notes a packet of sound."""
        if packet.pts is None or not packet.time_base:
            return
        start = float(packet.pts * packet.time_base)
        end = start + float((packet.duration or 0) * packet.time_base)
        if self._sound and self._sound[-1][0] <= start < self._sound[-1][1] + NEAR_SECONDS:
            self._sound[-1][1] = max(end, self._sound[-1][1])
        else:
            self._sound.append([start, end])

    def clock(self) -> FileClock:
        """The clock, once all packets have been noted."""
        video = self.video
        if not self._pieces:
            return FileClock(duration_seconds=self._untimed * video.tick_seconds or None)
        slowness, usual = self._slowness()
        tick_seconds = video.tick_seconds / slowness
        evidence = replace(self._evidence(), tick_seconds=tick_seconds)
        if slowness > 1:
            evidence = replace(evidence, usual_ticks=usual, declared_end_seconds=None)
        joined = joined_pieces(self._pieces, evidence)
        frame_seconds = None
        if (joined.segments or slowness > 1) and evidence.usual_ticks:
            frame_seconds = evidence.usual_ticks * tick_seconds
        points: tuple[SeekPoint, ...] = ()
        can_seek = not has_flag(video.container, Flags.no_byte_seek | Flags.no_timestamps)
        if can_seek and (joined.segments or self._has_shared):
            points = self._seek_points(joined.shifts, tick_seconds)
        warning = joined.warning
        seconds = joined.seconds
        if slowness > 1:
            seconds += max(usual - self._pieces[-1].last_length, 0) * tick_seconds
            every, rate = usual * video.tick_seconds, 1 / (usual * tick_seconds)
            often = f"{every / 60:.0f} min" if every >= 120 else f"{every:.3g} s"
            warning = f"by its own times it shows a picture every {often}: read at {rate:.5g} a second"
        return FileClock(joined.segments, points, tick_seconds, frame_seconds, slowness, seconds, warning)

    def _slowness(self) -> tuple[float, int]:
        """How many times slower than it should the file counts, and its usual time between pictures in ticks.

        A damaged unit of time makes a few seconds last for days, with minutes from one picture to the next. In an AVI
        two other headers may tell the rate.
        """
        gaps = [after.first_decoded - before.last_decoded for before, after in pairwise(self._pieces)]
        every = sorted([*self._intervals, *gaps])
        usual = every[len(every) // 2] if every else 0
        span = every[-1] * len(every) * self.video.tick_seconds if every else 0.0
        sounding = sum(end - start for start, end in self._sound)
        seconds = usual * self.video.tick_seconds
        if len(every) < FEWEST_INTERVALS or sounding > NOTHING_SHARE * span:
            return 1.0, usual
        rate = float(self.video.stream.codec_context.framerate or USUAL_FRAME_RATE)
        if seconds > SLOW_SECONDS and (outvoting := outvoting_rate(Path(self.video.source.name), rate)):
            return seconds * outvoting, usual
        if seconds <= SLOWEST_SECONDS:
            return 1.0, usual
        return seconds * (rate if 1 <= rate <= HIGHEST_FRAME_RATE else USUAL_FRAME_RATE), usual

    def _breaks(self, piece: ClockPiece, decoded: int) -> bool:
        """Whether a packet does not continue a piece."""
        after = decoded - piece.last_decoded
        if shares_packets(self.video.container):
            return abs(after - piece.last_length) * 2 > piece.last_length
        return not -SET_BACK_SECONDS <= after * self.video.tick_seconds <= LEAP_SECONDS

    def _evidence(self) -> Evidence:
        video = self.video
        name = video.container.format.name
        intervals = sorted(self._intervals)
        usual = intervals[len(intervals) // 2] if intervals else 0
        stored = name.startswith(("mov", "matroska", "asf", "avi"))
        return Evidence(
            tick_seconds=video.tick_seconds,
            is_transmitted=has_flag(video.container, Flags.ts_discont),
            usual_ticks=usual,
            sound=tuple((start, end) for start, end in self._sound),
            declared_end_seconds=video.declared_end_seconds if stored else None,
            is_fine=shares_packets(video.container),
            origin_ticks=self._pieces[0].first_shown if video.origin_ticks is None else video.origin_ticks,
        )

    def _seek_points(self, shifts: list[int], tick_seconds: float) -> tuple[SeekPoint, ...]:
        points = [
            SeekPoint(position, ticks, (ticks + shifts[piece]) * tick_seconds, own)
            for position, ticks, piece, own in self._keyframes
        ]
        points.sort(key=lambda point: point.seconds)
        spacing = POINT_SECONDS
        while True:
            kept: list[SeekPoint] = []
            for point in points:
                if not kept or point.seconds >= kept[-1].seconds + spacing:
                    kept.append(point)
            if len(kept) <= MOST_POINTS:
                return tuple(kept)
            spacing *= 2
