"""The mend for a CUDA torchvision beside a CPU torch fires there and only there."""

import subprocess
import sys
from pathlib import Path

import pytest

BUILT_FOR_CUDA, BUILT_FOR_CPU = "__version__ = '0.28.0+cu130'", "__version__ = '0.28.0+cpu'"
PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
import torch
torch.version.cuda = {cuda!r}
from vifi_cli.model.torchvision_operators import declare_missing_operators
print(declare_missing_operators() is not None, declare_missing_operators() is declare_missing_operators())
"""


@pytest.mark.parametrize(
    ("version", "cuda", "fires"),
    [(BUILT_FOR_CUDA, None, True), (BUILT_FOR_CPU, None, False), (BUILT_FOR_CUDA, "13.0", False)],
)
def test_fires_on_a_mismatched_pair_only(tmp_path: Path, version: str, cuda: str | None, fires: bool) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").touch()
    (tmp_path / "torchvision" / "version.py").write_text(version)
    program = PROGRAM.format(folder=str(tmp_path), cuda=cuda)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.split() == [str(fires), "True"], run.stderr


def test_open_clip_imports_here() -> None:
    from vifi_cli.model.torchvision_operators import declare_missing_operators

    declare_missing_operators()
    import open_clip

    assert open_clip.list_models()
