"""Classes over time as a picture: a row of frames, and below them a lane per class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from vifi_cli.evaluation.figures.contact_sheet import (
    HEADING_LINE,
    HEADING_SIZE,
    TEXT_LINE,
    TEXT_SIZE,
    fitted,
    stacked_png,
    text_block,
)
from vifi_cli.evaluation.figures.style import (
    PAGE,
    SOFT,
    TEXT,
    broken_into_lines,
    cut_to_fit,
    length_of,
    mark_of,
    write,
)
from vifi_cli.evaluation.testing.over_time import ClassifiedWindow, ClassSpan
from vifi_cli.video.clips.full_frames import FullFrame
from vifi_cli.wording import printable

FRAMES = 12
NARROWEST_NAMES, WIDEST_NAMES, NAME_GAP, STRIP_WIDTH = 200, 460, 16, 1440
TALLEST_FRAME = 240
LANE_HEIGHTS = {12: 56, 30: 34}  # in pixels, by the number of classes up to which they are so high
LOWEST_LANE = 24
FAINT = 0.35  # share of its color that a class keeps where another class is more probable
EMPTY = (30, 36, 42)
STEPS_SECONDS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
MOST_TICKS = 12
NOTE = (
    "The height of a lane is the probability of its class. The color is full where the class is the most probable "
    "one; percentages are means over such spans."
)


@dataclass(frozen=True, slots=True)
class Lanes:
    """Where lanes are: their classes from top to bottom, and measures in pixels."""

    labels: tuple[int, ...]
    names: tuple[str, ...]
    end_seconds: float

    @property
    def name_width(self) -> int:
        """Of the column of names; longer names have two lines or an ellipsis."""
        longest = max((length_of(name, self.text_size) for name in self.names), default=0.0)
        return round(min(max(longest + NAME_GAP, NARROWEST_NAMES), WIDEST_NAMES))

    @property
    def width(self) -> int:
        """Of names and lanes."""
        return self.name_width + STRIP_WIDTH

    @property
    def height(self) -> int:
        """Of a lane: less where there are many."""
        return next(
            (pixels for most, pixels in LANE_HEIGHTS.items() if len(self.labels) <= most), LOWEST_LANE
        )

    @property
    def text_size(self) -> int:
        """Of names and percentages."""
        return min(TEXT_SIZE, self.height - 8)

    def across(self, seconds: float) -> int:
        """The position of a time, in pixels from the left."""
        return self.name_width + (
            round(STRIP_WIDTH * seconds / self.end_seconds) if self.end_seconds > 0 else 0
        )


def lanes_of(
    windows: Sequence[ClassifiedWindow], spans: Sequence[ClassSpan], class_names: Sequence[str]
) -> Lanes:
    """A lane for each class: first the most probable ones in order of time, then the others by their best moment."""
    best = np.max([window.probabilities for window in windows], axis=0)
    order = dict.fromkeys([*(span.label for span in spans), *np.argsort(-best, kind="stable").tolist()])
    names = tuple(printable(class_names[label]) for label in order)
    return Lanes(tuple(order), names, windows[-1].end_seconds)


def strip_picture(
    heading: str,
    frames: Sequence[FullFrame],
    windows: Sequence[ClassifiedWindow],
    spans: Sequence[ClassSpan],
    class_names: Sequence[str],
) -> bytes:
    """Draws a video's classes as PNG, with a lane for every class."""
    lanes = lanes_of(windows, spans, class_names)
    return stacked_png(
        [
            text_block([heading], HEADING_SIZE, HEADING_LINE, lanes.width),
            _row_of_frames(frames, lanes),
            *(_lane(place, lanes, windows, spans) for place in range(len(lanes.labels))),
            _clock_face(lanes),
            text_block([NOTE], TEXT_SIZE, TEXT_LINE, lanes.width),
        ]
    )


def _row_of_frames(frames: Sequence[FullFrame], lanes: Lanes) -> Image.Image:
    place = STRIP_WIDTH / len(frames)
    pictures = [Image.fromarray(fitted(frame.picture, place - 2, TALLEST_FRAME)) for frame in frames]
    row = Image.new("RGB", (lanes.width, pictures[0].height), PAGE)
    for number, picture in enumerate(pictures):
        row.paste(picture, (lanes.name_width + round((number + 0.5) * place - picture.width / 2), 0))
    return row


def _lane(
    place: int, lanes: Lanes, windows: Sequence[ClassifiedWindow], spans: Sequence[ClassSpan]
) -> Image.Image:
    label, height, size = lanes.labels[place], lanes.height, lanes.text_size
    lane = Image.new("RGB", (lanes.width, height), PAGE)
    draw = ImageDraw.Draw(lane)
    draw.rectangle((lanes.name_width, 0, lanes.width, height), fill=EMPTY)
    _write_name(lane, lanes, lanes.names[place])
    full = np.array(ImageColor.getrgb(mark_of(place).color))
    faint = (FAINT * full + (1 - FAINT) * np.array(EMPTY)).astype(int)
    for window in windows:
        left, right = lanes.across(window.start_seconds), lanes.across(window.end_seconds)
        top = round(height * (1 - float(window.probabilities[label])))
        color = full if int(window.probabilities.argmax()) == label else faint
        if right > left and top < height:
            draw.rectangle((left, top, right - 1, height), fill=tuple(color.tolist()))
    for span in spans:
        left, right = lanes.across(span.start_seconds), lanes.across(span.end_seconds)
        said = f"{span.probability:.0%}"
        if span.label == label and length_of(said, size) + 10 < right - left:
            write(lane, (left + 5, height - size - 6), said, size, TEXT)
    return lane


def _write_name(lane: Image.Image, lanes: Lanes, name: str) -> None:
    """The name beside a lane, on two lines if it is long and the lane high."""
    size, room = lanes.text_size, lanes.name_width - NAME_GAP
    fits_two = lanes.height >= 2 * (size + 6)
    lines = broken_into_lines(name, size, room) if fits_two else (cut_to_fit(name, size, room),)
    top = (lanes.height - len(lines) * (size + 6)) // 2
    for number, line in enumerate(lines):
        write(lane, (0, top + number * (size + 6)), line, size)


def _clock_face(lanes: Lanes) -> Image.Image:
    """The time axis below the lanes."""
    face = Image.new("RGB", (lanes.width, TEXT_LINE + 6), PAGE)
    draw, end = ImageDraw.Draw(face), lanes.end_seconds
    step = next((step for step in STEPS_SECONDS if end / step <= MOST_TICKS), STEPS_SECONDS[-1])
    for number in range(int(end / step) + 1):
        left = lanes.across(number * step)
        draw.line((left, 0, left, 5), fill=SOFT)
        said = _clock(number * step)
        if left + length_of(said, TEXT_SIZE) < face.width:
            write(face, (left, 6), said, TEXT_SIZE, SOFT)
    return face


def _clock(seconds: float) -> str:
    """A time in a video: `0:07`, `12:34`, with half seconds where they are: `0:07.5`."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:02.0f}" if rest % 1 == 0 else f"{int(minutes)}:{rest:04.1f}"
