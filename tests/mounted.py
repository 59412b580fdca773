"""Real mounts for tests, which need the rights of the superuser."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounts_allowed() -> Iterator["Mounts"]:
    """Mounts that end with the context; skips the test where mounting is not allowed."""
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only the superuser can mount file systems")
    mounts = Mounts()
    try:
        yield mounts
    finally:
        for place in reversed(mounts.places):
            subprocess.run(["umount", "-l", place], check=True)


class Mounts:
    """Mounts and unmounts, and keeps account of it."""

    def __init__(self) -> None:
        self.places: list[Path] = []

    def mount_disk(self, place: Path) -> Path:
        """Mounts a new, empty file system in memory; skips the test where that is refused."""
        return self._mount("-t", "tmpfs", "tmpfs", place)

    def bind(self, source: Path, place: Path) -> Path:
        """Shows a folder at a second place."""
        return self._mount("--bind", source, place)

    def unmount(self, place: Path) -> None:
        """Ends the last mount at a place."""
        subprocess.run(["umount", place], check=True)
        self.places.remove(place)

    def _mount(self, *arguments: str | Path) -> Path:
        place = Path(arguments[-1])
        place.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mounting is refused here: {done.stderr.strip()}")
        self.places.append(place)
        return place
