"""The sound of a video: opened beside the pictures, decoded from any time on, in step with the pictures."""

from __future__ import annotations  # av.Packet is generic for type checkers only

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.codec.context import CodecContext
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Stream
from av.video.stream import VideoStream

from vifi_cli.errors import UnreadableVideo, VideoOutOfReach
from vifi_cli.video.clock.file_clock import FileClock
from vifi_cli.video.container.demuxing import demuxed
from vifi_cli.video.container.opening import open_container
from vifi_cli.video.container.source_file import SourceFile, open_source
from vifi_cli.video.container.stream_choice import chosen_stream

Samples = npt.NDArray[np.float32]
TimedSamples = tuple[float | None, Samples]  # the time is in seconds, if the file has times

USUAL_RATE = 48_000
TREMBLE_SECONDS = 0.02  # by rounding; a gap or an overlap is longer
EARLIER_SECONDS = 1.0  # decoders need a little of what comes before
AAC_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000})
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """How sound is written: samples per second, and FFmpeg's name of the channel layout."""

    rate: int
    layout: str

    @property
    def channels(self) -> int:
        """The layout's number of channels."""
        return av.AudioLayout(self.layout).nb_channels


STEREO = SoundFormat(USUAL_RATE, "stereo")


def samples_on_grid(
    timed: Iterable[TimedSamples], start_seconds: float, wanted: SoundFormat
) -> Iterator[Samples]:
    """Puts samples at their times, counted from the start: fills gaps with silence, and cuts overlaps."""
    done = 0
    expected: int | None = None
    for seconds, samples in timed:
        if seconds is None:
            begin = done if expected is None else expected
        else:
            begin = round((seconds - start_seconds) * wanted.rate)
        if expected is not None and abs(begin - expected) <= TREMBLE_SECONDS * wanted.rate:
            begin = expected
        expected = begin + samples.shape[1]
        while done < begin:
            silence = np.zeros((wanted.channels, min(begin - done, wanted.rate)), np.float32)
            yield silence
            done += silence.shape[1]
        fresh = samples[:, done - begin :]
        if fresh.shape[1]:
            yield fresh
            done += fresh.shape[1]


class SoundTrack:
    """Samples of one format, taken up to a time, and then up to a later one."""

    def __init__(self, samples: Iterator[Samples], format: SoundFormat) -> None:
        self.format = format
        self._samples = samples
        self._rest = next(samples, None)
        self._done = 0

    @property
    def is_over(self) -> bool:
        """Whether all sound, if there was any, has been taken."""
        return self._rest is None

    def until(self, seconds: float) -> Iterator[Samples]:
        """The samples up to a time after the start that have not been taken yet; fewer if the sound ends."""
        position = round(seconds * self.format.rate)
        while self._done < position and self._rest is not None:
            now, rest = self._rest[:, : position - self._done], self._rest[:, position - self._done :]
            self._rest = rest if rest.shape[1] else next(self._samples, None)
            self._done += now.shape[1]
            yield now


@dataclass(frozen=True, slots=True)
class OpenSound:
    """The sound of an open file."""

    container: InputContainer
    stream: AudioStream
    source: SourceFile
    clock: FileClock  # of the pictures, which sound follows

    @property
    def format(self) -> SoundFormat:
        """The sound's own format, or the nearest one that AAC and players support."""
        rate = self.stream.rate if self.stream.rate in AAC_RATES else USUAL_RATE
        return SoundFormat(rate, LAYOUTS.get(self.stream.channels, "stereo"))

    def track(self, start_seconds: float, wanted: SoundFormat | None = None) -> SoundTrack | None:
        """The sound from a time of the file on, in its own format by default; None if there is none."""
        wanted = wanted or self.format
        timed = _timed_samples(self._frames(start_seconds), wanted)
        track = SoundTrack(samples_on_grid(timed, start_seconds, wanted), wanted)
        return None if track.is_over else track

    def _frames(self, start_seconds: float) -> Iterator[AudioFrame]:
        """The frames from before the start on; from the beginning if the file's index leads past the start."""
        frames = self._decoded(start_seconds - EARLIER_SECONDS)
        first = next(frames, None)
        if first is None:
            return
        if first.time is not None and first.time > start_seconds and self._began_before(first.time):
            frames = self._decoded(-math.inf)
        else:
            yield first
        yield from frames

    def _began_before(self, seconds: float) -> bool:
        start, unit = self.stream.start_time, self.stream.time_base
        return start is not None and unit is not None and float(start * unit) < seconds - TREMBLE_SECONDS

    def _decoded(self, from_seconds: float) -> Iterator[AudioFrame]:
        """The frames from about a time on, without damaged ones."""
        for packet in self.packets(from_seconds):
            with suppress(av.FFmpegError):
                yield from packet.decode()

    def packets(self, from_seconds: float) -> Iterator[Packet[AudioStream]]:
        """The packets from about a time on, on the file's clock, the last one empty, until the file is cut off."""
        yield from packets_on_clock(self.container, self.source, self.clock, from_seconds, self.stream)


