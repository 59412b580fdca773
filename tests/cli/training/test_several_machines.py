"""Training on several machines: two torchruns with one process each, which meet on this one."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.cli.training.test_finetune import recipe, run_in_two_processes, step_losses


def machine(port: int, stderr: int, *arguments: object) -> subprocess.Popen[bytes]:
    """Starts one of two machines, which runs `vifi` in a single process and restarts it up to three times."""
    launcher = (
        f"--nnodes=2 --nproc-per-node=1 --max-restarts=3 --rdzv-backend=c10d --rdzv-endpoint=127.0.0.1:{port}"
    )
    # the name of this machine may lead to an address that it cannot reach
    launcher += " --local-addr=127.0.0.1"
    command = [sys.executable, "-m", "torch.distributed.run", *launcher.split(), "-m", "vifi_cli"]
    return subprocess.Popen([*command, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=stderr)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.slow
def test_a_run_goes_on_when_a_process_of_another_machine_was_killed(
    colours: Path, tiny: Path, tmp_path: Path
) -> None:
    changes = recipe("epochs=3", "mixing.group=2")
    arguments = ("finetune", "--data", colours, "--model", tiny, "--device", "cpu", *changes)
    run_in_two_processes(*arguments, "-o", tmp_path / "undisturbed")
    port, (reading, writing) = free_port(), os.pipe()
    machines = [machine(port, writing, *arguments, "-o", tmp_path / "run") for _ in range(2)]
    os.close(writing)
    with os.fdopen(reading, errors="replace") as said:
        lines = list(_with_kill(said, machines[1]))
    assert [each.wait() for each in machines] == [0, 0], "".join(lines)
    starts = [line for line in lines if line.startswith("run: ")]
    assert len(starts) == 2, "".join(lines)
    assert len([line for line in lines if line.startswith("before")]) == 1, (
        "it goes on, and does not begin again"
    )
    assert not any("RuntimeError" in line for line in lines if line.startswith("error:"))
    assert step_losses(tmp_path / "run") == step_losses(tmp_path / "undisturbed")
    expected, restarted = (tmp_path / name / "last/weights.safetensors" for name in ("undisturbed", "run"))
    assert restarted.read_bytes() == expected.read_bytes()


def _with_kill(said: Iterator[str], victim: subprocess.Popen[bytes]) -> Iterator[str]:
    """Forwards messages; at that of the second epoch, the process of the victim dies."""
    is_alive = True
    for line in said:
        if is_alive and line.startswith("epoch 2"):
            (worker,) = psutil.Process(victim.pid).children()
            worker.send_signal(signal.SIGKILL)
            is_alive = False
        yield line
