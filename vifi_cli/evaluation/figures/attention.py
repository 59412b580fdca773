"""Attention maps as a contact sheet of a test clip and as the pictures of a film, models side by side."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice

import numpy as np
import numpy.typing as npt
from PIL import Image

from vifi_cli.evaluation.figures.contact_sheet import TEXT_SIZE as BAR_TEXT
from vifi_cli.evaluation.figures.contact_sheet import SheetRow, contact_sheet, fitted
from vifi_cli.evaluation.figures.style import PAGE, SOFT, TEXT, cut_to_fit, length_of, write
from vifi_cli.evaluation.testing.attention import FRAMES_AT_ONCE, CropBox, FrameAttention, Map, WatchedModel
from vifi_cli.video.clips.full_frames import FullFrame
from vifi_cli.video.pictures.picture import Picture

PANEL_SHORT_SIDE, PANEL_LONG_SIDE = 360, 720
PANEL_GAP = 8
TEXT_SIZE, TEXT_LINE, TEXT_LINES = 16, 22, 3
INSET = 6  # of text from the borders of its panel
GROUND, SHADE = 0.85, 0.3  # remaining brightness of the frame under the map and outside it
MOST_OPAQUE = 0.85
COLORS, COOLEST = "inferno", 0.2  # cooler colors would look like shade
GRAY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
BAR_WIDTH, BAR_HEIGHT, BAR_GROUND = 420, 24, 160  # of the color bar, in pixels, and its gray level
BAR_LABELS = ("lowest", "highest value of each picture")
SCALE_NOTE = "Each picture has its own scale: compare places in a picture"


def attention_sheet(
    heading: str,
    frames: Sequence[FullFrame],
    models: Sequence[WatchedModel],
    seen: Sequence[Sequence[FrameAttention]],
) -> bytes:
    """Draws frames of one video, and below them the maps `seen` of each model, M x T, as PNG."""
    cells = [fitted(frame.picture) for frame in frames]
    rows = [SheetRow("frames", cells, [_clock(frame.seconds) for frame in frames])]
    for model, of_model in zip(models, seen, strict=True):
        box = model.box(*frames[0].picture.shape[:2])
        pictures = [drawn_over(cell, one.map, box) for cell, one in zip(cells, of_model, strict=True)]
        rows.append(
            SheetRow(model.caption, pictures, [_cosine(one) for one in of_model if one.cosine is not None])
        )
    has_cosines = any(one.cosine is not None for of_model in seen for one in of_model)
    notes = [
        SCALE_NOTE + (", and pictures by the cosine." if has_cosines else ", not pictures with each other."),
        outside_note(frames[0].picture, models),
    ]
    return contact_sheet(heading, rows, notes, color_bar())


def color_bar() -> Image.Image:
    """The colors of maps from their lowest to their highest value, over gray, between two labels."""
    ramp = np.linspace(0, 1, BAR_WIDTH, dtype=np.float32)[None].repeat(BAR_HEIGHT, 0)
    gray = np.full((BAR_HEIGHT, BAR_WIDTH, 3), BAR_GROUND, np.uint8)
    bar = Image.fromarray(drawn_over(gray, ramp, CropBox(0, 0, 1, 1)))
    lengths = [round(length_of(label, BAR_TEXT)) + 2 * PANEL_GAP for label in BAR_LABELS]
    legend = Image.new("RGB", (sum(lengths) + BAR_WIDTH, BAR_HEIGHT + PANEL_GAP), PAGE)
    legend.paste(bar, (lengths[0], 0))
    write(legend, (0, 0), BAR_LABELS[0], BAR_TEXT)
    write(legend, (lengths[0] + BAR_WIDTH + 2 * PANEL_GAP, 0), BAR_LABELS[1], BAR_TEXT)
    return legend


def outside_note(picture: Picture, models: Sequence[WatchedModel]) -> str:
    """The share of the frame that the models do not see, in words."""
    shares = dict.fromkeys(f"{model.box(*picture.shape[:2]).outside:.0%}" for model in models)
    return f"Shaded: {' and '.join(shares)} of the frame, outside the center that the model sees."


def attention_pictures(
    frames: Iterable[FullFrame], models: Sequence[WatchedModel]
) -> Iterator[tuple[float, Picture]]:
    """Draws the pictures of a film one by one: a frame, and beside it the map of each model.

    Yields seconds and the picture, uint8 (H, W, 3).
    """
    remaining = iter(frames)
    while some := list(islice(remaining, FRAMES_AT_ONCE)):
        seen = [list(model.see([frame.picture for frame in some])) for model in models]
        for place, frame in enumerate(some):
            yield frame.seconds, _side_by_side(frame, models, [of_model[place] for of_model in seen])


def _side_by_side(
    frame: FullFrame, models: Sequence[WatchedModel], seen: Sequence[FrameAttention]
) -> Picture:
    plain = _fitted_to_panel(frame.picture)
    panels = [_panel(plain, _clock(frame.seconds), "", "")]
    for model, one in zip(models, seen, strict=True):
        drawn = drawn_over(plain, one.map, model.box(*frame.picture.shape[:2]))
        panels.append(_panel(drawn, model.name, model.explained, _cosine(one)))
    gap = np.full((panels[0].shape[0], PANEL_GAP, 3), PAGE, np.uint8)
    return np.concatenate([part for panel in panels for part in (panel, gap)][:-1], axis=1)


def _panel(picture: Picture, name: str, explained: str, caption: str) -> Picture:
    """Three lines of text and a picture; a long name keeps its end, which distinguishes models."""
    height, width = picture.shape[:2]
    above, room = TEXT_LINES * TEXT_LINE + 2 * INSET, width - 2 * INSET
    panel = Image.new("RGB", (width, height + above), PAGE)
    lines = (
        (cut_to_fit(name, TEXT_SIZE, room, keeps_end=True), TEXT),
        (cut_to_fit(explained, TEXT_SIZE, room), TEXT),
        (cut_to_fit(caption, TEXT_SIZE, room), SOFT),
    )
    for number, (line, color) in enumerate(lines):
        write(panel, (INSET, INSET + number * TEXT_LINE), line, TEXT_SIZE, color)
    panel.paste(Image.fromarray(picture), (0, above))
    return np.asarray(panel)


def _fitted_to_panel(picture: Picture) -> Picture:
    """Scales a frame to a panel, with even sides as h264 requires."""
    height, width = picture.shape[:2]
    scale = min(PANEL_SHORT_SIDE / min(height, width), PANEL_LONG_SIDE / max(height, width))
    size = tuple(max(2, 2 * round(side * scale / 2)) for side in (width, height))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))


def _clock(seconds: float) -> str:
    """A time with tenths: `0:07.3`."""
    minutes, tenths = divmod(round(seconds * 10), 600)
    return f"{minutes}:{tenths / 10:04.1f}"


def _cosine(seen: FrameAttention) -> str:
    return "" if seen.cosine is None else f"cosine {seen.cosine:.3f}"


def shares_of_range(values: Map) -> Map:
    """A map on its own scale: 0 at its minimum, 1 at its maximum; all 0 if it is constant."""
    least, largest = values.min(), values.max()
    if largest <= least:
        return np.zeros_like(values)
    shares: Map = (values - least) / (largest - least)
    return shares


def drawn_over(picture: Picture, values: Map, box: CropBox) -> Picture:
    """Draws a map, float32 (rows, columns) over the box, onto a frame in gray, and shades the rest: uint8 (H, W, 3)."""
    height, width = picture.shape[:2]
    top, bottom = round(box.top * height), round(box.bottom * height)
    left, right = round(box.left * width), round(box.right * width)
    smooth = Image.fromarray(shares_of_range(values)).resize(
        (right - left, bottom - top), Image.Resampling.BICUBIC
    )
    heat = np.asarray(smooth).clip(0, 1)
    drawn = np.repeat((picture @ GRAY)[..., None], 3, axis=2)
    below = drawn[top:bottom, left:right] * GROUND
    drawn *= SHADE
    opacity = MOST_OPAQUE * heat[..., None]
    drawn[top:bottom, left:right] = below * (1 - opacity) + _colors()[(heat * 255).astype(int)] * opacity
    return drawn.astype(np.uint8)


@cache
def _colors() -> npt.NDArray[np.float32]:
    """256 colors from the coolest to the hottest, RGB."""
    import matplotlib

    steps = np.linspace(COOLEST, 1, 256)
    return np.asarray(matplotlib.colormaps[COLORS](steps)[:, :3] * 255, np.float32)
