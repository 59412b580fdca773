"""What the tests of evaluation share: a tiny CLIP with random weights."""

import pytest

from tests.model.conftest import make_tiny_clip
from vifi_cli.model.folders.folder import LoadedModel, load_vifi_clip


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return load_vifi_clip(str(make_tiny_clip(tmp_path_factory.mktemp("model") / "tiny")))
