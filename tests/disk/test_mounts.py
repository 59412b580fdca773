import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vifi_cli.disk import mounts
from vifi_cli.disk.mounts import MountEntry, mount_of, shares_memory

MountFuse = Callable[[str], Path]


@pytest.fixture
def mount_fuse(tmp_path: Path) -> Iterator[MountFuse]:
    """Mounts an empty folder by bindfs, with options."""
    if not shutil.which("bindfs") or not os.access("/dev/fuse", os.W_OK):
        pytest.skip("bindfs or /dev/fuse is missing")
    mounted: list[Path] = []

    def mount(options: str) -> Path:
        under, over = tmp_path / f"under{len(mounted)}", tmp_path / f"over {len(mounted)}"
        under.mkdir()
        over.mkdir()
        if subprocess.run(["bindfs", "-o", options, under, over], capture_output=True).returncode:
            pytest.skip("this system lets nobody mount by FUSE")
        mounted.append(over)
        return over

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize(
    ("kind", "options", "machines_share", "ignored_locks"),
    [
        ("ext4", "rw,relatime", False, ""),
        ("ext4", "rw,nolock", False, ""),
        ("fuse.gocryptfs", "rw", False, ""),
        ("nfs4", "rw,vers=4.2,local_lock=none", True, ""),
        ("nfs", "rw,vers=3,nolock,local_lock=all", True, "local_lock=all"),
        ("nfs", "rw,vers=3,local_lock=flock", True, "local_lock=flock"),
        ("cifs", "rw,vers=3.1.1", True, ""),
        ("cifs", "rw,vers=3.1.1,nobrl", True, "nobrl"),
        ("9p", "rw,trans=virtio", True, ""),
        ("virtiofs", "rw", True, ""),
        ("vboxsf", "rw", True, ""),
        ("fuse.sshfs", "rw", True, ""),
    ],
)
def test_the_kind_and_options_decide(
    kind: str, options: str, machines_share: bool, ignored_locks: str
) -> None:
    mount = MountEntry("30", "23", 0, "/", "/m", kind, "none", frozenset(options.split(",")))
    assert (mount.machines_share, mount.ignored_locks) == (machines_share, ignored_locks)


@pytest.mark.skipif(not mounts.MOUNTS.exists(), reason="the system does not say what is mounted")
def test_the_mount_of_a_folder_is_found(mount_fuse: MountFuse) -> None:
    folder = mount_fuse("subtype=sshfs")
    (folder / "inside").mkdir()
    for place in (folder, folder / "inside"):
        mount = mount_of(place)
        assert mount is not None
        assert (mount.kind, mount.mount_point, mount.machines_share) == ("fuse.sshfs", str(folder), True)
        assert "rw" in mount.options


def test_a_folder_without_a_mount_says_nothing(tmp_path: Path) -> None:
    assert mount_of(tmp_path / "absent") is None


def test_memory_is_shared_on_a_usual_disk_and_not_everywhere(tmp_path: Path, mount_fuse: MountFuse) -> None:
    assert shares_memory(tmp_path)
    folder = mount_fuse("direct_io")
    assert not shares_memory(folder)
    assert not list(folder.iterdir())
