"""How many processors this process may use: those of its affinity, within the quota of its control groups.

`os.cpu_count()` counts those of the machine, also in a container that may use two of 64. Twice as many threads or
processes as processors wait for each other.
"""

import math
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from vifi_cli.disk.mounts import MountEntry, mount_entries

PROC = Path("/proc/self")
MOST_FFMPEG_THREADS = 16
THREADS_VARIABLE = "OMP_NUM_THREADS"
"""Read by torch, FAISS, OpenBLAS and MKL when they are loaded; a user's own value counts."""


@cache
def usable_processors() -> int:
    """The number of processors for this process, at least 1."""
    return _within(_quota(PROC))


def computing_threads() -> int:
    """The number of threads that compute: `$OMP_NUM_THREADS`, otherwise one for each processor."""
    wanted = os.environ.get(THREADS_VARIABLE, "")
    return int(wanted) if wanted.isdecimal() and int(wanted) else usable_processors()


def ffmpeg_threads() -> int:
    """The number of threads for one decoder or encoder: FFmpeg's own rule, but for processors that may be used."""
    processors = usable_processors()
    return 1 if processors == 1 else min(processors + 1, MOST_FFMPEG_THREADS)


def limit_threads_of_libraries() -> None:
    """Makes libraries that are loaded later heed the quota; otherwise they heed the affinity alone."""
    if usable_processors() < _affinity():
        os.environ.setdefault(THREADS_VARIABLE, str(usable_processors()))


def _within(quota: float) -> int:
    """A quota of one and a half processors keeps two busy most of the time."""
    return max(1, min(_affinity(), math.ceil(quota) if math.isfinite(quota) else sys.maxsize))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota(proc: Path) -> float:
    """The lowest quota, in processors, of the control groups that this process is in; infinite without any.

    `proc` holds `cgroup` and `mountinfo`, as /proc/self does.
    """
    try:
        groups = (proc / "cgroup").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return math.inf
    quotas = [
        quota
        for mount in mount_entries(proc / "mountinfo")
        for group in groups.splitlines()
        for folder in _folders(mount, group)
        for quota in (_quota_v2(folder), _quota_v1(folder))
    ]
    return min(quotas, default=math.inf)


def _folders(mount: MountEntry, group: str) -> Iterator[Path]:
    """The folders of a control group and of those around it under one mount, if it is mounted there.

    A line of `cgroup` is `ID:CONTROLLERS:PATH`, without controllers for version 2.
    """
    member = group.split(":", 2)
    if len(member) < 3:
        return
    _, controllers, path = member
    is_v2 = mount.kind == "cgroup2" and not controllers
    is_v1 = mount.kind == "cgroup" and {"cpu"} & mount.options & set(controllers.split(","))
    if not (is_v2 or is_v1):
        return
    root, point = mount.root, Path(mount.mount_point)
    # in a container, the path is often that of the host, and its group is mounted as the root
    inside = path[len(root) :] if root != "/" and f"{path}/".startswith(f"{root}/") else path
    folder = point / inside.strip("/")
    yield from (each for each in (folder, *folder.parents) if each == point or point in each.parents)


def _quota_v2(folder: Path) -> float:
    """From `cpu.max`: `MICROSECONDS PERIOD` or `max PERIOD`."""
    quota, period = _numbers(folder / "cpu.max", 2)
    return quota / period if quota > 0 and period > 0 else math.inf


def _quota_v1(folder: Path) -> float:
    """From two files; a quota of -1 means none."""
    (quota,), (period,) = _numbers(folder / "cpu.cfs_quota_us", 1), _numbers(folder / "cpu.cfs_period_us", 1)
    return quota / period if quota > 0 and period > 0 else math.inf


def _numbers(file: Path, count: int) -> list[float]:
    try:
        return [float(word) for word in file.read_text(encoding="ascii").split()[:count]] or [-1.0] * count
    except (OSError, ValueError):
        return [-1.0] * count
