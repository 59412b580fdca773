"""Names in one Unicode form on disk and in another on the keyboard."""

import unicodedata
from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from tests.made_videos import solid_colour_clip
from tests.test_paths import require_both_forms
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.video_filter import path_matches
from vifi_cli.index.search.examples import look_up_example
from vifi_cli.index.search.query import Example
from vifi_cli.index.update.indexer import update_index
from vifi_cli.index.update.pruning import find_prunable
from vifi_cli.video.files.discovery import find_videos

COMPOSED = unicodedata.normalize("NFC", "Fête à Zürich")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


@pytest.fixture
def folder(tmp_path: Path, catalog: Catalog) -> Path:
    """A folder in the decomposed form, as macOS writes it, indexed and then unplugged."""
    require_both_forms(tmp_path)
    root = tmp_path / "videos"
    (root / DECOMPOSED).mkdir(parents=True)
    solid_colour_clip(root / DECOMPOSED / f"{DECOMPOSED}.mp4", [("red", 1.0)])
    update_index(catalog, find_videos([root]), [root], ColorEncoder)
    root.rename(tmp_path / "unplugged")
    return root


@pytest.mark.parametrize(
    "pattern", ["*F\N{LATIN SMALL LETTER E WITH CIRCUMFLEX}te*", COMPOSED, DECOMPOSED, f"*/{COMPOSED}.mp4"]
)
def test_patterns_match_in_any_form(folder: Path, pattern: str) -> None:
    path = folder / DECOMPOSED / f"{DECOMPOSED}.mp4"
    assert path_matches(path, pattern)
    assert path_matches(Path(unicodedata.normalize("NFC", str(path))), pattern)
    assert path_matches(path, f"{folder}/{COMPOSED}")
    assert not path_matches(path, "*Fete*")


def test_videos_are_found_in_any_form_and_keep_their_own(folder: Path, catalog: Catalog) -> None:
    typed = folder / COMPOSED / f"{COMPOSED}.mp4"
    found = catalog.video_at(typed)
    assert found is not None
    assert found.path == folder / DECOMPOSED / f"{DECOMPOSED}.mp4"
    assert look_up_example(catalog, Example(typed)) is not None
    assert catalog.video_at(folder / "Fete.mp4") is None


def test_pruning_takes_a_folder_in_any_form_and_no_other(folder: Path, catalog: Catalog) -> None:
    assert len(find_prunable(catalog, [folder / COMPOSED]).videos) == 1
    assert not find_prunable(catalog, [folder / "Fete"])
    (folder / COMPOSED).mkdir(parents=True)
    clip = solid_colour_clip(folder / COMPOSED / "other.mp4", [("blue", 1.0)])
    update_index(catalog, find_videos([folder]), [folder], ColorEncoder)
    assert find_prunable(catalog, [folder / COMPOSED]).videos == (clip,), "two folders of the same letters"


def test_patterns_that_exclude_match_in_any_form(tmp_path: Path) -> None:
    (tmp_path / DECOMPOSED).mkdir()
    (tmp_path / DECOMPOSED / "a.mp4").touch()
    assert not find_videos([tmp_path], exclude=[COMPOSED]).videos
    assert not find_videos([tmp_path], exclude=[f"{COMPOSED}/*"]).videos
