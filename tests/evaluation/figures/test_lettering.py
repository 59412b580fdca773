"""Names in any script: drawn where a font has their letters, else spelled in ASCII, and never a formula."""

import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.figure import Figure
from PIL import Image

from tests.drawn_figures import drawn_texts
from vifi_cli.evaluation.figures import lettering
from vifi_cli.evaluation.figures.charts import chart_style, figure_png
from vifi_cli.evaluation.figures.lettering import (
    face_of,
    families_of,
    first_face,
    lettered,
    spelling_note,
    stretches,
)
from vifi_cli.evaluation.figures.style import PAGE, cut_to_fit, font, length_of, write

RARE = "\U000104b0"  # an Osage letter, which no font of our lists has
WIDTH = 1000  # of its glyph in the font that a test makes, of 1000 units to an em


def make_font(path: Path) -> None:
    """A font with one glyph, a full square."""
    pen = TTGlyphPen(None)
    corners = ((0, 0), (0, 700), (WIDTH, 700), (WIDTH, 0))
    pen.moveTo(corners[0])
    for corner in corners[1:]:
        pen.lineTo(corner)
    pen.closePath()
    square = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "sign"])
    builder.setupCharacterMap({ord(RARE): "sign"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "sign": square})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "sign": (WIDTH, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Rare Signs", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    builder.save(path)


@pytest.fixture
def packaged_font(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A package with a font, as `vifi[fonts]` installs it; matplotlib wants its file until the process ends."""
    site = tmp_path_factory.mktemp("fonts")
    package = site / lettering.PACKAGED[-1]
    package.mkdir()
    (package / "__init__.py").touch()
    make_font(package / "rare.ttf")
    monkeypatch.syspath_prepend(site)
    cached = (lettering.other_faces, lettering.face_of, lettering._spelled)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


def test_what_no_font_has_is_spelled_in_ascii() -> None:
    spelled = lettered(f"{RARE} run")
    assert spelled.isascii()
    assert spelled.endswith(" run")
    assert spelled[0] != "?"
    note = spelling_note(["bend", f"{RARE} run"])
    assert note is not None
    assert RARE in note
    assert spelled in note
    assert "vifi[fonts]" in note


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("pull_ups", "pull_ups"),
        ("$x_1$ \\frac{", "$x_1$ \\frac{"),
        ("e\u0301te\u0301", "été"),
        ("нога", "нога"),
        ("שלום", "שלום"),
        ("a\nb\udcff\u202ec", "a\ufffdb\ufffd\ufffdc"),
        ("\u2640\ufe0f", "\u2640"),
        ("", ""),
    ],
)
def test_a_name_as_pictures_show_it(name: str, drawn: str) -> None:
    assert lettered(name) == drawn
    assert spelling_note([drawn]) is None
    assert families_of([drawn]) == ["DejaVu Sans"]


@pytest.mark.parametrize("name", ["跑步", "走る", "달리기", "🏃\u200d♀️", "दौड़ना", "ไทย", "👩🏽\u200d🚒"])
def test_every_letter_that_is_drawn_has_a_font(name: str) -> None:
    drawn = lettered(name)
    assert drawn
    assert all(face_of(letter) for letter in drawn)


def test_a_packaged_font_draws_what_dejavu_lacks(packaged_font: None) -> None:
    assert lettered(RARE) == RARE
    assert spelling_note([RARE]) is None
    assert families_of([f"a{RARE}"]) == ["DejaVu Sans", "Rare Signs"]
    (first, latin), (second, sign), (third, _) = stretches(f"ab {RARE}c")
    assert (latin, sign) == ("ab ", RARE)
    assert first == third == first_face()
    assert second.family == "Rare Signs"


def test_letters_of_two_fonts_stand_side_by_side(packaged_font: None) -> None:
    size = 40
    assert length_of(f"a{RARE}", size) == pytest.approx(
        font(size).getlength("a") + size * WIDTH / 1000, abs=1
    )
    image = Image.new("RGB", (200, 60), PAGE)
    write(image, (10, 5), f"a{RARE}", size, (255, 255, 255))
    full = (np.asarray(image) == 255).all(2)
    sign = full[:, round(10 + font(size).getlength("a")) + 2 : round(10 + length_of(f"a{RARE}", size)) - 2]
    baseline = 5 + font(size).getmetrics()[0]
    rows = np.flatnonzero(sign.all(1))
    assert (rows[0], rows[-1] + 1) == (baseline - round(0.7 * size), baseline)
    assert cut_to_fit(RARE * 9, size, 100) == f"{RARE * 1}…"


def test_charts_draw_names_of_any_kind_without_a_warning(packaged_font: None) -> None:
    names = ["pull_ups $x_1$", "走る", "🏃\u200d♀️", RARE, "\\frac{"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with chart_style(names):
            figure = Figure((4, 3))
            for place, name in enumerate(names):
                figure.text(0.1, 0.2 * place, lettered(name))
            png = figure_png(figure)
            assert figure_png(figure) == png
    assert [text for text, _ in drawn_texts(figure)] == [lettered(name) for name in names]
    with Image.open(BytesIO(png)) as picture:
        assert picture.size == (480, 360)
