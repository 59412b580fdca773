"""The report folder: complete, readable by programs, self-contained, and safe from hostile names."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.made_videos import solid_colour_clip
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.figures.charts import PALE
from vifi_cli.evaluation.figures.style import COLORS
from vifi_cli.evaluation.report import report as reports
from vifi_cli.evaluation.report.pictures import thumbnails
from vifi_cli.evaluation.report.report import (
    Report,
    confident_mistakes,
    detail_of_test,
    most_confused,
)
from vifi_cli.evaluation.report.table import (
    ResultRow,
    ResultTable,
    best_places,
    estimate_text,
    shown,
    table_html,
)
from vifi_cli.evaluation.report.writing import write_report
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate
from vifi_cli.evaluation.scoring.predictions import Predictions
from vifi_cli.evaluation.scoring.scores import main_score
from vifi_cli.video.moment import TimeRange

HOSTILE = '<img src=x onerror="alert(1)">|$\\frac{$`*_#\u202e'
NAMES = ("run", HOSTILE, "走る")


@pytest.fixture
def videos(tmp_path: Path) -> tuple[LabeledVideo, ...]:
    """Two clips, one whose name is hostile, and two files that cannot be read."""
    clips = tmp_path / "clips"
    clips.mkdir()
    names = ("red.mp4", "<b>&'\"|`.mp4", "gone\udcff.mp4", "broken.mp4")
    for name in names[:2]:
        solid_colour_clip(clips / name, [("red", 0.5)])
    (clips / names[3]).write_text("no video")
    return tuple(LabeledVideo(clips / name, label) for name, label in zip(names, (0, 1, 1, 0), strict=True))


def predictions(*rows: tuple[float, ...]) -> Predictions:
    return Predictions(np.arange(len(rows)), np.array(rows, np.float32), ((9, "broken"),))


@pytest.fixture
def report(videos: tuple[LabeledVideo, ...]) -> Report:
    guesses = predictions((0.1, 0.8, 0.1), (0.9, 0.05, 0.05), (0.2, 0.2, 0.6), (1.0, 0.0, 0.0))
    detail = detail_of_test("ViFi-CLIP", "split 1", NAMES, guesses, videos)
    rows = (
        ResultRow("ViFi-CLIP", (detail.scores.top1, Estimate(0.25, 0.1, 0.5))),
        ResultRow(HOSTILE, (Estimate(0.5), None), remark=HOSTILE),
        ResultRow("X-CLIP", (None, Estimate(0.446, spread=0.052)), "published", "README"),
    )
    table = ResultTable(("split 1", "mean"), rows)
    facts = (("frames", "8"), ("class names", HOSTILE))
    return Report(f"zero-shot {HOSTILE}", facts, ("3 videos leak",), table, (detail,))


def test_the_document_has_everything_and_no_nan(report: Report, tmp_path: Path) -> None:
    write_report(tmp_path / "new" / "report", report)
    document = json.loads((tmp_path / "new" / "report" / "report.json").read_text())
    assert list(document) == [
        "format", "title", "stamps", "notes", "facts", "columns", "rows", "tests", "times",
    ]  # fmt: skip
    assert document["stamps"] == ["3 videos leak"]
    assert document["rows"][2]["figures"] == [
        None,
        {"value": 0.446, "low": None, "high": None, "spread": 0.052, "unit": "share"},
    ]
    (test,) = document["tests"]
    assert test["confusion"] == [[1, 1, 0], [1, 0, 1], [0, 0, 0]]
    assert [entry["accuracy"] for entry in test["classes"]] == [0.5, 0.0, None]
    assert (test["videos"], test["unreadable"], test["top1"]["value"]) == (4, 1, 0.25)
    assert [entry["probability"] for entry in test["mistakes"]] == pytest.approx([0.9, 0.8, 0.6])
    # run: TP 1, FP 1, FN 1; the second: FP 1, FN 2; the third: FP 1
    assert test["macro_f1"]["value"] == pytest.approx(1 / 2 / 3)
    error = test["expected_calibration_error"]
    assert error["value"] == pytest.approx((0.8 + 0.9 + 0.6 + 0) / 4)
    assert (error["low"], error["high"], error["unit"]) == (None, None, "error")
    assert [entry["videos"] for entry in test["reliability"]["bins"]] == [0] * 8 + [1, 0, 0, 1, 0, 1, 1]


def test_a_broken_models_numbers_are_null(
    videos: tuple[LabeledVideo, ...], report: Report, tmp_path: Path
) -> None:
    nothing = predictions((float("nan"),) * 3, (float("nan"),) * 3)
    detail = detail_of_test("broken", "", NAMES, nothing, videos)
    row = ResultRow("broken", (Estimate(float("nan")), None))
    table = replace(report.table, rows=(row,))
    write_report(tmp_path, replace(report, table=table, details=(detail,)))
    document = json.loads((tmp_path / "report.json").read_text(), parse_constant=pytest.fail)
    assert document["rows"][0]["figures"][0]["value"] is None


class Page(HTMLParser):
    """What a browser would see: tags, addresses, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "data", "action")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_else_and_runs_nothing(report: Report, tmp_path: Path) -> None:
    write_report(tmp_path, report)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert "script" not in page.tags
    assert page.handlers == []
    assert page.sources
    assert all(source.startswith("data:image/") for source in page.sources)
    assert not re.search(r"url\(|@import|https?:", text)
    assert '<img src=x onerror="alert(1)">' in page.text
    assert "<b>&'\"|`.mp4" in page.text
    assert "\u202e" not in page.text
    for expected in ("3 videos leak", "44.6 ± 5.2", "published: README", "[10.0, 50.0]", "走る", "no video"):
        assert expected in page.text
    assert len(page.sources) == 2 * 3, "three frames of each of the two mistaken videos that can be read"
    assert page.tags.count("li") == 3


