"""A report as one HTML page that needs nothing else: styles and pictures are in it, and no script."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from vifi_cli.evaluation.report.pictures import thumbnails
from vifi_cli.evaluation.report.report import (
    Mistake,
    Report,
    TestDetail,
    best_values,
    figure_text,
    most_confused,
    shown,
    units_of,
)
from vifi_cli.evaluation.scoring.scores import Figure


@dataclass(frozen=True, slots=True)
class _ClassBar:
    """The accuracy of a class, as a share and as text; None for a class without videos."""

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
    """The page; `pictures` are the confusion matrices as PNG, one a test."""
    frames = _frames(report)
    sections = [
        _Section(test, _data_uri("png", picture), _bars(test), _pictured(test, frames))
        for test, picture in zip(report.details, pictures, strict=True)
    ]
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters |= {
        "figure": figure_text,
        "shown": shown,
        "units": units_of,
        "confused": most_confused,
    }
    template = (resources.files("vifi_cli.evaluation.report") / "report.html.jinja").read_text(
        encoding="utf-8"
    )
    return environment.from_string(template).render(
        report=report, sections=sections, best=best_values(report.table)
    )


def _bars(test: TestDetail) -> list[_ClassBar]:
    """The classes, the hardest first, those without videos last."""
    bars = [
        _ClassBar(name, share, "no video" if share is None else figure_text(Figure(share)))
        for name, share in zip(test.class_names, test.scores.class_accuracy, strict=True)
    ]
    return sorted(bars, key=lambda bar: 2.0 if bar.share is None else bar.share)


def _frames(report: Report) -> dict[Path, tuple[str, ...]]:
    """Frames of every video that a model mistook, each video read once."""
    paths = dict.fromkeys(mistake.path for test in report.details for mistake in test.mistakes)
    return {path: tuple(_data_uri("jpeg", frame) for frame in thumbnails(path)) for path in paths}


def _pictured(test: TestDetail, frames: dict[Path, tuple[str, ...]]) -> list[_PicturedMistake]:
    return [
        _PicturedMistake(mistake, figure_text(Figure(mistake.probability)), frames[mistake.path])
        for mistake in test.mistakes
    ]


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
