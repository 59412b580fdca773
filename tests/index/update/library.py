"""A library of videos whose files come, change and go, and a plain model of what its index must hold.

The model knows nothing of how vifi compares files: it reads every file on disk, and follows three sentences.
What is visible under an indexed folder is in the index, with its present content. What is not visible there is gone,
unless the folder is missing or empty, or another file system is mounted than the one the file was on. What is under
other folders stays.
"""

import os
import random
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.made_videos import solid_colour_clip
from tests.mounted import Mounts

GOOD = {
    name: (name, seconds)
    for seconds, name in enumerate(["red", "lime", "blue", "yellow", "white", "cyan"], 1)
}
OF_ANOTHER_SIZE = ("gray", "pink")
BAD = ("bad one", "bad two")
SIZE_BYTES = 20_000
ODD_TIMES_NS = (0, -(10**18), 10**19, 2**62, 1_600_000_000_123_456_789)


def make_contents(folder: Path) -> dict[bytes, str]:
    """The contents that files can have, by their bytes: most of one size, so that the size tells nothing."""
    contents = {name.encode() * 1000: name for name in BAD}
    for number, name in enumerate([*GOOD, *OF_ANOTHER_SIZE]):
        path = solid_colour_clip(folder / f"{name}.mp4", [(name, 1.0 + number / 10)])
        content = path.read_bytes()
        padding = SIZE_BYTES - len(content) + (number if name in OF_ANOTHER_SIZE else 0)
        path.write_bytes(content + struct.pack(">I4s", padding, b"free") + bytes(padding - 8))
        contents[path.read_bytes()] = name
    return contents


@dataclass(frozen=True)
class Entry:
    """What the index must hold about a path."""

    content: str
    is_on_disk: bool  # the removable one
    inode: int


Entries = dict[Path, Entry]


