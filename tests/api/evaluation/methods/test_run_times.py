"""Training times: parts of a continued run add up, and a finished run keeps its time."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path

import pytest

from vifi_cli.api.evaluation.methods.run_times import RunTimes
from vifi_cli.evaluation.report.table import TrainTime
from vifi_cli.training.run.folder import RunFolder


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The present second; tests move it."""
    now = [1000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    return now


def begin(folder: Path, run: str) -> RunFolder:
    """As training does: the configuration, then the first step."""
    (folder / run).mkdir(parents=True, exist_ok=True)
    (folder / run / "config.toml").touch()
    begun = RunFolder(folder / run)
    begun.metrics.touch()
    return begun


def test_the_parts_of_an_interrupted_run_add_up(tmp_path: Path, clock: list[float]) -> None:
    times = RunTimes(tmp_path)
    with suppress(KeyboardInterrupt), times.measured("vifi", "1 x cpu"):
        begin(tmp_path, "vifi")
        clock[0] += 40
        raise KeyboardInterrupt
    assert times.of_runs(["vifi"]).seconds is None, "not finished"
    clock[0] += 500  # overnight
    with times.measured("vifi", "1 x cuda"):
        clock[0] += 20
    assert times.of_runs(["vifi"]) == TrainTime(60, "1 x cuda")
    with times.measured("vifi", "1 x cpu"):
        clock[0] += 3  # it looks whether the run is finished
    assert times.of_runs(["vifi"]) == TrainTime(60, "1 x cuda")


def test_a_killed_part_counts_up_to_its_last_step(tmp_path: Path, clock: list[float]) -> None:
    begun = begin(tmp_path, "vifi")
    told = {"vifi": {"seconds": 10.0, "started": 900.0, "device": "1 x cpu"}}
    (tmp_path.with_name(f"{tmp_path.name}-times.json")).write_text(json.dumps(told))
    os.utime(begun.metrics, (930.0, 930.0))
    times = RunTimes(tmp_path)
    with times.measured("vifi", "1 x cpu"):
        clock[0] += 5
    assert times.of_runs(["vifi"]).seconds == 10 + 30 + 5


def test_a_run_whose_beginning_was_not_measured_has_no_time(tmp_path: Path, clock: list[float]) -> None:
    begin(tmp_path, "old")
    times = RunTimes(tmp_path)
    with times.measured("old", "1 x cpu"):
        clock[0] += 5
    with times.measured("new", "2 x cuda"):
        clock[0] += 7
    assert times.of_runs(["new"]) == TrainTime(7, "2 x cuda")
    assert times.of_runs(["new", "old"]) == TrainTime(None, "2 x cuda")
    assert str(times.of_runs(["old"])) == "–"
    assert times.of_runs([]) == TrainTime(0, ""), "nothing is trained"


def test_a_run_that_was_deleted_begins_from_zero(tmp_path: Path, clock: list[float]) -> None:
    (tmp_path.with_name(f"{tmp_path.name}-times.json")).write_text(
        json.dumps({"vifi": {"seconds": 99.0, "is_finished": True}})
    )
    times = RunTimes(tmp_path)
    with times.measured("vifi", "1 x cpu"):
        clock[0] += 4
    assert times.of_runs(["vifi"]).seconds == 4


@pytest.mark.parametrize("content", ["", "[]", '{"vifi": 3}', "\0"])
def test_a_damaged_file_costs_no_run(content: str, tmp_path: Path) -> None:
    (tmp_path.with_name(f"{tmp_path.name}-times.json")).write_text(content)
    times = RunTimes(tmp_path)
    assert times.of_runs(["vifi"]).seconds is None
    with times.measured("vifi", "1 x cpu"):
        started = time.perf_counter()
    assert 0 <= (times.of_runs(["vifi"]).seconds or 0) <= time.perf_counter() - started + 60
