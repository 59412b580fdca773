"""Which file system a folder is on, recognizable after a restart, so that a file on an unmounted disk is not lost.

On Linux the kernel's table of mounts says so, elsewhere the device number does.
"""

import json
import os
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from vifi_cli.disk.mounts import MountEntry, mount_entries

UUID_LINKS = Path("/dev/disk/by-uuid")
NETWORK_SOURCE = re.compile(r"//|[^/]*:")
RENUMBERING_TYPES = ("fuse.", "9p", "vboxsf", "virtiofs")
"""File systems that may number a file differently each time it is seen."""


@dataclass(frozen=True, slots=True)
class MountIdentity:
    """A file system, or a part of it, at its place in the tree of folders."""

    file_system: str  # UUID, server's path, or type and number: the same after a restart, where possible
    root: str  # the folder of the file system that is mounted: `/`, or what a bind mount or a subvolume shows
    mount_point: str

    def is_like(self, other: "MountIdentity") -> bool:
        """Whether paths lead to the same files through both."""
        return self == other or (self.file_system == other.file_system and self._shift() == other._shift())

    def as_text(self) -> str:
        """One line for the catalog."""
        return json.dumps([self.file_system, self.root, self.mount_point])

    def _shift(self) -> tuple[PurePosixPath, PurePosixPath]:
        """Root and mount point without the folders they end in alike: a folder mounted onto itself changes nothing."""
        root, place = PurePosixPath(self.root), PurePosixPath(self.mount_point)
        while root.name and root.name == place.name:
            root, place = root.parent, place.parent
        return root, place


@cache
def parse_mount_identity(text: str) -> MountIdentity:
    """The mount that `MountIdentity.as_text` described."""
    return MountIdentity(*json.loads(text))


class MountTable:
    """The mounts of this moment, read again where a folder shows that they have changed."""

    def __init__(self) -> None:
        self._known: dict[tuple[MountEntry, int], MountIdentity] = {}
        self._read()

    def mount_of(self, real_folder: str) -> MountIdentity:
        """The mount that a folder is on, given without links; raises OSError if it cannot be seen."""
        device = os.stat(real_folder).st_dev  # noqa: PTH116 - a text for speed, for each folder of a search
        entry = self._entry_of(real_folder)
        if entry is not None and entry.device != device and (entry, device) not in self._known:
            self._read()  # looking into a folder may have mounted it
            entry = self._entry_of(real_folder)
        if entry is None:
            return MountIdentity(f"device {device:x}", "/", _mount_point_by_device(real_folder))
        if (entry, device) not in self._known:
            self._known[entry, device] = MountIdentity(_file_system(entry), entry.root, entry.mount_point)
        return self._known[entry, device]

    def renumbers_files(self, real_folder: str) -> bool:
        """Whether files on the mount of a folder may have another inode number each time they are seen."""
        entry = self._entry_of(real_folder)
        return entry is not None and entry.kind.startswith(RENUMBERING_TYPES)

    def _read(self) -> None:
        entries = mount_entries()
        numbers = {entry.number for entry in entries if entry.number != entry.parent}
        self._children = {
            (
                entry.parent if entry.parent in numbers and entry.parent != entry.number else "",
                entry.mount_point,
            ): entry
            for entry in entries
        }

    def _entry_of(self, folder: str) -> MountEntry | None:
        """Goes down to the folder, since a mount hides what is mounted below its place."""
        found, parent = None, ""
        for place in ("/", *(folder[: match.start()] for match in re.finditer("(?<!^)/|$", folder))):
            while entry := self._children.get((parent, place)):
                found, parent = entry, entry.number
        return found


def _file_system(entry: MountEntry) -> str:
    """A name of the file system that stays when the machine or the disk's cable changes, as far as there is one."""
    if uuid := _uuids().get(os.path.realpath(entry.source)):
        return f"UUID={uuid}"
    if NETWORK_SOURCE.match(entry.source):
        return f"{entry.kind} {entry.source}"
    number = _number_of(entry)
    if number and number & 0xFFFFFFFF != _encoded(entry.device):
        return f"{entry.kind} {number:x}"
    return f"{entry.kind} {entry.source}"


def _number_of(entry: MountEntry) -> int:
    """The number that a file system gives itself; 0 if it has none."""
    if sys.platform == "win32":
        return 0
    try:
        return os.statvfs(entry.mount_point).f_fsid
    except OSError:
        return 0


def _uuids() -> dict[str, str]:
    try:
        return {os.path.realpath(link): link.name for link in UUID_LINKS.iterdir()}
    except OSError:
        return {}


def _encoded(device: int) -> int:
    """A device number as the kernel encodes it; a file system number of this form says nothing about the content."""
    if sys.platform == "win32":
        return device
    major, minor = os.major(device), os.minor(device)
    return (minor & 0xFF) | (major << 8) | ((minor & ~0xFF) << 12)


def _mount_point_by_device(folder: str) -> str:
    place = Path(folder)
    while not os.path.ismount(place) and place != place.parent:
        place = place.parent
    return str(place)
