"""The image tower of X-CLIP: frames of a clip exchange messages in every block, and a small transformer joins them.

Ni et al., ECCV 2022, section 3.2: cross-frame attention and multi-frame integration. Modules have the names of
transformers' XCLIPModel, whose embeddings these are.
"""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor, nn


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, tokens: Tensor) -> Tensor:
        """Self-attention of tokens (N, L, D)."""
        query, key, value = (
            projection(tokens).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        joined = F.scaled_dot_product_attention(query, key, value)
        attended: Tensor = self.out_proj(joined.transpose(1, 2).flatten(2))
        return attended


class _FeedForward(nn.Module):
    def __init__(self, width: int, inner: int, activation: nn.Module) -> None:
        super().__init__()
        self.fc1, self.activation, self.fc2 = nn.Linear(width, inner), activation, nn.Linear(inner, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (N, L, D), each by itself."""
        changed: Tensor = self.fc2(self.activation(self.fc1(tokens)))
        return changed


class _Block(nn.Module):
    """A transformer block with norms before its parts."""

    def __init__(self, width: int, inner: int, heads: int, activation: nn.Module) -> None:
        super().__init__()
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.self_attn, self.mlp = _Attention(width, heads), _FeedForward(width, inner, activation)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (N, L, D) to tokens."""
        tokens = tokens + self.self_attn(self.layer_norm1(tokens))
        changed: Tensor = tokens + self.mlp(self.layer_norm2(tokens))
        return changed


class _CrossFrameBlock(_Block):
    """A block of the frames of clips, each of which sees a message token that has seen the other frames."""

    def __init__(self, frames: int, width: int, inner: int, heads: int, activation: nn.Module) -> None:
        super().__init__(width, inner, heads, activation)
        self.frames = frames
        self.message_fc, self.message_ln = nn.Linear(width, width), nn.LayerNorm(width)
        self.message_attn = _Attention(width, heads)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens of all frames (N T, L, D) to tokens."""
        messages = self.message_fc(tokens[:, 0]).unflatten(0, (-1, self.frames))
        messages = messages + self.message_attn(self.message_ln(messages))
        with_messages = torch.cat([tokens, messages.flatten(0, 1)[:, None]], dim=1)
        attended = self.self_attn(self.layer_norm1(with_messages))
        tokens = (with_messages + attended)[:, :-1]
        changed: Tensor = tokens + self.mlp(self.layer_norm2(tokens))
        return changed


class _Encoder(nn.Module):
    def __init__(self, blocks: list[_Block]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(blocks)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (N, L, D) through all blocks."""
        for block in self.layers:
            tokens = block(tokens)
        return tokens


class _Embeddings(nn.Module):
    def __init__(self, width: int, image_size: int, patch_size: int) -> None:
        super().__init__()
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.patch_embedding = nn.Conv2d(3, width, patch_size, patch_size, bias=False)
        self.position_embedding = nn.Embedding((image_size // patch_size) ** 2 + 1, width)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, S, S) to tokens (N, 1 + patches, D), the class token first."""
        patches = self.patch_embedding(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_embedding.expand(len(images), 1, -1), patches], dim=1)
        return tokens + self.position_embedding.weight


class _FrameTower(nn.Module):
    def __init__(self, embeddings: _Embeddings, encoder: _Encoder, width: int) -> None:
        super().__init__()
        self.embeddings, self.encoder = embeddings, encoder
        self.pre_layernorm, self.post_layernorm = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, images: Tensor) -> Tensor:
        """Images of all clips (N T, 3, S, S) to embeddings (N T, D)."""
        tokens = self.encoder(self.pre_layernorm(self.embeddings(images)))
        embeddings: Tensor = self.post_layernorm(tokens[:, 0])
        return embeddings


class _FrameIntegration(nn.Module):
    def __init__(self, frames: int, width: int, encoder: _Encoder) -> None:
        super().__init__()
        self.position_embedding = nn.Parameter(torch.zeros(1, frames, width))
        self.encoder = encoder

    def forward(self, frames: Tensor) -> Tensor:
        """Embeddings of frames (N, T, D) to those of clips (N, D)."""
        joined: Tensor = (self.encoder(frames + self.position_embedding) + frames).mean(1)
        return joined


class XClipTower(nn.Module):
    """Normalized clips (N, T, 3, S, S) to embeddings (N, D), not of length 1."""

    def __init__(self, dimension: int, config: Mapping[str, Any], activation: nn.Module) -> None:
        """`config` is the `vision_cfg` that `x_clip_config` makes."""
        super().__init__()
        width, clip = config["width"], config["x_clip"]
        frames, inner, heads = clip["num_frames"], clip["intermediate_size"], clip["heads"]
        self.vision_model = _FrameTower(
            _Embeddings(width, config["image_size"], config["patch_size"]),
            _Encoder(
                [_CrossFrameBlock(frames, width, inner, heads, activation) for _ in range(config["layers"])]
            ),
            width,
        )
        self.visual_projection = nn.Linear(width, dimension, bias=False)
        shape = dimension, clip["mit_intermediate_size"], clip["mit_num_attention_heads"]
        blocks: list[_Block] = [_Block(*shape, activation) for _ in range(clip["mit_num_hidden_layers"])]
        self.mit = _FrameIntegration(frames, dimension, _Encoder(blocks))

    def forward(self, clips: Tensor) -> Tensor:
        """Embed clips."""
        frames = self.visual_projection(self.vision_model(clips.flatten(0, 1)))
        embeddings: Tensor = self.mit(frames.unflatten(0, clips.shape[:2]))
        return embeddings
