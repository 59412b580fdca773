"""`vifi config`, and how commands follow the settings."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Vifi
from vifi_cli.paths import config_file


def test_settings_are_listed_with_their_sources(vifi: Vifi, monkeypatch: pytest.MonkeyPatch) -> None:
    assert vifi("config", "set", "exclude", "old clips", "proxies").exit_code == 0
    monkeypatch.setenv("VIFI_TOP", "3")
    listed = {one["key"]: one for one in json.loads(vifi("config", "list", "--json").stdout)}
    assert listed["top"] == {
        "key": "top", "value": 3, "source": "environment", "place": "VIFI_TOP", "variable": "VIFI_TOP"
    }  # fmt: skip
    assert listed["exclude"]["value"] == ["old clips", "proxies"]
    assert (listed["exclude"]["source"], listed["exclude"]["place"]) == ("file", str(config_file()))
    assert (listed["model"]["value"], listed["model"]["source"]) == (None, "default")
    shown = vifi("config", "list", is_terminal=True).stdout
    assert "'old clips' proxies" in shown
    assert "(the index's own)" in shown


def test_a_value_is_printed_or_its_absence_reported(vifi: Vifi) -> None:
    vifi("config", "set", "exclude", "a b", "c")
    assert vifi("config", "get", "exclude").stdout == "a b\nc\n"
    assert vifi("config", "get", "device").stdout == "auto\n"
    absent = vifi("config", "get", "model")
    assert (absent.exit_code, absent.stdout) == (1, "")
    assert "model is not set" in absent.stderr
    assert vifi("config", "get", "tpo").exit_code == 2
    assert vifi("config", "path").stdout == f"{config_file()}\n"


def test_a_variable_that_wins_is_reported(vifi: Vifi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIFI_TOP", "3")
    assert "VIFI_TOP is set, and wins over the file: 3" in vifi("config", "set", "top", "5").stderr
    assert config_file().read_text() == "top = 5\n"


def test_help_shows_the_default_that_applies(vifi: Vifi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIFI_TOP", "7")
    config_file().write_text('device = "cpu"\n')
    shown = " ".join(vifi("search", "-h").stdout.split())
    assert "Maximum number of hits; 0 for all [env: VIFI_TOP] [default: 7]" in shown
    assert "[env: VIFI_DEVICE] [default: cpu]" in shown
    config_file().write_text("device = 1\n")
    assert "[env: VIFI_TOP] [default: 10]" in " ".join(vifi("search", "-h").stdout.split())


def test_wrong_settings_stop_every_command_but_those_that_help(vifi: Vifi) -> None:
    config_file().write_text("\ntpo = 3\n")
    stopped = vifi("status")
    assert stopped.exit_code == 2
    assert stopped.stderr == (
        f"error: {config_file()}, line 2: there is no setting 'tpo'; did you mean top? "
        "`vifi config unset tpo` removes it\n"
    )
    assert "there is no setting 'tpo'" in vifi("doctor").stdout
    assert vifi("--version").exit_code == vifi("status", "--help").exit_code == 0
    assert vifi("config", "unset", "tpo").exit_code == 0
    assert "nothing is indexed yet" in vifi("status").stderr


def test_a_flag_wins_over_a_setting(vifi: Vifi, indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIFI_TOP", "1")
    search = ("search", "a cat", "--min-score", "0", "--jsonl")
    assert len(vifi(*search).stdout.splitlines()) == 1
    assert len(vifi(*search, "--top", "3").stdout.splitlines()) == 3


def restore_color_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the variables for a test, and again after it what a command has set."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_INTERACTIVE"):
        monkeypatch.setenv(name, "to be removed again")
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("file", "variables", "colored"),
    [
        ("", {}, True),
        ('colors = "never"', {}, False),
        ('colors = "always"', {"NO_COLOR": "1"}, False),
        ('colors = "never"', {"FORCE_COLOR": "1"}, True),
        ("", {"NO_COLOR": "1", "VIFI_COLORS": "always"}, True),
        ('colors = "always"', {"VIFI_COLORS": "never"}, False),
    ],
)
def test_colors(
    vifi: Vifi, monkeypatch: pytest.MonkeyPatch, file: str, variables: dict[str, str], colored: bool
) -> None:
    config_file().write_text(file)
    monkeypatch.setenv("TERM", "xterm-256color")
    restore_color_variables(monkeypatch)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    shown = vifi("config", "-h", is_terminal=True).stdout
    assert ("\x1b[1;32mUsage" in shown) is colored


def test_colors_always_also_color_a_pipe(vifi: Vifi, monkeypatch: pytest.MonkeyPatch) -> None:
    restore_color_variables(monkeypatch)
    config_file().write_text('colors = "always"')
    assert "\x1b[" in vifi("config", "-h").stdout
