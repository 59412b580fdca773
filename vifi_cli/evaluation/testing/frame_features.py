"""Embeddings of frames on disk, so that an image tower encodes the test clip of a video once.

A file holds the embeddings of one video's views, float32 and not normalized, as `.npy` with a checksum behind it. Its
name is a digest of what they depend on: the video's content, the frames and crops, and the image tower with its
preprocessing and arithmetic. So linear probes, Tip-Adapter, tuning of the text tower and tests share them.

The index has embeddings of frames too, but of other frames and pictures: it takes frames by time, and scales them as
the encoder's authors do, while a test scales them as ViFi-CLIP published it. So neither reads the other's.
"""

import hashlib
import io
import os
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vifi_cli import paths
from vifi_cli.disk import access_rights
from vifi_cli.disk.replacement import temporary_file
from vifi_cli.model.preprocessing import Preprocessing
from vifi_cli.model.registry.card import ModelCard
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.model.weights.fingerprint import fingerprint_of_image_tower, fingerprint_of_weights
from vifi_cli.settings.settings import load_settings
from vifi_cli.wording import counted

FOLDER = "features"
SUFFIX = ".npy"
CHECKSUM_BYTES = 4
KEPT_SHARE = 0.9  # of the budget, after old files had to go

Features = npt.NDArray[np.float32]


@dataclass(slots=True)
class FrameFeatures:
    """Embeddings of frames by one encoder; `encoder` is a digest of it. It may be sent to other processes.

    If the folder exceeds its budget, the least recently used files go, except those used since this object was made.
    A file that is damaged or cannot be written costs only itself: its video is encoded again.
    """

    encoder: str
    folder: Path
    budget_bytes: int
    reused: int = 0  # videos that were not encoded again, counted by who encodes
    _began_ns: int = field(default_factory=time.time_ns)
    _room_bytes: int = 0  # that may be written before the folder is measured again
    _is_writable: bool = True

    def read(self, key: str) -> Features | None:
        """The embeddings (V, T, D) of a video's views; None if they are absent or damaged."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        features = _parsed(content)
        with suppress(OSError):  # the folder may be read-only
            if features is None:
                path.unlink()
            else:
                now = max(time.time_ns(), self._began_ns)
                os.utime(path, ns=(now, now))
        return features

    def write(self, key: str, features: Features) -> None:
        """Keeps the embeddings (V, T, D) of a video, if they are finite and there is room."""
        if not (self._is_writable and np.isfinite(features).all()):
            return
        content = _as_bytes(features)
        try:
            mode = paths.make_own_folder(self.folder / self.encoder)
            if not self._has_room(len(content)):
                return
            with temporary_file(self._path(key), mode) as unfinished:
                unfinished.write_bytes(content)
                access_rights.give_to_owner(unfinished)
                unfinished.replace(self._path(key))
        except OSError:  # such as a full disk, which the next video would meet too
            self._is_writable = False

    def _path(self, key: str) -> Path:
        return self.folder / self.encoder / f"{key}{SUFFIX}"

    def _has_room(self, size: int) -> bool:
        """Whether a file fits into the budget, once old ones have gone."""
        if self._room_bytes < size:
            self._room_bytes = self._make_room(size)
        self._room_bytes -= size
        return self._room_bytes >= 0

    def _make_room(self, size: int) -> int:
        """Deletes old files if need be; returns how much may be written before other processes have to be counted."""
        found = []
        for path in self.folder.glob(f"*/*{SUFFIX}"):
            with suppress(OSError):  # another process has just deleted it
                state = path.stat()
                found.append((state.st_mtime_ns, state.st_size, path))
        total = sum(file_bytes for _, file_bytes, _ in found)
        if total + size > self.budget_bytes:
            for used_ns, file_bytes, path in sorted(found):
                if used_ns >= self._began_ns or total + size <= KEPT_SHARE * self.budget_bytes:
                    break
                path.unlink(missing_ok=True)
                total -= file_bytes
        # a part of what is left, since other processes write too
        return max(size, (self.budget_bytes - total) // 8) if total + size <= self.budget_bytes else 0


def kept_features(
    network: ViFiCLIP, card: ModelCard, preprocessing: Preprocessing, arithmetic: str
) -> FrameFeatures | None:
    """The embeddings of frames by a network as it is now; None if the setting `feature_cache_gb` leaves no room.

    `preprocessing` is how pixels enter it. `arithmetic` names the device and precision, which round differently.
    """
    budget_bytes = int(load_settings().feature_cache_gb * 1e9)
    if not budget_bytes:
        return None
    weights, architecture = network.visual.state_dict(), card.architecture
    if isinstance(architecture, str):
        tower = fingerprint_of_weights(
            {"vision": architecture, "preprocessing": preprocessing.as_dict()}, weights
        )
    else:
        tower = fingerprint_of_image_tower(architecture, preprocessing, weights)
    facts = {"tower": tower, "arithmetic": arithmetic, "averages_pictures": network.fusion == "image"}
    return FrameFeatures(digest_of(facts), paths.cache_folder() / FOLDER, budget_bytes)


def reuse_in_words(videos: int) -> str:
    """That so many videos were not encoded again, and how to have them encoded."""
    folder = paths.cache_folder() / FOLDER
    return f"frame features of {counted(videos, 'clip')} come from {folder}; delete that folder to encode them again"


def digest_of(facts: Mapping[str, Any]) -> str:
    """A name for facts that are equal only if their texts are: 32 hex digits."""
    text = "\0".join(f"{name}={value!r}" for name, value in sorted(facts.items()))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _as_bytes(features: Features) -> bytes:
    file = io.BytesIO()
    np.save(file, features, allow_pickle=False)
    return file.getvalue() + zlib.crc32(file.getvalue()).to_bytes(CHECKSUM_BYTES, "little")


def _parsed(content: bytes) -> Features | None:
    """The embeddings in a file; None if it is damaged."""
    body, checksum = content[:-CHECKSUM_BYTES], content[-CHECKSUM_BYTES:]
    if len(content) <= CHECKSUM_BYTES or zlib.crc32(body) != int.from_bytes(checksum, "little"):
        return None
    try:
        features = np.load(io.BytesIO(body), allow_pickle=False)
    except (ValueError, EOFError):
        return None
    return features if features.dtype == np.float32 and features.ndim == 3 else None
