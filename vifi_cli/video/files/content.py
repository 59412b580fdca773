"""The content and the status of a video, whether it is a file, a member of a shard, or a folder of frames."""

import errno
import os
import stat
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from vifi_cli.disk.file_version import FileVersion, version_of
from vifi_cli.video.files.virtual.frame_folders import FrameFolder, read_frame_folder
from vifi_cli.video.files.virtual.tar_shards import MemberFile, member_status
from vifi_cli.video.files.virtual.virtual_files import JoinedPieces, Piece


def video_status(path: Path) -> os.stat_result:
    """What the file system says about a video, as about one file.

    An ordinary folder has its own status. Raises OSError: FileNotFoundError or NotADirectoryError only if the video is
    certainly not there.
    """
    try:
        status = path.stat()
    except NotADirectoryError:
        return member_status(path)
    if not stat.S_ISDIR(status.st_mode):
        return status
    frames = read_frame_folder(path)
    return status if frames is None else frames.status


def is_there(path: Path) -> bool:
    """Whether a path leads to what may be a video and can be seen: a file, a member of a shard, a folder of frames."""
    try:
        return stat.S_ISREG(video_status(path).st_mode)
    except (OSError, ValueError):  # the latter for a path that no system can have
        return False


def video_version(path: Path) -> FileVersion | None:
    """The version of a video, which changes with its content; None if it cannot be seen."""
    try:
        return version_of(video_status(path))
    except OSError:
        return None


def open_content(path: Path) -> BinaryIO:
    """Opens the bytes that make up a video: those of a file or member, or those of all pictures, one after the other.

    Raises OSError.
    """
    try:
        return cast(BinaryIO, path.open("rb", buffering=0))
    except NotADirectoryError:
        return cast(BinaryIO, MemberFile(path))
    except (IsADirectoryError, PermissionError):  # the latter for folders on Windows
        frames = read_frame_folder(path) if path.is_dir() else None
        if frames is None:
            raise
    head = frames.content_head
    return cast(BinaryIO, JoinedPieces([(len(head), lambda: head), *picture_pieces(frames)]))


def picture_pieces(frames: FrameFolder) -> list[Piece]:
    """The content of the pictures as they are."""
    return [
        (size, partial(_whole_file, picture, size))
        for picture, size in zip(frames.pictures, frames.sizes_bytes, strict=True)
    ]


def length_bytes(file: BinaryIO) -> int:
    """The present length of an open file; its position stays."""
    here = file.tell()
    try:
        return file.seek(0, os.SEEK_END)
    finally:
        file.seek(here)


def read_up_to(file: BinaryIO, count: int) -> bytes:
    """The next bytes of an open file, fewer only at its end; one call of its own may give fewer."""
    parts = []
    while count and (part := file.read(count)):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _whole_file(file: Path, size_bytes: int) -> bytes:
    content = file.read_bytes()
    if len(content) != size_bytes:
        raise OSError(errno.EIO, f"{file.name} changed while it was read")
    return content
