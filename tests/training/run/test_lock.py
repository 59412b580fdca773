"""One process trains in a folder; others are told who, and a killed one leaves nothing in the way."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import pytest

from vifi_cli.errors import InvalidInput
from vifi_cli.training.recipe.changes import make_recipe
from vifi_cli.training.run.folder import RunConfig, RunFolder
from vifi_cli.training.run.lock import HOLDER_FILE, trainer_of, training_lock
from vifi_cli.training.run.summary import summarize

HOLD = """
import sys
from pathlib import Path
from vifi_cli.training.run.lock import training_lock
with training_lock(Path(sys.argv[1]), print):
    print("held", flush=True)
    sys.stdin.read()
"""


def begun(folder: Path, preset: str = "small", model: str = "starter") -> RunFolder:
    run = RunFolder(folder)
    run.begin(RunConfig(model, "clips", "", "supervised", "default", make_recipe(preset)))
    return run


@contextmanager
def another_process_training(folder: Path) -> Iterator[int]:
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield holder.pid
        holder.kill()


def test_the_second_is_told_who_trains_and_a_killed_process_frees_the_run(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    assert (summarize(run).state, trainer_of(run.path)) == ("not started", "")
    with another_process_training(run.path) as pid:
        with (
            pytest.raises(InvalidInput, match=rf"process {pid} on .* trains in .*run: wait"),
            training_lock(run.path, print),
        ):
            pass
        with pytest.raises(InvalidInput, match=f"process {pid} on .*: name another --output"):
            begun(run.path)
        running = summarize(run)
        assert (running.state, running.can_resume) == ("running", False)
    assert (run.path / HOLDER_FILE).exists(), "a killed process cannot clean up"
    assert (summarize(run).state, trainer_of(run.path)) == ("not started", "")
    with training_lock(run.path, print):
        assert f"process {os.getpid()} " in trainer_of(run.path)
    assert [path.name for path in run.path.iterdir()] == ["config.toml"]


def test_a_folder_that_is_given_up_is_as_before(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    with training_lock(run.path, print):
        run.withdraw()
    assert not run.path.exists()


def test_a_file_system_without_locks_costs_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    warned: list[str] = []
    run = begun(tmp_path / "run")
    with training_lock(run.path, warned.append):
        pass
    assert warned == [f"the file system of {run.path} cannot lock files: do not start a second run in it"]
    assert trainer_of(run.path) == ""


def test_the_command_that_continues_a_run(tmp_path: Path) -> None:
    assert begun(tmp_path / "a b").resume_command() == f"vifi finetune --resume '{tmp_path / 'a b'}'"
    assert (
        begun(tmp_path / "p", "prompt-small").resume_command()
        == f"vifi prompt-tune --resume {tmp_path / 'p'}"
    )
    lone = begun(tmp_path / "bridge" / "finetune")
    assert lone.resume_command() == f"vifi finetune --resume {lone.path}"
    second = begun(tmp_path / "bridge" / "prompt", "prompt-small")
    assert lone.resume_command() == f"vifi finetune --resume {lone.path}", (
        "two runs that only have these names"
    )
    second.withdraw()
    second = begun(tmp_path / "bridge" / "prompt", "prompt-small", model=str(lone.best))
    assert {lone.resume_command(), second.resume_command()} == {f"vifi bridge --resume {tmp_path / 'bridge'}"}
    with pytest.raises(
        InvalidInput, match="is not empty: name another --output, or continue with `vifi bridge"
    ):
        begun(lone.path)
