"""From rows of the catalog to the videos and failures that they hold."""

import os
from pathlib import Path
from typing import Any

from vifi_cli.disk.mount_identity import MountIdentity, parse_mount_identity
from vifi_cli.index.catalog.records import CatalogedVideo, FailedFile
from vifi_cli.video.failure_kind import FailureKind
from vifi_cli.video.files.video_file import VideoFile

VIDEO_ROW = (
    "id, path, size_bytes, modified_ns, fingerprint, on_other_device, status_changed_ns, inode, digest, mount, "
    "duration_seconds, width, height, codec"
)
FAILURE_ROW = "path, size_bytes, modified_ns, status_changed_ns, inode, mount, reason, kind"


def encode_path(path: Path) -> bytes:
    """A path as the catalog keeps it: the file system's own bytes."""
    return os.fsencode(path)


def decode_path(encoded: bytes) -> Path:
    """The inverse of `encode_path`."""
    return Path(os.fsdecode(encoded))


def video_of_row(row: tuple[Any, ...]) -> CatalogedVideo:
    """The video in a row of `VIDEO_ROW`."""
    values = list(row)
    values[1], values[5], values[9] = decode_path(row[1]), bool(row[5]), _mount(row[9])
    return CatalogedVideo(*values)


def failure_of_row(row: tuple[Any, ...]) -> FailedFile:
    """The failure in a row of `FAILURE_ROW`."""
    path, size, modified, changed, inode, mount, reason, kind = row
    file = VideoFile(decode_path(path), size, modified, changed, inode, mount=_mount(mount))
    return FailedFile(file, reason, FailureKind(kind))


def _mount(text: str | None) -> MountIdentity | None:
    return None if text is None else parse_mount_identity(text)
