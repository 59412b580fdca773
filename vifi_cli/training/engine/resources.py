"""What a run takes of the machine: memory, worker processes, the clip cache; and how it becomes repeatable."""

import ctypes
import math
import multiprocessing
import sys
from contextlib import suppress
from pathlib import Path

import torch

from vifi_cli.errors import InvalidInput
from vifi_cli.model.towers.clip_transform import test_short_side
from vifi_cli.paths import cache_folder
from vifi_cli.processors import usable_processors
from vifi_cli.training.engine.learner import Learner
from vifi_cli.training.engine.loss_and_gradients import MicroBatch
from vifi_cli.training.engine.processes.distributed import Processes
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.video.clips.store import ClipStore

MOST_WORKERS = 12
# more of them take more memory and, falling out of the processor's cache, more time each
FRAMES_ON_CPU = 8
# of glibc's malloc.h; the greatest value that the call takes
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
LARGEST = 2**31 - 1
TOP_PAD_BYTES = 256 * 2**20


def make_repeatable(seed: int, device: torch.device) -> None:
    """Let the same seed give the same weights, as far as the device can."""
    torch.manual_seed(seed)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    if device.type == "cpu":
        _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Let this process reuse freed memory; does nothing if the C library is not glibc.

    Activations of tens of megabytes come and go with each step. By default each is mapped again, and the system
    has to clear its pages, which takes a large part of the time of a step on a CPU.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST)
        mallopt(M_TRIM_THRESHOLD, LARGEST)
        mallopt(M_TOP_PAD, TOP_PAD_BYTES)


def peak_memory() -> int | None:
    """The most bytes of main memory that this process had at a time; Windows does not tell."""
    if sys.platform == "win32":
        return None
    if sys.platform == "linux":
        return _peak_of("self")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def peak_memory_of_readers() -> int:
    """The same for the present worker processes, each at its own peak; 0 where the system does not tell.

    Not by getrusage: a process begins with the peak of the one that started it.
    """
    if sys.platform != "linux":
        return 0
    return sum(_peak_of(str(reader.pid)) for reader in multiprocessing.active_children())


def _peak_of(process: str) -> int:
    with suppress(OSError):  # it may just have ended
        for line in Path("/proc", process, "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def reading_workers(recipe: Recipe, processes: Processes) -> int:
    """Worker processes for each training process: none on a CPU, where they would only slow it down."""
    if recipe.runtime.workers >= 0:
        return recipe.runtime.workers
    if processes.device.type == "cpu":
        return 0
    return max(1, min(MOST_WORKERS, usable_processors() // processes.on_this_machine))


def open_clip_store(size: int, recipe: Recipe) -> ClipStore:
    """The cached store of frames, scaled for an encoder with this input side."""
    return ClipStore(
        test_short_side(size),
        folder=cache_folder() / "clips",
        budget_bytes=int(recipe.runtime.clip_cache_gb * 1e9),
    )


def find_micro_batch(learner: Learner, recipe: Recipe, clips: int, size: int, classes: int) -> int:
    """Clips of a micro-batch: the number in the recipe, or the most that fit on the GPU in a trial.

    `clips` is the number of a step on all processes, which get the same answer; `size` is the encoder's input side.
    """
    if recipe.runtime.micro_batch > 0:
        return recipe.runtime.micro_batch
    if learner.processes.device.type != "cuda":
        return max(1, FRAMES_ON_CPU // recipe.frames)
    number = math.ceil(clips / learner.processes.count)
    while not _fits(learner, recipe, number, size, classes):
        if number == 1:
            raise InvalidInput(
                "not even one clip fits into the GPU's memory: add --recipe runtime.gradient_checkpointing=true, "
                "or choose fewer frames or a smaller model"
            )
        number = math.ceil(number / 2)
    return number


def _fits(learner: Learner, recipe: Recipe, number: int, size: int, classes: int) -> bool:
    device = learner.processes.device
    fits = 1
    try:
        # room for what the optimizer will keep of each parameter
        moments = [torch.empty_like(tuned) for tuned in learner.tuned.values() for _ in range(2)]
        clips = torch.zeros((number, recipe.frames, 3, size, size), device=device)
        targets = torch.full((number, classes), 1 / classes, device=device)
        micro = MicroBatch(clips, targets, torch.ones(number, device=device), is_last=True)
        learner.try_gradients(micro)
        del moments
    except torch.OutOfMemoryError:
        fits = 0
    learner.optimizer.zero_grad(set_to_none=True)
    torch.cuda.empty_cache()
    return learner.processes.least(fits) == 1
