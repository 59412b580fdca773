"""Where training and evaluation get clips from: a cache of decoded videos, or else the files themselves."""

import hashlib
import os
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli.video.clips.cache import ClipCache
from vifi_cli.video.clips.reader import FrameChoice, read_clip, read_whole_video
from vifi_cli.video.decode.bilinear import resize_bilinear, short_side_size
from vifi_cli.video.decode.picture import Picture
from vifi_cli.video.decode.selective import FramesMissing


class ClipStore:
    """Reads clips, the same bits with and without a cache; may be sent to other processes.

    Attributes:
        short_side: of the frames, in pixels.
    """

    def __init__(self, short_side: int, *, folder: Path | None = None, budget_bytes: int = 0) -> None:
        """Touches no file yet. The folder keeps decoded videos, of at most so many bytes; it is made when needed."""
        self.short_side = short_side
        self._cache = ClipCache(folder, budget_bytes) if folder is not None and budget_bytes > 0 else None
        self._not_kept: set[str] = set()

    def read(self, path: Path, choose: FrameChoice) -> npt.NDArray[np.uint8]:
        """The chosen frames of a video, RGB, upright and scaled.

        Returns:
            uint8 (T, H, W, 3), in the order chosen; the shorter of H and W is `short_side`.

        Raises:
            UnreadableVideo: the file yields no frame; the text says why, without the path.
        """
        choose = cache(choose)  # one answer for one N, whether frames come from the cache or not
        pictures = None if self._cache is None else self._kept(self._cache, path, choose)
        if pictures is None:
            return read_clip(path, choose, self.short_side)
        size = short_side_size(pictures.shape[1], pictures.shape[2], self.short_side)
        return np.stack([resize_bilinear(picture, *size) for picture in pictures])

    def _kept(self, kept: ClipCache, path: Path, choose: FrameChoice) -> npt.NDArray[np.uint8] | None:
        """The frames from the cache, once the video is in it; None if it cannot be."""
        key = self._key(path)
        if key is None or key in self._not_kept:
            return None
        pictures = kept.read(key, choose)
        if pictures is None and self._keep(kept, key, path):
            pictures = kept.read(key, choose)
        if pictures is None:
            self._not_kept.add(key)
        return pictures

    def _keep(self, kept: ClipCache, key: str, path: Path) -> bool:
        try:
            most_frames, pictures = read_whole_video(path)
            return kept.write(key, most_frames, (self._scaled_down(picture) for picture in pictures))
        except FramesMissing:
            return False

    def _scaled_down(self, picture: Picture) -> Picture:
        """The picture as the cache keeps it: small ones at their own size, to be scaled up when read."""
        height, width, _ = picture.shape
        if min(height, width) <= self.short_side:
            return picture
        return resize_bilinear(picture, *short_side_size(height, width, self.short_side))

    def _key(self, path: Path) -> str | None:
        """A name for the file's present content at this size; None if the file is missing."""
        try:
            state = path.stat()
        except OSError:
            return None
        parts = path.absolute(), state.st_size, state.st_mtime_ns, self.short_side
        return hashlib.sha256(os.fsencode("\0".join(map(str, parts)))).hexdigest()[:32]
