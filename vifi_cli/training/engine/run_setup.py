"""What is set up once for a run: the seed, memory, and how clips are read."""

import os

import torch

from vifi_cli.model.towers.clip_transform import test_short_side
from vifi_cli.paths import cache_folder
from vifi_cli.training.engine.distributed import Processes
from vifi_cli.training.engine.memory import keep_freed_memory
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.video.clips.store import ClipStore

MOST_WORKERS = 12


def make_repeatable(seed: int, device: torch.device) -> None:
    """Let the same run give the same weights, as far as the device can."""
    torch.manual_seed(seed)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    if device.type == "cpu":
        keep_freed_memory()


def reading_workers(recipe: Recipe, processes: Processes) -> int:
    """Worker processes for each training process: none on a CPU, where they would only slow it down."""
    if recipe.runtime.workers >= 0:
        return recipe.runtime.workers
    if processes.device.type == "cpu":
        return 0
    return max(1, min(MOST_WORKERS, (os.cpu_count() or 2) // processes.count))


def open_clip_store(size: int, recipe: Recipe) -> ClipStore:
    """Reads the frames of videos through the cache, scaled for pictures of this size."""
    return ClipStore(
        test_short_side(size),
        folder=cache_folder() / "clips",
        budget_bytes=int(recipe.runtime.clip_cache_gb * 1e9),
    )
