"""`vifi index --watch`: the index follows the folders, at times that the tests give."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Vifi
from tests.color_encoder import ColorEncoder
from tests.made_videos import solid_colour_clip
from vifi_cli.api.library.indexing import IndexRequest
from vifi_cli.api.library.watching import SEARCH_SECONDS, SLEEP_SECONDS, SearchTimes, Watching
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL
from vifi_cli.errors import InvalidInput, NothingToIndex
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.lock import running_writer, write_lock
from vifi_cli.index.update.indexer import IndexReport, UpdateOptions, update_index
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.discovery import Discovery, find_videos
from vifi_cli.video.watching.arrivals import QUIET_SECONDS, SETTLED_SECONDS, FileEvent

NOW_NS = 2_000_000_000 * 10**9
LATER = SETTLED_SECONDS + QUIET_SECONDS


class Followed:
    """A folder that is followed, its index, and a clock that the test turns."""

    def __init__(self, folder: Path) -> None:
        self.videos, self.index = folder / "videos", folder / "index"
        self.videos.mkdir()
        self.now = 0.0
        self.watching = Watching(self.index, IndexRequest(paths=(self.videos,)), self._run, ON_TERMINAL)

    def _run(self, request: IndexRequest) -> IndexReport:
        with write_lock(self.index):
            found = find_videos(request.paths)
            complete = Discovery(found.roots, tuple(filter(request.is_complete, found.videos)))
            if not (self.index / CATALOG_FILE).exists():
                if not complete.videos:
                    raise NothingToIndex("no videos")
                signature = indexed_with(ColorEncoder(), FrameSampling())
                Catalog.create(self.index / CATALOG_FILE, signature).close()
            with Catalog(self.index / CATALOG_FILE) as catalog:
                return update_index(catalog, complete, request.paths, ColorEncoder, UpdateOptions(workers=1))

    def pass_time(self, seconds: float, *events: FileEvent) -> list[IndexReport]:
        """Lets time pass, second by second; the first step receives the events."""
        reports = []
        for step in range(int(seconds) + 1):
            self.now += 1.0 if step else 0.0
            told = events if step == 0 else ()
            reports.append(self.watching.step(told, self.now, NOW_NS + int(self.now * 10**9)))
        return [report for report in reports if report is not None]

    def clip(self, name: str, colour: str = "red", changed: float = 1_000_000_000.0) -> FileEvent:
        path = solid_colour_clip(self.videos / name, [(colour, 1.0)])
        os.utime(path, (changed, changed))
        return FileEvent("added", path)

    def names(self) -> list[str]:
        with Catalog(self.index / CATALOG_FILE) as catalog:
            return sorted(video.path.name for video in catalog.videos())


@pytest.fixture
def followed(tmp_path: Path) -> Followed:
    return Followed(tmp_path)


def test_it_begins_with_what_is_there_and_goes_on_with_what_comes(followed: Followed) -> None:
    followed.clip("red.mp4")
    (first,) = followed.pass_time(0)
    assert first.added == 1
    assert followed.pass_time(100) == []
    blue = followed.clip("blue.mp4", "blue")
    green = followed.clip("green.mp4", "green")
    assert followed.pass_time(LATER - 1, blue, green) == []
    (second,) = followed.pass_time(1)
    assert (second.added, second.unchanged) == (2, 1)
    assert followed.names() == ["blue.mp4", "green.mp4", "red.mp4"]


def test_an_empty_folder_is_waited_at(followed: Followed) -> None:
    assert followed.pass_time(100) == []
    assert not followed.index.exists()
    (report,) = followed.pass_time(LATER, followed.clip("red.mp4"))
    assert report.added == 1


def test_a_file_being_written_at_the_start_is_left_until_it_is_complete(followed: Followed) -> None:
    followed.clip("done.mp4")
    followed.clip("fresh.mp4", "blue", changed=NOW_NS / 10**9 - 1)
    (first,) = followed.pass_time(0)
    assert first.added == 1
    (second,) = followed.pass_time(LATER)
    assert second.added == 1


def test_moved_and_removed_files_are_followed(followed: Followed) -> None:
    followed.clip("red.mp4")
    followed.clip("blue.mp4", "blue")
    followed.clip("green.mp4", "green")
    followed.pass_time(0)
    (followed.videos / "red.mp4").rename(followed.videos / "moved.mp4")
    (followed.videos / "blue.mp4").unlink()
    (report,) = followed.pass_time(
        LATER,
        FileEvent("deleted", followed.videos / "red.mp4"),
        FileEvent("added", followed.videos / "moved.mp4"),
        FileEvent("deleted", followed.videos / "blue.mp4"),
    )
    assert (report.moved, report.removed, report.added) == (1, 1, 0)
    assert followed.names() == ["green.mp4", "moved.mp4"]


def test_a_folder_that_is_carried_away_takes_its_videos_along(followed: Followed, tmp_path: Path) -> None:
    (followed.videos / "2024.05 trip").mkdir()
    followed.clip("2024.05 trip/red.mp4")
    followed.clip("blue.mp4", "blue")
    followed.pass_time(0)
    shutil.move(followed.videos / "2024.05 trip", tmp_path / "elsewhere")
    (report,) = followed.pass_time(LATER, FileEvent("deleted", followed.videos / "2024.05 trip"))
    assert report.removed == 1


def test_the_lock_is_held_by_nobody_while_nothing_happens(followed: Followed) -> None:
    followed.clip("red.mp4")
    followed.pass_time(0)
    assert running_writer(followed.index) is None
    with write_lock(followed.index):
        pass


def test_another_run_is_waited_for(followed: Followed, capsys: pytest.CaptureFixture[str]) -> None:
    followed.clip("red.mp4")
    with write_lock(followed.index):
        assert followed.pass_time(20) == []
    assert capsys.readouterr().err.count("is writing to the index") == 1
    (report,) = followed.pass_time(LATER)
    assert report.added == 1


def test_a_folder_that_goes_and_comes_back_keeps_its_videos(followed: Followed, tmp_path: Path) -> None:
    followed.clip("red.mp4")
    followed.pass_time(0)
    assert followed.watching.find_places() == [followed.videos]
    assert not followed.watching.have_places_changed()
    followed.videos.rename(tmp_path / "away")
    assert followed.watching.have_places_changed()
    assert followed.pass_time(LATER, FileEvent("deleted", followed.videos)) == []
    assert followed.watching.find_places() == []
    (tmp_path / "away").rename(followed.videos)
    assert followed.watching.have_places_changed()
    assert followed.watching.find_places() == [followed.videos]
    assert followed.names() == ["red.mp4"]


def test_a_folder_that_never_was_is_an_error(tmp_path: Path) -> None:
    followed = Followed(tmp_path)
    followed.videos.rmdir()
    with pytest.raises(InvalidInput, match="name a folder or a video that is there"):
        followed.pass_time(0)


def test_folders_are_searched_now_and_then_and_after_a_sleep() -> None:
    times = SearchTimes()
    assert not times.is_due(0.0, 50.0)
    times.note(1.0)
    assert not times.is_due(SEARCH_SECONDS, 50.0 + SLEEP_SECONDS)
    assert times.is_due(1.0 + SEARCH_SECONDS, 50.0 + SLEEP_SECONDS)
    assert not times.is_due(2.0 + SEARCH_SECONDS, 50.0 + SLEEP_SECONDS), "the search has begun"
    assert times.is_due(3.0 + SEARCH_SECONDS, 51.0 + 2 * SLEEP_SECONDS), "the machine slept"
    assert not times.is_due(4.0 + SEARCH_SECONDS, 51.0 + 2 * SLEEP_SECONDS)


def test_a_search_finds_what_was_not_reported(followed: Followed) -> None:
    followed.clip("red.mp4")
    followed.pass_time(0)
    followed.clip("blue.mp4", "blue")
    assert followed.pass_time(100) == []
    followed.watching.search_again(followed.now)
    (report,) = followed.pass_time(QUIET_SECONDS)
    assert report.added == 1


def test_a_folder_that_may_not_be_read_for_a_while_is_waited_for(
    followed: Followed, capsys: pytest.CaptureFixture[str]
) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read every folder")
    followed.clip("red.mp4")
    followed.pass_time(0)
    followed.watching.find_places()
    followed.videos.chmod(0)
    assert followed.watching.have_places_changed()
    assert followed.watching.find_places() == []
    assert f"{followed.videos} cannot be seen now: vifi waits for it" in capsys.readouterr().err
    followed.videos.chmod(0o700)
    assert followed.watching.have_places_changed()
    assert followed.names() == ["red.mp4"]


def test_ctrl_c_ends_it_cleanly(vifi: Vifi, indexed: Path, vifi_home: Path) -> None:
    command = [sys.executable, "-m", "vifi_cli", "index", "--watch", str(indexed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        assert following.stdout.readline().endswith("4 videos up to date\n")
        following.send_signal(signal.SIGINT)
        said = following.communicate()[1]
    assert following.returncode == 0
    assert said.splitlines()[-1] == "ended"
    assert "Traceback" not in said
    assert not list(vifi_home.glob("*.lock-holder.json"))
