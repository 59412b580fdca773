"""Nothing leaves the machine: libraries that report their use are told not to before they are loaded."""

import os
import subprocess
import sys
from pathlib import Path

import vifi_cli

RUN = """
import sys
from pathlib import Path
from vifi_cli.model.runtime.onnx_runtime import open_session
assert open_session(Path(sys.argv[1])) is not None
import huggingface_hub.constants
print(huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY)
"""


def test_no_library_keeps_or_sends_what_is_done(starter_home: Path, tmp_path: Path) -> None:
    """Without the variables, ONNX Runtime writes an identifier of the machine and its events under the home folder."""
    compiled = next((starter_home / "cache").glob("vision-*.onnx"))
    inherited = {name: value for name, value in os.environ.items() if name not in vifi_cli.NO_TELEMETRY}
    homes = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", RUN, compiled],
        env=inherited | homes,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "True"
    assert list(tmp_path.rglob("*")) == []


def test_a_users_own_choice_counts() -> None:
    program = "import os, vifi_cli; print(os.environ['HF_HUB_DISABLE_TELEMETRY'], os.environ['ORT_DISABLE_TELEMETRY'])"
    environment = {name: value for name, value in os.environ.items() if name not in vifi_cli.NO_TELEMETRY}
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=environment | {"HF_HUB_DISABLE_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == ["0", "1"]
