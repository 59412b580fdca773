"""How much memory activations take: the tensors that autograd keeps from the forward to the backward pass."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class SavedTensors:
    """Counts the bytes that autograd keeps at the same time; tensors that share memory count once."""

    def __init__(self, known: Iterable[Tensor]) -> None:
        """`known` tensors, such as weights, do not count."""
        self.most_bytes = 0
        self._bytes = 0
        self._known = {_place(tensor) for tensor in known}
        self._uses: Counter[int] = Counter()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count what is kept inside the block."""
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: _Kept(tensor, self), lambda kept: kept.tensor
        ):
            yield

    def keep(self, tensor: Tensor) -> None:
        """Count a tensor that is kept from now on."""
        place = _place(tensor)
        self._uses[place] += 1
        if self._uses[place] == 1 and place not in self._known:
            self._bytes += tensor.untyped_storage().nbytes()
            self.most_bytes = max(self.most_bytes, self._bytes)

    def free(self, tensor: Tensor) -> None:
        """Count a tensor that is not kept any more."""
        place = _place(tensor)
        self._uses[place] -= 1
        if self._uses[place] == 0 and place not in self._known:
            self._bytes -= tensor.untyped_storage().nbytes()


class _Kept:
    """A tensor for as long as autograd keeps it."""

    def __init__(self, tensor: Tensor, counts: SavedTensors) -> None:
        self.tensor, self._counts = tensor, counts
        counts.keep(tensor)

    def __del__(self) -> None:
        self._counts.free(self.tensor)


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
