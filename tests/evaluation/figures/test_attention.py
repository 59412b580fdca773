"""Where models look, from the file to the picture: the model is given what a test gives it, and colours lie there."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from tests.made_videos import textured_frames, write_video
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.figures.attention import (
    GROUND,
    SHADE,
    attention_pictures,
    attention_sheet,
    drawn_over,
    outside_note,
    shares_of_range,
)
from vifi_cli.evaluation.figures.contact_sheet import (
    CELL_WIDTH,
    COLUMNS,
    GAP,
    MARGIN,
    SheetRow,
    contact_sheet,
    fitted,
)
from vifi_cli.evaluation.figures.style import broken_into_lines, cut_to_fit, font
from vifi_cli.evaluation.testing.attention import CropBox, watch_model
from vifi_cli.evaluation.testing.predicting import TestClips as ClipsOfTest
from vifi_cli.model.storage.loading import LoadedModel
from vifi_cli.model.towers.clip_transform import normalized
from vifi_cli.model.towers.clip_transform import test_short_side as short_side_of_test
from vifi_cli.model.towers.vifi_clip import unit_length
from vifi_cli.video.clips.full_frames import FullFrame, clip_frames, steady_frames
from vifi_cli.video.clips.store import ClipStore

CPU = torch.device("cpu")
WHOLE = CropBox(0, 0, 1, 1)


def decoded(png: bytes) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


@pytest.fixture(scope="module")
def panning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of a camera that pans over texture, 90 x 160."""
    return write_video(tmp_path_factory.mktemp("panning") / "panning.mp4", textured_frames(30), fps=10)


def test_the_model_is_given_the_pictures_of_a_test(tiny: LoadedModel, panning: Path) -> None:
    looker = watch_model("tiny", tiny, CPU, "a dog")
    seen = list(looker.see([frame.picture for frame in clip_frames(panning, 12)]))
    clips = ClipsOfTest([LabeledVideo(panning, 0)], ClipStore(short_side_of_test(32)), 12, 32)
    pixels = clips[0].pixels
    assert pixels is not None
    preprocessing = tiny.card.preprocessing
    with torch.inference_mode():
        frames = tiny.network.visual(normalized(pixels[0], preprocessing.mean, preprocessing.std))
        text = tiny.network.encode_classes(tiny.tokenizer(["a dog"]))[0]
        expected = (unit_length(frames) @ text).tolist()
    assert [one.cosine for one in seen] == pytest.approx(expected, abs=1e-6)
    assert len({round(cosine, 4) for cosine in expected}) > 6, (
        "the frames must differ for this to show anything"
    )


def test_what_is_told_of_frames_does_not_hang_on_how_many_are_looked_at(
    tiny: LoadedModel, panning: Path
) -> None:
    looker = watch_model("tiny", tiny, CPU, "a dog")
    pictures = [frame.picture for frame in steady_frames(panning, 10)]
    together, alone = list(looker.see(pictures)), list(looker.see(pictures[17:18]))
    assert len(together) == len(pictures) == 30
    np.testing.assert_allclose(together[17].map, alone[0].map, rtol=1e-4)
    (without,) = watch_model("tiny", tiny, CPU).see(pictures[:1])
    assert without.cosine is None


@pytest.mark.parametrize(
    ("height", "width", "top", "left", "outside"),
    [
        (256, 256, 16 / 256, 16 / 256, 1 - 224**2 / 256**2),
        (360, 640, 16 / 256, 115 / 455, 1 - 224**2 / (256 * 455)),
        (640, 360, 115 / 455, 16 / 256, 1 - 224**2 / (256 * 455)),
    ],
)
def test_the_box_is_what_a_test_cuts_out(
    tiny: LoadedModel, height: int, width: int, top: float, left: float, outside: float
) -> None:
    looker = replace(watch_model("tiny", tiny, CPU), size=224)
    box = looker.box(height, width)
    assert (box.top, box.left) == pytest.approx((top, left))
    assert box.outside == pytest.approx(outside)
    note = outside_note(np.zeros((height, width, 3), np.uint8), [looker, looker])
    assert f"Shaded: {outside:.0%} of the frame" in note


def test_a_map_has_its_own_scale() -> None:
    values = np.array([[1.0, 2.0], [3.0, 5.0]], np.float32)
    np.testing.assert_allclose(shares_of_range(values), [[0, 0.25], [0.5, 1]])
    np.testing.assert_array_equal(shares_of_range(np.full((2, 2), 7, np.float32)), np.zeros((2, 2)))


