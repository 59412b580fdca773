"""The clock of a file: from its own times, which may be set back or leap, to times that only go forward.

Recordings that were joined byte for byte begin again in the middle, and damage or a broken transmission makes times
leap by hours:

    file's own times    0 ---- 4 | 0 -------- 9 | 72009 ---- 72015
    on the clock        0 ---- 4   4 -------- 13  13 -------- 19

A clock is made once, from the packets (`clock_reading`), kept with the indexed video, and used by every way to reach a
frame. Nearly all files have a plain clock, which changes nothing.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # searches use clocks without PyAV, which loads slowly
    from av.packet import Packet

SAME_INSTANT_SECONDS = 0.001  # vifi shows milliseconds, and some containers store no more
SET_BACK_SECONDS = 0.5  # a clock set back by more starts a new recording; by less it trembles
LEAP_SECONDS = 10.0  # a gap this long may be an error; so FFmpeg treats formats made for transmission
TRANSMITTED_CYCLE = 2**33  # ticks after which the times of transport and program streams begin again at 0

PacketPlace = tuple[int, int]
"""Where a packet is in its file: the latest position in bytes that the container gave, and the number of packets of its
stream since then."""


def next_place(latest: PacketPlace, position_bytes: int | None) -> PacketPlace:
    """The place of the packet after the latest one; not all packets have a position of their own."""
    if position_bytes is None or position_bytes == latest[0]:
        return latest[0], latest[1] + 1
    return position_bytes, 0


@dataclass(frozen=True, slots=True)
class ClockSegment:
    """Packets in a row whose own times are shifted alike; times in seconds on the file's own clock."""

    place: PacketPlace  # of the first packet
    first_seconds: float  # the file's own times of its pictures: the first one's beginning
    end_seconds: float  # and the last one's end
    shift_ticks: int  # added to the video stream's own times


@dataclass(frozen=True, slots=True)
class SeekPoint:
    """A keyframe that can be reached by its position in the file."""

    position_bytes: int  # where reading begins: at the keyframe before
    ticks: int  # its own presentation time in the file
    seconds: float  # on the clock
    own_position: int = 0  # its own

    def is_keyframe(self, packet: Packet[Any]) -> bool:
        """Whether a packet is the keyframe; recordings that were joined may have others with its time before it."""
        is_before = packet.pos is not None and packet.pos < self.own_position
        return packet.is_keyframe and packet.pts == self.ticks and not is_before


@dataclass(frozen=True, slots=True)
class FileClock:
    """How the times of one file are counted."""

    # in the order of the file; none if all times are right as they are
    segments: tuple[ClockSegment, ...] = ()
    seek_points: tuple[SeekPoint, ...] = ()  # ascending; none if seeking by the file's own times is exact
    tick_seconds: float = 1.0  # the unit of shifts
    # the usual time from one picture to the next; None as the header declares it
    frame_seconds: float | None = None
    slowness: float = 1.0  # how many times slower than it should the file counts
    duration_seconds: float | None = None  # of the pictures; None if the header is to be believed
    warning: str | None = None  # what is wrong with the file's own times, in words

    @property
    def is_plain(self) -> bool:
        """Whether the file's own times are used as they are."""
        return not self.segments and self.slowness == 1.0

    def shift_ticks(self, place: PacketPlace) -> int:
        """How to shift a packet of the pictures."""
        following = bisect_right(self.segments, place, key=lambda segment: segment.place)
        return self.segments[max(following - 1, 0)].shift_ticks if self.segments else 0

    def own_seconds(self, seconds: float) -> float | None:
        """The file's own time of a time on the clock; None if the file's own times are not in order."""
        if any(after.first_seconds < before.end_seconds for before, after in pairwise(self.segments)):
            return None
        own = seconds
        for segment in self.segments:
            shift_seconds = segment.shift_ticks * self.tick_seconds
            if segment.first_seconds + shift_seconds <= seconds:
                own = seconds - shift_seconds
        return own

    def shift_seconds(self, seconds: float, position_bytes: int | None) -> float:
        """How to shift a packet of another stream, by its own time: as the pictures that it belongs to.

        Streams are interleaved only roughly, so around a boundary the time decides.
        """
        if not self.segments:
            return 0.0
        near, likely = self.segments, self.segments[0]
        if position_bytes is not None:
            at = (position_bytes, 0)
            following = max(bisect_right(self.segments, at, key=lambda segment: segment.place), 1)
            near, likely = self.segments[max(following - 2, 0) : following + 1], self.segments[following - 1]

        def distance(segment: ClockSegment) -> tuple[float, bool]:
            outside = max(segment.first_seconds - seconds, seconds - segment.end_seconds, 0.0)
            return outside, segment is not likely

        return min(near, key=distance).shift_ticks * self.tick_seconds

    def seek_point(self, seconds: float) -> SeekPoint | None:
        """The last known keyframe at or before a time."""
        place = bisect_right(self.seek_points, seconds, key=lambda point: point.seconds)
        return self.seek_points[place - 1] if place else None

    def as_json(self) -> str:
        """A text for the catalog."""
        return json.dumps(
            {
                "segments": [
                    [*one.place, one.first_seconds, one.end_seconds, one.shift_ticks] for one in self.segments
                ],
                "seek_points": [
                    [one.position_bytes, one.ticks, one.seconds, one.own_position] for one in self.seek_points
                ],
                "tick_seconds": self.tick_seconds,
                "frame_seconds": self.frame_seconds,
                "slowness": self.slowness,
                "duration_seconds": self.duration_seconds,
                "warning": self.warning,
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> FileClock:
        """The inverse of `as_json`; raises ValueError if the text is not a clock."""
        try:
            content = json.loads(text)
            return cls(
                tuple(ClockSegment((one[0], one[1]), *one[2:]) for one in content["segments"]),
                tuple(SeekPoint(*one) for one in content["seek_points"]),
                content["tick_seconds"],
                content["frame_seconds"],
                content["slowness"],
                content["duration_seconds"],
                content["warning"],
            )
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a clock: {error}") from error


PLAIN_CLOCK = FileClock()
"""The clock of nearly all files: their own times, from the first picture on."""
