"""What is announced while an encoder is loaded."""

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from vifi_cli.api.feedback import AUTOMATIC, Logged
from vifi_cli.api.library.encoders import EncoderChoice, load_both_sides, load_query_encoder
from vifi_cli.errors import ModelUnavailable
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.video.decode.frame_sampling import FrameSampling


class Announced(Exception):
    """What was announced; nothing is loaded."""


class Announcing(Logged):
    def busy(self, what: str) -> AbstractContextManager[object]:
        raise Announced(what)


def announced(model: str, device: str = "auto") -> str:
    with pytest.raises(Announced) as raised:
        load_both_sides(resolve_model(model), device, Announcing())
    return str(raised.value)


def test_compiling_is_announced_where_it_happens(starter_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert announced("starter") == "Compiling starter for this machine, once"
    monkeypatch.setenv("VIFI_HOME", str(starter_home))
    assert announced("starter") == "Loading starter"


def test_other_encoders_are_loaded() -> None:
    assert announced("ViT-B-16/laion400m_e32") == "Loading ViT-B-16/laion400m_e32"


def test_without_hub_a_search_is_told_to_omit_the_model() -> None:
    signature = replace(indexed_with(ColorEncoder(), FrameSampling()), model="starter")
    with pytest.raises(
        ModelUnavailable, match="connect, or omit --model: starter, which made the index"
    ) as caught:
        load_query_encoder(signature, EncoderChoice("clip-vit-b-16"), AUTOMATIC)
    assert "--model starter" not in str(caught.value)
