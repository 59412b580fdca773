"""Classes over time as a picture: a row of frames, and below them a lane per class."""

from collections.abc import Sequence

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
from vifi_cli.evaluation.figures.style import PAGE, SOFT, TEXT, cut_to_fit, font, mark_of, write
from vifi_cli.evaluation.testing.over_time import ClassifiedWindow, ClassSpan
from vifi_cli.video.clips.full_frames import FullFrame
from vifi_cli.wording import printable

FRAMES = 12
NAME_WIDTH, STRIP_WIDTH = 200, 1440
TALLEST_FRAME, LANE_HEIGHT = 240, 40
FAINT = 0.35  # share of its color that a class keeps where another class is more probable
EMPTY = (30, 36, 42)
STEPS_SECONDS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
MOST_TICKS = 12
NOTE = (
    "The height of a lane is the probability of its class. The color is full where the class is the most probable "
    "one; percentages are means over such spans."
)


def strip_picture(
    heading: str,
    frames: Sequence[FullFrame],
    windows: Sequence[ClassifiedWindow],
    spans: Sequence[ClassSpan],
) -> bytes:
    """Draws a video's classes as PNG; each class that is the most probable for some time has a lane."""
    width = NAME_WIDTH + STRIP_WIDTH
    lanes = {span.label: printable(span.class_name) for span in spans}
    return stacked_png(
        [
            text_block([heading], HEADING_SIZE, HEADING_LINE, width),
            _row_of_frames(frames),
            *(_lane(place, label, windows, spans, name) for place, (label, name) in enumerate(lanes.items())),
            _clock_face(windows[-1].end_seconds),
            text_block([NOTE], TEXT_SIZE, TEXT_LINE, width),
        ]
    )


def across(seconds: float, end_seconds: float) -> int:
    """The position of a time in a lane, in pixels from the left."""
    return NAME_WIDTH + round(STRIP_WIDTH * seconds / end_seconds) if end_seconds > 0 else NAME_WIDTH


def _row_of_frames(frames: Sequence[FullFrame]) -> Image.Image:
    place = STRIP_WIDTH / len(frames)
    pictures = [Image.fromarray(fitted(frame.picture, place - 2, TALLEST_FRAME)) for frame in frames]
    row = Image.new("RGB", (NAME_WIDTH + STRIP_WIDTH, pictures[0].height), PAGE)
    for number, picture in enumerate(pictures):
        row.paste(picture, (NAME_WIDTH + round((number + 0.5) * place - picture.width / 2), 0))
    return row


def _lane(
    place: int, label: int, windows: Sequence[ClassifiedWindow], spans: Sequence[ClassSpan], name: str
) -> Image.Image:
    lane = Image.new("RGB", (NAME_WIDTH + STRIP_WIDTH, LANE_HEIGHT), PAGE)
    draw = ImageDraw.Draw(lane)
    draw.rectangle((NAME_WIDTH, 0, NAME_WIDTH + STRIP_WIDTH, LANE_HEIGHT), fill=EMPTY)
    write(lane, (0, (LANE_HEIGHT - TEXT_SIZE) // 2), cut_to_fit(name, TEXT_SIZE, NAME_WIDTH - 12), TEXT_SIZE)
    full = np.array(ImageColor.getrgb(mark_of(place).color))
    faint = (FAINT * full + (1 - FAINT) * np.array(EMPTY)).astype(int)
    end = windows[-1].end_seconds
    for window in windows:
        left, right = across(window.start_seconds, end), across(window.end_seconds, end)
        top = round(LANE_HEIGHT * (1 - float(window.probabilities[label])))
        color = full if int(window.probabilities.argmax()) == label else faint
        if right > left and top < LANE_HEIGHT:
            draw.rectangle((left, top, right - 1, LANE_HEIGHT), fill=tuple(color.tolist()))
    for span in spans:
        left, right = across(span.start_seconds, end), across(span.end_seconds, end)
        said = f"{span.probability:.0%}"
        if span.label == label and font(TEXT_SIZE).getlength(said) + 10 < right - left:
            write(lane, (left + 5, LANE_HEIGHT - TEXT_LINE - 2), said, TEXT_SIZE, TEXT)
    return lane


def _clock_face(end_seconds: float) -> Image.Image:
    """The time axis below the lanes."""
    face = Image.new("RGB", (NAME_WIDTH + STRIP_WIDTH, TEXT_LINE + 6), PAGE)
    draw = ImageDraw.Draw(face)
    step = next((step for step in STEPS_SECONDS if end_seconds / step <= MOST_TICKS), STEPS_SECONDS[-1])
    for number in range(int(end_seconds / step) + 1):
        left = across(number * step, end_seconds)
        draw.line((left, 0, left, 5), fill=SOFT)
        said = _clock(number * step)
        if left + font(TEXT_SIZE).getlength(said) < face.width:
            write(face, (left, 6), said, TEXT_SIZE, SOFT)
    return face


def _clock(seconds: float) -> str:
    """A time in a video: `0:07`, `12:34`, with half seconds where they are: `0:07.5`."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:02.0f}" if rest % 1 == 0 else f"{int(minutes)}:{rest:04.1f}"
