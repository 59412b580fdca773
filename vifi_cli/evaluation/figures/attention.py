"""Attention maps as a contact sheet of a test clip and as pictures of a film, models side by side."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from PIL import Image

from vifi_cli.evaluation.figures.contact_sheet import SheetRow, contact_sheet, fitted_to_cell
from vifi_cli.evaluation.figures.heat import drawn_over
from vifi_cli.evaluation.figures.lettering import PAGE, SOFT, TEXT, cut_to_fit, end_that_fits, write
from vifi_cli.evaluation.testing.attention import FRAMES_AT_ONCE, FrameAttention, WatchedModel
from vifi_cli.video.clips.full_frames import FullFrame
from vifi_cli.video.decode.picture import Picture

PANEL_SHORT_SIDE, PANEL_LONG_SIDE = 360, 720
PANEL_GAP = 8
TEXT_SIZE, TEXT_LINE, TEXT_LINES = 14, 20, 3
INSET = 6  # of text from the borders of its panel

SCALE_NOTE = (
    "Each picture has its own scale: no colour where its map is lowest, bright colour where it is highest."
)


def attention_sheet(
    heading: str,
    frames: Sequence[FullFrame],
    models: Sequence[WatchedModel],
    seen: Sequence[Sequence[FrameAttention]],
) -> bytes:
    """Draws frames of one video, and below them the maps `seen` of each model, M x T, as PNG."""
    cells = [fitted_to_cell(frame.picture) for frame in frames]
    rows = [SheetRow("frames", cells, [_clock(frame.seconds) for frame in frames])]
    for model, of_model in zip(models, seen, strict=True):
        box = model.box(*frames[0].picture.shape[:2])
        pictures = [drawn_over(cell, one.map, box) for cell, one in zip(cells, of_model, strict=True)]
        rows.append(
            SheetRow(model.caption, pictures, [_cosine(one) for one in of_model if one.cosine is not None])
        )
    return contact_sheet(heading, rows, [SCALE_NOTE, outside_note(frames[0].picture, models)])


def outside_note(picture: Picture, models: Sequence[WatchedModel]) -> str:
    """The share of the frame that the models do not see, in words."""
    shares = dict.fromkeys(f"{model.box(*picture.shape[:2]).outside:.0%}" for model in models)
    return f"Shaded: {' and '.join(shares)} of the frame, outside the centre that the model sees."


def attention_pictures(
    frames: Iterable[FullFrame], models: Sequence[WatchedModel]
) -> Iterator[tuple[float, Picture]]:
    """Draws the pictures of a film one by one: a frame, and beside it the map of each model.

    Args:
        frames: of one video, all of one size.
        models: the models.

    Yields:
        Seconds and the picture, uint8 (H, W, 3).
    """
    remaining = iter(frames)
    while some := list(islice(remaining, FRAMES_AT_ONCE)):
        seen = [model.see([frame.picture for frame in some]) for model in models]
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
    """A picture with three lines of text above it; a long name keeps its end, which distinguishes models."""
    height, width = picture.shape[:2]
    above, room = TEXT_LINES * TEXT_LINE + 2 * INSET, width - 2 * INSET
    panel = Image.new("RGB", (width, height + above), PAGE)
    lines = (
        (end_that_fits(name, TEXT_SIZE, room), TEXT),
        (cut_to_fit(explained, TEXT_SIZE, room), TEXT),
        (cut_to_fit(caption, TEXT_SIZE, room), SOFT),
    )
    for number, (line, colour) in enumerate(lines):
        write(panel, (INSET, INSET + number * TEXT_LINE), line, TEXT_SIZE, colour)
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
