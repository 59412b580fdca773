"""Pictures of a video for the page: a still, a moving preview, a playable moment, or why there is none.

Pictures and moments are made in other processes. Their names hold a number; raise it when their look changes, so
that nothing old is shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from textwrap import wrap

from PIL import Image, ImageDraw, ImageFont

from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.export.clip import write_clip
from vifi_cli.video.export.preview import animated_webp, preview_pictures, still
from vifi_cli.video.moment import Moment
from vifi_cli.video.workers.isolated_worker import Report

PICTURE_HEIGHT, MOMENT_HEIGHT = 240, 720
PLACEHOLDER_WIDTH = 426
LINE_LETTERS, MOST_LINES = 34, 3
SCALE = 2  # for screens of fine pixels
LINES, LETTERS = "#857e73", "#757065"
REASONS_AT_HAND = 64
LONGEST_CLIP_SECONDS = 600
"""Of a clip that a program asks for."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """A way to show a moment as a file."""

    look: str  # everything besides the moment that decides how it looks
    suffix: str
    write: Callable[[Moment, Path, Report], None]  # raises UnreadableVideo or OSError

    def name_of(self, moment: Moment) -> str:
        """Tells a moment shown this way from all else that is shown of its video."""
        return f"{self.look} {moment.start_seconds:.3f} {moment.end_seconds:.3f}"


def write_still(moment: Moment, target: Path, _: Report) -> None:
    """Writes the frame in the middle of a moment as WebP: its ends may still show what is before and after."""
    try:
        picture = still(
            moment.path, (moment.start_seconds + moment.end_seconds) / 2, PICTURE_HEIGHT, moment.clock
        )
    except UnreadableVideo:  # the video breaks off before
        picture = still(moment.path, moment.start_seconds, PICTURE_HEIGHT, moment.clock)
    target.write_bytes(picture)


def _write_preview(moment: Moment, target: Path, report: Report) -> None:
    target.write_bytes(animated_webp(preview_pictures(moment, PICTURE_HEIGHT, report)))


def _write_playable(moment: Moment, target: Path, report: Report) -> None:
    write_clip(moment, target, report, draft_height=MOMENT_HEIGHT)


def _write_clip(moment: Moment, target: Path, report: Report) -> None:
    write_clip(moment, target, report)


STILL = Rendering(f"still 3 {PICTURE_HEIGHT}", ".webp", write_still)
PREVIEW = Rendering(f"preview 2 {PICTURE_HEIGHT}", ".webp", _write_preview)
"""An animated WebP of a few seconds."""
PLAYABLE = Rendering(f"moment 2 {MOMENT_HEIGHT}", ".mp4", _write_playable)
"""An MP4 that all browsers play, with its sound."""
CLIP = Rendering("clip 1", ".mp4", _write_clip)
"""The same in the size and quality of the video, to be kept."""


@lru_cache(REASONS_AT_HAND)
def placeholder(reason: str) -> bytes:
    """A quiet drawing that says why there is no picture, as transparent WebP for light and dark pages.

    It is made of pixels: with a thousand SVG pictures, as where a disk is not plugged in, each step of scrolling takes
    Chromium seconds.
    """
    picture = Image.new("RGBA", (PLACEHOLDER_WIDTH * SCALE, PICTURE_HEIGHT * SCALE))
    draw = ImageDraw.Draw(picture)

    def at(*numbers: int) -> list[int]:
        return [SCALE * number for number in numbers]

    # in the corner that nothing else on a hit covers
    draw.rounded_rectangle(at(22, 27, 62, 56), 5 * SCALE, outline=LINES, width=5)
    draw.line(at(17, 63, 67, 20), LINES, width=5)
    font = ImageFont.load_default(14 * SCALE)
    lines = wrap(reason, LINE_LETTERS, max_lines=MOST_LINES, placeholder=" …")
    for number, line in enumerate(lines):
        draw.text((78 * SCALE, (40 + 19 * number) * SCALE), line, LETTERS, font, anchor="ls")
    file = BytesIO()
    picture.save(file, "WEBP", lossless=True)
    return file.getvalue()
