"""What the page needs of a video, made in a process of its own: a still, a moving preview, a moment browsers can play.

The names hold a number to be raised when what is made looks different, so that nothing old is shown.
"""

from dataclasses import dataclass
from pathlib import Path

from vifi_cli.video.preview import preview, still

PICTURE_HEIGHT = 240


@dataclass(frozen=True, slots=True)
class WriteStill:
    """Writes the frame on screen at a time as WebP."""

    path: Path
    seconds: float

    @property
    def name(self) -> str:
        """See `made_files.Make`."""
        return f"still 1 {PICTURE_HEIGHT} {self.seconds:.3f}"

    def __call__(self, target: Path) -> None:
        """Writes it; raises UnreadableVideo or OSError."""
        target.write_bytes(still(self.path, self.seconds, PICTURE_HEIGHT))


@dataclass(frozen=True, slots=True)
class WritePreview:
    """Writes a stretch as an animated WebP of a few seconds."""

    path: Path
    start_seconds: float
    end_seconds: float

    @property
    def name(self) -> str:
        """See `made_files.Make`."""
        return f"preview 1 {PICTURE_HEIGHT} {self.start_seconds:.3f} {self.end_seconds:.3f}"

    def __call__(self, target: Path) -> None:
        """Writes it; raises UnreadableVideo or OSError."""
        target.write_bytes(preview(self.path, self.start_seconds, self.end_seconds, PICTURE_HEIGHT))


@dataclass(frozen=True, slots=True)
class WriteMoment:
    """Writes a stretch as an mp4 that all browsers play."""

    path: Path
    start_seconds: float
    end_seconds: float

    @property
    def name(self) -> str:
        """See `made_files.Make`."""
        return f"moment 1 {self.start_seconds:.3f} {self.end_seconds:.3f}"

    def __call__(self, target: Path) -> None:
        """Writes it; raises UnreadableVideo or OSError."""
        from fractions import Fraction

        import av

        from vifi_cli.video.moment import Moment, open_moment

        with (
            open_moment(Moment(self.path, self.start_seconds, self.end_seconds)) as opened,
            av.open(str(target), "w", format="mp4", options={"movflags": "faststart"}) as output,
        ):
            stream = output.add_stream("libx264", rate=25, options={"preset": "veryfast", "crf": "23"})
            stream.width = opened.first.width // 2 * 2
            stream.height = opened.first.height // 2 * 2
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = Fraction(1, 12800)
            for shown in opened.frames():
                frame = shown.frame.reformat(stream.width, stream.height, "yuv420p")
                frame.pts = round((shown.start_seconds - opened.start_seconds) * 12800)
                frame.time_base = Fraction(1, 12800)
                frame.pict_type = 0
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
