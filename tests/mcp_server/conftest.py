"""A library that all tests of the server read."""

import pytest

from tests.web.conftest import Library, make_clips


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A library that is only read."""
    folder = tmp_path_factory.mktemp("library")
    library = Library(folder / "videos", folder / "index")
    make_clips(library.videos)
    library.update()
    return library
