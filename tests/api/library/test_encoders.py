"""What is announced while an encoder is loaded."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from vifi_cli.api.feedback import Logged
from vifi_cli.api.library.encoders import load_both_sides
from vifi_cli.model.registry.source import resolve_model


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
