"""Joins the pieces of a file's own clock into one that only goes forward, and closes gaps that nobody would wait for.

A piece ends where times are set back or leap ahead. Set back, the next piece follows where the last picture ended. A
leap may be real: a slide, a pause of a camera, a recording of a screen that stands still. It is closed only if

* a later piece goes on as if this one had not been there, so its times are wrong,
* or the header's duration contradicts it,
* or sound, which the file has, leaps along in a format made for transmission, where players do not wait either,
* or it is long beyond reason: see `LONGEST_GAPS`.

Sound that goes on during the gap, and pictures that always come so rarely, prove that it is real.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from vifi_cli.video.clock.file_clock import LEAP_SECONDS, TRANSMITTED_CYCLE, ClockSegment, PacketPlace

COVERED_SHARE, SILENT_SHARE = 0.5, 0.05  # of a gap in which there is sound
USUAL_GAPS = 20  # times the usual time from one picture to the next
LONGEST_GAPS = {True: (600.0, 7200.0), False: (7200.0, 86_400.0)}
"""By whether the format is made for transmission: how many seconds a gap may last if it is longer than `TINY_SHARE`
times all else in the file, and how many in any case. FFmpeg waits 10 s in such formats, and 30 h in others."""
TINY_SHARE = 100
NEAR_SECONDS = 2.0  # sound and pictures of one moment are not further apart


@dataclass(slots=True)
class ClockPiece:
    """Packets in a row whose own times go on evenly, in ticks."""

    place: PacketPlace
    first_decoded: int
    first_shown: int
    begins_with_keyframe: bool = True
    last_decoded: int = 0
    last_length: int = 0
    start: int = 0  # the earliest picture
    end: int = 0  # of the latest picture
    packets: int = 0

    def add(self, decoded: int, shown: int, length: int) -> None:
        """Adds a packet: when it is decoded, when it is shown, and for how long, in ticks."""
        self.start = shown if not self.packets else min(self.start, shown)
        self.end = shown + length if not self.packets else max(self.end, shown + length)
        self.last_decoded, self.last_length = decoded, length
        self.packets += 1


@dataclass(frozen=True, slots=True)
class Evidence:
    """What else is known about a file's times."""

    tick_seconds: float
    origin_ticks: int  # the file's own time of the first picture
    is_transmitted: bool  # whether its format is made for transmission
    usual_ticks: int  # from one picture to the next
    sound: tuple[tuple[float, float], ...]  # spans of sound on the file's own clock
    declared_end_seconds: float | None  # by the header, on the file's own clock
    is_fine: bool = False  # whether even a deviation by one frame is an error


@dataclass(frozen=True, slots=True)
class JoinedPieces:
    """The pieces on one clock."""

    shifts: list[int]  # of each piece, in ticks
    segments: tuple[ClockSegment, ...]
    seconds: float  # from the first picture's start to the last one's end
    warning: str | None


def joined_pieces(pieces: Sequence[ClockPiece], evidence: Evidence) -> JoinedPieces:
    """Decides how each piece is shifted."""
    joining = _Joining(pieces, evidence)
    for place in range(len(pieces)):
        joining.place(place)
    shifts = joining.shifts
    start = min(piece.start + shift for piece, shift in zip(pieces, shifts, strict=True))
    seconds = (joining.end - start) * evidence.tick_seconds
    return JoinedPieces(shifts, _segments(pieces, shifts, evidence.tick_seconds), seconds, joining.warning())


