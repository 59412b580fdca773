"""What systems other than Linux report about folders, through watchfiles."""

import os
from pathlib import Path

import watchfiles

from vifi_cli.errors import VifiError
from vifi_cli.video.watching.arrivals import FileEvent, Kind

READ_MS = 1000
KINDS: dict[watchfiles.Change, Kind] = {
    watchfiles.Change.added: "added",
    watchfiles.Change.modified: "modified",
    watchfiles.Change.deleted: "deleted",
}


class ReportedChanges:
    """The changes under some folders."""

    def __init__(self, folders: list[Path]) -> None:
        """Raises VifiError if the system does not let them be followed."""
        self.limit_reached = self.overflowed = False
        self.silent: dict[Path, str] = {}
        self._real = {Path(os.path.realpath(folder)): folder for folder in folders}
        self.tops = set(self._real)
        self._changes = watchfiles.watch(
            *folders,
            watch_filter=None,
            rust_timeout=READ_MS,
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )

    def close(self) -> None:
        """Ends it."""
        self._changes.close()

    def read(self, seconds: float) -> list[FileEvent]:
        """The latest events; waits a second for the first one."""
        try:
            changes = next(self._changes)
        except (OSError, RuntimeError, UnicodeEncodeError) as error:
            raise VifiError(
                f"the folders cannot be followed ({error}): run `vifi index` from time to time"
            ) from error
        return [FileEvent(KINDS[kind], self.as_named(Path(path))) for kind, path in changes]

    def as_named(self, path: Path) -> Path:
        """A path under the folder as the user named it; macOS reports paths without links."""
        for real, folder in self._real.items():
            if path.is_relative_to(real):
                return folder / path.relative_to(real)
        return path
