"""Weights files are written so that a killed process leaves nothing for good."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vifi_cli.disk.replacement import remove_abandoned

DIES_WHILE_IT_WRITES = """
import resource, signal, sys
from pathlib import Path
import torch
from vifi_cli.model.weights.weights_file import save_weights
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
save_weights({"weight": torch.zeros(100_000)}, Path(sys.argv[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_what_a_killed_process_leaves_is_known_as_abandoned(tmp_path: Path) -> None:
    file = tmp_path / "state.safetensors"
    ended = subprocess.run([sys.executable, "-c", DIES_WHILE_IT_WRITES, str(file)], check=False)
    assert ended.returncode == -signal.SIGXFSZ
    assert any(tmp_path.rglob(".*")), "it was writing"
    remove_abandoned(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
