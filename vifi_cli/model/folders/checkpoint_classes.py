"""Reads class names back out of a published checkpoint, which keeps them only as embedded tokens."""

import re

import torch
from torch import Tensor

from vifi_cli.model.towers.torchvision_operators import declare_missing_operators


def class_names_of(embedded: Tensor, token_embedding: Tensor, template: str) -> tuple[str, ...] | None:
    """Find the names whose tokens were embedded.

    Args:
        embedded: float (C, L, W), `complete_text_embeddings` of a checkpoint: the class texts, token by token.
        token_embedding: float (V, W), rounded to half precision as the published code does.
        template: what the names were put into.

    Returns:
        C names, in lower case as CLIP's tokenizer has them; no names where they cannot be told from the template;
        None where the embedding is not the one that was used.
    """
    if embedded.ndim != 3 or embedded.shape[2] != token_embedding.shape[1]:
        return None
    tokens = _tokens(embedded, token_embedding)
    return None if tokens is None else _names(tokens, template)


def _names(tokens: Tensor, template: str) -> tuple[str, ...]:
    declare_missing_operators()
    import open_clip

    tokenizer = open_clip.SimpleTokenizer(context_length=tokens.shape[1])
    before, after = (tokenizer.decode(tokenizer.encode(part)).strip() for part in template.split("{}"))
    names = []
    for row in tokens:
        text = tokenizer.decode(row[1 : int(row.argmax())].tolist()).strip()
        name = text.removeprefix(before).removesuffix(after).strip()
        tight = re.sub(r" ?([^\w ]|_) ?", r"\1", name)
        fitting = [n for n in (tight, name) if torch.equal(tokenizer(template.replace("{}", n))[0], row)]
        if not fitting:
            return ()
        names.append(fitting[0])
    return tuple(names)


def _tokens(embedded: Tensor, token_embedding: Tensor) -> Tensor | None:
    """The token ids int64 (C, L) that were embedded, or None."""
    ids = {row.tobytes(): index for index, row in enumerate(token_embedding.half().numpy())}
    found = [ids.get(row.tobytes(), -1) for row in embedded.half().flatten(0, 1).numpy()]
    return None if -1 in found else torch.tensor(found).view(embedded.shape[:2])
