"""Reads annotation files beside stand-ins for their videos."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vifi_cli.data.formats.listing import ListedVideo
from vifi_cli.data.loading import read_own_splits
from vifi_cli.data.source import DataSource

Row = tuple[str, str, float, float, str]
Read = Callable[[str], list[Row]]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a text file below the temporary folder."""

    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def rows_of(source: str, root: Path | None = None) -> tuple[list[Row], tuple[str, ...]]:
    """File name, classes, start, end and group of each video, sorted by time, and the remarks."""
    videos = read_own_splits(DataSource.parse(source, root))
    rows = [
        (
            video.path.name,
            "+".join(videos.class_names[label] for label in video.labels),
            round(video.part.start_seconds, 6),
            round(video.part.end_seconds, 6),
            video.group,
        )
        for video in videos.train
    ]
    return rows, videos.remarks


def listed(videos: tuple[ListedVideo, ...]) -> list[tuple[str, int, float, float]]:
    """File, label and times of listed videos."""
    return [(each.file, each.label, each.part.start_seconds, each.part.end_seconds) for each in videos]
