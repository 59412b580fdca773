"""Folders are followed by the real inotify, with real limits and mounts; the tests give the time and never wait."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vifi_cli.video.watching.arrivals import FileEvent
from vifi_cli.video.watching.following import POLL_SECONDS, Follower, News
from vifi_cli.video.watching.watched_folders import WatchedFolders

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is part of Linux")

ROOT = Path(__file__).parents[3]


class Followed:
    """A folder that is followed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.told: list[tuple[str, bool]] = []
        self.follower = Follower((), (), lambda message, is_problem: self.told.append((message, is_problem)))
        self.follower.follow([root], 0.0)

    def news(self, now: float = 0.0) -> News:
        return self.follower.wait(0.0, now)

    def events(self, now: float = 0.0) -> list[FileEvent]:
        news = self.news(now)
        assert not news.is_incomplete
        return news.events


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Followed]:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    found = Followed(root)
    yield found
    found.follower.close()


def write(path: Path) -> Path:
    path.write_bytes(b"x")
    return path


def test_files_that_come_change_and_go_are_reported(followed: Followed) -> None:
    path = write(followed.root / "sub" / "new.mp4")
    assert followed.events() == [FileEvent("added", path), FileEvent("modified", path)]
    os.utime(path, (5, 5))
    assert followed.events() == [FileEvent("modified", path)]
    path.unlink()
    assert followed.events() == [FileEvent("deleted", path)]
    assert followed.told == []


def test_new_and_moved_folders_are_followed_under_their_present_name(
    followed: Followed, tmp_path: Path
) -> None:
    folder = followed.root / "new"
    folder.mkdir()
    assert followed.events() == [FileEvent("added", folder)]
    folder.rename(followed.root / "renamed")
    assert followed.events() == [FileEvent("deleted", folder), FileEvent("added", followed.root / "renamed")]
    path = write(followed.root / "renamed" / "a.mp4")
    assert followed.events()[0] == FileEvent("added", path)
    (followed.root / "renamed").rename(tmp_path / "away")
    write(tmp_path / "away" / "b.mp4")
    assert followed.events() == [FileEvent("deleted", followed.root / "renamed")]


def test_what_a_late_link_leads_to_is_followed(followed: Followed, tmp_path: Path) -> None:
    library = tmp_path / "library"
    (library / "deep").mkdir(parents=True)
    (library / "loop").symlink_to(followed.root)
    link = followed.root / "link"
    link.symlink_to(library)
    assert followed.events() == [FileEvent("added", link)]
    write(library / "deep" / "a.mp4")
    assert followed.events()[0] == FileEvent("added", link / "deep" / "a.mp4")


def test_what_a_search_skips_is_not_watched(tmp_path: Path) -> None:
    for name in (".hidden/below", "@eaDir", "seen"):
        (tmp_path / name).mkdir(parents=True)
    followed = Followed(tmp_path)
    write(tmp_path / ".hidden" / "below" / "a.mp4")
    write(tmp_path / "@eaDir" / "a.mp4")
    path = write(tmp_path / "seen" / "a.mp4")
    assert {event.path for event in followed.events()} == {path}
    followed.follower.close()


def test_a_file_named_itself_is_followed(tmp_path: Path) -> None:
    path = write(tmp_path / "movie.mp4")
    followed = Followed(path)
    assert followed.events() == []
    write(tmp_path / "new").write_bytes(b"longer")
    (tmp_path / "new").replace(path)
    assert followed.events() == [FileEvent("modified", path)]
    path.unlink()
    assert followed.events() == [FileEvent("deleted", path)]
    followed.follower.close()


def test_lost_events_ask_for_a_search(followed: Followed) -> None:
    one, two = write(followed.root / "1.txt"), write(followed.root / "2.txt")
    for time in range(int(Path("/proc/sys/fs/inotify/max_queued_events").read_text()) // 2 + 10):
        for path in (one, two):  # two equal events in a row count as one
            os.utime(path, (time, time))
    assert followed.news().is_incomplete
    path = write(followed.root / "sub" / "a.mp4")
    assert followed.events()[0] == FileEvent("added", path), "it goes on"


def test_a_file_system_that_may_change_silently_is_known_as_such() -> None:
    folder = Path("/proc/sys/fs")
    watched = WatchedFolders([folder], lambda _: False)
    assert watched.silent == {folder: "proc"}
    watched.close()


LIMITED = """
import sys
from pathlib import Path
from tests.video.watching.test_following import Followed, write

root = Path(sys.argv[2])
for name in ("a", "b"):
    (root / name).mkdir()
setting, value = sys.argv[1].split("=")
Path("/proc/sys", setting).write_text(value)
followed = Followed(root)
before = followed.events(1.0)
path = write(root / "b" / "new.mp4")
followed.news(2.0)  # some of it may be reported
found = [event for event in followed.events(100.0)]
assert any((event.kind, event.path) == ("added", path) for event in found), found
((message, is_problem),) = followed.told
assert is_problem
print(message)
"""
MOUNTED = """
import subprocess, sys
from pathlib import Path
from tests.video.watching.test_following import Followed, write

root = Path(sys.argv[1])
(root / "usb").mkdir()
followed = Followed(root)
assert followed.events() == []
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", root / "usb"], check=True)
assert followed.news().is_incomplete
assert not followed.news().is_incomplete
path = write(root / "usb" / "a.mp4")
assert followed.events()[0].path == path
subprocess.run(["umount", root / "usb"], check=True)
assert followed.news().is_incomplete
path = write(root / "usb" / "b.mp4")
assert followed.events()[0].path == path
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", sys.argv[2]], check=True)
assert not followed.news().is_incomplete, "a mount elsewhere does not matter"
print("fine")
"""


def in_own_namespace(script: str, *arguments: object) -> str:
    """Runs a script where it may set limits and mount, without rights outside; returns what it prints."""
    unshared = ["unshare", "-Urm"]
    try:
        subprocess.run([*unshared, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this machine allows no user namespaces ({error})")
    command = [*unshared, sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("setting", "is_at"),
    [
        ("user/max_inotify_watches=2", "user.max_inotify_watches is 2"),
        ("user/max_inotify_watches=0", "user.max_inotify_watches is 0"),
        ("user/max_inotify_instances=0", "user.max_inotify_instances is 0"),
    ],
)
def test_a_limit_is_named_and_folders_are_looked_at_instead(tmp_path: Path, setting: str, is_at: str) -> None:
    said = in_own_namespace(LIMITED, setting, tmp_path)
    assert is_at in said
    assert f"vifi looks every {POLL_SECONDS:.0f} s for changes in {tmp_path}" in said
    assert f"sudo sysctl {is_at.split()[0]}=" in said
    assert "/etc/sysctl.d" in said


def test_mounts_under_a_root_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "elsewhere").mkdir()
    assert in_own_namespace(MOUNTED, tmp_path / "root", tmp_path / "elsewhere") == "fine"
