"""The main paths need nothing that POSIX systems alone have: mypy checks it for Windows, and here they run without."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.made_videos import solid_colour_clip

AS_ON_WINDOWS = """
import filelock, av, faiss, multiprocessing.popen_spawn_posix, multiprocessing.resource_tracker, onnxruntime, sqlite3
import os, platformdirs, rich.console, signal, sqlite_utils, ssl, sys, tempfile, time, tokenizers, typer, uuid
from multiprocessing import connection, synchronize

multiprocessing.resource_tracker.ensure_running()
sys.platform = "win32"
for name in ("fcntl", "resource", "readline", "termios", "pwd", "grp"):
    sys.modules[name] = None
for name in ("pread", "chown", "fchmod", "geteuid", "getuid", "getgid", "listxattr", "statvfs", "makedev",
             "setpriority", "sched_getaffinity", "O_NOFOLLOW", "O_CLOEXEC", "fork", "killpg", "mkfifo"):
    delattr(os, name)
for name in ("SIGALRM", "SIGHUP", "SIGCHLD", "setitimer", "pthread_sigmask", "sigwaitinfo"):
    delattr(signal, name)
del time.clock_gettime
import vifi_cli.stop_signals
vifi_cli.stop_signals.raise_on_stop()
from vifi_cli.cli.app import main
main()
"""


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="newer libraries look for parts of Windows itself")
def test_index_search_and_cut_run_without_what_windows_does_not_have(
    tmp_path: Path, starter_home: Path
) -> None:
    (tmp_path / "videos").mkdir()
    solid_colour_clip(tmp_path / "videos" / "red.mp4", [("red", 3.0)])
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "cache").symlink_to(starter_home / "cache")

    def vifi(*arguments: object) -> str:
        run = subprocess.run(
            [sys.executable, "-c", AS_ON_WINDOWS, *map(str, arguments)],
            env=os.environ | {"VIFI_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    assert "1 video added" in vifi("index", tmp_path / "videos", "--model", "starter")
    (hit,) = json.loads(vifi("search", "red", "--json", "--min-score", "0"))["hits"]
    assert Path(hit["path"]).name == "red.mp4"
    vifi("cut", f"{tmp_path / 'videos' / 'red.mp4'}@0:01-0:02", "-o", tmp_path / "cut")
    assert len(list((tmp_path / "cut").glob("*.mp4"))) == 1
