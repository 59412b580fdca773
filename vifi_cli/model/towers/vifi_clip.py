"""ViFi-CLIP: an image CLIP over the frames of a clip, and their mean as the embedding of the clip.

Rasheed et al., Fine-tuned CLIP Models are Efficient Video Learners, CVPR 2023, section 3; the steps have the order of
the published `trainers/vificlip.py`.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor, nn

from vifi_cli.model.registry.card import Fusion
from vifi_cli.model.towers.class_head import ClassHead


class ViFiCLIP(nn.Module):
    """Two towers and a temperature; clips and class texts in, logits over classes out.

    Attributes:
        visual: normalized images (N, 3, S, S) to embeddings (N, D), not of length 1.
        text: token ids (C, L) to embeddings (C, D), not of length 1.
        logit_scale: logarithm of the factor on cosine similarities; never clamped, as published.
        logit_bias: SigLIP's, kept for saving; a softmax over classes ignores it.
        fusion: `embedding` averages frame embeddings (the paper's choice), `decision` averages the frames'
            probabilities, `image` averages the frames before they are encoded.
        head: a classifier instead of class texts, or on top of them; None where texts alone classify.
        tokenizer_json: the content of its own `tokenizer.json`, kept for saving; empty where open_clip has it.
    """

    logit_bias: Tensor | None
    tokenizer_json: str = ""

    def __init__(
        self,
        visual: nn.Module,
        text: nn.Module,
        logit_scale: Tensor,
        fusion: Fusion = "embedding",
        logit_bias: Tensor | None = None,
    ) -> None:
        """Join two towers; scale and bias have one value each. A scale that is a parameter is shared, not copied."""
        super().__init__()
        self.visual = visual
        self.text = text
        is_shared = isinstance(logit_scale, nn.Parameter) and not logit_scale.shape
        self.logit_scale = (
            logit_scale if is_shared else nn.Parameter(logit_scale.detach().clone().reshape(()))
        )
        bias = None if logit_bias is None else logit_bias.detach().clone().reshape(())
        self.register_buffer("logit_bias", bias)
        self.fusion = fusion
        self.head: ClassHead | None = None

    def encode_frames(self, clips: Tensor) -> Tensor:
        """Embed the frames of clips (B, T, 3, S, S): (B, T, D), not normalized; (B, 1, D) with `image` fusion."""
        images = clips.mean(1, keepdim=True) if self.fusion == "image" else clips
        embeddings: Tensor = self.visual(images.flatten(0, 1))
        return embeddings.view(*images.shape[:2], -1)

    def pool_frames(self, frame_embeddings: Tensor) -> Tensor:
        """From `encode_frames`' (B, T, D) to (B, D) of length 1; with `decision` fusion (B, T, D), each of length 1."""
        if self.fusion == "decision":
            return unit_length(frame_embeddings)
        return pool_over_time(frame_embeddings)

    def encode_clips(self, clips: Tensor) -> Tensor:
        """Embed clips, float (B, T, 3, S, S), normalized for the tower: shapes and lengths as in `pool_frames`."""
        return self.pool_frames(self.encode_frames(clips))

    def encode_classes(self, tokens: Tensor) -> Tensor:
        """Embed class texts, token ids int64 (C, L): (C, D), each of length 1."""
        return unit_length(self.text(tokens))

    def class_logits(self, videos: Tensor, classes: Tensor) -> Tensor:
        """Compare clips from `encode_clips` with classes (C, D) from `encode_classes`: logits (B, C).

        With a head, the classes are rows of it.
        Their softmax is the classes' probabilities; with `decision` fusion they are the logarithms of these
        probabilities, averaged over frames.
        """
        # Half precision would make logits near 30 wrong by a tenth, and the product is too small to gain from it.
        with torch.autocast(videos.device.type, enabled=False):
            scale = self.logit_scale.exp()
            logits: Tensor = self.head(videos, classes, scale) if self.head else scale * videos @ classes.T
            if self.fusion != "decision":
                return logits
            return logits.log_softmax(-1).logsumexp(1) - math.log(logits.shape[1])

    def forward(self, clips: Tensor, tokens: Tensor) -> Tensor:
        """Logits (B, C) of clips float (B, T, 3, S, S) over class texts int64 (C, L)."""
        return self.class_logits(self.encode_clips(clips), self.encode_classes(tokens))


def pool_over_time(frame_embeddings: Tensor) -> Tensor:
    """Average frame embeddings that are not normalized, then scale to length 1: (B, T, D) to (B, D).

    As published; `index.windows.window_embeddings` is the same without torch.
    """
    return unit_length(_at_least_float32(frame_embeddings).mean(1))


def mean_of_classes(texts: Tensor, counts: Sequence[int]) -> Tensor:
    """From texts (N, D), each of length 1, to classes (C, D) of length 1: the mean of each class's `counts` texts."""
    if len(texts) == len(counts):
        return texts
    return unit_length(torch.stack([part.mean(0) for part in torch.split(texts, list(counts))]))


def unit_length(embeddings: Tensor) -> Tensor:
    """Scale embeddings (..., D) to length 1, in float32 at least; zero stays zero."""
    return F.normalize(_at_least_float32(embeddings), dim=-1)


def _at_least_float32(embeddings: Tensor) -> Tensor:
    return embeddings.to(torch.promote_types(embeddings.dtype, torch.float32))
