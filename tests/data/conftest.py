"""Files that stand in for videos where nothing is decoded."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[3] / "shared"

MakeFiles = Callable[[Path, Iterable[str]], None]


@pytest.fixture
def make_files() -> MakeFiles:
    """Makes files of different content under a folder, by their relative paths."""

    def make(folder: Path, names: Iterable[str]) -> None:
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)

    return make


@pytest.fixture
def reference() -> Path:
    """The folder of label and list files as ViFi-CLIP's users have them."""
    folder = SHARED / "reference"
    if not folder.is_dir():
        pytest.skip("the reference lists in ../shared are missing")
    return folder
