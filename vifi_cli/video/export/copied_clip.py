"""Copies a moment out of a video without re-encoding: fast and lossless, but the clip begins with a keyframe."""

from __future__ import annotations  # av.Packet is generic for type checkers only

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import av
from av.container import OutputContainer
from av.format import Flags
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.clock.file_clock import SAME_INSTANT_SECONDS, FileClock
from vifi_cli.video.container.clock_reading import clock_of
from vifi_cli.video.container.container import SEEK_EARLIER_SECONDS, OpenVideo, open_video
from vifi_cli.video.container.demuxing import has_flag
from vifi_cli.video.export.clip import Clip
from vifi_cli.video.export.companions import Companions, copied_stream, open_companions
from vifi_cli.video.export.first_timecode import tagged_timecode
from vifi_cli.video.moment import Moment

CONTAINERS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".3gp": "3gp",
    ".mkv": "matroska",
    ".webm": "webm",
    ".ts": "mpegts",
}
FALLBACK = ".mkv"  # holds nearly anything
APPLE_HEVC_TAG = "hvc1"  # Apple's players accept no other

TimedPacket = tuple[float, "Packet[VideoStream]"]


def copied_suffix(video: Path) -> str:
    """The suffix of a clip copied from a video."""
    suffix = video.suffix.lower()
    return suffix if suffix in CONTAINERS else FALLBACK


def copy_clip(moment: Moment, target: Path, report: Callable[[float], None]) -> Clip:
    """Copies a moment from the last keyframe before it on, with all sound, subtitles and chapters.

    The target should have the suffix `copied_suffix`. Calls `report` often with the seconds done.

    Raises:
        UnreadableVideo: the moment is not in the video, or a file of this kind cannot hold its streams.
    """
    suffix = copied_suffix(moment.path)
    clock = moment.clock or clock_of(moment.path, lambda: report(0.0))
    opening = _from_keyframe(moment, clock, lambda: report(0.0))
    with opening as pictures, open_companions(moment.path, clock) as companions:
        copying, missing = _Copying(pictures, companions, target, suffix), _never_copied(pictures.video)
        try:
            for seconds in copying.run():
                report(max(seconds - moment.start_seconds, 0.0))
        except (av.FFmpegError, ValueError) as error:
            if isinstance(error, OSError):
                raise
            reason = getattr(error, "strerror", None) or str(error)
            raise UnreadableVideo(f"it cannot be copied into {suffix} ({reason}): omit --copy") from error
    early = moment.start_seconds - pictures.start_seconds
    remarks = [f"begins {early:.2f} s early, at a keyframe"] if early > SAME_INSTANT_SECONDS else []
    if pictures.video.ignored_streams:
        remarks.append(pictures.video.ignored_streams)
    if missing:
        remarks.append(f"without its {' and '.join(missing)}")
    if copying.left_out:
        remarks.append(f"{suffix} cannot hold, so not copied: {', '.join(copying.left_out)}")
    return Clip(pictures.start_seconds, pictures.end_seconds, companions.has_sound, tuple(remarks))


def _never_copied(video: OpenVideo) -> list[str]:
    """What a video holds that a clip of it does not, in words for the user."""
    has_cover = any(stream.disposition & Disposition.attached_pic for stream in video.container.streams.video)
    has_timecode = tagged_timecode(video) is not None  # of the first frame, and so wrong for a clip
    return ["cover art"] * has_cover + ["timecode"] * has_timecode


