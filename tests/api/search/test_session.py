"""A session that stays open: it shows the present index, and refuses embeddings that cannot be compared."""

import math
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.search.session import SearchSession
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.search.query import Example, Query, Term, Words, query_in_words
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.update.rebuild import finish_rebuild, open_rebuild
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
SIGNATURE = indexed_with(ColorEncoder(), FrameSampling())
VIDEOS = RankingOptions(by="video")


class NotANumber(ColorEncoder):
    """Sees and reads nothing that can be compared, as after an overflow."""

    value = math.nan

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.full_like(super().encode_texts(texts), self.value)

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        return np.full_like(super().encode_frames(pixels), self.value)


class TooLarge(NotANumber):
    """Its numbers are finite, and beyond what the index keeps."""

    value = 1e6


def make(folder: Path, *colors: tuple[float, float, float]) -> None:
    with Catalog.create(folder / CATALOG_FILE, SIGNATURE) as catalog:
        for number, color in enumerate(colors):
            catalog.store(encoded_video(f"/v/{number}.mp4", [color]))


def session(folder: Path, encoder: ColorEncoder | None = None) -> SearchSession:
    return SearchSession(
        folder,
        AUTOMATIC,
        cache_folder=folder.parent / "cache",
        load_text_encoder=lambda *_: encoder or ColorEncoder(),
        load_encoder=lambda *_: encoder or ColorEncoder(),
    )


def names(found: SearchSession) -> list[str]:
    return [hit.path.name for hit in found.find(query_in_words("red"), VIDEOS)]


@pytest.fixture(params=["writable", "read-only"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """The folder of an index with one red video, and where a session reads it."""
    owned, seen = tmp_path / "owned" / "index", tmp_path / "seen"
    make(owned, RED)
    if request.param == "writable":
        yield owned, owned
        return
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can mount a folder")
    seen.mkdir()
    if subprocess.run(["mount", "--bind", owned.parent, seen], capture_output=True).returncode:
        pytest.skip("this system lets nobody mount a folder")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", seen], check=True)
        yield owned, seen / "index"
    finally:
        subprocess.run(["umount", "--lazy", seen], check=True)


def _index_more(owned: Path) -> None:
    with Catalog(owned / CATALOG_FILE) as catalog:
        catalog.store(encoded_video("/v/1.mp4", [BLUE]))


def _rebuild(owned: Path) -> None:
    with open_rebuild(owned, indexed_with(ColorEncoder(), FrameSampling(2.0))) as catalog:
        for number, color in enumerate([RED, BLUE]):
            catalog.store(encoded_video(f"/v/{number}.mp4", [color]))
    finish_rebuild(owned)


def _delete_and_make_again(owned: Path) -> None:
    shutil.rmtree(owned)
    make(owned, RED, BLUE)


def _restore(owned: Path) -> None:
    """A backup is copied over the catalog, with its own time."""
    make(owned.parent / "backup", RED, BLUE)
    shutil.copy2(owned.parent / "backup" / CATALOG_FILE, owned / CATALOG_FILE)


@pytest.mark.parametrize("change", [_index_more, _rebuild, _delete_and_make_again, _restore])
def test_an_open_session_shows_the_present_index(
    served: tuple[Path, Path], change: Callable[[Path], None]
) -> None:
    owned, seen = served
    with session(seen) as open_session:
        assert names(open_session) == ["0.mp4"]
        change(owned)
        assert names(open_session) == ["0.mp4", "1.mp4"]
        assert names(open_session) == ["0.mp4", "1.mp4"]


def test_an_open_session_sees_each_video_of_a_run_that_is_still_writing(served: tuple[Path, Path]) -> None:
    owned, seen = served
    with session(seen) as open_session:
        assert names(open_session) == ["0.mp4"]
        with Catalog(owned / CATALOG_FILE) as catalog:
            for number in (1, 2, 3):
                catalog.store(encoded_video(f"/v/{number}.mp4", [BLUE], str(number)))
                assert len(names(open_session)) == number + 1
        catalog = Catalog(owned / CATALOG_FILE)
        catalog.forget([Path("/v/0.mp4")])
        catalog.close()
        assert len(names(open_session)) == 3


@pytest.mark.parametrize("encoder", [NotANumber(), TooLarge()])
def test_words_without_an_embedding_are_refused_and_never_cached(
    tmp_path: Path, encoder: ColorEncoder
) -> None:
    make(tmp_path / "index", RED)
    with session(tmp_path / "index", encoder) as broken, pytest.raises(InvalidInput, match="“red”"):
        names(broken)
    with session(tmp_path / "index") as healthy:
        assert names(healthy) == ["0.mp4"]


@pytest.mark.parametrize("weight", [1.0, -0.5])
def test_terms_without_an_embedding_are_refused(tmp_path: Path, weight: float) -> None:
    make(tmp_path / "index", RED)
    query = Query("odd", (Term(Words("red")), Term(Words("blue"), weight)))
    with (
        session(tmp_path / "index", NotANumber()) as broken,
        pytest.raises(InvalidInput, match="no embedding"),
    ):
        broken.find(query)


@pytest.mark.parametrize("encoder", [NotANumber(), TooLarge()])
def test_a_picture_without_an_embedding_is_refused(tmp_path: Path, encoder: ColorEncoder) -> None:
    make(tmp_path / "index", RED)
    Image.new("RGB", (64, 48), "red").save(tmp_path / "a.png")
    with session(tmp_path / "index", encoder) as broken:
        if isinstance(encoder, TooLarge):  # a picture is never kept, and its length does not matter
            assert len(broken.find_like(broken.see(Example(tmp_path / "a.png")))) == 1
            return
        with pytest.raises(InvalidInput, match=r"a\.png: the encoder returns no embedding"):
            broken.see(Example(tmp_path / "a.png"))


@pytest.mark.parametrize("color", [(math.nan, 0.0, 0.0), (math.inf, 0.0, 0.0), (0.0, 0.0, 0.0)])
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_an_indexed_video_without_an_embedding_is_refused_as_an_example(
    tmp_path: Path, color: tuple[float, float, float]
) -> None:
    make(tmp_path / "index", color, RED)
    with (
        session(tmp_path / "index") as found,
        pytest.raises(InvalidInput, match=r"0\.mp4: the encoder returns"),
    ):
        found.see(Example(Path("/v/0.mp4")))


@pytest.mark.parametrize("weights", [(1e308, 1e308), (1e-320, 1e-320), (1e308, -1e308)])
def test_extreme_weights_give_a_direction_or_a_sentence(tmp_path: Path, weights: tuple[float, float]) -> None:
    make(tmp_path / "index", RED, BLUE)
    query = Query("odd", tuple(Term(Words("red"), weight) for weight in weights))
    with session(tmp_path / "index") as found:
        if sum(weights) == 0:
            with pytest.raises(InvalidInput, match="cancel each other out"):
                found.embed(query)
        else:
            red = ColorEncoder().encode_texts(["red"])[0]
            np.testing.assert_allclose(found.embed(query), red, atol=1e-6)
