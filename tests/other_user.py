"""Code that runs as another user of this machine, who may only do what the access rights allow."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534

needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can act as another user"
)

# modules are imported first, since the other user may not be allowed to read them
BECOME_NOBODY = f"""
import os, sys
from pathlib import Path
import faiss
from sqlite_utils import Database
from tests.color_encoder import ColorEncoder
from vifi_cli.errors import VifiError
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.vectors import open_vectors
Database(memory=True)  # loads its plugins
os.setgroups([])
os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
folder = Path(sys.argv[1])
"""


def as_other_user(code: str, folder: Path) -> str:
    """The output of code that runs as nobody, with `folder`; its errors fail the test."""
    done = subprocess.run(
        [sys.executable, "-c", BECOME_NOBODY + code, str(folder)],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def folder_for_all() -> Iterator[Path]:
    """A temporary folder that other users reach, which those of pytest are not."""
    folder = Path(tempfile.mkdtemp(prefix="vifi-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