class _KeyframedMoment:
    """The packets of a moment's pictures, from the last keyframe before it on."""

    def __init__(self, video: OpenVideo, moment: Moment) -> None:
        self.video = video
        self.start_seconds = -math.inf  # of the keyframe
        self.end_seconds = -math.inf  # of the last picture returned
        self._moment = moment
        self._read: list[Packet[VideoStream]] = []
        self._rest = video.timed_packets()

    def begin(self, earlier_seconds: float, alive: Callable[[], None]) -> bool:
        """Reads up to where the moment begins; False if reading began too late to find a keyframe."""
        start = self._moment.start_seconds
        from_beginning = not self.video.seek(start - earlier_seconds)
        end_seconds = -math.inf
        for packet in self._rest:
            alive()
            seconds = self._shown(packet)
            end_seconds = max(end_seconds, self._ends(packet))
            is_first = from_beginning and not self._read
            if packet.is_keyframe and (seconds <= start + SAME_INSTANT_SECONDS or is_first):
                self._read, self.start_seconds = [], seconds
            elif not self._read:
                continue
            self._read.append(packet)
            if self._decoded(packet) > start + SAME_INSTANT_SECONDS:
                return True
        if self._read and end_seconds > start:
            return True
        if not from_beginning:
            return False
        if not self._read:
            raise UnreadableVideo(self.video.why_no_frame())
        raise UnreadableVideo(f"it ends at {end_seconds:.1f} s, before {start:.1f} s")

    def packets(self) -> Iterator[TimedPacket]:
        """The packets up to the moment's end, and those they refer to.

        Pictures shown before the keyframe are left out, since they refer to earlier ones. So are pictures after the
        end, unless one before it refers to them; then all pictures up to that one are included.
        """
        end = self._moment.end_seconds - SAME_INSTANT_SECONDS
        held: list[Packet[VideoStream]] = []
        for packet in chain(self._read, self._rest):
            if self._decoded(packet) >= end:
                return
            if self._shown(packet) < self.start_seconds:
                continue
            held.append(packet)
            if self._shown(packet) < end:
                end = max(end, *map(self._shown, held))
                for wanted in held:
                    self.end_seconds = max(self.end_seconds, self._ends(wanted))
                    yield self._decoded(wanted), wanted
                held = []

    @property
    def file_range(self) -> tuple[float, float]:
        """From the keyframe to the moment's end, in seconds of the file."""
        end_seconds = self._moment.end_seconds
        return self.video.file_seconds(self.start_seconds), self.video.file_seconds(end_seconds)

    def _ends(self, packet: Packet[VideoStream]) -> float:
        return self._shown(packet) + self.video.length_seconds(packet)

    def _shown(self, packet: Packet[VideoStream]) -> float:
        return self.video.seconds(packet.pts if packet.pts is not None else packet.dts or 0)

    def _decoded(self, packet: Packet[VideoStream]) -> float:
        return self.video.seconds(packet.dts if packet.dts is not None else packet.pts or 0)


@contextmanager
def _from_keyframe(moment: Moment, clock: FileClock, alive: Callable[[], None]) -> Iterator[_KeyframedMoment]:
    for earlier_seconds in SEEK_EARLIER_SECONDS:
        with open_video(moment.path, clock) as video:
            if has_flag(video.container, Flags.no_timestamps):
                raise UnreadableVideo("it does not say when its frames are shown: omit --copy")
            keyframed = _KeyframedMoment(video, moment)
            if keyframed.begin(earlier_seconds, alive):
                yield keyframed
                return


class _Copying:
    """Writes a moment's packets, with the keyframe at 0."""

    def __init__(self, pictures: _KeyframedMoment, companions: Companions, target: Path, suffix: str) -> None:
        self.left_out: list[str] = []  # what a file of this kind cannot hold, in words for the user
        self._pictures = pictures
        self._companions = companions
        self._target = target
        self._format = CONTAINERS[suffix]

    def run(self) -> Iterator[float]:
        """Copies all packets in order of time; yields each one's time in the video."""
        output, film = self._begun()
        with output:
            start_seconds, end_seconds = self._pictures.file_range
            sources = [
                ((seconds, packet, film) for seconds, packet in self._pictures.packets()),
                (
                    (self._pictures.start_seconds + seconds - start_seconds, packet, stream)
                    for seconds, packet, stream in self._companions.packets(start_seconds, end_seconds)
                ),
            ]
            latest: dict[int, int] = {}
            for seconds, packet, stream in heapq.merge(*sources, key=lambda timed: timed[0]):
                origin = round(start_seconds / packet.time_base)
                packet.pts = None if packet.pts is None else packet.pts - origin
                packet.dts = None if packet.dts is None else packet.dts - origin
                if packet.dts is not None:
                    if packet.dts <= latest.get(stream.index, packet.dts - 1):
                        continue  # sound of joined recordings may overlap where one ends
                    latest[stream.index] = packet.dts
                packet.stream = stream
                output.mux(packet)
                yield seconds

    def _begun(self) -> tuple[OutputContainer, VideoStream]:
        """The file with its header written, with all streams, or else with as many as a file of this kind takes."""
        everything = self._companions.streams
        known = [stream for stream in everything if stream.type in ("audio", "subtitle")]
        sound = [stream for stream in everything if stream.type == "audio"]
        attempts = [everything, known, sound, sound[:1]]
        for place, streams in enumerate(attempts):
            output = av.open(str(self._target), "w", format=self._format)
            try:
                return output, self._add_streams(output, streams)
            except (av.FFmpegError, ValueError) as error:
                output.close()
                if isinstance(error, OSError) or place == len(attempts) - 1:
                    raise
        raise ValueError("no attempt was made")

    def _add_streams(self, output: OutputContainer, streams: Sequence[Stream]) -> VideoStream:
        film = copied_stream(self._pictures.video.stream, output)
        if film.codec_context.codec.canonical_name == "hevc" and output.format.name in ("mp4", "mov"):
            film.codec_context.codec_tag = APPLE_HEVC_TAG
        self.left_out = self._companions.add_to(output, streams)
        self.left_out += self._companions.add_chapters(output, *self._pictures.file_range)
        has_sound = any(stream.type == "audio" for stream in self._companions.streams)
        if has_sound and not self._companions.has_sound:
            raise ValueError(f"not its {self.left_out[0]}")
        output.start_encoding()
        return film
