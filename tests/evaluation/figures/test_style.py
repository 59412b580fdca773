"""Marks of classes: all different, and their colors for every kind of color vision."""

from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import pytest

from vifi_cli.evaluation.figures.style import COLORS, mark_of

VISION = {
    "normal": np.eye(3),
    # Machado, Oliveira and Fernandes, A physiologically-based model for simulation of color vision deficiency, 2009
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(1)


def linear(color: str) -> npt.NDArray[np.float64]:
    """Linear RGB of a color such as `#0072b2`."""
    values = np.array([int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """CIELAB of linear RGB."""
    share = TO_XYZ @ rgb.clip(0, 1) / WHITE
    x, y, z = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISION)
def test_colors_differ_for_every_kind_of_color_vision(vision: str) -> None:
    seen = [lab(np.asarray(VISION[vision]) @ linear(color)) for color in COLORS]
    assert min(float(np.linalg.norm(one - other)) for one, other in combinations(seen, 2)) > 14


@pytest.mark.parametrize("paper", ["#ffffff", "#1e242a"])
def test_colors_are_visible_on_light_and_dark_paper(paper: str) -> None:
    for color in COLORS:
        dark, light = sorted(float(TO_XYZ[1] @ linear(each)) for each in (color, paper))
        assert (light + 0.05) / (dark + 0.05) > 2.2, color


def test_as_many_classes_as_ucf101_has_differ_and_neighbors_in_color_and_shape() -> None:
    marks = [mark_of(label) for label in range(112)]
    assert len(set(marks)) == 112
    for one, other in pairwise(marks):
        assert one.color != other.color
        assert one.shape != other.shape
    assert all(mark.is_filled for mark in marks[:56]), "outlines come last: they are fainter"
