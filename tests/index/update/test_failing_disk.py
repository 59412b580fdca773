"""A disk that fails in the middle of a file, with every error and in several containers."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.color_encoder import ColorEncoder
from tests.failing_disk import failing_disk
from tests.made_videos import solid_colour_clip, write_video
from vifi_cli.errors import ReadingBrokeOff
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.update.indexer import IndexReport, UpdateOptions, update_index
from vifi_cli.video.clips.reader import read_clip
from vifi_cli.video.export.clip import write_clip
from vifi_cli.video.failure_kind import FailureKind
from vifi_cli.video.files.discovery import find_videos
from vifi_cli.video.moment import Moment

SUFFIXES = ("mp4", "mkv", "ts", "avi", "mpg")
ERRORS = {errno.EIO: 0.5, errno.ESTALE: 0.98, errno.ENOTCONN: 0.3, errno.ETIMEDOUT: 0.7, errno.EACCES: 0.001}
"""Each with the share of the file that can be read."""


@dataclass
class Disk:
    """Videos as they are, where they are seen, and which of them fail."""

    source: Path
    place: Path
    control: Path

    def fail(self, failure: int | str, at: float) -> None:
        """Reading any file fails at a share of its length."""
        lines = [f"{path.name} {int(path.stat().st_size * at)} {failure}" for path in self.source.iterdir()]
        self.control.write_text("\n".join(lines))

    def heal(self) -> None:
        self.control.write_text("")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    source = tmp_path / "source"
    source.mkdir()
    for suffix in SUFFIXES:
        solid_colour_clip(source / f"a.{suffix}", [("red", 1.0)], fps=25.0)
    with failing_disk(source, tmp_path / "disk") as control:
        yield Disk(source, tmp_path / "disk", control)


def update(catalog: Catalog, folder: Path) -> IndexReport:
    return update_index(catalog, find_videos([folder]), [folder], ColorEncoder, UpdateOptions(workers=2))


def record(disk: Disk) -> None:
    """Puts three megabytes of noise into each video, more than FFmpeg reads ahead."""
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (240, 320, 3), np.uint8) for _ in range(75)]
    for suffix in SUFFIXES:
        options = {"codec": "mpeg2video"} if suffix == "mpg" else {}
        write_video(disk.source / f"a.{suffix}", pictures, fps=25.0, **options)


def test_old_embeddings_stay_and_the_next_run_reads_the_new_content(catalog: Catalog, disk: Disk) -> None:
    assert update(catalog, disk.place).added == len(SUFFIXES)
    before = {video.path: catalog.frames(video.id)[1].tobytes() for video in catalog.videos()}
    record(disk)
    for number, share in ERRORS.items():
        disk.fail(number, share)
        report = update(catalog, disk.place)
        unlisted = report.skipped_files.get("unreadable", 0)  # `.ts` is recognized by its first bytes
        assert unlisted == report.skipped == (share < 0.01)
        assert len(report.postponed) + unlisted == len(SUFFIXES), (number, share, report)
        assert (report.changed, report.failed, catalog.failures()) == (0, (), [])
        for failed in report.postponed:
            assert failed.kind is FailureKind.BROKEN_OFF
            assert os.strerror(number) in failed.reason
    catalog.db.execute("UPDATE failures SET runs = 1")  # else they would rest now
    disk.fail("short", 0.5)
    report = update(catalog, disk.place)
    assert len(report.postponed) == len(SUFFIXES)
    assert all("the disk gave" in failed.reason for failed in report.postponed)
    now = {video.path: catalog.frames(video.id)[1].tobytes() for video in catalog.videos()}
    assert now == before
    disk.heal()
    report = update(catalog, disk.place)
    assert (report.changed, report.postponed, catalog.postponed()) == (len(SUFFIXES), (), [])
    now = {video.path: catalog.frames(video.id)[1].tobytes() for video in catalog.videos()}
    assert not {*now.values()} & {*before.values()}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_neither_a_clip_for_training_nor_a_cut_is_made_of_the_readable_part(
    disk: Disk, tmp_path: Path, suffix: str
) -> None:
    record(disk)
    path, target = disk.place / f"a.{suffix}", tmp_path / "cut.mp4"
    disk.fail(errno.EIO, 0.6)
    with pytest.raises(ReadingBrokeOff, match="reading it failed: Input/output error"):
        read_clip(path, lambda total: np.arange(total)[[0, -1]], 64)
    with pytest.raises(ReadingBrokeOff, match="reading it failed: Input/output error"):
        write_clip(Moment(path, 0.0, 2.9), target, lambda *_: None)
    disk.heal()
    assert read_clip(path, lambda total: np.arange(total)[[0, -1]], 64).shape[0] == 2
    write_clip(Moment(path, 0.0, 2.9), target, lambda *_: None)
    assert target.stat().st_size > 100_000
