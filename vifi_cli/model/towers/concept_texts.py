"""The embeddings of ImageNet's 1,000 concepts in words, from which the head of `starter` is made.

Computing them takes 15 s of processor time, so the package carries them, in 16 bits a number. They are used only for
the text weights, the tokenizer and the descriptions that they were made from. For others they are computed once, and
kept in the cache folder. `python -m vifi_cli.model.towers.concept_texts` makes the file again.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from vifi_cli import paths
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.model.towers.minilm import WIDTH, SentenceTransformer, load_minilm
from vifi_cli.model.towers.tokenizers.sentence_tokenizer import SentenceTokenizer
from vifi_cli.model.weights.fingerprint import fingerprint_of_files
from vifi_cli.model.weights.packaged_weights import TEXT_TOKENIZER, TEXT_WEIGHTS

Float32Array = npt.NDArray[np.float32]
CONCEPTS = 1000
SHIPPED = Path(__file__).with_name("concept_embeddings.npz")
_LEVELS = 2**15 - 1
_BATCH = 50  # descriptions that are embedded at once


@dataclass(frozen=True, slots=True, eq=False)
class StoredConcepts:
    """Embeddings in 16 bits a number: their lengths differ from 1 by less than 1e-4."""

    key: str  # `concept_key` of what they were made from
    levels: npt.NDArray[np.int16]  # (1000, 384)
    step: float  # the value of one level

    def embeddings(self) -> Float32Array:
        """As float32 (1000, 384)."""
        return self.levels.astype(np.float32) * np.float32(self.step)


def concept_descriptions() -> list[str]:
    """ImageNet's classes in words, with synonyms and WordNet's definition: `coffee mug: a mug intended for …`."""
    declare_missing_operators()
    from timm.data import ImageNetInfo

    imagenet = ImageNetInfo()
    return [imagenet.index_to_description(index, detailed=True) for index in range(CONCEPTS)]


def concept_embeddings(text: SentenceTransformer) -> Float32Array:
    """The embeddings of the descriptions by the installed text weights: float32 (1000, 384), each of length 1."""
    descriptions = concept_descriptions()
    key = concept_key(descriptions)
    kept = paths.cache_folder() / f"concepts-{key[:32]}.npz"
    for file in (SHIPPED, kept):
        stored = read_concepts(file)
        if stored is not None and stored.key == key:
            return stored.embeddings()
    stored = store(key, embed_concepts(descriptions, text))
    # a folder that cannot be written costs time at the next start, nothing else
    with contextlib.suppress(OSError):
        paths.make_own_folder(kept.parent)
        write_concepts(kept, stored)
    return stored.embeddings()


def concept_key(descriptions: list[str]) -> str:
    """The digest of everything that the embeddings depend on: descriptions, tokenizer and text weights."""
    digests = [TEXT_WEIGHTS.checked_digest(), TEXT_TOKENIZER.checked_digest()]
    return fingerprint_of_files({"concepts": descriptions}, digests)


def embed_concepts(descriptions: list[str], text: SentenceTransformer) -> Float32Array:
    """Embeds descriptions: float32 (N, 384), each of length 1."""
    import torch

    tokenizer = SentenceTokenizer(TEXT_TOKENIZER.locate())
    # descriptions of similar length together, so that batches carry little padding
    order = np.argsort([len(description) for description in descriptions], kind="stable")
    embeddings = np.empty((len(descriptions), WIDTH), np.float32)
    with torch.inference_mode():
        for batch in np.split(order, range(_BATCH, len(order), _BATCH)):
            tokens = torch.from_numpy(tokenizer([descriptions[index] for index in batch]))
            embeddings[batch] = torch.nn.functional.normalize(text(tokens), dim=-1).numpy()
    return embeddings


def store(key: str, embeddings: Float32Array) -> StoredConcepts:
    """Rounds embeddings to 16 bits."""
    step = float(np.float32(np.abs(embeddings).max() / _LEVELS))
    return StoredConcepts(key, np.rint(embeddings / step).astype(np.int16), step)


def read_concepts(file: Path) -> StoredConcepts | None:
    """What a file holds; None if it is absent or damaged."""
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
            stored = StoredConcepts(str(arrays["key"]), arrays["levels"], float(arrays["step"]))
    except (OSError, ValueError, EOFError, KeyError, TypeError, BadZipFile):
        return None
    is_intact = stored.levels.dtype == np.int16 and stored.levels.shape == (CONCEPTS, WIDTH)
    return stored if is_intact and 0 < stored.step < 1 else None


def write_concepts(file: Path, stored: StoredConcepts) -> None:
    """Writes a file, or replaces it."""
    with paths.replacing(file) as unfinished, unfinished.open("wb") as target:
        np.savez_compressed(target, key=stored.key, levels=stored.levels, step=np.float64(stored.step))


def main() -> None:
    """Makes the file that the package carries."""
    descriptions = concept_descriptions()
    embeddings = embed_concepts(descriptions, load_minilm(TEXT_WEIGHTS.locate()))
    write_concepts(SHIPPED, store(concept_key(descriptions), embeddings))
    print(f"{SHIPPED}: {SHIPPED.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
