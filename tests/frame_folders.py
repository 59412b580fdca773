"""Folders of frames and shards, made for tests."""

import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from PIL import Image

from tests.made_videos import Picture


def write_frames(
    folder: Path, pictures: Iterable[Picture], *, name: str = "img_{:05}.jpg", first: int = 1
) -> Path:
    """Writes pictures as numbered files into a new folder, and returns it."""
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures, first):
        Image.fromarray(picture).save(folder / name.format(number))
    return folder


def write_shard(path: Path, members: Mapping[str, bytes]) -> Path:
    """Writes a tar file of members by name, as webdataset does, and returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path
