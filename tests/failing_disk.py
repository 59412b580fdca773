"""A file system that fails as told: `python -m tests.failing_disk SOURCE PLACE CONTROL`, for the superuser on Linux.

It shows the files of one folder. The control file holds lines `NAME FROM_BYTE FAILURE`: reading a file of that name
from that byte on gives the error number, or for `short` nothing, as if the file ended there, while its size stays.
"""

import ctypes
import errno
import os
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE, FLUSH, INIT = 1, 2, 3, 14, 15, 17, 18, 25, 26
OPENDIR, READDIR, RELEASEDIR, BATCH_FORGET, INTERRUPT = 27, 28, 29, 42, 36
REQUEST = struct.Struct("<IIQQIIII")
MOST_REQUEST_BYTES = 2**20 + 4096
DIRECT_IO = 1  # so that every read comes here
ROOT_NODE = 1


class FailingDisk:
    """Answers the kernel's requests from a folder without sub-folders."""

    def __init__(self, source: Path, control: Path) -> None:
        self._source, self._control = source, control
        self._names = sorted(path.name for path in source.iterdir())

    def serve(self, device: int) -> None:
        """Answers until the file system is unmounted."""
        while True:
            try:
                request = os.read(device, MOST_REQUEST_BYTES)
            except OSError as error:
                if error.errno == errno.ENODEV:  # unmounted
                    return
                continue
            _, operation, unique, node, *_ = REQUEST.unpack_from(request)
            if operation in (FORGET, BATCH_FORGET, INTERRUPT):
                continue
            try:
                content, failure = self._answer(operation, node, request[REQUEST.size :]), 0
            except OSError as error:
                content, failure = b"", error.errno or errno.EIO
            os.write(device, struct.pack("<IiQ", 16 + len(content), -failure, unique) + content)

    def _answer(self, operation: int, node: int, body: bytes) -> bytes:
        if operation == INIT:
            return struct.pack("<IIIIHHII", 7, 31, 2**20, 0, 12, 9, 2**20, 1) + bytes(36)
        if operation == LOOKUP:
            name = os.fsdecode(body.rstrip(b"\0"))
            if name not in self._names:
                raise OSError(errno.ENOENT, name)
            number = self._names.index(name) + ROOT_NODE + 1
            return struct.pack("<QQQQII", number, 0, 0, 0, 0, 0) + self._attributes(number)
        if operation == GETATTR:
            return struct.pack("<QII", 0, 0, 0) + self._attributes(node)
        if operation in (OPEN, OPENDIR):
            return struct.pack("<QII", node, DIRECT_IO, 0)
        if operation == READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            return self._read(self._path(node), offset, size)
        if operation == READDIR:
            _, offset, _ = struct.unpack_from("<QQI", body)
            return b"" if offset else self._listing()
        if operation == STATFS:
            return bytes(40) + struct.pack("<II", 4096, 255) + bytes(32)
        if operation in (RELEASE, RELEASEDIR, FLUSH):
            return b""
        raise OSError(errno.ENOSYS, "not needed")

    def _read(self, path: Path, offset: int, size: int) -> bytes:
        for line in self._control.read_text().splitlines():
            name, first, failure = line.split()
            if name != path.name or offset + size <= int(first):
                continue
            if failure != "short":
                raise OSError(int(failure), "as told")
            size = max(int(first) - offset, 0)
        with path.open("rb") as file:
            return os.pread(file.fileno(), size, offset)

    def _path(self, node: int) -> Path:
        return self._source if node == ROOT_NODE else self._source / self._names[node - ROOT_NODE - 1]

    def _attributes(self, node: int) -> bytes:
        status = self._path(node).stat()
        seconds, nanoseconds = zip(
            *(divmod(ns, 10**9) for ns in (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)),
            strict=True,
        )
        kind = stat.S_IFDIR | 0o755 if node == ROOT_NODE else stat.S_IFREG | 0o644
        sizes = struct.pack("<QQQ", node, status.st_size, status.st_blocks)
        return sizes + struct.pack("<QQQIIIIIIIIII", *seconds, *nanoseconds, kind, 1, 0, 0, 0, 4096, 0)

    def _listing(self) -> bytes:
        entries = b""
        for number, name in enumerate(map(os.fsencode, self._names), 1):
            entry = struct.pack("<QQII", number + ROOT_NODE, number, len(name), stat.S_IFREG >> 12) + name
            entries += entry.ljust(-(-len(entry) // 8) * 8, b"\0")
        return entries


@contextmanager
def failing_disk(source: Path, place: Path) -> Iterator[Path]:
    """Shows a folder at a place; yields the control file. Skips the test where that is not allowed."""
    if os.geteuid() or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("only the superuser can mount a file system, which needs /dev/fuse")
    place.mkdir()
    control = place.with_name("control.txt")
    control.touch()
    command = [sys.executable, "-m", "tests.failing_disk", source, place, control]
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            answer = process.stdout.readline().strip()
            if answer != "mounted":
                pytest.skip(f"mounting is refused here: {answer}")
            yield control
        finally:
            subprocess.run(["umount", "-l", place], check=False, capture_output=True)
            process.kill()


def main(source: Path, place: Path, control: Path) -> None:
    """Mounts and serves."""
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"failing", os.fsencode(place), b"fuse.failing", 0, options.encode()):
        print(os.strerror(ctypes.get_errno()), flush=True)
        return
    print("mounted", flush=True)
    FailingDisk(source, control).serve(device)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
