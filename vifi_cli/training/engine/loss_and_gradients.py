"""The loss, and its gradients over the micro-batches of a step, with one pass through the text encoder.

The published code embeds all classes again for every micro-batch. vifi embeds them once a step: the micro-batches
collect the gradient with respect to the class embeddings, and one backward pass takes it through the text encoder.
The loss is a sum over clips, so this is the same gradient by the chain rule. Many texts are encoded in parts, first
without gradients, and each part again for its backward pass, so that memory holds the activations of one part.
GradCache (Gao et al., 2021) has both ideas.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor

from vifi_cli.model.towers.vifi_clip import ViFiCLIP, mean_of_classes
from vifi_cli.training.engine.class_tokens import ClassTokens
from vifi_cli.training.engine.precision import Precision
from vifi_cli.training.engine.processes.distributed import Processes, without_sharing

MixedClips = tuple[Tensor, Tensor, Tensor]  # clips, targets and weights, as in MicroBatch


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """Clips that go through the image encoder at once."""

    clips: Tensor  # float32 (B, T, 3, S, S), normalized; or their embeddings
    targets: Tensor  # (B, C), each summing to 1
    weights: Tensor  # (B,), 0 for clips that must not count
    is_last: bool  # whether the step ends with it


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """How gradients are computed."""

    processes: Processes
    precision: Precision
    scaler: torch.amp.GradScaler


def accumulate_gradients(
    network: ViFiCLIP,
    texts: ClassTokens,
    micro_batches: Iterable[MicroBatch],
    clips: int,
    arithmetic: Arithmetic,
) -> float:
    """Add up the gradients of this process's micro-batches, in a step with `clips` on all processes together.

    Returns this process's share of the loss; the shares of all processes sum to the mean over the step's clips.
    """
    processes, precision = arithmetic.processes, arithmetic.precision
    parts = texts.parts() if texts.embeddings is None else ()
    if texts.embeddings is not None:
        encoded = texts.embeddings
    elif len(parts) == 1:
        with precision():
            encoded = network.encode_classes(parts[0])
    else:
        learns = any(parameter.requires_grad for parameter in network.text.parameters())
        encoded = encode_parts(network, parts, precision).requires_grad_(learns)
    classes = mean_of_classes(encoded, texts.counts)
    leaf = classes.detach().requires_grad_(classes.requires_grad)
    share = leaf.new_zeros(())
    for micro in micro_batches:
        with without_sharing(network.visual, not micro.is_last):
            loss = _loss(network, micro, leaf, precision) / clips
            # shared gradients are means over the processes, and the loss of a step is a sum
            torch.autograd.backward(arithmetic.scaler.scale(loss * processes.count))
        share += loss.detach()
    if classes.requires_grad:
        torch.autograd.backward(classes, leaf.grad)
        if encoded.is_leaf:
            _encode_again(network, parts, encoded, precision)
    processes.average_gradient(network.logit_scale)
    return float(share)


@torch.no_grad()
def encode_parts(network: ViFiCLIP, parts: Sequence[Tensor], precision: Precision) -> Tensor:
    """Embed texts, token ids int64 (n, L) in each part: (N, D) of length 1, without gradients."""
    return torch.cat([_encoded(network, part, precision, number) for number, part in enumerate(parts)])


def _encode_again(network: ViFiCLIP, parts: Sequence[Tensor], encoded: Tensor, precision: Precision) -> None:
    """Take the gradient of embedded texts (N, D) through the text encoder, part by part."""
    assert encoded.grad is not None
    gradients = torch.split(encoded.grad, [len(part) for part in parts])
    for number, (part, gradient) in enumerate(zip(parts, gradients, strict=True)):
        with without_sharing(network.text, number < len(parts) - 1):
            torch.autograd.backward(_encoded(network, part, precision, number), gradient)


def _encoded(network: ViFiCLIP, part: Tensor, precision: Precision, number: int) -> Tensor:
    """Embed a part of the texts: both times with the same random numbers, for models with dropout."""
    with torch.random.fork_rng([part.device] if part.is_cuda else []), precision():
        torch.manual_seed(torch.initial_seed() + number)
        return network.encode_classes(part)


def _loss(network: ViFiCLIP, micro: MicroBatch, classes: Tensor, precision: Precision) -> Tensor:
    """The sum of the losses of a micro-batch: cross-entropy against targets that are probabilities."""
    are_embeddings = micro.clips.ndim < 5
    with precision():
        videos = micro.clips if are_embeddings else network.encode_clips(micro.clips)
    losses = F.cross_entropy(network.class_logits(videos, classes), micro.targets, reduction="none")
    return (losses * micro.weights).sum()


def cut_into_micro_batches(groups: Iterable[MixedClips], size: int, clips: int) -> Iterator[MicroBatch]:
    """Join or cut groups of clips, targets and weights into micro-batches of one size; the last may be smaller.

    `clips` is how many the groups have together.
    """
    waiting: MixedClips | None = None
    given = 0
    for group in groups:
        waiting = _joined(waiting, group) if waiting else group
        while len(waiting[0]) >= size or given + len(waiting[0]) == clips:
            cut = waiting[0][:size], waiting[1][:size], waiting[2][:size]
            waiting = waiting[0][size:], waiting[1][size:], waiting[2][size:]
            given += len(cut[0])
            yield MicroBatch(*cut, is_last=given == clips)
            if not len(waiting[0]):
                break


def _joined(first: MixedClips, second: MixedClips) -> MixedClips:
    return tuple(torch.cat(pair) for pair in zip(first, second, strict=True))  # type: ignore[return-value]
