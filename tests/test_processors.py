import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vifi_cli import WAIT_POLICIES, processors
from vifi_cli.processors import (
    THREADS_VARIABLE,
    _quota,
    _within,
    computing_threads,
    ffmpeg_threads,
    limit_threads_of_libraries,
    usable_processors,
)

V2 = "30 23 0:26 {root} {point} rw,nosuid - cgroup2 cgroup rw,nsdelegate"
V1 = "31 23 0:27 {root} {point} rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct"
MEMORY = "32 23 0:28 / {point} rw - cgroup cgroup rw,memory"


def system(folder: Path, groups: str, mount: str, files: dict[str, str], root: str = "/") -> Path:
    """A fake /proc/self, and fake control groups mounted in a folder with a space in its name."""
    point = folder / "cgroup here"
    for name, content in files.items():
        file = point / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    (folder / "cgroup").write_text(groups)
    other = MEMORY.format(point=point)
    (folder / "mountinfo").write_text(
        f"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n{other}\n"
        + mount.format(root=root, point=str(point).replace(" ", "\\040"))
    )
    return folder


@pytest.mark.parametrize(
    ("content", "quota"),
    [
        ("200000 100000\n", 2.0),
        ("150000 100000\n", 1.5),
        ("max 100000\n", float("inf")),
        ("", float("inf")),
        ("nonsense\n", float("inf")),
        ("0 0\n", float("inf")),
    ],
)
def test_the_quota_of_version_2(tmp_path: Path, content: str, quota: float) -> None:
    assert _quota(system(tmp_path, "0::/\n", V2, {"cpu.max": content})) == quota


def test_the_lowest_quota_of_nested_groups_counts(tmp_path: Path) -> None:
    files = {
        "a.slice/cpu.max": "300000 100000",
        "a.slice/b.service/cpu.max": "max 100000",
        "a.slice/b.service/c/cpu.max": "800000 100000",
        "other/cpu.max": "100000 100000",
    }
    assert _quota(system(tmp_path, "0::/a.slice/b.service/c\n", V2, files)) == 3.0


def test_the_quota_of_version_1(tmp_path: Path) -> None:
    files = {"pod/c/cpu.cfs_quota_us": "-1\n", "pod/c/cpu.cfs_period_us": "100000\n"}
    files |= {"pod/cpu.cfs_quota_us": "250000\n", "pod/cpu.cfs_period_us": "100000\n"}
    groups = "5:memory:/other\n4:cpu,cpuacct:/pod/c\n0::/\n"
    assert _quota(system(tmp_path, groups, V1, files)) == 2.5


@pytest.mark.parametrize("root", ["/docker/0123", "/"])
def test_in_a_container_the_group_is_mounted_as_the_root(tmp_path: Path, root: str) -> None:
    files = {"cpu.cfs_quota_us": "200000", "cpu.cfs_period_us": "100000"}
    assert _quota(system(tmp_path, "4:cpu,cpuacct:/docker/0123\n", V1, files, root)) == 2.0
    assert _quota(system(tmp_path, "0::/docker/0123\n", V2, {"cpu.max": "100000 100000"}, root)) == 1.0


def test_without_control_groups_there_is_no_quota(tmp_path: Path) -> None:
    assert _quota(tmp_path / "absent") == float("inf")
    (tmp_path / "cgroup").write_text("garbage\n")
    (tmp_path / "mountinfo").write_text("garbage\n1 2 3\n")
    assert _quota(tmp_path) == float("inf")


def test_a_quota_limits_the_number_but_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "_affinity", lambda: 8)
    assert [_within(quota) for quota in (0.1, 1.0, 1.5, 7.9, 64.0, float("inf"))] == [1, 1, 2, 8, 8, 8]


@pytest.fixture
def two_of_eight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A container that may use two of eight processors."""
    monkeypatch.setattr(processors, "_affinity", lambda: 8)
    monkeypatch.setattr(processors, "PROC", system(tmp_path, "0::/\n", V2, {"cpu.max": "200000 100000"}))
    monkeypatch.delenv(THREADS_VARIABLE, raising=False)
    usable_processors.cache_clear()
    yield
    usable_processors.cache_clear()


def test_everything_heeds_the_quota(two_of_eight: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from vifi_cli.index.update.encoding import decoder_processes

    assert (usable_processors(), computing_threads(), ffmpeg_threads(), decoder_processes()) == (2, 2, 3, 1)
    limit_threads_of_libraries()
    assert os.environ[THREADS_VARIABLE] == "2"
    monkeypatch.setenv(THREADS_VARIABLE, "5")
    limit_threads_of_libraries()
    assert (computing_threads(), usable_processors()) == (5, 2), "the user decides"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_a_process_bound_to_one_processor_uses_one() -> None:
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from vifi_cli.processors import *; from vifi_cli.index.update.encoding import decoder_processes;"
        "print(usable_processors(), computing_threads(), ffmpeg_threads(), decoder_processes())"
    )
    environment = {name: value for name, value in os.environ.items() if name != THREADS_VARIABLE}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, check=True)
    assert ran.stdout.split() == [b"1", b"1", b"1", b"1"]


def test_nothing_else_counts_processors() -> None:
    package = Path(processors.__file__).parent
    counting = [file for file in package.rglob("*.py") if "cpu_count" in file.read_text(encoding="utf-8")]
    assert counting == [Path(processors.__file__)]


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({}, "PASSIVE 0"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE None"),
        ({"OMP_WAIT_POLICY": ""}, "PASSIVE 0"),
        ({"GOMP_SPINCOUNT": "100"}, "None None"),
        ({"KMP_BLOCKTIME": "200"}, "None 200"),
    ],
)
def test_idle_threads_sleep_in_every_process_unless_the_user_decides(
    given: dict[str, str], seen: str
) -> None:
    """The libraries read it when they are loaded, so it must be there before, and in spawned processes too."""
    code = "import os; print(os.environ.get('OMP_WAIT_POLICY'), os.environ.get('KMP_BLOCKTIME'))"
    program = (
        "import sys, subprocess, vifi_cli; assert not {'numpy', 'torch', 'faiss'} & sys.modules.keys();"
        f"exec({code!r}); sys.stdout.flush(); subprocess.run([sys.executable, '-c', {code!r}], check=True)"
    )
    environment = {name: value for name, value in os.environ.items() if name not in WAIT_POLICIES} | given
    ran = subprocess.run([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, check=True)
    assert ran.stdout.decode().splitlines() == [seen, seen]
