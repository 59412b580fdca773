"""TensorBoard, wandb and trackio get each value of a run once, and none of them can end it."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.training.conftest import MakeRun, losses
from vifi_cli.errors import InvalidInput, MissingDependency
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.recipe.changes import make_recipe
from vifi_cli.training.run.folder import RunConfig, RunFolder
from vifi_cli.training.run.loggers import run_logs
from vifi_cli.training.run.loggers.logger import LoggedRun
from vifi_cli.training.run.loggers.wandb import WandbLogger

SHORT = ("epochs=2", "effective_batch=5")  # of 9 clips: two steps an epoch


class Kept:
    """A logger that keeps what it gets."""

    def __init__(self, run: LoggedRun) -> None:
        self.run = run
        self.values: list[tuple[int, dict[str, float]]] = []
        self.result: dict[str, float] | None = None

    def log(self, values: dict[str, float], step: int) -> None:
        self.values.append((step, dict(values)))

    def finish(self, result: dict[str, float], step: int) -> None:
        self.result = dict(result)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Kept]:
    """The loggers that runs have opened, in order."""
    loggers: list[Kept] = []

    def open_logger(name: str, run: LoggedRun, say: object) -> Kept:
        loggers.append(Kept(run))
        return loggers[-1]

    monkeypatch.setattr(run_logs, "_open", open_logger)
    monkeypatch.setattr(run_logs, "find_spec", lambda name: name)
    return loggers


@pytest.mark.parametrize(
    ("changes", "loggers"),
    [
        ((), ()),
        (("runtime.log=wandb",), ("wandb",)),
        (("runtime.log=wandb, tensorboard",), ("wandb", "tensorboard")),
        (('runtime.log=["trackio"]',), ("trackio",)),
        (("runtime.log=wandb", "runtime.log=none"), ()),
        (("runtime.tensorboard=true",), ("tensorboard",)),
        (("runtime.tensorboard=false",), ()),
    ],
)
def test_loggers_are_named_in_the_recipe(changes: tuple[str, ...], loggers: tuple[str, ...]) -> None:
    assert make_recipe("small", changes=changes).runtime.log == loggers
    with pytest.raises(InvalidInput, match=r"runtime\.log"):
        make_recipe("small", changes=["runtime.log=mlflow"])


def test_configurations_of_earlier_versions_are_read(tmp_path: Path) -> None:
    recipe = make_recipe("small", changes=["runtime.log=tensorboard"])
    run = RunFolder(tmp_path / "run")
    run.begin(RunConfig("m", "d", "", "supervised", "default", recipe))
    text = (run.path / "config.toml").read_text()
    before = text.replace('log = [\n    "tensorboard",\n]', "tensorboard = true")
    assert before != text
    (run.path / "config.toml").write_text(before)
    assert run.read_config().recipe == recipe


def test_a_logger_gets_steps_scores_and_result_and_no_path(
    make_run: MakeRun, tmp_path: Path, opened: list[Kept]
) -> None:
    *_, result = make_run(tmp_path / "run", *SHORT, "runtime.log=wandb").reports()
    (kept,) = opened
    assert [step for step, _ in kept.values] == [0, 1, 2, 2, 3, 4, 4]
    assert [values["train/loss"] for _, values in kept.values if "train/loss" in values] == losses(
        tmp_path / "run"
    )
    scored = [values for _, values in kept.values if "test/top1" in values]
    assert len(scored) == 3
    assert kept.result is not None
    assert kept.result["best/epoch"] == 2
    assert kept.result["best/test/top1"] == scored[-1]["test/top1"] == result.test.top1  # type: ignore[union-attr]
    assert kept.result["before/test/top1"] == scored[0]["test/top1"]
    assert (kept.run.project, kept.run.name) == ("colours", "run")
    assert kept.run.facts["steps_per_epoch"] == 2
    assert kept.run.facts["recipe"]["epochs"] == 2
    assert str(tmp_path) not in json.dumps(kept.run.facts)


def test_a_killed_run_logs_no_step_twice(make_run: MakeRun, tmp_path: Path, opened: list[Kept]) -> None:
    changes, run = (*SHORT, "runtime.log=wandb"), tmp_path / "run"
    steps = 0
    reports = make_run(run, *changes).reports()
    for report in reports:
        steps += isinstance(report, StepReport)
        if steps == 3:  # of the second epoch, which is not saved
            break
    opened[0].values.clear()
    reports.close()  # type: ignore[attr-defined]
    assert opened[0].result == {}, "interrupted"
    list(make_run(run, *changes, begin=False).reports(is_resumed=True))
    assert [step for step, _ in opened[1].values] == [4, 4]
    assert opened[1].run.id == opened[0].run.id
    assert len(losses(run)) == 4
    list(make_run(run, *changes, begin=False).reports(is_resumed=True))
    assert (opened[2].values, opened[2].result) == ([], {}), "it has its result already"
    # one that was killed before its first save begins again
    (run / "training_state.safetensors").unlink()
    list(make_run(run, *changes, begin=False).reports())
    assert opened[3].values == []
    assert len(losses(run)) == 4


def test_a_logger_that_fails_is_left_out(
    make_run: MakeRun, tmp_path: Path, opened: list[Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, said = make_run(tmp_path / "run", *SHORT, "runtime.log=wandb,trackio"), []
    run._logs.say = said.append  # type: ignore[attr-defined]

    def fail(values: object, step: int) -> None:
        raise ConnectionError("the server is gone\nand more")

    for report in run.reports():
        if isinstance(report, StepReport):
            opened[0].log = fail  # type: ignore[method-assign]
    assert said == ["wandb does not work (the server is gone): the run goes on without it"]
    assert opened[0].result is None
    assert opened[1].result
    said.clear()
    silent = make_run(tmp_path / "silent", *SHORT, "runtime.log=wandb")._logs
    silent.say = said.append  # type: ignore[attr-defined]
    silent._guard("wandb", partial(next, iter(())))
    assert said == ["wandb does not work (it does not say why): the run goes on without it"]


def test_a_logger_that_is_not_installed_is_named_before_the_run(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_logs, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"for runtime\.log=wandb, run `pip install wandb`"):
        make_run(tmp_path / "run", "runtime.log=wandb")


def test_trackio_continues_a_run(make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("trackio")
    from trackio.sqlite_storage import SQLiteStorage

    monkeypatch.setattr("trackio.sqlite_storage.TRACKIO_DIR", tmp_path / "trackio")
    changes = (*SHORT, "runtime.log=trackio")
    reports = make_run(tmp_path / "run", *changes).reports()
    while not isinstance(next(reports), StepReport):
        pass
    reports.close()  # type: ignore[attr-defined]
    list(make_run(tmp_path / "run", *changes, begin=False).reports())
    (record,) = SQLiteStorage.get_runs("colours")
    name = record if isinstance(record, str) else record["name"]
    logged = SQLiteStorage.get_logs("colours", name)
    steps = [line["step"] for line in logged if "train/loss" in line]
    assert steps == [1, 2, 3, 4]
    assert logged[-1]["best/epoch"] == 2


def test_wandb_without_a_login_keeps_values_in_the_run_and_asks_nothing(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_DIR", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "NETRC", "WANDB_CONFIG_DIR", "WANDB_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    said: list[Any] = []
    run = make_run(tmp_path / "run", *SHORT, "runtime.log=wandb")
    run._logs.say = said.append  # type: ignore[attr-defined]
    list(run.reports())
    (folder,) = (tmp_path / "run" / "wandb").glob("offline-run-*")
    assert said == [f"wandb: not logged in; `wandb login` and `wandb sync {folder}` send the values later"]
    (file,) = folder.glob("*.wandb")
    stored = file.read_bytes()
    assert b"train/loss" in stored
    assert b"best/epoch" in stored
    assert str(tmp_path / "run").encode() not in stored.replace(str(folder).encode(), b"")


def test_wandb_whose_process_has_died_is_closed_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("HOME", "NETRC", "WANDB_CONFIG_DIR", "WANDB_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    wandb.teardown()  # that of another test
    others = set(psutil.Process().children(recursive=True))
    logger = WandbLogger(LoggedRun(tmp_path, "project", "run", "abc", {}), lambda message: None)
    own = set(psutil.Process().children(recursive=True)) - others
    assert own
    for process in own:
        process.kill()
    psutil.wait_procs(own)

    def log_until_it_fails() -> None:
        for step in range(1000):
            logger.log({"train/loss": 1.0}, step)

    with pytest.raises(Exception):  # noqa: B017 - whatever wandb raises
        log_until_it_fails()
    wandb.teardown()  # as at exit, where it would fail
