"""Encoders of a user's own: what they lack is named, and nothing but embeddings gets into an index."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.motion import Motion, write_square
from vifi_cli import index_videos, open_index
from vifi_cli.errors import EncoderMismatch, InvalidInput
from vifi_cli.index.encoder import check_encoder, embed_clips

CLIPS = np.random.default_rng(1).integers(0, 255, (3, 8, 32, 32, 3)).astype(np.uint8)


class Odd(Motion):  # type: ignore[misc]
    """Returns something else than embeddings."""

    def __init__(self, returns: Callable[[Any], object]) -> None:
        self._returns = returns

    def encode_clips(self, pixels: np.ndarray) -> object:
        return self._returns(super().encode_clips(pixels))


def _with(**changed: object) -> Any:
    return type("Changed", (Motion,), changed)()


@pytest.mark.parametrize(
    ("returns", "problem"),
    [
        (lambda good: good[:-1], r"array of numbers, \(3, 3\), not ndarray of float32, \(2, 3\)"),
        (lambda good: np.concatenate([good, good[:1]]), r"not ndarray of float32, \(4, 3\)"),
        (lambda good: good[:, :2], r"not ndarray of float32, \(3, 2\)"),
        (lambda good: good[:, None], r"not ndarray of float32, \(3, 1, 3\)"),
        (lambda good: good.astype(str), "motion has to return an array of numbers"),
        (lambda good: None, "not NoneType of object"),
    ],
)
def test_only_embeddings_are_taken(returns: Callable[[Any], object], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        embed_clips(Odd(returns), CLIPS)


@pytest.mark.parametrize("returns", [np.ndarray.tolist, lambda good: good.astype(np.float64)])
def test_lists_and_other_kinds_of_numbers_are_embeddings(returns: Callable[[Any], object]) -> None:
    embeddings = embed_clips(Odd(returns), CLIPS)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, Motion().encode_clips(CLIPS))


def test_an_index_stays_as_it_was_where_an_encoder_fails(tmp_path: Path) -> None:
    index_videos(write_square(tmp_path / "left.mp4", "left"), folder=tmp_path / "index", encoder=Motion())
    new = write_square(tmp_path / "right.mp4", "right")
    with pytest.raises(InvalidInput, match=r"\(3, 3\), not ndarray of float32, \(4, 3\)"):
        index_videos(
            new, folder=tmp_path / "index", encoder=Odd(lambda good: np.concatenate([good, good[:1]]))
        )
    with pytest.raises(EncoderMismatch, match="motion no longer encodes videos as when"):
        index_videos(new, folder=tmp_path / "index", encoder=_with(dimension=7))
    assert index_videos(new, folder=tmp_path / "index", encoder=Motion()).added == 1
    with open_index(tmp_path / "index") as index:
        assert index.similar(new, top=1)[0].path.name == "left.mp4"


@pytest.mark.parametrize(
    ("encoder", "problem"),
    [
        (Motion, r"encoder=Motion is a class: pass an encoder, Motion\(\)"),
        ("starter", "str is no encoder: it has neither encode_clips nor encode_frames"),
        (_with(dimension="3"), "its dimension has to be a number above 0, not '3'"),
        (_with(dimension=0), "its dimension has to be a number above 0, not 0"),
        (_with(vision_fingerprint=""), "its vision_fingerprint has to be a text, not ''"),
        (_with(geometry=(32, 32)), "its geometry has to be a FrameGeometry"),
        (_with(clip_length=None), "its clip_length has to be a ClipLength, not None"),
        (_with(encode_texts=len), "its text_fingerprint has to be a text, not None"),
        (_with(text_fingerprint="a"), "it has a text_fingerprint, but no encode_texts"),
    ],
)
def test_what_an_encoder_lacks_is_named_at_once(tmp_path: Path, encoder: Any, problem: str) -> None:
    check_encoder(Motion())
    with pytest.raises(InvalidInput, match=problem):
        check_encoder(encoder)
    with pytest.raises(InvalidInput, match=problem):
        index_videos(tmp_path, folder=tmp_path / "index", encoder=encoder)
