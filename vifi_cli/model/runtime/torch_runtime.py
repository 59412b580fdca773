"""Runs the towers of a model by torch: numpy in, numpy out."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor, nn

from vifi_cli.model.preprocessing import Preprocessing
from vifi_cli.processors import computing_threads

if computing_threads() < torch.get_num_threads():
    torch.set_num_threads(computing_threads())

Float32Array = npt.NDArray[np.float32]
# texts in one pass; a query is one text, the classes of a dataset are hundreds
_TEXT_BATCH = 64


class PixelTower(nn.Module):
    """An image tower for decoded pixels: uint8 (N, H, W, 3) to float (N, D)."""

    mean: Tensor
    std: Tensor

    def __init__(self, visual: nn.Module, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.visual = visual
        mean, std = torch.tensor(preprocessing.mean), torch.tensor(preprocessing.std)
        self.register_buffer("mean", mean.reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", std.reshape(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed frames, without normalizing."""
        images = pixels.permute(0, 3, 1, 2).float() / 255
        embeddings: Tensor = self.visual((images - self.mean) / self.std)
        return embeddings


class ClipPixelTower(PixelTower):
    """An image tower for the mean picture of each clip: uint8 (N, T, H, W, 3) to float (N, D)."""

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed clips as `image` fusion does, without normalizing."""
        images = pixels.float().mean(1).permute(0, 3, 1, 2) / 255
        embeddings: Tensor = self.visual((images - self.mean) / self.std)
        return embeddings


class VideoPixelTower(PixelTower):
    """A tower that sees clips: uint8 (N, T, H, W, 3) to float (N, D)."""

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed clips, without normalizing."""
        clips = pixels.permute(0, 1, 4, 2, 3).float() / 255
        embeddings: Tensor = self.visual((clips - self.mean) / self.std)
        return embeddings


class TorchFrames:
    """Embeds frames, or clips, on one device; on a GPU in half precision, which is as good and several times faster."""

    def __init__(self, tower: PixelTower, device: torch.device, remark: str = "") -> None:
        """Move the tower to the device; `remark` goes into the description."""
        self._tower = tower.eval().to(device)
        self._device = device
        self.description = describe_torch(device) + (f" ({remark})" if remark else "")

    @torch.inference_mode()
    def __call__(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Embed what the tower takes, frames uint8 (N, H, W, 3) or clips: float32 (N, D)."""
        # writeable, because torch warns about read-only arrays such as views of a decoder's buffer
        with _precision(self._device):
            embeddings = self._tower(
                torch.from_numpy(np.require(pixels, requirements=("C", "W"))).to(self._device)
            )
        return _as_array(embeddings)


class TorchTexts:
    """Embeds texts on one device, by a text tower and its tokenizer."""

    def __init__(
        self, tower: nn.Module, tokenizer: Callable[[Sequence[str]], Tensor], device: torch.device
    ) -> None:
        self._tower = tower.eval().to(device)
        self._tokenizer = tokenizer
        self._device = device
        self.description = describe_torch(device)

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str]) -> Float32Array:
        """Embed at least one text: float32 (N, D), each of length 1."""
        batches = [list(texts[start : start + _TEXT_BATCH]) for start in range(0, len(texts), _TEXT_BATCH)]
        return np.concatenate([self._embed(batch) for batch in batches])

    def _embed(self, texts: list[str]) -> Float32Array:
        with _precision(self._device):
            embeddings = self._tower(self._tokenizer(texts).to(self._device))
        return _as_array(F.normalize(embeddings.float(), dim=-1))


def describe_torch(device: torch.device) -> str:
    """The runtime in words: `torch on cuda, fp16`."""
    return f"torch on {device}" + ("" if device.type == "cpu" else ", fp16")


def _precision(device: torch.device) -> AbstractContextManager[Any]:
    # on CPUs bfloat16 was measured 7 times slower than float32, so half precision is for GPUs
    return nullcontext() if device.type == "cpu" else torch.autocast(device.type, torch.float16)


def _as_array(embeddings: Tensor) -> Float32Array:
    array: Float32Array = embeddings.float().cpu().numpy()
    return array
