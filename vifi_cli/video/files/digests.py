"""Digests of a file's content: a sampled one that finds candidates quickly, and a complete one that proves equality."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from vifi_cli.video.files.content import length_bytes, open_content, read_up_to, video_status

SAMPLED_BLOCKS = 64
BLOCK_BYTES = 256 * 1024
DIGEST_BYTES = 16
STEP_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ContentDigests:
    """Both digests of a file, each 32 hexadecimal digits."""

    fingerprint: str  # see `content_fingerprint`
    complete: str  # see `complete_digest`


def content_fingerprint(path: Path) -> str:
    """A hash that finds files of likely the same content: BLAKE2b, 32 hexadecimal digits.

    It covers the size and `SAMPLED_BLOCKS` blocks of `BLOCK_BYTES` spread evenly over the file, including the first and
    the last byte; files up to `is_sampled_in_full` completely.
    """
    with open_content(path) as file:
        size = length_bytes(file)
        digest = blake2b(size.to_bytes(8, "big"), digest_size=DIGEST_BYTES)
        if is_sampled_in_full(size):
            digest.update(read_up_to(file, size))
        else:
            for block in range(SAMPLED_BLOCKS):
                file.seek(block * (size - BLOCK_BYTES) // (SAMPLED_BLOCKS - 1))
                digest.update(read_up_to(file, BLOCK_BYTES))
    return digest.hexdigest()


def is_sampled_in_full(size_bytes: int) -> bool:
    """Whether the fingerprint of a file of this size covers every byte."""
    return size_bytes <= SAMPLED_BLOCKS * BLOCK_BYTES


def complete_digest(path: Path, on_read: Callable[[int], object] = lambda _: None) -> str:
    """A hash of every byte of a file: BLAKE2b, 32 hexadecimal digits; `on_read` is called with each step's size."""
    digest = blake2b(digest_size=DIGEST_BYTES)
    with open_content(path) as file:
        while step := file.read(STEP_BYTES):
            digest.update(step)
            on_read(len(step))
    return digest.hexdigest()


def content_digests(path: Path, on_read: Callable[[int], object] = lambda _: None) -> ContentDigests:
    """Both digests; the arguments are those of `complete_digest`."""
    return ContentDigests(content_fingerprint(path), complete_digest(path, on_read))


def equal_files(paths: Iterable[Path]) -> list[tuple[Path, ...]]:
    """Groups of files with equal content, each path once; it reads only files of equal size."""
    same_size = _alike(dict.fromkeys(paths), lambda path: video_status(path).st_size)
    similar = [files for group in same_size for files in _alike(group, content_fingerprint)]
    return [files for group in similar for files in _alike(group, complete_digest)]


def _alike(paths: Iterable[Path], key: Callable[[Path], Hashable]) -> list[tuple[Path, ...]]:
    """Groups of two or more files with the same key."""
    groups: dict[Hashable, list[Path]] = {}
    for path in paths:
        try:
            groups.setdefault(key(path), []).append(path)
        except OSError:  # gone since it was listed; decoding reports it
            continue
    return [tuple(files) for files in groups.values() if len(files) > 1]
