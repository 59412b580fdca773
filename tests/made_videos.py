"""Small real videos, written by PyAV, for every test that needs one.

Frames are RGB uint8 (height, width, 3). `numbered_frames` writes each frame's number into the picture as
black and white stripes, wide enough to survive coding and resizing, and `frame_number` reads it back.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from PIL import ImageColor

Picture = npt.NDArray[np.uint8]

ENCODERS = {"h264": "libx264", "hevc": "libx265", "vp8": "libvpx", "vp9": "libvpx-vp9"}
QUICK_OPTIONS: dict[str, dict[str, str]] = {
    "libx264": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}
TICKS_PER_SECOND = 12_800
NUMBER_BITS = 10


@dataclass(frozen=True)
class Sound:
    """Sound for a made video: float32 (channels, n), and how it is written."""

    samples: npt.NDArray[np.float32]
    rate: int = 44_100
    layout: str = "mono"
    codec: str = "aac"
    start_seconds: float = 0.0


@contextmanager
def ordinary_priority() -> Iterator[None]:
    """Undoes what libsvtav1 does as root: it makes its process a real-time one, which starves all others."""
    try:
        yield
    finally:
        if hasattr(os, "sched_setscheduler"):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def write_video(
    path: Path,
    frames: Iterable[Picture],
    *,
    fps: float = 10.0,
    codec: str = "h264",
    gop: int = 12,
    b_frames: int = 0,
    rotation: int = 0,
    start_seconds: float = 0.0,
    frame_seconds: Sequence[float] | None = None,
    pixel_format: str = "yuv420p",
    container: str | None = None,
    options: Mapping[str, str] | None = None,
    sound: Sound | None = None,
    tick: float | None = None,
) -> Path:
    """Encode frames into a video file whose format follows from the path's suffix, and return the path.

    Args:
        path: where to write; the folder must exist.
        frames: RGB pictures of one size (even sides, unless the pixel format is 4:4:4).
        fps: constant frame rate, used where `frame_seconds` is not given.
        codec: FFmpeg's name of a codec or encoder, such as h264, hevc, vp9, mpeg4, mjpeg.
        gop: frames from one keyframe to the next; scene cuts add none.
        b_frames: bidirectional frames in a row, which makes decoding order differ from presentation order.
        rotation: degrees counter-clockwise by which a player turns the picture, as phones write it.
        start_seconds: presentation time of the first frame.
        frame_seconds: one presentation time a frame, ascending, for a variable frame rate.
        pixel_format: as the encoder is given it, such as yuv420p, yuv444p, yuv420p10le.
        container: FFmpeg's name of the container, if the suffix does not say it.
        options: further options of the encoder.
        sound: written beside the pictures.
        tick: unit of the encoder's times, in seconds; a fine one by default.
    """
    encoder = ENCODERS.get(codec, codec)
    with ordinary_priority(), av.open(path, "w", format=container) as output:
        stream = None
        for index, picture in enumerate(frames):
            if stream is None:
                rate = Fraction(fps).limit_denominator(1001)
                encoder_options = {**QUICK_OPTIONS.get(encoder, {}), **(options or {})}
                stream = output.add_stream(encoder, rate=rate, options=encoder_options)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = pixel_format
                stream.codec_context.gop_size = gop
                stream.codec_context.max_b_frames = b_frames
                if not codec.startswith(("mpeg1", "mpeg2")):  # these only know the times of their frame rate
                    unit = (
                        Fraction(1, TICKS_PER_SECOND)
                        if tick is None
                        else Fraction(tick).limit_denominator(1000)
                    )
                    stream.codec_context.time_base = unit
                if encoder == "libx264":
                    stream.codec_context.options |= {"sc_threshold": "0"}
                if rotation:
                    stream.set_display_rotation(rotation)
                if sound is not None:
                    _add_sound(output, sound)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            seconds = frame_seconds[index] if frame_seconds is not None else index / fps
            frame.pts = round((start_seconds + seconds) * TICKS_PER_SECOND)
            frame.time_base = Fraction(1, TICKS_PER_SECOND)
            output.mux(stream.encode(frame))
        if stream is None:
            raise ValueError("a video needs at least one frame")
        output.mux(stream.encode(None))
    return path


def _add_sound(output: OutputContainer, sound: Sound) -> None:
    stream = output.add_stream(sound.codec, rate=sound.rate, layout=sound.layout)
    position = round(sound.start_seconds * sound.rate)
    for piece in np.array_split(sound.samples, max(1, sound.samples.shape[1] // 1000), axis=1):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), "fltp", sound.layout)
        frame.sample_rate, frame.time_base, frame.pts = sound.rate, Fraction(1, sound.rate), position
        output.mux(stream.encode(frame))
        position += piece.shape[1]
    output.mux(stream.encode(None))


def noise(seconds: float, rate: int = 44_100, channels: int = 1, seed: int = 0) -> npt.NDArray[np.float32]:
    """Sound that matches itself only at shift zero: float32 (channels, n), without the highest tones."""
    random = np.random.default_rng(seed).standard_normal((channels, round(seconds * rate) + 7))
    smooth = np.mean([random[:, shift : random.shape[1] - 7 + shift] for shift in range(8)], axis=0)
    return np.ascontiguousarray(0.3 * smooth, np.float32)


def solid_colour_clip(
    path: Path,
    colours: Sequence[tuple[str, float]],
    *,
    fps: float = 10.0,
    height: int = 48,
    width: int = 64,
    **options: Any,
) -> Path:
    """Write a clip that shows each named colour for so many seconds; `options` are those of `write_video`."""
    pictures = (
        solid_picture(colour, height, width)
        for colour, seconds in colours
        for _ in range(round(seconds * fps))
    )
    return write_video(path, pictures, fps=fps, **options)


def solid_picture(colour: str, height: int = 48, width: int = 64) -> Picture:
    """A picture of one colour, named as in CSS."""
    return np.full((height, width, 3), ImageColor.getrgb(colour)[:3], np.uint8)


def numbered_frames(count: int, height: int = 64, width: int = 160) -> Iterator[Picture]:
    """Pictures 0..count-1 that carry their number as vertical stripes, the highest bit on the left."""
    column_bit = np.arange(width) * NUMBER_BITS // width
    for number in range(count):
        bits = (number >> (NUMBER_BITS - 1 - column_bit)) & 1
        picture = np.empty((height, width, 3), np.uint8)
        picture[:] = np.where(bits, 235, 20)[None, :, None]
        yield picture


def frame_number(picture: Picture) -> int:
    """The number that `numbered_frames` wrote into a picture, read after coding, squashing or scaling."""
    width = picture.shape[1]
    centres = ((np.arange(NUMBER_BITS) + 0.5) * width / NUMBER_BITS).astype(int)
    bits = picture[:, centres].mean(axis=(0, 2)) > 127
    return int(sum(1 << (NUMBER_BITS - 1 - position) for position in np.flatnonzero(bits)))


def recordings_joined(folder: Path, **options: Any) -> Path:
    """Two recordings of frames 0..19 in one file, as transport streams are joined by copying one after the other."""
    parts = [
        write_video(folder / f"part{part}.ts", numbered_frames(20), start_seconds=5.0, **options)
        for part in (1, 2)
    ]
    joined = folder / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    return joined


def textured_frames(count: int, height: int = 90, width: int = 160, seed: int = 0) -> Iterator[Picture]:
    """Pictures of a smooth random scene that the camera pans over: realistic detail and motion."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0 : width + count].astype(np.float32)
    scene = np.zeros((height, width + count, 3), np.float32)
    for _ in range(12):
        down, right = random.uniform(-0.35, 0.35, 2)
        colour, phase = random.uniform(0, 24, 3), random.uniform(0, 2 * np.pi)
        scene += np.sin(rows * down + columns * right + phase)[..., None] * colour
    scene = np.clip(scene + 128, 0, 255)
    for number in range(count):
        yield np.ascontiguousarray(scene[:, number : number + width]).astype(np.uint8)


def damaged(path: Path, start: float, end: float) -> None:
    """Overwrites a share of a file with noise, from one fraction of its length to another."""
    content = bytearray(path.read_bytes())
    first, last = int(start * len(content)), int(end * len(content))
    content[first:last] = np.random.default_rng(0).bytes(last - first)
    path.write_bytes(content)
