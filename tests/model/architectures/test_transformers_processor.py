"""The processor of a folder of transformers, as vifi prepares pictures, and what it cannot prepare."""

import json
from pathlib import Path
from typing import Any

import pytest

from vifi_cli.errors import InvalidInput
from vifi_cli.model.architectures.transformers_folder.processor import read_preprocessing

SQUARE = {"height": 32, "width": 32}


def written(folder: Path, content: Any, name: str = "preprocessor_config.json") -> Path:
    (folder / name).write_text(json.dumps(content))
    return folder


def test_without_a_file_a_siglip_squashes_and_a_clip_does_as_openai(tmp_path: Path) -> None:
    assert read_preprocessing(tmp_path, 32, squashes=False).values == {}
    half = (0.5, 0.5, 0.5)
    values = {"resize_mode": "squash", "mean": half, "std": half}
    assert read_preprocessing(tmp_path, 32, squashes=True).values == values


def test_the_processor_of_release_5_counts_before_an_older_file(tmp_path: Path) -> None:
    written(tmp_path, {"size": SQUARE, "resample": 2})
    folder = written(
        tmp_path, {"image_processor": {"size": {"shortest_edge": 32}, "resample": 3}}, "processor_config.json"
    )
    values = read_preprocessing(folder, 32, squashes=False).values
    assert (values["resize_mode"], values["interpolation"]) == ("shortest", "bicubic")


@pytest.mark.parametrize(
    ("content", "mean", "std"),
    [
        # pixels in -1..1 without normalizing, and in 0..2 less 1: both are (x / 255 - 0.5) / 0.5
        ({"rescale_factor": 2 / 255, "image_mean": [1, 1, 1], "image_std": [1, 1, 1]}, 0.5, 0.5),
        ({"do_rescale": False, "image_mean": [127.5] * 3, "image_std": [127.5] * 3}, 0.5, 0.5),
        ({"do_normalize": False, "image_mean": [9, 9, 9]}, 0, 1),
    ],
)
def test_mean_and_std_are_for_pixels_up_to_1(tmp_path: Path, content: Any, mean: float, std: float) -> None:
    values = read_preprocessing(written(tmp_path, content), 32, squashes=False).values
    assert values["mean"] == pytest.approx((mean,) * 3)
    assert values["std"] == pytest.approx((std,) * 3)


def test_another_short_side_is_a_remark(tmp_path: Path) -> None:
    folder = written(tmp_path, {"size": {"shortest_edge": 36}, "crop_size": SQUARE})
    assert (
        "to 36 pixels before it crops 32; vifi scales it to 32"
        in read_preprocessing(folder, 32, squashes=False).remark
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"crop_size": 30}, r"preprocessor_config\.json crops pictures to 30 pixels, and the model takes 32"),
        (
            {"size": {"height": 32, "width": 16}, "do_center_crop": False},
            "resizes pictures to 16 x 32 pixels",
        ),
        ({"size": {"longest_edge": 32}}, "resizes pictures by longest_edge"),
        ({"do_center_crop": False, "size": {"shortest_edge": 32}}, "without cropping them"),
        ({"do_resize": False}, "does not resize pictures"),
        ({"resample": 1}, "Pillow's filter 1, and vifi has 2 and 3"),
        ({"image_mean": "abc", "image_std": [1, 1, 1]}, "does not say how pictures are prepared"),
        ({"image_mean": [0, 0, 0], "image_std": [0, 1, 1]}, "std is not 0"),
        ({"image_std": [-1, 1, 1]}, "std is not 0 or less"),
        ({"image_mean": [float("nan")] * 3}, "three numbers each"),
        ({"size": {"shortest_edge": "x"}}, "the size is 'x'"),
        ({"size": "32"}, "the size is '32'"),
        ({"rescale_factor": 0}, "does not say how pictures are prepared"),
        ([], "is not a configuration"),
    ],
)
def test_what_vifi_cannot_prepare_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_preprocessing(written(tmp_path, content), 32, squashes=False)
