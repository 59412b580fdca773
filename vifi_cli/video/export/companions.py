"""What a video holds beside its pictures, copied: sound in several languages, subtitles, fonts, chapters."""

from __future__ import annotations  # av.Packet is generic for type checkers only

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from av.codec.context import CodecContext
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Discard, Stream
from av.video.stream import VideoStream

from vifi_cli.video.clock.file_clock import FileClock
from vifi_cli.video.container.opening import open_container
from vifi_cli.video.container.source_file import SourceFile, open_source
from vifi_cli.video.container.stream_choice import chosen_stream
from vifi_cli.video.export.sound import EARLIER_SECONDS, packets_on_clock

if TYPE_CHECKING:
    from av.container.core import Chapter

SUBTITLES_EARLIER_SECONDS = 20.0
"""How long before a moment a subtitle that is still on screen may have appeared."""

INTERLEAVED_SECONDS = 10.0  # by which streams of a file are apart, at most
MICROSECONDS = Fraction(1, 1_000_000)
CHAPTER_FORMATS = {"mp4", "mov", "matroska", "webm", "3gp"}
ATTACHMENT_FORMATS = {"matroska", "webm"}
KEPT_OF_STREAMS = "language", "title", "handler_name"
NOT_OF_CLIPS = {
    "timecode",
    "encoder",
    "duration",
    "major_brand",
    "minor_version",
    "compatible_brands",
}  # of the file

StreamT = TypeVar("StreamT", bound=Stream)
Companion = tuple[
    float, "Packet[Any]", Stream
]  # when it is decoded, in seconds of the file, and where it goes


class Companions:
    """The streams of an open file beside its film, and its chapters."""

    def __init__(
        self, container: InputContainer, source: SourceFile, film: VideoStream, clock: FileClock
    ) -> None:
        self._container = container
        self._source = source
        self._film = film
        self._clock = clock
        # a track that FFmpeg discards from the start holds chapters, which are copied as such
        self.streams: list[Stream] = [
            stream for stream in container.streams if stream.type != "video" and stream.discard != Discard.all
        ]
        self._targets: dict[int, Stream] = {}

    @property
    def has_sound(self) -> bool:
        """Whether any sound is copied."""
        return any(target.type == "audio" for target in self._targets.values())

    def add_to(self, output: OutputContainer, streams: Sequence[Stream]) -> list[str]:
        """Adds streams to a file; returns which others are left out, in words for the user."""
        self._targets = {}
        for stream in streams:
            if stream.type == "attachment" and output.format.name not in ATTACHMENT_FORMATS:
                continue
            with suppress(ValueError):  # the format cannot hold it
                self._targets[stream.index] = copied_stream(stream, output)
        output.metadata.update(
            {key: text for key, text in self._container.metadata.items() if key.lower() not in NOT_OF_CLIPS}
        )
        return [described(stream) for stream in self.streams if stream.index not in self._targets]

    def add_chapters(self, output: OutputContainer, start_seconds: float, end_seconds: float) -> list[str]:
        """Adds the chapters within a part of the file, shifted; returns what cannot be added, in words for the user."""
        chapters: list[Chapter] = []
        for chapter in self._container.chapters():
            unit = chapter["time_base"] or MICROSECONDS
            begins, ends = float(chapter["start"] * unit), float(chapter["end"] * unit)
            if ends > start_seconds and begins < end_seconds:
                chapter["start"] = round((max(begins, start_seconds) - start_seconds) / float(unit))
                chapter["end"] = round((min(ends, end_seconds) - start_seconds) / float(unit))
                chapters.append(chapter)
        if chapters and output.format.name not in CHAPTER_FORMATS:
            return ["chapters"]
        output.set_chapters(chapters)
        return []

    def packets(self, start_seconds: float, end_seconds: float) -> Iterator[Companion]:
        """The packets that begin in a part of the file, and subtitles that are still on screen where it begins."""
        earlier = SUBTITLES_EARLIER_SECONDS if self._has("subtitle") else EARLIER_SECONDS
        read = [stream for stream in self._container.streams if stream.index in self._targets]
        for stream in self._container.streams:
            stream.discard = Discard.default if stream in read or stream is self._film else Discard.all
        open_ended = {stream.index for stream in read if stream.type == "audio"}
        for packet in packets_on_clock(
            self._container, self._source, self._clock, start_seconds - earlier, self._film, *read
        ):
            if packet.pts is None or not packet.size:
                continue
            seconds = float(packet.pts * packet.time_base)
            if seconds >= end_seconds:
                open_ended.discard(packet.stream_index)
                if packet.stream_index == self._film.index and (
                    not open_ended or seconds > end_seconds + INTERLEAVED_SECONDS
                ):
                    return
            elif packet.stream_index in self._targets and _clip(packet, seconds, start_seconds, end_seconds):
                yield max(seconds, start_seconds), packet, self._targets[packet.stream_index]

    def _has(self, kind: str) -> bool:
        return any(target.type == kind for target in self._targets.values())


def copied_stream(stream: StreamT, output: OutputContainer) -> StreamT:
    """Adds a stream to a file, with its language and title; raises ValueError if the format cannot hold it."""
    target = output.add_stream_from_template(stream, opaque=True)
    target.disposition = stream.disposition
    target.metadata.update({key: stream.metadata[key] for key in KEPT_OF_STREAMS if key in stream.metadata})
    return target


def _clip(packet: Packet[Any], seconds: float, start_seconds: float, end_seconds: float) -> bool:
    """Whether a packet belongs to a part; a subtitle that begins before it, or ends after it, is made to fit."""
    if packet.stream.type != "subtitle" or not packet.duration:
        return seconds >= start_seconds
    unit = packet.time_base
    begins = max(seconds, start_seconds)
    ends = min(seconds + float(packet.duration * unit), end_seconds)
    packet.pts = packet.dts = round(begins / unit)
    packet.duration = max(round(ends / unit) - packet.pts, 0)
    return packet.duration > 0


def described(stream: Stream) -> str:
    """A stream in words: `sound #2 (aac, eng)`."""
    kinds = {"audio": "sound", "subtitle": "subtitles", "attachment": "attachment"}
    context: CodecContext | None = stream.codec_context
    codec = context.name if context is not None else ""
    details = [detail for detail in (codec, stream.language) if detail and detail != "und"]
    return f"{kinds.get(stream.type, 'data')} #{stream.index}" + (
        f" ({', '.join(details)})" if details else ""
    )


@contextmanager
def open_companions(path: Path, clock: FileClock) -> Iterator[Companions]:
    """Opens a video a second time, to read what it holds beside its pictures; raises UnreadableVideo."""
    with open_source(path) as source, open_container(source, path) as container:
        yield Companions(container, source, chosen_stream(container, path).stream, clock)