class _Joining:
    """The pieces placed so far, one after the other."""

    def __init__(self, pieces: Sequence[ClockPiece], evidence: Evidence) -> None:
        self.shifts: list[int] = []
        self.end = 0  # of the latest picture, on the clock
        self._pieces = pieces
        self._evidence = evidence
        self._leap_ticks = round(LEAP_SECONDS / evidence.tick_seconds)
        self._material = sum(piece.last_decoded - piece.first_decoded for piece in pieces)
        self._closed: list[tuple[int, int]] = []  # where on the clock, and how many ticks

    def place(self, place: int) -> None:
        """Decides on the next piece."""
        piece = self._pieces[place]
        shift = self._shift(place) if place else self._first_shift(piece)
        self.end = max(self.end, piece.end + shift) if place else piece.end + shift
        self.shifts.append(shift)

    def warning(self) -> str | None:
        """Which leaps were closed."""
        if not self._closed:
            return None
        tick, origin = self._evidence.tick_seconds, self._evidence.origin_ticks
        at, ticks = self._closed[0]
        hours = f"{ticks * tick / 3600:.1f} h" if ticks * tick >= 3600 else f"{ticks * tick:.0f} s"
        more = f", and {len(self._closed) - 1} times more" if len(self._closed) > 1 else ""
        return f"its clock leaps ahead by {hours} at {(at - origin) * tick:.1f} s{more}: left out"

    def _first_shift(self, piece: ClockPiece) -> int:
        """Lets the first picture begin where the header says, if its own time is far from that."""
        beyond = piece.start - self._evidence.origin_ticks
        return -beyond if abs(beyond) > self._leap_ticks else 0

    def _shift(self, place: int) -> int:
        piece, before = self._pieces[place], self._pieces[place - 1]
        current = self.shifts[-1]
        length = before.last_length
        if not self._evidence.is_fine:
            length = min(length, self._evidence.usual_ticks or length, self._leap_ticks)
        expected = before.last_decoded + length + current
        tolerance = before.last_length // 2 if self._evidence.is_fine else 0
        beyond = piece.first_decoded + current - expected
        if (returning := self._earlier_shift(piece, expected, tolerance)) is not None:
            return returning
        if beyond < 0:
            is_small = self._evidence.is_fine and -beyond <= self._leap_ticks
            return expected - piece.first_decoded if is_small else self._following(piece, expected)
        if beyond > self._leap_ticks and self._is_impossible(place, beyond):
            if before.last_length > self._leap_ticks:  # the gap counts as the length of the picture before it
                self.end += length - before.last_length
            # FFmpeg takes times set back in these formats for a cycle that is over, and adds one
            if not (
                self._evidence.is_transmitted
                and before.last_decoded < TRANSMITTED_CYCLE <= piece.first_decoded
            ):
                self._closed.append((self.end, piece.first_shown + current - self.end))
            return self._following(piece, expected)
        return current

    def _following(self, piece: ClockPiece, expected: int) -> int:
        """The shift with which a piece follows the last picture; within a group of pictures, the last packet."""
        return self.end - piece.first_shown if piece.begins_with_keyframe else expected - piece.first_decoded

    def _earlier_shift(self, piece: ClockPiece, expected: int, tolerance: int) -> int | None:
        """The shift of an earlier piece, if this one goes on with that clock as expected now."""
        fitting = []
        for shift in set(self.shifts) - {self.shifts[-1]}:
            beyond = piece.first_decoded + shift - expected
            most = tolerance if self._evidence.is_fine else self._leap_ticks
            if -tolerance <= beyond <= most:
                fitting.append((abs(beyond), shift))
        return min(fitting)[1] if fitting else None

    def _is_impossible(self, place: int, gap: int) -> bool:
        piece, evidence = self._pieces[place], self._evidence
        seconds = gap * evidence.tick_seconds
        if self._is_passing(place):
            return True
        before = self._pieces[place - 1]
        span = before.last_decoded * evidence.tick_seconds, piece.start * evidence.tick_seconds
        sounding = _covered(evidence.sound, *span) / seconds
        if sounding > COVERED_SHARE or seconds <= USUAL_GAPS * self._usual_seconds():
            return False
        if self._contradicts_header(seconds):
            return True
        if evidence.is_transmitted and sounding < SILENT_SHARE and _surrounded(evidence.sound, *span):
            return True
        suspicious, longest = LONGEST_GAPS[evidence.is_transmitted]
        others = max(self._material * evidence.tick_seconds, 1.0)
        return seconds > longest or (seconds > suspicious and seconds > TINY_SHARE * others)

    def _is_passing(self, place: int) -> bool:
        """Whether the next piece goes on as if this one had not been there."""
        if place + 1 >= len(self._pieces):
            return False
        before, piece, following = self._pieces[place - 1 : place + 2]
        beyond = following.first_decoded - before.last_decoded
        return 0 <= beyond <= self._leap_ticks + piece.last_decoded - piece.first_decoded

    def _usual_seconds(self) -> float:
        """The usual time from one picture to the next; gaps count too."""
        evidence = self._evidence
        within = sum(piece.packets - 1 for piece in self._pieces)
        gaps = sorted(after.first_decoded - before.last_decoded for before, after in pairwise(self._pieces))
        middle = (within + len(gaps)) // 2 - within
        return (
            max(gaps[middle] * evidence.tick_seconds, 0.0)
            if middle >= 0
            else evidence.usual_ticks * evidence.tick_seconds
        )

    def _contradicts_header(self, gap_seconds: float) -> bool:
        declared = self._evidence.declared_end_seconds
        if not declared:
            return False
        end = max(piece.end for piece in self._pieces) * self._evidence.tick_seconds
        return end - declared > max(0.9 * gap_seconds, LEAP_SECONDS)


def _covered(spans: Sequence[tuple[float, float]], start: float, end: float) -> float:
    """How many of the seconds from a start to an end are in the spans."""
    return sum(max(0.0, min(end, last) - max(start, first)) for first, last in spans)


def _surrounded(spans: Sequence[tuple[float, float]], start: float, end: float) -> bool:
    """Whether the spans go on on both sides."""
    return any(abs(last - start) < NEAR_SECONDS for _, last in spans) and any(
        abs(first - end) < NEAR_SECONDS for first, _ in spans
    )


def _segments(
    pieces: Sequence[ClockPiece], shifts: Sequence[int], tick_seconds: float
) -> tuple[ClockSegment, ...]:
    """The pieces with equal shifts in a row as one segment; none if nothing is shifted."""
    segments: list[ClockSegment] = []
    for piece, shift in zip(pieces, shifts, strict=True):
        start, end = piece.start * tick_seconds, piece.end * tick_seconds
        last = segments[-1] if segments else None
        if last is not None and last.shift_ticks == shift:
            segments[-1] = ClockSegment(
                last.place, min(last.first_seconds, start), max(last.end_seconds, end), shift
            )
        else:
            segments.append(ClockSegment(piece.place, start, end, shift))
    return tuple(segments) if any(segment.shift_ticks for segment in segments) else ()
