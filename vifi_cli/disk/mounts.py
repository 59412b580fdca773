"""What the file system of a folder can do: whether other machines see it, and whether processes can share memory."""

import mmap
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
MACHINES_SHARE = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "afs", "davfs", "sshfs", "rclone", "s3fs"),
        *("beegfs", "ceph", "gfs2", "glusterfs", "gpfs", "lustre", "ocfs2", "orangefs", "pvfs2"),
        *("9p", "virtiofs", "vboxsf", "vmhgfs", "vmhgfs-fuse", "prl_fs", "osxfs", "grpcfuse"),
    )
)
"""File systems that several machines, or a virtual machine and its host, may use at the same time."""

LOCKS_STAY_HERE = frozenset(["nolock", "local_lock=all", "local_lock=posix", "local_lock=flock", "nobrl"])
"""Mount options of NFS and SMB with which a lock on one machine means nothing to another."""

_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system."""

    kind: str  # the kernel's name, such as `ext4`, `nfs4` or `fuse.sshfs`
    folder: Path  # where it is mounted
    options: frozenset[str]

    @property
    def machines_share(self) -> bool:
        """Whether other machines may use it at the same time."""
        return self.kind.removeprefix("fuse.") in MACHINES_SHARE

    @property
    def ignored_locks(self) -> str:
        """The option with which the locks of one machine mean nothing to another; empty if they count."""
        return min(self.options & LOCKS_STAY_HERE, default="") if self.machines_share else ""


def mount_of(folder: Path) -> Mount | None:
    """The mount that an existing folder belongs to; None where the system does not say, as outside Linux."""
    try:
        status = folder.stat()
        table = _table()
    except OSError:
        return None
    device = f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"
    found = None
    for fields, (kind, _, own_options) in table:
        if fields[2] == device:
            found = Mount(kind, _place(fields), frozenset(f"{fields[5]},{own_options}".split(",")))
    return found


def mount_points() -> list[tuple[str, Path]]:
    """The number and the folder of each mount; empty where the system does not say."""
    try:
        return [(fields[0], _place(fields)) for fields, _ in _table()]
    except OSError:
        return []


def _table() -> list[tuple[list[str], list[str]]]:
    """The kernel's table: the fields of each line before and after the hyphen."""
    parted = (
        line.partition(" - ") for line in MOUNTS.read_bytes().decode(errors="surrogateescape").splitlines()
    )
    return [(about.split(" "), described.split(" ", 2)) for about, _, described in parted]


def _place(fields: list[str]) -> Path:
    return Path(_ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), fields[4]))


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
