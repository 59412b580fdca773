"""What other systems report; watchfiles works on Linux too."""

from pathlib import Path

from vifi_cli.video.watching.arrivals import FileEvent
from vifi_cli.video.watching.watchfiles_source import ReportedChanges


def test_what_happens_in_a_real_folder_is_told(tmp_path: Path) -> None:
    changes = ReportedChanges([tmp_path])
    changes.read(0.0)  # by now the folder is followed
    path = tmp_path / "new.mp4"
    path.write_bytes(b"x")
    wait_for(changes, FileEvent("added", path))
    path.unlink()
    wait_for(changes, FileEvent("deleted", path))
    changes.close()


def wait_for(changes: ReportedChanges, event: FileEvent) -> None:
    while event not in changes.read(1.0):
        pass


def test_paths_are_those_under_the_folder_as_it_was_named(tmp_path: Path) -> None:
    """MacOS reports paths without links."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    changes = ReportedChanges([tmp_path / "link"])
    assert changes.as_named(tmp_path / "real" / "a.mp4") == tmp_path / "link" / "a.mp4"
    assert changes.as_named(tmp_path / "other.mp4") == tmp_path / "other.mp4"
    changes.close()
