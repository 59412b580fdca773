"""What the file system of a folder can do: whether other machines see it, and whether processes can share memory."""

import mmap
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
MACHINES_SHARE = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "afs", "davfs", "sshfs", "smbnetfs"),
        *("rclone", "s3fs", "goofys", "gcsfuse", "mount-s3", "blobfuse2", "juicefs"),
        *("beegfs", "ceph", "ceph-fuse", "gfs2", "glusterfs", "gpfs", "lustre", "mfs", "ocfs2", "orangefs"),
        *("panfs", "pvfs2", "wekafs"),
        *("9p", "virtiofs", "vboxsf", "vmhgfs", "vmhgfs-fuse", "prl_fs"),
        *("osxfs", "grpcfuse", "fakeowner", "drvfs"),
    )
)
"""File systems that several machines, or a virtual machine and its host, may use at the same time."""

LOCKS_STAY_HERE = frozenset(["nolock", "local_lock=all", "local_lock=posix", "local_lock=flock", "nobrl"])
"""Mount options of NFS and SMB with which a lock on one machine means nothing to another."""

_ESCAPED = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class MountEntry:
    """A mounted file system, as a line of the kernel's table shows it; names are decoded as those of files."""

    number: str
    parent: str  # the number of the mount that this one is on
    device: int
    root: str  # the folder of the file system that is mounted
    mount_point: str
    kind: str  # the kernel's name, such as `ext4`, `nfs4` or `fuse.sshfs`
    source: str  # a device, or what the file system takes for one
    options: frozenset[str]  # of the mount and of the file system

    @property
    def machines_share(self) -> bool:
        """Whether other machines may use it at the same time."""
        return self.kind.removeprefix("fuse.") in MACHINES_SHARE

    @property
    def ignored_locks(self) -> str:
        """The option with which the locks of one machine mean nothing to another; empty if they count."""
        return min(self.options & LOCKS_STAY_HERE, default="") if self.machines_share else ""


def mount_of(folder: Path) -> MountEntry | None:
    """The mount that an existing folder belongs to; None where the system does not say, as outside Linux."""
    try:
        device = folder.stat().st_dev
    except OSError:
        return None
    latest_first = reversed(mount_entries())
    return next((entry for entry in latest_first if entry.device == device), None)


def mount_entries(table: Path | None = None) -> list[MountEntry]:
    """The kernel's table, or another, in order of mounting; empty where the system does not say."""
    try:
        lines = (table or MOUNTS).read_bytes().splitlines()
    except OSError:
        return []
    return [_entry(line) for line in lines if b" - " in line]


def _entry(line: bytes) -> MountEntry:
    about, _, described = line.partition(b" - ")
    number, parent, device, root, place, options, *_ = (_unescaped(field) for field in about.split(b" "))
    kind, source, own_options = (_unescaped(field) for field in described.split(b" ", 2))
    major, _, minor = device.partition(":")
    every_option = frozenset(f"{options},{own_options}".split(","))
    device_number = 0
    if sys.platform != "win32":
        device_number = os.makedev(int(major), int(minor))
    return MountEntry(number, parent, device_number, root, place, kind, source, every_option)


def _unescaped(field: bytes) -> str:
    return os.fsdecode(_ESCAPED.sub(lambda octal: bytes([int(octal[1], 8)]), field))


def machines_share(folder: Path) -> bool:
    """Whether other machines may use this folder at the same time."""
    mount = mount_of(folder)
    return mount is not None and mount.machines_share


def shares_memory(folder: Path) -> bool:
    """Whether processes can map a file in a folder into memory together, as SQLite's write-ahead log needs it."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.truncate(mmap.PAGESIZE)
            mmap.mmap(file.fileno(), mmap.PAGESIZE).close()
    except OSError:
        return False
    return True
