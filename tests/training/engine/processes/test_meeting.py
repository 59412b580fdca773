"""Processes of one start meet, whatever those of an earlier start have left in the store."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import torch.distributed as dist

from vifi_cli.training.engine.processes.meeting import meet

PATIENCE = timedelta(seconds=30)


@pytest.fixture
def store() -> dist.Store:
    """The store of an agent of torchrun, which it keeps over restarts."""
    return dist.HashStore()


def start(store: dist.Store, count: int, first: int = 0) -> list[str]:
    """Starts processes, process 0 last if `first` is 1; returns what each reads of process 0."""
    ranks = [*range(first, count), *range(first)]
    with ThreadPoolExecutor(count) as pool:
        met = dict(zip(ranks, pool.map(lambda rank: meet(store, rank, count, PATIENCE), ranks), strict=True))
    met[0].set("address", f"of start {id(met)}")
    return [met[rank].get("address").decode() for rank in range(count)]


@pytest.mark.parametrize("first", [0, 1])
def test_a_second_start_does_not_read_what_the_first_one_wrote(store: dist.Store, first: int) -> None:
    assert len(set(start(store, 3))) == 1
    before = store.get("vifi/offer")
    for count in (3, 2):  # the same processes again, and fewer of them
        (address,) = set(start(store, count, first))
        assert address.startswith("of start")
        assert store.get("vifi/offer") != before


def test_a_process_that_nobody_started_is_missed(store: dist.Store) -> None:
    with pytest.raises(RuntimeError):
        meet(store, 0, 2, timedelta(milliseconds=10))
    with pytest.raises(RuntimeError, match="process 1 has not met process 0"):
        meet(store, 1, 2, timedelta(milliseconds=10))
