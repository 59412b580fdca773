"""The documentation says what is true: the reference is the program's own, links lead somewhere, commands exist."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from docs.cli import reference
from vifi_cli.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_command_line_reference_is_the_programs_own() -> None:
    assert reference() == (ROOT / "docs" / "cli.md").read_text(), "run `python -m docs.cli`"


def test_the_reference_names_every_option_and_cuts_nothing_off() -> None:
    page = reference()
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        assert f"## `vifi {name}`" in page
        assert " ".join(command.help.split("\n\n")[0].split()) in page
        for parameter in (each for each in command.params if each.param_type_name == "option"):
            assert all(option in page for option in parameter.opts), (name, parameter.opts)
    assert "`-h`" in page


def test_the_map_of_the_architecture_says_what_the_folders_say() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    for package in sorted((ROOT / "vifi_cli").glob("*/**/__init__.py")):
        purpose = package.read_text().strip().strip('"').rstrip(".")
        assert re.search(rf"^ +{package.parent.name}/ +{re.escape(purpose)}$", page, re.MULTILINE), package


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_that_are_named_exist(page: Path) -> None:
    reference = (ROOT / "docs" / "cli.md").read_text()
    text = page.read_text()
    for command, second in re.findall(r"(?:^\$ |`)vifi (\w[\w-]*)(?: (\w+))?", text, re.MULTILINE):
        assert f"## `vifi {command}`" in reference, command
        if command == "model" and second:
            assert f"### `vifi model {second}`" in reference, second
    for line in re.findall(r"(?:^\$ |`)vifi ([^`\n]+)", text, re.MULTILINE):
        for option in re.findall(r"(?<=\s)--[a-z][a-z0-9-]+", line.partition(" | ")[0]):
            assert option in reference, option


def test_promises_name_tests_that_exist() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page)
    assert len(named) > 30
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text() if test else (ROOT / file).exists(), (file, test)


def test_rows_of_the_published_code_name_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "training.md").read_text())
    assert len(named) > 30
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(), (file, test)


def test_every_page_can_be_reached_from_the_readme() -> None:
    linked = set(re.findall(r"\(docs/([\w/-]+\.md)\)", (ROOT / "README.md").read_text()))
    assert {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")} <= linked


def test_the_readme_installs_as_ci_does() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    command = re.search(r"pip install (?P<flags>.*?)-c constraints.txt -e '\.\[dev\]'", script)
    assert command, "the script installs with the README's line"
    assert "pip install -c constraints.txt -e '.[dev]' && pytest" in (ROOT / "README.md").read_text()
