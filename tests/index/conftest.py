"""Encoded videos made of numbers, and an empty catalogue for them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.color_encoder import ColorEncoder
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.records import EncodedVideo
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.video_file import VideoFile
from vifi_cli.video.pictures.frames import VideoInfo

MakeVideo = Callable[..., EncodedVideo]


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog.create(
        tmp_path / "index" / CATALOG_FILE, indexed_with(ColorEncoder(), FrameSampling())
    ) as made:
        yield made


def encoded_video(
    path: str | Path, embeddings: list[tuple[float, float, float]], fingerprint: str = "content"
) -> EncodedVideo:
    """A video with one frame a second of the given embeddings."""
    count = len(embeddings)
    return EncodedVideo(
        file=VideoFile(Path(path), 1000 + count, 123),
        fingerprint=fingerprint,
        info=VideoInfo(float(count), 64, 48, "h264", "sequential"),
        seconds=np.arange(count) + 0.5,
        embeddings=np.array(embeddings, np.float16),
    )
