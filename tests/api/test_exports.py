"""What `vifi_cli` exports, as a program uses it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import vifi_cli
from vifi_cli.api.library.demo import photograph
from vifi_cli.video.export.camera_moves import Scene, write_scenes

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "python.md"


def test_importing_loads_nothing_heavy_and_names_come_when_they_are_used() -> None:
    heavy = "{'torch', 'numpy', 'faiss', 'av', 'onnxruntime', 'matplotlib'} & set(sys.modules)"
    named = "vifi_cli.words; print('vifi_cli.api.search.query_language' in sys.modules)"
    script = f"import sys, vifi_cli; print(sorted({heavy})); {named}"
    asked = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert asked.stdout == "[]\nTrue\n"


def test_every_export_is_there_and_documented() -> None:
    page = PAGE.read_text()
    for name in vifi_cli.__all__:
        assert getattr(vifi_cli, name) is not None
        assert name == "__version__" or f"`{name}`" in page or f"{name}(" in page, name
    assert set(vifi_cli.__all__) <= set(dir(vifi_cli))
    with pytest.raises(AttributeError, match="no attribute 'serach'"):
        _ = vifi_cli.serach


@pytest.mark.slow
def test_the_examples_of_the_page_run_as_a_plain_script(
    starter: None, clips: Path, tmp_path: Path, vifi_home: Path
) -> None:
    """With no `if __name__ == "__main__":`, although decoding runs in processes of its own; one epoch is enough."""
    (tmp_path / "videos").symlink_to(clips)
    _write_labelled_clips(tmp_path / "clips")
    page = PAGE.read_text()
    assert 'recipe=["frames=4"]' in page
    page = page.replace('recipe=["frames=4"]', 'recipe=["frames=4", "epochs=1"]')
    script = tmp_path / "script.py"
    script.write_text("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)))
    environment = os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    run = subprocess.run(
        [sys.executable, script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    lines = run.stdout.splitlines()
    assert lines[:2] == [
        "<DataSplit few.csv: 6 train, 0 val, 3 test>",
        f"<DataCheck '{tmp_path / 'few.csv'}': 9 videos, no problems>",
    ]
    assert lines[2].startswith(f"<RunResult {tmp_path / 'runs' / 'moves' / 'best'}: epoch 1, test top-1 ")
    assert lines[3] == "Report: Supervised accuracy on few.csv"
    assert any(line.startswith("<OpenIndex moves-index: 9 videos, ") for line in lines)
    indexed = lines.index("4 added; 0 cannot be read")
    assert lines[indexed + 1].startswith("pets.mp4 ")
    assert any(line.startswith("a cup of coffee {'a c") or line.startswith("a cat {'a c") for line in lines)
    for made in ("cats", "reel.mp4", "cats.edl", "cats.html", "attention.png", "map/embed-map.html"):
        assert (tmp_path / made).exists(), made
    assert (tmp_path / "cats").is_dir()
    assert (tmp_path / "reports" / "moves" / "report.html").exists()
    assert list(vifi_home.glob("index/*")), "the user's own index, where VIFI_HOME says"


def _write_labelled_clips(folder: Path) -> None:
    """A folder per class with a clip of each of three persons, all of them different files."""
    for label, name in {"a cat": "chelsea", "a cup of coffee": "coffee", "a rocket": "rocket"}.items():
        (folder / label).mkdir(parents=True)
        for number, person in enumerate(("daria", "lena", "moshe")):
            write_scenes(folder / label / f"{person}_1.mp4", [Scene(photograph(name), 1 + number / 4)])
