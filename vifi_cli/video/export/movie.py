"""Writes MP4 files: h264 pictures, each on screen for its own time, and AAC sound."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.video.frame import PictureType, VideoFrame

from vifi_cli.processors import ffmpeg_threads
from vifi_cli.video.export.picture_fitting import Canvas
from vifi_cli.video.export.sound import Samples, SoundFormat
from vifi_cli.video.pictures.picture import Picture

FAST_START = {"movflags": "+faststart"}  # players begin before they have read all of it
QUALITY = {"preset": "fast", "crf": "18"}
DRAFT_QUALITY = {"preset": "veryfast", "crf": "23"}
PICTURE_QUALITY = {"crf": "20", "preset": "medium"}
KEYFRAME_SECONDS = 2.0  # near enough for seeking in a clip
BITS_PER_CHANNEL = 96_000
FEWEST_TICKS, MOST_TICKS, USUAL_TICKS = 10_000, 1_000_000, 90_000  # a second
DRAWN = "drawn by vifi"
"""The comment in a film of pictures that vifi drew."""

PICTURE_TICKS = 12_800  # a second


@dataclass(frozen=True, slots=True)
class PictureTiming:
    """How often pictures come."""

    rate: Fraction  # usual number per second
    unit_seconds: Fraction  # of their times, as in the video they come from


class Movie:
    """A file being written; a context manager. After an exception the file is incomplete."""

    def __init__(
        self,
        path: Path,
        canvas: Canvas,
        timing: PictureTiming,
        sound: SoundFormat | None,
        *,
        is_draft: bool = False,
    ) -> None:
        """Begins a file, and replaces an existing one; a draft is encoded faster and less well."""
        quality = DRAFT_QUALITY if is_draft else QUALITY
        self._container = av.open(str(path), "w", format="mp4", options=FAST_START)
        self._ticks = _ticks_per_second(timing.unit_seconds)
        self._pictures = self._container.add_stream("libx264", rate=timing.rate, options=dict(quality))
        self._pictures.height, self._pictures.width = canvas.height, canvas.width
        context = self._pictures.codec_context
        context.thread_count = ffmpeg_threads()
        context.pix_fmt = "yuv420p"
        context.sample_aspect_ratio = canvas.sample_aspect
        context.time_base = Fraction(1, self._ticks)
        context.flags |= Flags.frame_duration  # else the last picture gets the usual length
        context.max_b_frames = 0  # so that every reader finds the beginning at 0, and the end
        context.gop_size = max(1, round(KEYFRAME_SECONDS * timing.rate))
        self._first = True
        self._sound = None if sound is None else self._sound_stream(sound)
        self.samples = 0  # of sound added, per channel

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            with suppress(av.FFmpegError):  # such as a full disk, which the exception reports
                self._container.close()
            return
        self._container.mux(self._pictures.encode(None))
        if self._sound is not None:
            self._container.mux(self._sound.encode(None))
        self._container.close()

    def add_picture(self, picture: VideoFrame, start_seconds: float, end_seconds: float) -> None:
        """Shows a picture; it should start where the one before ended."""
        if self._first:
            context = self._pictures.codec_context
            context.colorspace, context.color_range = picture.colorspace, picture.color_range
            context.color_primaries, context.color_trc = picture.color_primaries, picture.color_trc
            self._first = False
        picture.time_base = Fraction(1, self._ticks)
        picture.pts = round(start_seconds * self._ticks)
        picture.duration = round(end_seconds * self._ticks) - picture.pts
        picture.pict_type = PictureType.NONE  # keyframes of the source mean nothing here
        self._container.mux(self._pictures.encode(picture))

    def add_sound(self, pieces: Iterable[Samples]) -> None:
        """Appends pieces of sound, float32 (channels, n)."""
        if self._sound is None:
            raise ValueError("a movie begun without sound takes none")
        for samples in pieces:
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", self._sound.layout.name)
            frame.sample_rate, frame.time_base = self._sound.rate, Fraction(1, self._sound.rate)
            frame.pts = self.samples
            self.samples += samples.shape[1]
            self._container.mux(self._sound.encode(frame))

    def _sound_stream(self, sound: SoundFormat) -> AudioStream:
        return self._container.add_stream(
            "aac", rate=sound.rate, layout=sound.layout, bit_rate=BITS_PER_CHANNEL * sound.channels
        )


def _ticks_per_second(unit: Fraction) -> int:
    """A number of ticks that expresses times in the unit exactly, if the unit is a usual one."""
    ticks = unit.denominator
    while ticks < FEWEST_TICKS:
        ticks *= 2
    return ticks if ticks <= MOST_TICKS else USUAL_TICKS


def write_mp4(path: Path, pictures: Iterable[tuple[float, Picture]], frames_per_second: float) -> None:
    """Writes an MP4 of pictures, uint8 (H, W, 3), all of one size, each shown from its own seconds on, ascending.

    The first one's time becomes 0, and the path's suffix does not matter. An odd last row or column is left out, since
    h264 needs even sizes. The file's comment marks it as vifi's own.
    """
    rate, tick = Fraction(frames_per_second).limit_denominator(1001), Fraction(1, PICTURE_TICKS)
    with av.open(path, "w", format="mp4", options=FAST_START) as container:
        stream = container.add_stream("libx264", rate=rate, options=PICTURE_QUALITY)
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", tick
        stream.codec_context.thread_count = ffmpeg_threads()
        container.metadata["comment"] = DRAWN
        first = None
        for seconds, picture in pictures:
            if first is None:
                first = seconds
                stream.height, stream.width = (side - side % 2 for side in picture.shape[:2])
            even = picture[: stream.height, : stream.width].copy()
            frame = av.VideoFrame.from_ndarray(even, format="rgb24")
            frame.pts, frame.time_base = round((seconds - first) * PICTURE_TICKS), tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
