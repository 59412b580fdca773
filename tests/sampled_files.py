"""Changes to files that sampled digests, sizes and modification times do not show."""

import os
from pathlib import Path

from vifi_cli.video.files.digests import BLOCK_BYTES


def replace_in_place(path: Path, content: bytes | bytearray) -> None:
    """Writes other content of the same length, and sets the time back."""
    status = path.stat()
    assert len(content) == status.st_size
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def flip_between_samples(path: Path) -> None:
    """Changes one byte that the fingerprint does not cover, and sets the time back."""
    content = bytearray(path.read_bytes())
    content[BLOCK_BYTES + 1000] ^= 1
    replace_in_place(path, content)
