"""The help of all commands: what it shows, and that it fits a terminal of 80 columns."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from tests.cli.conftest import Vifi
from vifi_cli.cli.app import app
from vifi_cli.cli.terminal.help import COMMAND_GROUPS

ROOT = Path(__file__).parents[3]
COMMANDS = [*get_command(app).commands, "model merge", "data check", "data split"]  # type: ignore[attr-defined]


def test_commands_are_grouped(vifi: Vifi) -> None:
    shown = vifi("--help").stdout
    places = [shown.index(f"\n{group}:\n") for group in COMMAND_GROUPS]
    assert places == sorted(places)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_no_types_and_no_ranges(vifi: Vifi, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = vifi(*command.split(), "--help").stdout
    assert not re.search(r"<\w+>|<=|\[default: \(|None", shown)
    assert max(map(len, shown.splitlines())) <= 80
    assert f"Usage: vifi {command} " in f"{shown} "


@pytest.mark.parametrize("command", get_command(app).commands)  # type: ignore[attr-defined]
def test_the_words_of_an_option_fit_a_line(command: str) -> None:
    parameters = get_command(app).commands[command].params  # type: ignore[attr-defined]
    for option in (each for each in parameters if each.param_type_name == "option"):
        assert 0 < len(option.help) <= 100, option.opts
        assert not option.help.endswith("."), option.opts


def test_an_option_has_one_short_form_everywhere() -> None:
    short_forms: dict[str, set[str]] = {}
    for command in get_command(app).commands.values():  # type: ignore[attr-defined]
        for option in (each for each in command.params if each.param_type_name == "option"):
            long = next(name for name in option.opts if name.startswith("--"))
            short_forms.setdefault(long, set()).add(" ".join(set(option.opts) - {long}))
    assert {long: forms for long, forms in short_forms.items() if len(forms) > 1} == {}


def test_defaults_choices_and_variables_are_named(vifi: Vifi) -> None:
    shown = " ".join(vifi("search", "-h").stdout.split())
    assert "-t, --top N" in shown
    assert "[default: 10]" in shown
    assert "[choices: auto, cuda, mps, cpu]" in shown
    assert "[env: VIFI_DATA_ROOT]" in " ".join(vifi("data", "check", "-h").stdout.split())


def test_a_mistake_on_the_command_line_is_one_line_that_names_the_help(vifi: Vifi) -> None:
    outcome = vifi("search", "cat", "--tpo", "3")
    assert outcome.exit_code == 2
    assert (
        outcome.stderr == "error: No such option: --tpo (Possible options: --top). See `vifi search --help`\n"
    )


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--top", "x", "Invalid value for '--top' / '-t': Input should be a valid integer."),
        (
            "--device",
            "tpu",
            "Invalid value for '--device': 'tpu' is not one of 'auto', 'cuda', 'mps', 'cpu'.",
        ),
    ],
)
def test_a_value_that_makes_no_sense_is_one_line(vifi: Vifi, option: str, value: str, said: str) -> None:
    assert vifi("search", "cat", option, value).stderr == f"error: {said} See `vifi search --help`\n"


def test_without_arguments_help_is_shown(vifi: Vifi) -> None:
    outcome = vifi()
    assert (outcome.exit_code, outcome.stderr) == (2, "")
    assert "Usage: vifi [OPTIONS] COMMAND" in outcome.stdout


def test_help_can_be_asked_for_as_a_command(vifi: Vifi) -> None:
    for asked, same in (
        (["help"], []),
        (["help", "model", "pull"], ["model", "pull"]),
        (["model", "help"], ["model"]),
    ):
        outcome = vifi(*asked)
        assert outcome.exit_code == 0
        assert outcome.stdout == vifi(*same, "--help").stdout
    assert "No such command 'nosuch'" in vifi("help", "nosuch").stderr


def test_help_has_colors_on_a_terminal_only() -> None:
    command = [sys.executable, "-m", "vifi_cli", "search", "--help"]
    plain = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert b"\x1b" not in plain.stdout
    colored = subprocess.run(
        command, cwd=ROOT, capture_output=True, check=True, env={**os.environ, "FORCE_COLOR": "1"}
    )
    assert b"\x1b[1" in colored.stdout