def warmth(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """How much red there is beyond blue: what heat adds to grey."""
    return picture[..., 0].astype(np.int64) - picture[..., 2]


@pytest.mark.parametrize("place", [0, 7, 15])
def test_the_hottest_place_is_where_the_map_peaks(place: int) -> None:
    values = np.zeros(16, np.float32)
    values[place] = 3.0
    drawn = drawn_over(np.full((80, 80, 3), 128, np.uint8), values.reshape(4, 4), WHOLE)
    row, column = np.unravel_index(warmth(drawn).argmax(), (80, 80))
    assert (int(row) // 20, int(column) // 20) == divmod(place, 4)
    far = drawn[70:, 70:] if place < 8 else drawn[:10, :10]
    assert (far == np.uint8(128 * GROUND)).all(), "no colour where the map is least"


def test_what_the_model_is_not_given_is_shaded_and_grey() -> None:
    picture = np.zeros((100, 200, 3), np.uint8)
    picture[..., 1] = 200
    drawn = drawn_over(picture, np.ones((2, 2), np.float32), CropBox(0.1, 0.25, 0.9, 0.75))
    grey = 0.587 * 200
    assert (drawn[10:90, 50:150] == int(grey * GROUND)).all()
    drawn[10:90, 50:150] = int(grey * SHADE)
    assert (drawn == int(grey * SHADE)).all()


def test_a_sheet_has_a_cell_for_each_frame_and_bands_of_all_rows() -> None:
    colours = [(10 * number, 255, 0) for number in range(20)]
    pictures = [fitted(np.full((90, 160, 3), colour, np.uint8)) for colour in colours]
    marked = [np.where(picture == 255, 254, picture).astype(np.uint8) for picture in pictures]
    captions = [f"{number} s" for number in range(20)]
    sheet = decoded(
        contact_sheet(
            "heading", [SheetRow("first", pictures, captions), SheetRow("second", marked)], ["note"]
        )
    )
    columns = 7  # three bands of 7, 7 and 6
    assert columns <= COLUMNS
    assert sheet.shape[1] == columns * (CELL_WIDTH + GAP) - GAP + 2 * MARGIN
    found = []
    for row in range(0, len(sheet), 20):
        for column in range(columns):
            pixel = sheet[row, MARGIN + column * (CELL_WIDTH + GAP) + CELL_WIDTH // 2]
            if pixel[1] >= 254 and pixel[2] == 0:
                found.append((int(pixel[0]) // 10, "second" if pixel[1] == 254 else "first"))
    bands = [range(7), range(7, 14), range(14, 20)]
    expected = [(number, row) for band in bands for row in ("first", "second") for number in band]
    assert list(dict.fromkeys(found)) == expected


@pytest.mark.parametrize("shape", [(64, 64), (360, 640), (640, 360), (16, 512), (512, 16)])
def test_pictures_of_any_shape_fit(tiny: LoadedModel, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    frames = [FullFrame(0.0, noise), FullFrame(61.26, noise)]
    lookers = [
        watch_model("tiny", tiny, CPU, "a dog"),
        watch_model("other\udcff", tiny, CPU, method="rollout"),
    ]
    seen = [list(looker.see([frame.picture for frame in frames])) for looker in lookers]
    sheet = decoded(attention_sheet("weird \udcff name \N{FIRE}", frames, lookers, seen))
    assert max(sheet.shape) < 2500
    film = list(attention_pictures(frames, lookers))
    assert [seconds for seconds, _ in film] == [0.0, 61.26]
    assert len({picture.shape for _, picture in film}) == 1
    assert film[0][1].shape[0] % 2 == 0


def test_a_film_s_picture_holds_the_frame_and_a_map_beside_it(tiny: LoadedModel) -> None:
    frame = FullFrame(0.0, np.random.default_rng(1).integers(0, 256, (360, 360, 3), np.uint8))
    looker = watch_model("tiny", tiny, CPU)
    ((_, picture),) = attention_pictures([frame], [looker])
    assert picture.shape[1] == 2 * 360 + 8
    np.testing.assert_array_equal(picture[-360:, :360], frame.picture)
    (seen,) = looker.see([frame.picture])
    expected = drawn_over(frame.picture, seen.map, looker.box(360, 360))
    np.testing.assert_array_equal(picture[-360:, -360:], expected)


def test_text_is_broken_and_cut_to_fit() -> None:
    text = "a man who is riding a bicycle down a long and winding road"
    lines = broken_into_lines(text, 14, 150)
    assert len(lines) == 2
    assert lines[1].endswith("…")
    assert all(font(14).getlength(line) <= 150 for line in lines)
    assert " ".join(broken_into_lines(text, 14, 150, 9)) == text
    assert cut_to_fit("short", 14, 150) == cut_to_fit("short", 14, 150, keeps_end=True) == "short"
    end = cut_to_fit("/a/long/way/to/runs/moves/best", 14, 150, keeps_end=True)
    assert end.startswith("…")
    assert end.endswith("runs/moves/best")
    assert font(14).getlength(end) <= 150
    assert broken_into_lines("", 14, 150) == ("",)


def test_only_square_pictures_can_be_cut_as_in_a_test(tiny: LoadedModel) -> None:
    geometry = replace(tiny.card.preprocessing.geometry, width=48)
    wide = replace(tiny.card, preprocessing=replace(tiny.card.preprocessing, geometry=geometry))
    with pytest.raises(InvalidInput, match="32 x 48: only square"):
        watch_model("wide", replace(tiny, card=wide), CPU)
