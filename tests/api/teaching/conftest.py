"""An index of colors that concepts are taught in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.search.session import SearchSession
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling

Color = tuple[float, float, float]
MakeSession = Callable[..., SearchSession]


@pytest.fixture
def colored(tmp_path: Path) -> Iterator[MakeSession]:
    """Makes a session of an index with a file of ten seconds for each color: a.mp4, b.mp4, ..."""
    opened: list[SearchSession] = []

    def make(*colors: Color) -> SearchSession:
        index = tmp_path / "index"
        with Catalog.create(index / CATALOG_FILE, indexed_with(ColorEncoder(), FrameSampling())) as catalog:
            for name, color in zip("abcdefgh", colors, strict=False):
                video = tmp_path / f"{name}.mp4"
                video.write_bytes(b"there")
                catalog.store(encoded_video(video, [color] * 10, name))
        cache = tmp_path / "cache"
        opened.append(
            SearchSession(index, AUTOMATIC, cache_folder=cache, load_text_encoder=lambda *_: ColorEncoder())
        )
        return opened[-1]

    yield make
    for session in opened:
        session.close()
