"""Paths as people type them, and as file systems hold them."""

import os
import unicodedata
from pathlib import Path

import pytest

from vifi_cli.paths import (
    data_folder,
    given_path,
    is_given_file,
    is_given_folder,
    searched_index_folder,
    unicode_form,
)

COMPOSED = unicodedata.normalize("NFC", "Café Zürich")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


def require_both_forms(folder: Path) -> None:
    (folder / f"{COMPOSED} probe").touch()
    if (folder / f"{DECOMPOSED} probe").exists():
        pytest.skip("this file system takes both Unicode forms for one name")
    (folder / f"{COMPOSED} probe").unlink()


@pytest.mark.parametrize(("on_disk", "typed"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_a_path_is_spelled_as_on_disk(tmp_path: Path, on_disk: str, typed: str) -> None:
    require_both_forms(tmp_path)
    file = tmp_path / on_disk / f"{on_disk}.mp4"
    file.parent.mkdir()
    file.touch()
    assert given_path(tmp_path / typed / f"{typed}.mp4") == file
    assert is_given_file(tmp_path / typed / f"{typed}.mp4")
    assert is_given_folder(tmp_path / typed)
    assert given_path(tmp_path / typed / "new.mp4") == file.parent / "new.mp4"
    assert given_path(tmp_path / typed / f"{typed}, absent.mp4") == file.parent / f"{typed}, absent.mp4"


def test_two_files_of_the_same_letters_are_two_files(tmp_path: Path) -> None:
    require_both_forms(tmp_path)
    for name in (COMPOSED, DECOMPOSED):
        (tmp_path / name).touch()
        assert given_path(tmp_path / name) == tmp_path / name


def test_names_that_are_no_text_keep_their_bytes(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9 \xff.mp4")
    assert given_path(tmp_path / name) == tmp_path / name
    assert unicode_form(name) == name


@pytest.mark.parametrize("text", ["word " * 2000, "ü" * 5000, "a\0b", ""])
def test_texts_that_cannot_be_files_are_none(text: str) -> None:
    assert not is_given_file(text)


@pytest.mark.parametrize(
    ("present", "searched"),
    [
        ((), "index"),
        (("demo/index",), "demo/index"),
        (("index", "demo/index"), "index"),
        (("index.rebuild", "index.replaced", "demo/index"), "index"),  # a rebuild is just taking its place
    ],
)
def test_the_demo_is_searched_as_long_as_there_is_no_index(present: tuple[str, ...], searched: str) -> None:
    for folder in present:
        (data_folder() / folder).mkdir(parents=True)
    assert searched_index_folder() == data_folder() / searched
