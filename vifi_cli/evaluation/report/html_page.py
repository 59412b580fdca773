"""A report as one HTML page that needs no other file: styles and pictures are embedded, scripts are not used."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.evaluation.report.html_table import html_environment, table_html
from vifi_cli.evaluation.report.pictures import thumbnails
from vifi_cli.evaluation.report.report import Mistake, Report, TestDetail, most_confused, units_of
from vifi_cli.evaluation.report.table import best_values, percent_text


@dataclass(frozen=True, slots=True)
class _ClassBar:
    """The accuracy of a class, as a share and as text; the share is None for a class without videos."""

    name: str
    share: float | None
    text: str


@dataclass(frozen=True, slots=True)
class _PicturedMistake:
    """A mistake with frames of its video as data URIs."""

    mistake: Mistake
    probability: str
    frames: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Section:
    """What the page shows of a test."""

    test: TestDetail
    confusion: str
    bars: Sequence[_ClassBar]
    mistakes: Sequence[_PicturedMistake]


def report_html(report: Report, pictures: Sequence[bytes]) -> str:
    """The page; `pictures` are the confusion matrices as PNG, one per test."""
    frames = _frames(report)
    sections = [
        _Section(test, data_uri("png", picture), _bars(test), _pictured(test, frames))
        for test, picture in zip(report.details, pictures, strict=True)
    ]
    environment = html_environment("vifi_cli.evaluation.report")
    environment.filters |= {"units": units_of, "confused": most_confused}
    return environment.get_template("page.html.jinja").render(
        report=report, table=table_html(report.table), sections=sections, best=best_values(report.table)
    )


def _bars(test: TestDetail) -> list[_ClassBar]:
    """The classes, the hardest first, those without videos last."""
    bars = [
        _ClassBar(name, share, "no video" if share is None else percent_text(share))
        for name, share in zip(test.class_names, test.scores.class_accuracy, strict=True)
    ]
    return sorted(bars, key=lambda bar: 2.0 if bar.share is None else bar.share)


def _frames(report: Report) -> dict[Path, tuple[str, ...]]:
    """Frames of every video with a wrong prediction, each video read once."""
    paths = dict.fromkeys(mistake.path for test in report.details for mistake in test.mistakes)
    return {path: tuple(data_uri("jpeg", frame) for frame in thumbnails(path)) for path in paths}


def _pictured(test: TestDetail, frames: dict[Path, tuple[str, ...]]) -> list[_PicturedMistake]:
    return [
        _PicturedMistake(mistake, percent_text(mistake.probability), frames[mistake.path])
        for mistake in test.mistakes
    ]


def data_uri(kind: str, picture: bytes) -> str:
    """A picture as an address that a page can hold; `kind` is `png` or `jpeg`."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
