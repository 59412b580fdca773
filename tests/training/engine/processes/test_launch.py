"""The variables of torchrun: read, or refused in one line with the next step."""

import socket

import pytest

from vifi_cli.api.feedback import AUTOMATIC, Logged, is_first_process, of_first_process
from vifi_cli.errors import InvalidInput
from vifi_cli.training.engine.processes import distributed
from vifi_cli.training.engine.processes.distributed import joined_processes
from vifi_cli.training.engine.processes.launch import Launch, read_launch

COMPLETE = {"RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}


def launched(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name in (*COMPLETE, "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("variables", "launch"),
    [
        ({}, Launch(0, 1)),
        ({"WORLD_SIZE": ""}, Launch(0, 1)),
        ({"WORLD_SIZE": "1"}, Launch(0, 1)),
        ({"RANK": "3"}, Launch(0, 1)),  # left over: nobody joins, so this process must report
        (COMPLETE, Launch(1, 4)),
        (COMPLETE | {"LOCAL_RANK": "", "WORLD_SIZE": " 4 "}, Launch(1, 4)),
        (COMPLETE | {"LOCAL_RANK": "0"}, Launch(1, 4, 0)),
        (COMPLETE | {"LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2"}, Launch(1, 4, 0, 2)),
    ],
)
def test_the_place_of_a_process(
    variables: dict[str, str], launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched(monkeypatch, variables)
    assert read_launch() == launch
    assert is_first_process() is (launch.rank == 0)
    assert (of_first_process(AUTOMATIC) is AUTOMATIC) is (launch.rank == 0)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"WORLD_SIZE": "2"},
            "WORLD_SIZE is 2, but RANK, MASTER_ADDR, MASTER_PORT are not set: start .*torchrun",
        ),
        (COMPLETE | {"RANK": ""}, "but RANK is not set: .*or unset WORLD_SIZE"),
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two', which is not a whole number of at least 1"),
        ({"WORLD_SIZE": "0"}, "WORLD_SIZE is '0'"),
        ({"WORLD_SIZE": "-1"}, "WORLD_SIZE is '-1'"),
        ({"WORLD_SIZE": "²"}, "WORLD_SIZE is '²'"),
        (COMPLETE | {"RANK": "1.0"}, "RANK is '1.0'"),
        (COMPLETE | {"RANK": "4"}, "RANK is 4, but WORLD_SIZE is 4, so ranks end at 3"),
        ({"WORLD_SIZE": "1", "RANK": "1"}, "RANK is 1, but WORLD_SIZE is 1"),
        (COMPLETE | {"LOCAL_RANK": "gpu"}, "LOCAL_RANK is 'gpu'"),
        (COMPLETE | {"MASTER_PORT": "http"}, "MASTER_PORT is 'http'"),
        (
            COMPLETE | {"MASTER_PORT": "65536"},
            "MASTER_PORT is '65536', which is not a whole number from 1 to 65535",
        ),
        ({"WORLD_SIZE": "9" * 5000}, "WORLD_SIZE is '9{40}…', which is not a whole number of at least 1"),
    ],
)
def test_variables_that_make_no_sense_are_named(
    variables: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched(monkeypatch, variables)
    with pytest.raises(InvalidInput, match=message):
        read_launch()
    with pytest.raises(InvalidInput, match=message):
        of_first_process(Logged())
    assert is_first_process(), "a command that joins nobody works, and whoever cannot join says so"


def test_a_port_that_is_in_use_and_processes_that_nobody_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "JOINING_TIME", distributed.timedelta(seconds=1))
    notes: list[str] = []
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        launched(monkeypatch, COMPLETE | {"RANK": "0", "MASTER_PORT": port})
        with (
            pytest.raises(InvalidInput, match=f"localhost:{port} is in use.*--master-port"),
            joined_processes("cpu", notes.append),
        ):
            pass
    assert notes == [f"joining 4 processes at localhost:{port}"]
    with (
        pytest.raises(InvalidInput, match=f"process 0 of 4 cannot reach the others at localhost:{port}"),
        joined_processes("cpu"),
    ):
        pass
