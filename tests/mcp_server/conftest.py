"""A library that all tests of the server read."""

import pytest

from tests.web.conftest import Library, indexed_clips


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A library that is only read."""
    return indexed_clips(tmp_path_factory.mktemp("library"))
