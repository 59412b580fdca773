import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Vifi


def test_without_its_package_it_says_how_to_install_it(vifi: Vifi, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith("vifi_cli.mcp_server")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    outcome = vifi("mcp")
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "pip install 'vifi[mcp]'" in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1


def test_without_input_it_ends_and_writes_nothing(vifi_home: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "vifi_cli", "mcp"], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert not (vifi_home / "cut").exists()
