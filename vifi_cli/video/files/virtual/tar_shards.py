"""Videos in tar files, as webdataset shards hold them: read where they lie, and never unpacked.

A video in a shard has a path like any other, `SHARD.tar/MEMBER.mp4`. The list of a shard's members is read once per
version of the file, from header to header.
"""

import errno
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from pathlib import Path, PurePosixPath

from vifi_cli.disk.file_version import FileVersion, version_of
from vifi_cli.video.files.virtual.virtual_files import PositionedReader, virtual_status

SHARD_SUFFIX = ".tar"
KNOWN_SHARDS = 128
MEMBERS_TO_JUDGE = 64  # of the beginning of a tar file, by which it is a shard of videos or something else
BLOCK_BYTES = 512  # of a tar file
MOST_HEADER_BYTES = 16 * 2**20  # names and attributes of one member
SENSELESS = "a header that makes no sense"
NOT_UNDERSTOOD = tarfile.TarError, ValueError, OverflowError, RecursionError  # what damaged headers raise


@dataclass(frozen=True, slots=True)
class ShardMember:
    """Where the content of a member is in its shard."""

    start: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class TarShard:
    """A tar file and its ordinary files, in order; links, and names that lead out of it, are left out."""

    path: Path
    members: Mapping[str, ShardMember]  # by name, with `/` between folders
    damage: str | None = None  # why the list is not complete, in words

    def find(self, name: str) -> ShardMember:
        """A member by its name; raises OSError: FileNotFoundError only if it is certain that there is none."""
        if name in self.members:
            return self.members[name]
        if self.damage:
            raise OSError(errno.EIO, f"{self.path.name} is damaged: {self.damage}")
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.path / name))


def is_shard_name(path: Path) -> bool:
    """Whether a file may be a shard by its name; compressed tar files cannot be read at any place, so they are not."""
    name = path.name  # quicker than the suffix, where there are many files
    return name[-len(SHARD_SUFFIX) :].lower() == SHARD_SUFFIX


def split_at_shard(path: Path) -> tuple[Path, str] | None:
    """The shard above a path, and the member's name in it; None if no tar file is above it."""
    for above in path.parents:
        if is_shard_name(above) and os.path.isfile(above):  # noqa: PTH113 - Path.is_file() raises where it may not look
            return above, path.relative_to(above).as_posix()
    return None


def read_shard(path: Path) -> TarShard:
    """The members of a tar file; raises OSError if it cannot be read at all."""
    return _shard_of_version(path, version_of(path.stat()))


@lru_cache(KNOWN_SHARDS)
def _shard_of_version(path: Path, version: FileVersion) -> TarShard:
    members: dict[str, ShardMember] = {}
    with _opened(path) as file:
        try:
            with _archive(file) as archive:
                for name, member in _ordinary_members(archive):
                    members.pop(name, None)  # the last of a name counts, and its place
                    members[name] = member
                damage = _why_incomplete(file, archive.offset)
        except NOT_UNDERSTOOD as error:
            is_worded = isinstance(error, tarfile.TarError) and str(error)
            damage = str(error) if is_worded else SENSELESS
    return TarShard(path, members, damage)


@lru_cache(KNOWN_SHARDS * 8)
def _holds_videos(path: Path, version: FileVersion, suffixes: frozenset[str]) -> bool:
    names: list[str] = []
    try:
        with _opened(path) as file, _archive(file) as archive:
            names.extend(name for name, _ in islice(_ordinary_members(archive), MEMBERS_TO_JUDGE))
    except NOT_UNDERSTOOD:
        pass  # what was read decides
    keys = {key_of(name) for name in names}
    with_video = {key_of(name) for name in names if PurePosixPath(name).suffix.lower() in suffixes}
    return 2 * len(with_video) > len(keys)


def holds_videos(path: Path, suffixes: frozenset[str]) -> bool:
    """Whether a tar file is a shard of videos: by its first members, most samples have a file of these suffixes."""
    return _holds_videos(path, version_of(path.stat()), suffixes)


def key_of(name: str) -> str:
    """What the files of one sample share: a member's name up to the first dot after its folders."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.partition(".")[0]


def member_status(path: Path) -> os.stat_result:
    """The status of a video in a shard, or of an ordinary path that is none; raises OSError.

    It has the times of the shard, and a number of its own that stays when the shard is renamed.
    """
    shard, name = _place_in_shard(path)
    return status_in(shard.stat(), name, read_shard(shard).find(name))


def _place_in_shard(path: Path) -> tuple[Path, str]:
    """As `split_at_shard`; raises FileNotFoundError if no shard is above it."""
    place = split_at_shard(path)
    if place is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    return place


def status_in(shard: os.stat_result, name: str, member: ShardMember) -> os.stat_result:
    """The status of a member, by that of its shard."""
    number = blake2b(f"{shard.st_ino}/{name}".encode(errors="surrogateescape"), digest_size=7).digest()
    return virtual_status(shard, int.from_bytes(number) if shard.st_ino else 0, member.size_bytes)


class MemberFile(PositionedReader):
    """A member of a shard, read like a file."""

    def __init__(self, path: Path) -> None:
        """Opens it; raises OSError."""
        super().__init__()
        shard, name = _place_in_shard(path)
        self._member = read_shard(shard).find(name)
        self._file = shard.open("rb", buffering=0)
        if self._end() < self._member.size_bytes:
            self._file.close()
            raise OSError(errno.EIO, f"{shard.name} is cut off within it")

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Reads the next bytes of the member."""
        count = max(min(len(buffer), self._member.size_bytes - self._position), 0)
        self._file.seek(self._member.start + self._position)
        read = self._file.readinto(memoryview(buffer)[:count]) or 0
        self._position += read
        return read

    def close(self) -> None:
        """Closes the shard."""
        if not self.closed:
            self._file.close()
        super().close()

    def _end(self) -> int:
        """Where the member ends, or the shard, if that was cut off."""
        there = os.fstat(self._file.fileno()).st_size - self._member.start
        return min(self._member.size_bytes, max(there, 0))


class _HeaderReader(io.BufferedReader):
    """Reads headers, and not the memory full where a damaged one declares gigabytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Reads bytes of a header."""
        if size is not None and size > MOST_HEADER_BYTES:
            raise tarfile.ReadError(SENSELESS)
        return super().read(size)


def _opened(path: Path) -> _HeaderReader:
    return _HeaderReader(path.open("rb", buffering=0))


def _archive(file: _HeaderReader) -> tarfile.TarFile:
    return tarfile.open(fileobj=file, mode="r:", errors="surrogateescape")


def _ordinary_members(archive: tarfile.TarFile) -> Iterator[tuple[str, ShardMember]]:
    """Names and places of ordinary files; others, and those that would lead out of the shard, are skipped."""
    latest = -1
    while (member := archive.next()) is not None:
        archive.members = []  # type: ignore[attr-defined]  # else it keeps all of them
        if archive.offset <= latest:  # a negative size, which would be read for ever
            raise tarfile.ReadError(SENSELESS)
        latest = archive.offset
        name = PurePosixPath(member.name)
        if not member.isreg() or member.issparse() or name.is_absolute() or ".." in name.parts:
            continue
        if name.parts and "\0" not in member.name:
            yield name.as_posix(), ShardMember(member.offset_data, member.size)


def _why_incomplete(file: io.BufferedReader, end: int) -> str | None:
    """What is wrong where no further member was found, unless that is the end of the archive."""
    file.seek(end)
    block = file.read(BLOCK_BYTES)
    if not block:
        return "its end is missing"
    return "what follows its last readable member makes no sense" if block.strip(b"\0") else None
