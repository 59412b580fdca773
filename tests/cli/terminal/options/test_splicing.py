from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from vifi_cli.cli.terminal.options.splicing import spliced


@dataclass(frozen=True)
class Size:
    """How large something is."""

    width: Annotated[int, typer.Option("--width", "-w", help="Columns.")] = 3
    height: Annotated[int | None, typer.Option(help="Rows.")] = None

    def __post_init__(self) -> None:
        if self.width == self.height:
            raise ValueError("square")


def run(*arguments: str) -> str:
    app = typer.Typer()

    @app.command()
    @spliced
    def draw(name: Annotated[str, typer.Argument()], size: Size, loud: bool = False) -> None:
        """Draw it."""
        typer.echo(f"{name} {size} {loud}")

    outcome = CliRunner().invoke(app, arguments)
    return outcome.output if outcome.exit_code == 0 else repr(outcome.exception)


def test_a_command_receives_the_bundle() -> None:
    assert run("box", "-w", "5", "--height", "2", "--loud") == "box Size(width=5, height=2) True\n"


def test_options_that_are_not_given_have_the_defaults_of_the_fields() -> None:
    assert run("box") == "box Size(width=3, height=None) False\n"


def test_a_bundle_checks_its_options_together() -> None:
    assert run("box", "--height", "3") == "ValueError('square')"


def test_the_help_of_a_command_lists_the_options_of_its_bundles() -> None:
    shown = run("--help")
    assert "Draw it." in shown
    assert "--width" in shown
    assert "Rows." in shown


def test_two_options_of_one_name_are_refused() -> None:
    with pytest.raises(TypeError, match="two options named width"):

        @spliced
        def draw(size: Size, width: int = 2) -> None: ...
