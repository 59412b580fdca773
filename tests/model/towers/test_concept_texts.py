"""The concepts of `starter`: what the package carries is what the text tower computes, and nothing else is used."""

from pathlib import Path

import numpy as np
import pytest

from vifi_cli import paths
from vifi_cli.model.towers import concept_texts
from vifi_cli.model.towers.concept_texts import (
    SHIPPED,
    concept_descriptions,
    concept_embeddings,
    concept_key,
    embed_concepts,
    read_concepts,
    store,
    write_concepts,
)
from vifi_cli.model.towers.minilm import SentenceTransformer, load_minilm
from vifi_cli.model.weights.packaged_weights import TEXT_WEIGHTS


@pytest.fixture(scope="module")
def text() -> SentenceTransformer:
    return load_minilm(TEXT_WEIGHTS.locate())


@pytest.fixture(scope="module")
def descriptions() -> list[str]:
    return concept_descriptions()


def test_the_package_carries_what_the_text_tower_computes(
    text: SentenceTransformer, descriptions: list[str]
) -> None:
    stored = read_concepts(SHIPPED)
    assert stored is not None
    assert stored.key == concept_key(descriptions), "run `python -m vifi_cli.model.towers.concept_texts`"
    some = list(range(0, 1000, 83))
    computed = embed_concepts([descriptions[index] for index in some], text)
    np.testing.assert_allclose(stored.embeddings()[some], computed, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(stored.embeddings(), axis=1), 1, atol=1e-4)
    assert SHIPPED.stat().st_size < 1_000_000


def test_nothing_is_embedded_where_the_package_fits(
    text: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(concept_texts, "embed_concepts", lambda *_: pytest.fail("it embeds the concepts"))
    assert concept_embeddings(text).shape == (1000, 384)
    assert not paths.cache_folder().exists()


@pytest.mark.parametrize("reason", ["other names", "other weights", "damaged", "absent"])
def test_other_names_and_weights_are_embedded_once(
    reason: str,
    text: SentenceTransformer,
    descriptions: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    embedded: list[list[str]] = []
    rng = np.random.default_rng(0)

    def embed(texts: list[str], _: SentenceTransformer) -> np.ndarray:
        embedded.append(texts)
        rows = rng.normal(size=(1000, 384)).astype(np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    monkeypatch.setattr(concept_texts, "embed_concepts", embed)
    if reason == "other names":
        monkeypatch.setattr(concept_texts, "concept_descriptions", lambda: ["a cat", *descriptions[1:]])
    elif reason == "other weights":
        key = concept_texts.concept_key
        monkeypatch.setattr(concept_texts, "concept_key", lambda names: key(names)[::-1])
    else:
        file = tmp_path / "shipped.npz"
        monkeypatch.setattr(concept_texts, "SHIPPED", file)
        if reason == "damaged":
            file.write_bytes(SHIPPED.read_bytes()[:-1000])
    first = concept_embeddings(text)
    assert len(embedded) == 1
    shipped = read_concepts(SHIPPED)
    assert shipped is not None
    assert not np.allclose(first, shipped.embeddings(), atol=0.01)
    np.testing.assert_array_equal(concept_embeddings(text), first)
    assert len(embedded) == 1, "the cache keeps them"


def test_a_cache_that_holds_something_else_is_made_again(tmp_path: Path) -> None:
    embeddings = np.full((1000, 384), 384**-0.5, np.float32)
    file = tmp_path / "concepts.npz"
    write_concepts(file, store("key", embeddings))
    kept = read_concepts(file)
    assert kept is not None
    assert kept.key == "key"
    np.testing.assert_allclose(kept.embeddings(), embeddings, atol=1e-6)
    np.savez(file, key="key", levels=np.zeros((3, 384), np.int16), step=0.1)
    assert read_concepts(file) is None
    file.write_text("no arrays")
    assert read_concepts(file) is None
