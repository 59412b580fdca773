"""Whether something was mounted or unmounted in or above some folders. On Linux; elsewhere nothing ever is."""

import select
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vifi_cli.disk.mounts import MOUNTS, MountEntry, mount_entries


class MountChanges:
    """Notices mounts that concern some folders."""

    def __init__(self) -> None:
        """Notices nothing where the kernel's table cannot be read."""
        self._folders: tuple[Path, ...] = ()
        self._known: list[MountEntry] = []
        self._poll: Any = None  # a `select.poll`, which Windows does not have
        try:
            self._table = MOUNTS.open("rb")
        except OSError:
            return
        if sys.platform != "win32":
            self._poll = select.poll()
            self._poll.register(self._table, select.POLLPRI)

    def close(self) -> None:
        """Ends it."""
        if self._poll is not None:
            self._table.close()
            self._poll = None

    def notice(self, folders: Iterable[Path]) -> None:
        """Notices mounts in and above these folders, given without links, from now on."""
        self._folders = tuple(folders)
        self._known = self._relevant()

    def have_happened(self) -> bool:
        """Whether something was mounted or unmounted since `notice` or the last time."""
        if self._poll is None or not self._poll.poll(0):  # the kernel marks the file when the table changes
            return False
        before, self._known = self._known, self._relevant()
        return before != self._known

    def _relevant(self) -> list[MountEntry]:
        return [entry for entry in mount_entries() if self._concerns(Path(entry.mount_point))]

    def _concerns(self, place: Path) -> bool:
        return any(place.is_relative_to(folder) or folder.is_relative_to(place) for folder in self._folders)
