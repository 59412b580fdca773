"""Which texts of the classes a step takes."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.training.engine.class_tokens import ClassTokens


def numbered(counts: list[int]) -> ClassTokens:
    """Texts whose only token is their number."""
    tokens = torch.arange(sum(counts))[:, None]
    return ClassTokens(tokens, tuple(counts), tokens.float())


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(0, 6), st.integers(0, 99))
def test_each_class_gets_different_texts_of_its_own(counts: list[int], most: int, step: int) -> None:
    texts = numbered(counts)
    drawn = texts.drawn(most, seed=7, step=step)
    assert drawn.counts == tuple(min(count, most or count) for count in counts)
    assert drawn.embeddings is not None
    assert torch.equal(drawn.embeddings, drawn.tokens.float())
    rows = drawn.tokens[:, 0].split(list(drawn.counts))
    for number, of_class in enumerate(rows):
        first = sum(counts[:number])
        assert set(of_class.tolist()) <= set(range(first, first + counts[number]))
        assert len(set(of_class.tolist())) == len(of_class)
    assert torch.equal(drawn.tokens, texts.drawn(most, seed=7, step=step).tokens)


def test_steps_and_seeds_draw_differently_and_every_text_in_its_turn() -> None:
    texts = numbered([4] * 3)
    drawn = [texts.drawn(1, seed=1, step=step).tokens.flatten().tolist() for step in range(60)]
    assert {text for of_step in drawn for text in of_step} == set(range(12))
    assert drawn != [texts.drawn(1, seed=2, step=step).tokens.flatten().tolist() for step in range(60)]
