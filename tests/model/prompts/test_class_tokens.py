"""Classes that become the same tokens are found by what the text tower reads, with the reason."""

from collections.abc import Sequence

import pytest
import torch
from torch import nn

from vifi_cli.errors import InvalidInput
from vifi_cli.model.prompts.class_tokens import (
    TextReader,
    describe_cut_texts,
    describe_unclear_classes,
    refuse_unclear_classes,
)
from vifi_cli.model.prompts.text import PromptedTextTower
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.model.towers.tokenizers.sentence_tokenizer import SentenceTokenizer
from vifi_cli.model.towers.tokenizers.short_context import cut_context
from vifi_cli.model.weights.packaged_weights import TEXT_TOKENIZER

TEMPLATE = "a photo of a {}."
SENTENCES = SentenceTokenizer(TEXT_TOKENIZER.locate())
LONG = "a person in a street " * 60


def minilm() -> TextReader:
    return TextReader("starter", lambda texts: torch.from_numpy(SENTENCES(texts)), nn.Identity())


def clip(prompts: int = 0, context: int = 77) -> TextReader:
    declare_missing_operators()
    import open_clip
    from open_clip.transformer import TextTransformer

    tower: nn.Module = TextTransformer(context_length=context, width=16, heads=1, layers=1, output_dim=8)
    if prompts:
        tower = PromptedTextTower(tower, [torch.zeros(prompts, 16)])
    tokenizer = open_clip.SimpleTokenizer(context_length=context)
    return TextReader("clip", lambda texts: cut_context(tokenizer(list(texts)), {}), tower)


def texts_of(names: Sequence[str], template: str = TEMPLATE) -> list[tuple[str, ...]]:
    return [(template.replace("{}", name),) for name in names]


CASES = {
    "case": (minilm, ("Stand up", "STAND UP"), "only in case, accents or spaces.*rename one"),
    "case of CLIP": (clip, ("Stand up", "STAND UP"), "only in case, accents or spaces.*rename one"),
    "accents": (minilm, ("pêche", "peche"), "only in case, accents or spaces"),
    "wide letters": (clip, ("ｒｕｎ", "run"), "only in case, accents or spaces"),
    "composed letters": (clip, ("caf\u00e9", "cafe\u0301"), "only in case, accents or spaces"),
    "spaces": (clip, ("stand  up", "stand up"), "only in case, accents or spaces"),
    "invisible": (minilm, ("run", "run\u200b"), "only in case, accents or spaces"),
    "Khmer": (minilm, ("ដើរ", "រត់"), "letters that its tokenizer does not know.*many languages"),
    "Amharic": (
        minilm,
        ("መሮጥ", "መሄድ"),
        "letters that its tokenizer does not know.*write the names in English",
    ),
    "emoji": (minilm, ("🏃", "🚶"), "letters that its tokenizer does not know"),
    "behind 256 tokens": (minilm, (LONG + "bends", LONG + "jumps"), "behind the longest text.*shorten"),
    "behind 77 tokens": (clip, (LONG + "bends", LONG + "jumps"), "behind the longest text.*shorten"),
    "behind a short context": (
        lambda: clip(context=12),
        ("one two three four five six seven", "one two three four five six eight"),
        "behind the longest text",
    ),
    "prompts": (
        lambda: clip(prompts=74),
        ("bend", "jump"),
        "prompts displace what they differ in",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_two_classes_that_are_read_alike_are_refused_with_the_reason(case: str) -> None:
    make, names, reason = CASES[case]
    reader, with_another = make(), (*names, "swim")
    with pytest.raises(InvalidInput, match=reason) as caught:
        refuse_unclear_classes(reader, with_another, texts_of(with_another))
    message = str(caught.value)
    assert message.startswith(f"{reader.model} cannot tell {names[0][:30]!r}"[:-1])
    assert f"{names[1][-30:]!r} ("[1:] in message
    assert ("swim" in message) == (case == "prompts"), "74 prompts displace every name"
    assert "\n" not in message
    if case == "prompts":
        return
    warning = describe_unclear_classes(reader, with_another, texts_of(with_another))
    assert "so their scores say nothing" in warning
    with pytest.raises(InvalidInput, match=reason):
        describe_unclear_classes(reader, names, texts_of(names))


@pytest.mark.parametrize(
    "make", [minilm, clip, lambda: clip(prompts=16), lambda: clip(prompts=74 - 6)], ids=["s", "c", "16", "68"]
)
def test_names_that_differ_for_the_tower_pass(make: object) -> None:
    names = ("bend", "bends", "stand up", "sit down", "走", "A", "B", "don't")
    reader = make()  # type: ignore[operator]
    template = "{}." if isinstance(reader.tower, PromptedTextTower) else TEMPLATE
    refuse_unclear_classes(reader, names, texts_of(names, template))
    assert describe_unclear_classes(reader, names, texts_of(names, template)) == ""


def test_a_template_that_drops_the_name_makes_all_classes_equal() -> None:
    names = ("bend", "jump", "run")
    with pytest.raises(InvalidInput, match="behind the longest text"):
        refuse_unclear_classes(clip(), names, texts_of(names, "very " * 80 + "{}"))


def test_several_texts_of_a_class_are_compared_together() -> None:
    names = ("bend", "jump", "run")
    distinct = [("legs", "arms"), ("legs", "head"), ("legs",)]
    assert describe_unclear_classes(clip(), names, distinct) == ""
    swapped = [("legs", "arms"), ("arms", "legs"), ("head",)]
    assert "'bend' from 'jump'" in describe_unclear_classes(clip(), names, swapped)
    same = [("legs",), ("head",), ("legs",)]
    warning = describe_unclear_classes(clip(), names, same)
    assert "'bend' from 'run' (their texts are the same)" in warning
    assert "give each class a text of its own" in warning


def test_a_name_of_which_nothing_is_left_is_named_even_alone() -> None:
    names = ("run", "\u200b\u200d", "walk")
    with pytest.raises(InvalidInput, match=r"starter reads nothing of .*ignores all of it\): rename it"):
        refuse_unclear_classes(minilm(), names, texts_of(names))
    assert "reads nothing of" in describe_unclear_classes(minilm(), names, texts_of(names))


def test_many_pairs_are_counted() -> None:
    names = [name for word in ("run", "walk", "sit", "lie", "fall") for name in (word, word.upper())]
    with pytest.raises(InvalidInput, match=r"'sit' from 'SIT' .*\) and 2 more: rename"):
        refuse_unclear_classes(clip(), names, texts_of(names))


@pytest.mark.parametrize(
    ("make", "names", "template", "cut"),
    [
        (lambda: clip(prompts=74), ("jack", "bend"), "{}.", ""),
        (lambda: clip(prompts=74), ("jack", "xylophonists"), "{}.", "'xylophonists', whose ends"),
        (lambda: clip(prompts=73), ("jack up", "bend down"), "{}.", ""),
        (lambda: clip(prompts=74), ("jack up", "bend down"), "{}.", "'jack up', 'bend down', whose ends"),
        (clip, (LONG, "bend"), TEMPLATE, "'a person in a street a person …"),
        (minilm, ("ដើរ", "bend"), TEMPLATE, ""),
    ],
)
def test_names_without_room_are_pointed_out(make: object, names: list[str], template: str, cut: str) -> None:
    reader = make()  # type: ignore[operator]
    said = describe_cut_texts(reader, names, texts_of(names, template))
    assert cut in said
    assert bool(cut) == bool(said)
