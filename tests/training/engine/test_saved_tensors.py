"""The memory of activations, counted by hand."""

import torch
from torch.utils.checkpoint import checkpoint

from vifi_cli.training.engine.saved_tensors import SavedTensors


def test_tensors_that_are_kept_together_count_once_and_weights_do_not() -> None:
    weight = torch.ones(10, 10, requires_grad=True)
    counts = SavedTensors([weight])
    clips = torch.ones(5, 10)
    with counts.counted():
        for _ in range(2):  # the second micro-batch takes the place of the first
            hidden = (clips @ weight).exp()  # keeps the clips, 5 x 10 floats, and its result, 5 x 10
            loss = (hidden * hidden.t().t()).sum()  # keeps the same memory twice
            loss.backward()
            del hidden, loss
    assert counts.most_bytes == 2 * 5 * 10 * 4
    assert counts._bytes == 0


def test_checkpointing_keeps_less() -> None:
    weights = [torch.ones(64, 64, requires_grad=True) for _ in range(4)]

    def layers(clips: torch.Tensor) -> torch.Tensor:
        for weight in weights:
            clips = (clips @ weight / 64).tanh()
        return clips

    def most(forward: object) -> int:
        counts = SavedTensors(weights)
        with counts.counted():
            forward(torch.ones(8, 64)).sum()  # type: ignore[operator]
        return counts.most_bytes

    assert most(layers) == 5 * 8 * 64 * 4, "what enters, and what each layer gives"
    assert most(lambda clips: checkpoint(layers, clips, use_reentrant=False)) <= 8 * 64 * 4
