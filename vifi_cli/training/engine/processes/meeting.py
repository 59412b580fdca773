"""Processes that were started together meet in a store that may remember those of an earlier start."""

import json
import time
import uuid
from datetime import timedelta

from torch.distributed.distributed_c10d import PrefixStore, Store

POLL_SECONDS = 0.05


def meet(store: Store, rank: int, count: int, patience: timedelta) -> Store:
    """A part of the store that only the `count` processes of this start use, once all of them are here.

    The agents of torchrun keep one store over restarts, in which torch would find the addresses of processes that are
    dead. The number of the restart does not separate them, because agents count differently.

    Process 0 offers a new name, each other one replies with a name of its own, and process 0 publishes the replies: who
    finds its own among them has met the others.

    Raises:
        RuntimeError: they do not meet in time.
    """
    own = uuid.uuid4().hex
    if rank == 0:
        return _offer(store, own, count, patience)
    until = time.monotonic() + patience.total_seconds()
    while time.monotonic() < until:
        offered = store.get("vifi/offer").decode()
        store.set(f"vifi/{offered}/{rank}", own)
        if (
            store.check([f"vifi/{offered}/met"])
            and json.loads(store.get(f"vifi/{offered}/met"))[rank - 1] == own
        ):
            return PrefixStore(f"vifi/{offered}", store)
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"process {rank} has not met process 0")


def _offer(store: Store, own: str, count: int, patience: timedelta) -> Store:
    store.set("vifi/offer", own)
    replies = [f"vifi/{own}/{rank}" for rank in range(1, count)]
    store.wait(replies, patience)
    store.set(f"vifi/{own}/met", json.dumps([store.get(reply).decode() for reply in replies]))
    return PrefixStore(f"vifi/{own}", store)