def test_the_page_shows_the_result_first_and_the_protocol_last(report: Report, tmp_path: Path) -> None:
    noted = replace(report, notes=("All test videos are of one group, ann.",))
    write_report(tmp_path, noted)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert re.search(r"<title>zero-shot &lt;img", text)
    parts = (
        'class="headline"',
        '<table class="chart"',
        "one group, ann",
        "[10.0, 50.0]</span>",
        "true class",
        "Protocol",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert text.index("<details>\n<summary>Protocol") > text.index("most confident mistakes")
    assert json.loads((tmp_path / "report.json").read_text())["notes"] == [
        "All test videos are of one group, ann."
    ]


def test_every_color_of_the_page_follows_the_readers_mode(report: Report, tmp_path: Path) -> None:
    """A color that is fixed would stay light on dark paper; what is drawn in a mark's own color may be."""
    write_report(tmp_path, report)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    light = re.search(r":root \{ color-scheme: light dark;(.*?)\}", text, re.DOTALL)
    dark = re.search(r"@media screen and \(prefers-color-scheme: dark\) \{ :root \{(.*?)\}", text, re.DOTALL)
    assert light
    assert dark
    names = [set(re.findall(r"(--[a-z-]+):", block[1])) for block in (light, dark)]
    assert names[0] == names[1]
    assert set(re.findall(r"var\((--[a-z-]+)\)", text)) == names[0]
    marks = set(re.findall(r'fill="(#[0-9a-f]{6})"', text))
    assert marks <= {*COLORS, PALE}


def test_markdown_has_tables_that_hostile_names_cannot_break(report: Report, tmp_path: Path) -> None:
    write_report(tmp_path, report)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "<img" not in text.replace("\\<img", "")
    assert "$" not in text.replace("\\$", ""), "GitHub would read a formula"
    assert "\n**ViFi-CLIP**, mean 25.0" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
    assert cells[:5] == [5] * 5
    assert "](comparison.png)" in text
    assert (
        text.index("](comparison.png)")
        < text.index("| method")
        < text.index("![confusion")
        < text.index("Protocol")
    )
    assert "![confusion matrix](confusion-1.png)" in text
    with Image.open(tmp_path / "confusion-1.png") as picture:
        assert min(picture.size) > 150


def test_a_disk_that_is_full_leaves_the_older_report(report: Report, tmp_path: Path, full_disk: None) -> None:
    (tmp_path / "report.json").write_text("old")
    many = replace(report, facts=(("x", "y" * 200_000),))
    with pytest.raises(OSError, match="too large"):
        write_report(tmp_path, many)
    assert (tmp_path / "report.json").read_text() == "old"


def test_a_report_that_could_not_be_completed_is_known_as_one(report: Report, tmp_path: Path) -> None:
    """So that the same command may write it again."""
    (tmp_path / "new" / "predictions.csv").mkdir(parents=True)
    with pytest.raises(OSError, match=r"predictions\.csv"):
        write_report(tmp_path / "new", report)
    assert (tmp_path / "new" / "report.json").is_file()


def test_pictures_of_an_older_report_with_more_tests_go(report: Report, tmp_path: Path) -> None:
    write_report(tmp_path, replace(report, details=report.details * 3))
    assert (tmp_path / "confusion-3.png").exists()
    write_report(tmp_path, report)
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [
        "comparison.png", "confusion-1.png", "reliability-1.png",
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == ["confusion-1.csv", "predictions.csv"]
    (tmp_path / "predictions.xlsx").write_text("of the user")
    write_report(tmp_path, replace(report, details=()))
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "comparison.png", "predictions.xlsx", "report.html", "report.json", "report.md",
    ]  # fmt: skip
    write_report(tmp_path, replace(report, table=ResultTable(("R@1",), ()), details=()))
    assert list(tmp_path.glob("*.png")) == []


def test_mistakes_are_the_most_confident_first(videos: tuple[LabeledVideo, ...]) -> None:
    guesses = predictions((0.4, 0.6, 0.0), (0.2, 0.7, 0.1), (0.9, 0.1, 0.0), (0.2, 0.2, 0.6))
    found = confident_mistakes(guesses, videos, NAMES)
    assert [(mistake.video, mistake.truth, mistake.guess) for mistake in found] == [
        (videos[2], HOSTILE, "run"),
        (videos[0], "run", HOSTILE),
        (videos[3], "run", "走る"),
    ]
    assert [mistake.probability for mistake in found] == pytest.approx([0.9, 0.6, 0.6])
    assert len(confident_mistakes(guesses, videos, NAMES, 2)) == 2


def test_a_mistake_in_a_moment_has_its_file_times_and_frames(
    report: Report, videos: tuple[LabeledVideo, ...], tmp_path: Path
) -> None:
    moments = tuple(replace(videos[0], part=part) for part in (TimeRange(0.0, 0.2), TimeRange(0.2, 0.5)))
    detail = detail_of_test("m", "", NAMES, predictions((0.4, 0.6, 0.0), (0.2, 0.7, 0.1)), moments)
    write_report(tmp_path, replace(report, details=(detail,)))
    (test,) = json.loads((tmp_path / "report.json").read_text())["tests"]
    times = [(mistake["file"], mistake["start"], mistake["end"]) for mistake in test["mistakes"]]
    assert times == [(shown(str(videos[0].path)), 0.2, 0.5), (shown(str(videos[0].path)), 0.0, 0.2)]
    page, text = ((tmp_path / name).read_text() for name in ("report.html", "report.md"))
    assert page.count("@0:00.2-0:00.5<") == page.count("@0:00-0:00.2<") == 1
    assert "@0:00.2-0:00.5" in text
    frames = page.split('<ul class="mistakes">')[1].split("</ul>")[0]
    assert frames.count("<img") == 6


def test_confused_pairs_by_hand(report: Report) -> None:
    detail = report.details[0]
    confusion = np.array([[5, 1, 3], [0, 2, 0], [1, 0, 0]])
    pairs = most_confused(replace(detail, scores=replace(detail.scores, confusion=confusion)))
    assert [(pair.truth, pair.guess, pair.count, pair.videos) for pair in pairs] == [
        ("run", "走る", 3, 9),
        ("run", HOSTILE, 1, 9),
        ("走る", "run", 1, 1),
    ]


def test_figures_in_words() -> None:
    assert estimate_text(Estimate(0.738, 0.701, 0.772)) == "73.8 [70.1, 77.2]"
    assert estimate_text(Estimate(0.513, spread=0.006)) == "51.3 ± 0.6"
    assert estimate_text(Estimate(1.0, 1.0, 1.0, 0.0)) == "100.0 ± 0.0 [100.0, 100.0]"
    assert estimate_text(Estimate(3.5, 2, 7, unit="rank")) == "3.5 [2.0, 7.0]"


def test_the_best_is_marked_where_two_were_measured() -> None:
    rank, worse = Estimate(2, unit="rank"), Estimate(5, unit="rank")
    rows = (
        ResultRow("a", (Estimate(0.5), rank, None)),
        ResultRow("b", (Estimate(0.6), worse, Estimate(0.1))),
        ResultRow("c", (Estimate(0.9), rank, None), "published"),
    )
    assert best_places(ResultTable(("x", "median rank", "y"), rows)) == (
        (False, True, False),
        (True, False, False),
        (False, False, False),
    )
    with pytest.raises(ValueError, match="1 figures for 2 columns"):
        ResultTable(("x", "y"), (ResultRow("a", (None,)),))


def test_values_that_look_the_same_are_the_same_and_none_is_the_best_where_all_are() -> None:
    table = ResultTable(
        ("x", "y"),
        (
            ResultRow("a", (Estimate(0.73840), Estimate(0.5))),
            ResultRow("b", (Estimate(0.73841), Estimate(0.50001))),
            ResultRow("c", (Estimate(0.7), Estimate(0.5))),
        ),
    )
    assert best_places(table) == ((True, False), (True, False), (False, False))
    assert table_html(table).count("<strong>") == 2
    only = ResultTable(("x",), (ResultRow("a", (Estimate(0.7),)),))
    assert best_places(only) == ((False,),)


def test_what_a_test_counted_is_said(report: Report) -> None:
    scores = report.details[0].scores
    assert reports.units_of(scores) == "4 videos (1 more could not be read), intervals over videos"
    assert reports.units_of(replace(scores, groups=9, unreadable=0)) == "4 videos, intervals over 9 groups"


def test_text_that_cannot_be_shown_gets_a_mark() -> None:
    assert shown("a\nb\udcff\u202e走") == "a\ufffdb\ufffd\ufffd走"


def test_thumbnails_are_small_pictures_of_the_video(videos: tuple[LabeledVideo, ...]) -> None:
    frames = thumbnails(videos[0])
    assert len(frames) == 3
    with Image.open(BytesIO(frames[1])) as picture:
        assert picture.size == (128, 96)
        red, green, blue = picture.convert("RGB").getpixel((64, 48))  # type: ignore[misc]
    assert red > 200
    assert max(green, blue) < 60
    assert thumbnails(videos[2]) == thumbnails(videos[3]) == ()


def test_videos_of_several_classes_have_precisions_and_no_confusion(
    videos: tuple[LabeledVideo, ...], report: Report, tmp_path: Path
) -> None:
    several = (replace(videos[0], more_labels=(1,)), *videos[1:])
    guesses = predictions((0.1, 0.8, 0.1), (0.9, 0.05, 0.05), (0.2, 0.2, 0.6), (1.0, 0.0, 0.0))
    detail = detail_of_test("ViFi-CLIP", "", NAMES, guesses, several)
    assert detail.mistakes == most_confused(detail) == ()
    table = ResultTable(("mAP",), (ResultRow("ViFi-CLIP", (main_score(detail.scores),)),))
    write_report(tmp_path, replace(report, table=table, details=(detail,)))
    (test,) = json.loads((tmp_path / "report.json").read_text())["tests"]
    assert (test["confusion"], test["top1"], test["top5"], test["mean_class_accuracy"]) == (None,) * 4
    # class 0: the fourth video first, the first one last of four; class 1: places 1, 2 and 3
    expected = [(1 + 2 / 4) / 2, 1.0, None]
    assert [entry["average_precision"] for entry in test["classes"]] == pytest.approx(expected)
    assert [entry["videos"] for entry in test["classes"]] == [2, 3, 0]
    assert test["mean_average_precision"]["value"] == pytest.approx((expected[0] + expected[1]) / 2)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "by average precision" in page.text
    assert "true class" not in page.text
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "confusion" not in markdown
    assert "| class | average precision | videos |" in markdown
    assert not list(tmp_path.glob("confusion-*.png"))
