"""ImageNet's 1,000 concepts in words, and what MiniLM makes of them: the values of starter's attention."""

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor

from vifi_cli import paths
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.model.towers.efficientnet_lite import CLASSES
from vifi_cli.model.towers.minilm import WIDTH, SentenceTransformer
from vifi_cli.model.weights.fingerprint import fingerprint_of_files
from vifi_cli.model.weights.packaged_weights import TEXT_TOKENIZER, TEXT_WEIGHTS

Tokenizer = Callable[[Sequence[str]], npt.NDArray[np.int64]]
_BATCH = 50


def concept_descriptions() -> list[str]:
    """Each class in words, with synonyms and WordNet's definition: `coffee mug: a mug intended for …`."""
    declare_missing_operators()
    from timm.data import ImageNetInfo

    imagenet = ImageNetInfo()
    return [imagenet.index_to_description(index, detailed=True) for index in range(CLASSES)]


def centred_concept_texts(text: SentenceTransformer, tokenizer: Tokenizer) -> Tensor:
    """Embed the descriptions, float32 (1000, 384), each of length 1, and take off their mean.

    They take some seconds, so they are kept in the cache folder.
    """
    descriptions = concept_descriptions()
    key = fingerprint_of_files({"concepts": descriptions}, [TEXT_WEIGHTS.locate(), TEXT_TOKENIZER.locate()])
    kept = paths.cache_folder() / f"concepts-{key[:32]}.npy"
    embeddings = _read(kept)
    if embeddings is None:
        embeddings = _embed(descriptions, text, tokenizer)
        # a folder that cannot be written costs time at the next start, nothing else
        with contextlib.suppress(OSError):
            _write(embeddings, kept)
    return torch.from_numpy(embeddings - embeddings.mean(0))


@torch.no_grad()
def _embed(
    descriptions: list[str], text: SentenceTransformer, tokenizer: Tokenizer
) -> npt.NDArray[np.float32]:
    # descriptions of like length together, so that batches carry little padding
    order = np.argsort([len(description) for description in descriptions], kind="stable")
    embeddings = np.empty((CLASSES, WIDTH), np.float32)
    for batch in np.split(order, CLASSES // _BATCH):
        tokens = torch.from_numpy(tokenizer([descriptions[index] for index in batch]))
        embeddings[batch] = F.normalize(text(tokens), dim=-1).numpy()
    return embeddings


def _read(kept: Path) -> npt.NDArray[np.float32] | None:
    try:
        embeddings: npt.NDArray[np.float32] = np.load(kept, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return embeddings if embeddings.shape == (CLASSES, WIDTH) else None


def _write(embeddings: npt.NDArray[np.float32], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.part")
    with temporary.open("wb") as file:
        np.save(file, embeddings)
    temporary.replace(target)
