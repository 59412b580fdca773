"""Several processes that train together: started by `torchrun`, joined by torch.distributed."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from vifi_cli.errors import InvalidInput, VifiError
from vifi_cli.model.runtime.device import choose_device
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.training.engine.processes.launch import Launch, read_launch
from vifi_cli.training.engine.processes.meeting import meet

Given = TypeVar("Given")
JOINING_TIME = timedelta(minutes=5)
"""torch waits half an hour for processes that nobody started."""


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of a run, seen from one of them."""

    rank: int  # of this one, from 0
    count: int
    device: torch.device  # of this one
    on_this_machine: int = 1  # how many of them

    @property
    def is_first(self) -> bool:
        """Whether this process saves and reports."""
        return self.rank == 0

    def total(self, *values: float) -> list[float]:
        """The sums over all processes."""
        if self.count == 1:
            return list(values)
        sums = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(sums)
        return [float(value) for value in sums]

    def least(self, value: int) -> int:
        """The smallest value of all processes."""
        if self.count == 1:
            return value
        least = torch.tensor(value, device=self.device)
        dist.all_reduce(least, dist.ReduceOp.MIN)
        return int(least)

    def average_gradient(self, parameter: Tensor) -> None:
        """Make the parameter's gradient the mean over all processes."""
        if self.count > 1 and parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= self.count

    def gather(self, share: Any) -> list[Any]:
        """The shares of all processes in order of rank, on each of them."""
        if self.count == 1:
            return [share]
        shares: list[Any] = [None] * self.count
        dist.all_gather_object(shares, share)
        return shares

    def from_first(self, give: Callable[[], Given]) -> Given:
        """What `give` returns in the first process, on each of them; all raise the error that it raises there.

        Only the first process calls it: the files of a run need not be visible on other machines.
        """
        if self.count == 1:
            return give()
        answer: tuple[Given | None, Exception | None] = (None, None)
        if self.is_first:
            try:
                answer = give(), None
            except (VifiError, OSError) as error:
                answer = None, error
        given, problem = self.gather(answer)[0]
        if problem:
            raise problem
        return cast("Given", given)

    def share_tensors(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The tensors of the first process, on each of them; what the others pass is ignored."""
        if self.count == 1:
            return dict(tensors)
        shapes = {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
        shared: dict[str, Tensor] = {}
        for name, (shape, dtype) in self.gather(shapes if self.is_first else None)[0].items():
            empty = torch.empty(shape, dtype=dtype, device=self.device)
            tensor = tensors[name].to(self.device).contiguous() if self.is_first else empty
            dist.broadcast(tensor, 0)
            shared[name] = (
                tensor.cpu()
            )  # a state is several times as large as the model, too much for some GPUs
        return shared

    def wait_for_all(self) -> None:
        """Continue once all processes have arrived here."""
        if self.count > 1:
            dist.barrier()


@contextmanager
def joined_processes(device: str, say: Callable[[str], None] = lambda message: None) -> Iterator[Processes]:
    """Join the processes that torchrun started, if any; each takes the GPU of its local rank.

    `say` receives a note before this process waits for the others.

    Raises:
        InvalidInput: the variables of torchrun make no sense, the processes do not find each other, they are more than
            the GPUs, or one of them ends early.
    """
    launch, chosen = read_launch(), choose_device(device)
    if launch.count == 1:
        yield Processes(0, 1, chosen)
        return
    if chosen.type == "cuda":
        chosen = _own_gpu(launch)
    say(f"joining {launch.count} processes at {launch.meeting_point}")
    try:
        common, rank, count = next(rendezvous("env://", timeout=JOINING_TIME))
        store = meet(common, rank, count, JOINING_TIME)
        store.set_timeout(dist.default_pg_timeout)
        backend = "nccl" if chosen.type == "cuda" else "gloo"
        dist.init_process_group(backend, store=store, rank=rank, world_size=count)
    except RuntimeError as error:  # torch has classes for some causes alone
        raise InvalidInput(launch.why_not_joined(str(error))) from error
    try:
        yield Processes(launch.rank, launch.count, chosen, launch.local_count or launch.count)
    except RuntimeError as error:
        if not _is_of_network(error):
            raise
        raise InvalidInput(
            f"process {launch.rank} of {launch.count} lost the connection to another one: see the messages of that one"
        ) from error
    finally:
        dist.destroy_process_group()


def _is_of_network(error: RuntimeError) -> bool:
    """Whether a collective operation has failed, and nothing in this process."""
    return (
        isinstance(error, dist.DistError) or "gloo" in str(error) or "onnection closed by peer" in str(error)
    )


def _own_gpu(launch: Launch) -> torch.device:
    """The GPU of this process; a launcher that does not number the processes of a machine numbers them all."""
    gpus = torch.cuda.device_count()
    number = launch.rank % gpus if launch.local_rank is None else launch.local_rank
    if number >= gpus:
        raise InvalidInput(f"more processes than the {gpus} GPUs here: lower torchrun's --nproc-per-node")
    torch.cuda.set_device(number)
    return torch.device("cuda", number)


def sharing_gradients(network: ViFiCLIP, processes: Processes) -> ViFiCLIP:
    """The same network, whose towers' gradients become the mean over all processes.

    The temperature is outside the towers: see `average_gradient`.
    """
    if processes.count == 1:
        return network
    shared = ViFiCLIP(
        _shared(network.visual, processes),
        _shared(network.text, processes),
        network.logit_scale,
        network.fusion,
    )
    return shared.train(network.training)


def _shared(tower: nn.Module, processes: Processes) -> nn.Module:
    if not any(parameter.requires_grad for parameter in tower.parameters()):
        return tower
    devices = [processes.device] if processes.device.type == "cuda" else None
    with warnings.catch_warnings():
        # the name that newer versions of torch ask for means something else
        warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
        return DistributedDataParallel(tower, device_ids=devices, broadcast_buffers=False)


def without_sharing(tower: nn.Module, is_needed: bool) -> AbstractContextManager[None]:
    """Keep the gradients of this pass in this process, if a later pass shares them."""
    if is_needed and isinstance(tower, DistributedDataParallel):
        return tower.no_sync()
    return nullcontext()
