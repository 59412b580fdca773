"""Labels as people write them."""

from pathlib import Path

import pytest

from vifi_cli import concept, words
from vifi_cli.api.timeline.labels import Label, labels_for, labels_of
from vifi_cli.errors import InvalidInput
from vifi_cli.index.search.query import ConceptName, Example, Term, Words


def names_and_queries(labels: tuple[Label, ...]) -> list[tuple[str, str]]:
    return [(label.name, label.query.text) for label in labels]


def test_labels_are_words_queries_or_concepts_and_may_have_names() -> None:
    labels = labels_of(["walking, run = a person running,@sitting"], ["waving,@nod"])
    assert names_and_queries(labels) == [
        ("walking", "walking"),
        ("run", "a person running"),
        ("sitting", "@sitting"),
        ("waving", "@waving"),
        ("nod", "@nod"),
    ]
    assert labels[2].query.terms == (Term(ConceptName("sitting")),)
    assert labels_of(["a\nwolf"])[0].name == "a wolf", "a name is on one line"
    assert names_and_queries(labels_of(['a dog,nap="a cat, asleep" + 2:"a, b",c'])) == [
        ("a dog", "a dog"),
        ("nap", "a cat, asleep + 2:a, b"),
        ("c", "c"),
    ]
    (steered,) = labels_of(["a dog - 0.5:a cat"])
    assert steered.query.terms == (Term(Words("a dog")), Term(Words("a cat"), -0.5))


def test_a_file_has_a_label_on_each_line_and_lines_may_hold_commas(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("\ufeffwalking\n\nrest=a mouse lies still, curled up\r\n駆ける\n", encoding="utf-8")
    assert names_and_queries(labels_of([str(file)])) == [
        ("walking", "walking"),
        ("rest", "a mouse lies still, curled up"),
        ("駆ける", "駆ける"),
    ]


def test_a_video_or_a_picture_is_an_example_and_no_file_of_labels(tmp_path: Path) -> None:
    for name in ("dog.MP4", "dog.jpg"):
        (tmp_path / name).write_bytes(b"\xff\xd8")
        (label,) = labels_of([str(tmp_path / name)])
        assert label.query.terms == (Term(Example(tmp_path / name)),)


@pytest.mark.parametrize(
    ("texts", "concepts", "said"),
    [
        ([], [], "no label is given"),
        (["a,,b"], [], "label 2 of 'a,,b' is empty"),
        (["a,=b"], [], "label 2 of 'a,=b' is empty"),
        (["walk=a,walk=b"], [], "the label 'walk' is listed twice"),
        (["waving"], ["waving"], "the label 'waving' is listed twice"),
        (["- cat"], [], "label 1 of '- cat': the query only says what is unwanted"),
        (["list.txt"], [], "list.txt is not a file"),
        ([], ["a,,b"], "a concept without a name"),
        ([], ["a b"], "cannot name a concept"),
    ],
)
def test_labels_that_make_no_sense_are_refused(texts: list[str], concepts: list[str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        labels_of(texts, concepts)


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text('walking\n"open\n')
    with pytest.raises(InvalidInput, match=r"labels.txt, line 2: a quotation mark"):
        labels_of([str(file)])
    file.write_text("\n")
    with pytest.raises(InvalidInput, match="has no labels"):
        labels_of([str(file)])


def test_programs_give_words_and_queries() -> None:
    assert names_and_queries(labels_for(["a dog", concept("waving"), words("a") + words("b")])) == [
        ("a dog", "a dog"),
        ("waving", "@waving"),
        ("a + b", "a + b"),
    ]
    assert names_and_queries(labels_for({"walk": "a person walking", "wave": concept("waving")})) == [
        ("walk", "a person walking"),
        ("wave", "@waving"),
    ]
    with pytest.raises(InvalidInput, match="labels are a list, not the text 'dog'"):
        labels_for("dog")
    with pytest.raises(InvalidInput, match="the query is empty"):
        labels_for([" "])
