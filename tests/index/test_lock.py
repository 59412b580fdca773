import os
import subprocess
import sys
from pathlib import Path

import pytest

from vifi_cli.errors import IndexLocked
from vifi_cli.index.lock import write_lock

HOLD = """
import sys
from pathlib import Path
from vifi_cli.index.lock import write_lock
with write_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "index")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(IndexLocked, match=f"process {holder.pid} "), write_lock(tmp_path / "index"):
            pass
        holder.kill()
    with write_lock(tmp_path / "index"):  # the death of its holder frees it
        pass
    with write_lock(tmp_path / "index"):
        assert str(os.getpid()) in (tmp_path / "index.lock-holder.json").read_text()
