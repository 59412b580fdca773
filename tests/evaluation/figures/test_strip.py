"""What a video shows over time as a picture: lanes whose colours and heights are those of the windows."""

from io import BytesIO

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageColor

from vifi_cli.evaluation.figures.contact_sheet import GAP, HEADING_LINE, MARGIN
from vifi_cli.evaluation.figures.strip import (
    EMPTY,
    NARROWEST_NAMES,
    STRIP_WIDTH,
    WIDEST_NAMES,
    Lanes,
    lanes_of,
    strip_picture,
)
from vifi_cli.evaluation.figures.style import mark_of
from vifi_cli.evaluation.testing.over_time import ClassifiedWindow, class_spans
from vifi_cli.video.clips.full_frames import FullFrame

NAMES = ("cat", "dog", "bird")
LANES = Lanes((0, 2, 1), ("cat", "bird", "dog"), 4.0)
LANE_HEIGHT, NAME_WIDTH, across = LANES.height, LANES.name_width, LANES.across


def window(start: float, end: float, *shares: float) -> ClassifiedWindow:
    return ClassifiedWindow(start, end, np.array(shares, np.float32))


def drawn(windows: list[ClassifiedWindow], frames: int = 4) -> npt.NDArray[np.uint8]:
    pictures = [
        FullFrame(float(number), np.full((90, 160, 3), (255, 20 * number, 0), np.uint8))
        for number in range(frames)
    ]
    png = strip_picture("clip.mp4", pictures, windows, class_spans(windows, NAMES), NAMES)
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


def lane(picture: npt.NDArray[np.uint8], number: int) -> npt.NDArray[np.uint8]:
    """The rows of a lane, found by the colour of what is empty in it."""
    row_of_frames = round(90 * (STRIP_WIDTH / 4 - 2) / 160)
    top = MARGIN + HEADING_LINE + GAP + row_of_frames + GAP + number * (LANE_HEIGHT + GAP)
    return picture[top : top + LANE_HEIGHT, MARGIN:-MARGIN]


WINDOWS = [window(0, 1, 0.75, 0.25, 0), window(1, 2, 0.5, 0.25, 0.25), window(2, 4, 0.25, 0, 0.75)]


def test_a_lane_is_as_high_as_the_class_is_probable_and_full_where_it_is_the_most_probable() -> None:
    picture = drawn(WINDOWS)
    for number, (label, shares) in enumerate(((0, (0.75, 0.5, 0.25)), (2, (0, 0.25, 0.75)))):
        cells = lane(picture, number)
        full = np.array(ImageColor.getrgb(mark_of(number).color))
        for middle, share, best in zip((0.5, 1.5, 3.0), shares, (0, 0, 2), strict=True):
            column = cells[:, across(middle)].astype(int)
            filled = (column != EMPTY).any(1)
            assert filled.sum() == round(LANE_HEIGHT * share)
            assert not filled[: LANE_HEIGHT - round(LANE_HEIGHT * share)].any(), "it grows from below"
            if share:
                assert (column[filled] == full).all() == (best == label)


def test_lanes_change_where_windows_do() -> None:
    bottom = lane(drawn(WINDOWS), 1)[-1]
    assert across(1.0) == NAME_WIDTH + STRIP_WIDTH // 4
    changes = np.flatnonzero((bottom[1:] != bottom[:-1]).any(1)) + 1
    assert across(1.0) in changes
    assert across(2.0) in changes


def test_every_class_has_a_lane_the_most_probable_ones_first() -> None:
    alone, both = drawn([window(0, 4, 0.6, 0.4, 0)]), drawn(WINDOWS)
    assert both.shape == alone.shape
    found = lanes_of(WINDOWS, class_spans(WINDOWS, NAMES), NAMES)
    assert (found.labels, found.names) == ((0, 2, 1), ("cat", "bird", "dog"))
    dog = lane(both, 2)
    for middle, share in ((0.5, 0.25), (1.5, 0.25), (3.0, 0)):
        assert (dog[:, across(middle)] != EMPTY).any(1).sum() == round(LANE_HEIGHT * share)
    never = lanes_of([window(0, 4, 0.1, 0.6, 0.3)], [], NAMES)
    assert never.labels == (1, 2, 0), "by their most probable moment"


@pytest.mark.parametrize("classes", [2, 12, 20, 101])
def test_many_classes_have_lower_lanes_that_still_hold_their_names(classes: int) -> None:
    names = [
        f"class number {place}, whose name is long enough for the widest column" for place in range(classes)
    ]
    windows = [window(0, 4, *np.full(classes, 1 / classes))]
    found = lanes_of(windows, class_spans(windows, names), names)
    assert sorted(found.labels) == list(range(classes))
    assert found.name_width == WIDEST_NAMES
    assert found.height > found.text_size >= 16
    frame = [FullFrame(0.0, np.zeros((90, 160, 3), np.uint8))]
    with Image.open(
        BytesIO(strip_picture("clip", frame, windows, class_spans(windows, names), names))
    ) as picture:
        assert picture.height > classes * found.height
        assert picture.width == WIDEST_NAMES + STRIP_WIDTH + 2 * MARGIN


def test_the_column_of_names_is_as_wide_as_they_are() -> None:
    assert NAME_WIDTH == NARROWEST_NAMES
    wider = Lanes((0,), ("a photographer with a tripod",), 4.0)
    assert NARROWEST_NAMES < wider.name_width < WIDEST_NAMES
    assert wider.across(2.0) == wider.name_width + STRIP_WIDTH // 2


def test_frames_stand_above_their_times() -> None:
    picture = drawn(WINDOWS)
    row = picture[MARGIN + HEADING_LINE + GAP + 20, MARGIN:-MARGIN]
    for number in range(4):
        assert row[across(number + 0.5)].tolist() == [255, 20 * number, 0]


@pytest.mark.parametrize("end", [0.0, 0.04, 7.3, 4000.0])
def test_videos_of_any_length_have_a_picture(end: float) -> None:
    assert drawn([window(0, end, 0.2, 0.3, 0.5)]).shape[1] == NAME_WIDTH + STRIP_WIDTH + 2 * MARGIN