def packets_on_clock(
    container: InputContainer, source: SourceFile, clock: FileClock, from_seconds: float, *streams: Stream
) -> Iterator[Packet[Any]]:
    """The packets of streams from about a time on, found by the first stream, on the clock of the file's pictures."""
    with suppress(av.FFmpegError):  # then reading starts at the beginning
        _seek(container, source, clock, from_seconds, streams[0])
    position: int | None = None
    for packet in demuxed(container, *streams):
        position = position if packet.pos is None else packet.pos
        if clock.segments and packet.pts is not None and packet.time_base:
            seconds = clock.shift_seconds(float(packet.pts * packet.time_base), position)
            ticks = round(seconds / packet.time_base)
            packet.pts += ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
        yield packet
    source.check()


def _seek(
    container: InputContainer, source: SourceFile, clock: FileClock, from_seconds: float, stream: Stream
) -> None:
    own = from_seconds if from_seconds == -math.inf else clock.own_seconds(from_seconds)
    point = clock.seek_point(from_seconds - EARLIER_SECONDS) if own is None else None
    if point is not None and (entry := source.entry_before(point.position_bytes)):
        container.seek(entry, unsupported_byte_offset=True)
    elif own is None:
        return  # it was just opened, so reading starts at the beginning
    elif own == -math.inf or not stream.time_base:
        container.seek(stream.start_time or 0, stream=stream)
    else:
        ticks = math.floor(own / stream.time_base)  # FLV cannot be sought before its beginning
        container.seek(max(ticks, stream.start_time or 0), stream=stream)


@contextmanager
def open_sound(path: Path, clock: FileClock) -> Iterator[OpenSound | None]:
    """Opens a video's main sound beside its pictures; None if it has none that can be decoded.

    Raises:
        VideoOutOfReach: the file cannot be read now.
    """
    with open_source(path) as source:
        try:
            container = open_container(source, path)
        except VideoOutOfReach:
            raise
        except UnreadableVideo:
            yield None
            return
        with container:
            yield _main_sound(container, source, clock, _film(container, path))


def _film(container: InputContainer, path: Path) -> VideoStream | None:
    try:
        return chosen_stream(container, path).stream
    except UnreadableVideo:
        return None


def _main_sound(
    container: InputContainer, source: SourceFile, clock: FileClock, film: VideoStream | None
) -> OpenSound | None:
    """The sound that belongs to the film, where a file holds several programs."""
    stream = container.streams.best("audio", film)
    decoder: CodecContext | None = stream.codec_context if isinstance(stream, AudioStream) else None
    if not isinstance(stream, AudioStream) or decoder is None or not stream.rate:
        return None
    for other in container.streams:
        other.discard = Discard.default if other is stream else Discard.all
    return OpenSound(container, stream, source, clock)


def _timed_samples(frames: Iterable[AudioFrame], wanted: SoundFormat) -> Iterator[TimedSamples]:
    """The frames' samples in the format wanted, with their times if the file has any."""
    resampler, made_for = AudioResampler("fltp", wanted.layout, wanted.rate), None
    for frame in frames:
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind != made_for:
            yield from _samples_of(resampler, None)
            resampler, made_for = AudioResampler("fltp", wanted.layout, wanted.rate), kind
        yield from _samples_of(resampler, frame)
    yield from _samples_of(resampler, None)


def _samples_of(resampler: AudioResampler, frame: AudioFrame | None) -> Iterator[TimedSamples]:
    for resampled in resampler.resample(frame):
        if resampled is not None:
            yield resampled.time, resampled.to_ndarray().astype(np.float32, copy=False)
