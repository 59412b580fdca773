"""A tiny CLIP with random weights."""

import pytest

from tests.conftest import MakeOnce
from tests.model.conftest import make_tiny_clip
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import LoadedModel, load_vifi_clip


@pytest.fixture(scope="session")
def tiny(make_once: MakeOnce) -> LoadedModel:
    return load_vifi_clip(resolve_model(str(make_once("tiny_clip", make_tiny_clip))))