class Library:
    """Two indexed folders, the second a removable disk, and what was indexed of them."""

    def __init__(self, base: Path, contents: dict[bytes, str], mounts: Mounts | None) -> None:
        """Without `mounts` the disk is unplugged by renaming it."""
        self.home, self.disk = base / "home 0", base / "disk"
        self.roots = [self.home, self.disk]
        self.entries: Entries = {}
        self.is_plugged_in = True
        self._contents, self._mounts = contents, mounts
        self._store = base / "store"
        self._names = {name: content for content, name in contents.items()}
        self.home.mkdir(parents=True)
        self.disk.mkdir()
        if mounts:
            mounts.mount_disk(self._store)
            mounts.bind(self._store, self.disk)
        for folder in (self.home, self.disk):
            (folder / "sub").mkdir()

    def files(self) -> Entries:
        """All videos visible now, read completely."""
        found = {}
        for root in {*self.roots, self.home}:
            for path in root.rglob("*.mp4"):
                content = self._contents[path.read_bytes()]
                found[path] = Entry(
                    content, self._is_on_disk(path) and self.is_plugged_in, path.stat().st_ino
                )
        return found

    def _is_on_disk(self, path: Path) -> bool:
        return path.is_relative_to(self.disk)

    def _is_hidden(self, path: Path, entry: Entry) -> bool:
        root = next(root for root in self.roots if path.is_relative_to(root))
        if not root.exists() or not any(root.iterdir()):
            return True
        return self._is_on_disk(path) and entry.is_on_disk != self.is_plugged_in

    def _is_disk_away(self, entry: Entry) -> bool:
        """Whether another file system is mounted than the one a file was on; renaming the disk shows nothing."""
        return self._mounts is not None and entry.is_on_disk and not self.is_plugged_in

    def expected(self, asked: list[Path], unreadable: Path | None = None) -> tuple[Entries, set[Path]]:
        """The entries after indexing folders, and those that may also be gone: it is unknown what they moved to.

        The files under `unreadable` were found and vanished before they were read.
        """

        def is_asked(path: Path) -> bool:
            return any(path.is_relative_to(root) for root in asked)

        files = {path: entry for path, entry in self.files().items() if is_asked(path)}
        if unreadable:
            files = {path: entry for path, entry in files.items() if not path.is_relative_to(unreadable)}
        new = {
            path: entry
            for path, entry in files.items()
            if path not in self.entries or self.entries[path].content != entry.content
        }
        staying, unsure = dict(files), set()
        for path, entry in self.entries.items():
            is_out_of_sight = bool(unreadable and path.is_relative_to(unreadable)) or self._is_hidden(
                path, entry
            )
            if path in files or (is_asked(path) and not is_out_of_sight):
                continue
            if not path.exists() and entry.content not in BAD:
                alike = [other for other in new.values() if other.content == entry.content]
                if any(_is_same_file(other, entry) for other in alike) or (
                    alike and not self._is_disk_away(entry)
                ):
                    unsure.add(path)
            if unreadable and path.is_relative_to(unreadable) and entry.content in BAD:
                unsure.add(path)  # it may have another content, which could not be read
            staying[path] = entry
        return staying, unsure

    def prunable(self) -> set[Path]:
        """What pruning removes: all whose file is gone for good."""
        return {p for p, entry in self.entries.items() if not p.is_file() and not self._is_hidden(p, entry)}

    def happen(self, chance: random.Random) -> str:
        """Lets something happen to the files, and says what."""
        events: list[Callable[[random.Random], str]] = [
            self.add, self.add, self.add, self.change, self.change_unseen, self.move, self.move, self.copy,
            self.delete, self.delete, self.touch, self.delete_folder, self.plug, self.plug, self.rename_root,
        ]  # fmt: skip
        return chance.choice(events)(chance)

    def add(self, chance: random.Random) -> str:
        """A new file, also on the mount point without its disk."""
        path, content = self._new_path(chance), chance.choice([*self._names])
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self._names[content])
        return f"add {content} at {path}"

    def change(self, chance: random.Random) -> str:
        """A file gets another content and a later time."""
        path, content = self._file(chance), chance.choice([*self._names])
        if path is None:
            return self.add(chance)
        path.write_bytes(self._names[content])
        return f"change {path} to {content}"

    def change_unseen(self, chance: random.Random) -> str:
        """A file gets another content of the same size, and its time is set back."""
        path, content = self._file(chance), chance.choice([*GOOD])
        if path is None:
            return self.add(chance)
        before = path.stat()
        path.write_bytes(self._names[content])
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return f"change {path} to {content}, unseen"

    def touch(self, chance: random.Random) -> str:
        """A file gets another time, perhaps an odd one."""
        path, time_ns = self._file(chance), chance.choice(ODD_TIMES_NS)
        if path is None:
            return self.add(chance)
        os.utime(path, ns=(time_ns, time_ns))
        return f"touch {path}, {time_ns}"

    def move(self, chance: random.Random) -> str:
        """A file goes elsewhere, perhaps to the other disk or over another file."""
        path = self._file(chance)
        to = chance.choice([self._new_path(chance), self._file(chance)])
        if path is None or to is None or to == path:
            return self.add(chance)
        to.parent.mkdir(exist_ok=True)
        shutil.move(path, to)
        return f"move {path} to {to}"

    def copy(self, chance: random.Random) -> str:
        """A file is copied, with its time."""
        path, to = self._file(chance), self._new_path(chance)
        if path is None:
            return self.add(chance)
        to.parent.mkdir(exist_ok=True)
        shutil.copy2(path, to)
        return f"copy {path} to {to}"

    def delete(self, chance: random.Random) -> str:
        """A file is deleted."""
        path = self._file(chance)
        if path is None:
            return self.add(chance)
        path.unlink()
        return f"delete {path}"

    def delete_folder(self, chance: random.Random) -> str:
        """A folder below a root is deleted with everything in it."""
        folder = chance.choice(self._present_roots()) / "sub"
        shutil.rmtree(folder, ignore_errors=True)
        return f"delete {folder}"

    def plug(self, chance: random.Random) -> str:
        """The disk is unplugged, or plugged in again."""
        self.is_plugged_in = not self.is_plugged_in
        if self._mounts is None:
            if self.is_plugged_in:
                if self.disk.exists():
                    self.disk.rmdir()
                self._store.rename(self.disk)
            else:
                self.disk.rename(self._store)
                if chance.random() < 0.5:
                    self.disk.mkdir()
        elif self.is_plugged_in:
            self._mounts.bind(self._store, self.disk)
        else:
            self._mounts.unmount(self.disk)
        return "plug in" if self.is_plugged_in else "unplug"

    def rename_root(self, chance: random.Random) -> str:
        """The first folder gets another name, and is indexed by that from now on."""
        self.home = self.home.rename(self.home.with_name(f"home {len(self.roots)}"))
        self.roots.append(self.home)
        return f"rename the first folder to {self.home}"

    def present_roots(self) -> list[Path]:
        """The roots that exist."""
        return [root for root in self.roots if root.exists()]

    def _present_roots(self) -> list[Path]:
        # without mounts, a file at the place of an unplugged disk would be where the disk's own files are
        return [self.home] if self._mounts is None and not self.is_plugged_in else [self.home, self.disk]

    def _new_path(self, chance: random.Random) -> Path:
        folder = chance.choice(self._present_roots()) / chance.choice(["", "sub"])
        return folder / f"{chance.randrange(100)}.mp4"

    def _file(self, chance: random.Random) -> Path | None:
        files = sorted(self.files())
        return chance.choice(files) if files else None


def _is_same_file(one: Entry, other: Entry) -> bool:
    return (one.inode, one.is_on_disk) == (other.inode, other.is_on_disk)
