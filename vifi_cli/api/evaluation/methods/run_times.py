"""How long the runs of an evaluation train: wall time, of which a continued run adds up the parts."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vifi_cli.evaluation.report.table import TrainTime
from vifi_cli.paths import write_file
from vifi_cli.training.run.folder import RunFolder


class RunTimes:
    """The training times of the runs in a folder, by their names, in a file beside it: `runs-times.json`.

    Of a part that was killed, the time up to its last step counts.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder.with_name(f"{folder.name}-times.json")

    def of_runs(self, runs: Sequence[str]) -> TrainTime:
        """The time of several runs together; without seconds if one is not known, as of a run that was copied here."""
        told = [self._read().get(run, {}) for run in runs]
        devices = dict.fromkeys(str(one["device"]) for one in told if one.get("device"))
        is_known = all(one.get("is_finished") for one in told)
        seconds = sum(float(one["seconds"]) for one in told) if is_known else None
        return TrainTime(seconds, " and ".join(devices))

    @contextmanager
    def measured(self, run: str, device: str) -> Iterator[None]:
        """Adds the time of the training inside to that of earlier parts; a finished run keeps its time."""
        folder = RunFolder(self._folder / run)
        told = self._read().get(run) if folder.is_begun() else None
        if told is None and folder.is_begun():
            yield  # its first part was not measured
            return
        if told and told.get("is_finished"):
            yield
            return
        earlier = _seconds_so_far(told or {}, folder)
        started, clock = time.time(), time.perf_counter()
        self._write(run, {"seconds": earlier, "started": started, "device": device})
        is_finished = False
        try:
            yield
            is_finished = True
        finally:
            seconds = earlier + time.perf_counter() - clock
            self._write(run, {"seconds": seconds, "is_finished": is_finished, "device": device})

    def _read(self) -> dict[str, dict[str, Any]]:
        """Nothing where the file is absent or damaged: a time is not worth a run."""
        try:
            told = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        return (
            {run: one for run, one in told.items() if isinstance(one, dict)} if isinstance(told, dict) else {}
        )

    def _write(self, run: str, told: dict[str, Any]) -> None:
        content = json.dumps(self._read() | {run: told}, indent=2) + "\n"
        write_file(self._file, content.encode())


def _seconds_so_far(told: dict[str, Any], folder: RunFolder) -> float:
    seconds, started = float(told.get("seconds", 0.0)), told.get("started")
    if started is None or not folder.metrics.exists():
        return seconds
    return seconds + max(0.0, folder.metrics.stat().st_mtime - float(started))
