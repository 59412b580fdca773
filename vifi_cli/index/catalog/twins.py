"""Finds the videos of a catalog whose content a file has."""

from collections.abc import Callable, Sequence

from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.video.files.digests import complete_digest, content_fingerprint, is_sampled_in_full
from vifi_cli.video.files.file_state import is_same_inode
from vifi_cli.video.files.video_file import VideoFile


def twins_of(
    file: VideoFile, same_size: Sequence[CatalogedVideo], on_read: Callable[[int], object] = lambda _: None
) -> list[CatalogedVideo]:
    """The videos, among those of its size, that have the content of a file; none if it cannot be read.

    Sampled fingerprints find the candidates. Recordings of fixed length may agree in all samples, so a digest of every
    byte decides, for which the file is read completely; `on_read` is called with the bytes of each step. It is not read
    if it is the renamed file of a video. What an older vifi indexed has no such digest: there, a file at another path
    with the same modification time counts as renamed, and a large file at its own path as changed.
    """
    if not same_size:
        return []
    try:
        fingerprint = content_fingerprint(file.path)
        alike = [video for video in same_size if video.fingerprint == fingerprint]
        if is_sampled_in_full(file.size_bytes):
            return alike
        if renamed := [video for video in alike if _was_renamed(video, file)]:
            return renamed
        if not any(video.digest for video in alike):
            return []
        digest = complete_digest(file.path, on_read)
    except OSError:  # it has vanished or cannot be read: the attempt to decode it will say so
        return []
    return [video for video in alike if video.digest == digest]


def _was_renamed(video: CatalogedVideo, file: VideoFile) -> bool:
    if video.path == file.path:
        return False
    return is_same_inode(file, video) or (video.digest is None and file.modified_ns == video.modified_ns)
