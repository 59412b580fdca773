"""Ordered queries: which arguments separate steps, and how programs put queries in order."""

import math
from pathlib import Path

import pytest

from vifi_cli.api.search.query_language import example, note_on_time, parse_query, within, words
from vifi_cli.errors import InvalidInput
from vifi_cli.index.search.query import ConceptName, Example, OrderedQuery, Query, Words


def steps(*arguments: str) -> list[str]:
    """The steps of an ordered query, `not` before those that are absent."""
    query = parse_query(arguments)
    assert isinstance(query, OrderedQuery)
    assert query.text == " ".join(arguments)
    return [f"{'not ' * step.is_absent}{step.query.text}" for step in query.steps]


def test_a_lone_then_between_terms_separates_steps() -> None:
    assert steps("opens a door", "then", "sits down") == ["opens a door", "sits down"]
    assert steps("opens", "a", "door", "then", "sits", "down") == ["opens a door", "sits down"]
    assert steps("a", "then", "b", "then", "c") == ["a", "b", "c"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["now and then"],
        ["now", "and", "then"],
        ["then", "a", "dog"],
        ["then"],
        ["and", "then", "-", "rain"],
        ["rain", "+", "then"],
        ["dog", "-", "then"],
        ["Then", "dog"],
        ["text:now", "and", "then"],
        ["people", "dancing", "before", "a", "fire"],
        ["a", "man", "sings", "while", "he", "plays"],
        ["not", "a", "dog"],
    ],
)
def test_other_words_stay_words(arguments: list[str]) -> None:
    query = parse_query(arguments)
    assert isinstance(query, Query)
    assert query.text == " ".join(arguments)


@pytest.mark.parametrize(
    ("word", "instead"),
    [("before", "A then B"), ("after", "B then A"), ("while", "A + B"), ("during", "A + B")],
)
def test_a_word_of_time_between_two_quoted_phrases_is_noted(word: str, instead: str) -> None:
    noted = note_on_time(["a dog", word, "a cat"])
    assert noted
    assert noted.startswith(f"`{word}` was searched for as a word: ")
    assert noted.endswith(f"write {instead}")
    assert note_on_time(["rain", "then", "a dog", word, "a cat"]) == noted
    for typed in (
        ["people", "dancing", word, "a", "fire"],
        ["people dancing", word, "sunset"],
        ["sunset", word, "the rain"],
        [f"people dancing {word} a fire"],
        [word, "a fire"],
        ["a fire", word],
        ["a fire", "then", "a dog"],
    ):
        assert note_on_time(typed) is None


def test_not_is_an_operator_right_after_then() -> None:
    assert steps("a goal", "then", "not", "cheering") == ["a goal", "not cheering"]
    assert steps("a", "then", "not", "b", "then", "c") == ["a", "not b", "c"]
    assert steps("a", "then", "not b") == ["a", "not b"]
    assert parse_query(["a", "then", "not b"]) != parse_query(["a", "then", "not", "b"])
    assert steps("a", "then", "not") == ["a", "not"]
    assert [step.is_absent for step in parse_query(["not", "a", "then", "b"]).steps] == [False, False]


def test_a_step_is_a_complete_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    query = parse_query(["2:dog", "-", "rain", "then", "clip.mp4@5-6", "+", "@waving"])
    assert isinstance(query, OrderedQuery)
    first, second = (step.query for step in query.steps)
    assert [(term.weight, term.meaning) for term in first.terms] == [(2, Words("dog")), (-1, Words("rain"))]
    assert isinstance(second.terms[0].meaning, Example)
    assert second.terms[1].meaning == ConceptName("waving")
    assert query.has_words
    assert query.terms == first.terms + second.terms


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a", "then", "b", "-"], "nothing stands after the last -"),
        (["-", "rain", "then", "b"], "only says what is unwanted"),
        (["a", "then", "not", "text:"], "a term of the query is empty"),
        (["a", "then", "0:b"], "a weight must be above 0"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused(arguments: list[str], says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_query(arguments)
    assert says in str(refused.value)


def test_programs_put_queries_in_order() -> None:
    a, b, c = words("a"), words("b"), words("c")
    assert a.then(b) == parse_query(["a", "then", "b"])
    assert a.then(b).then(c) == a.then(b.then(c)) == parse_query(["a", "then", "b", "then", "c"])
    assert a.then_not(b).then(c + b) == OrderedQuery(
        "a then not b then c + b",
        parse_query(["a", "then", "not", "b", "then", "c", "+", "b"]).steps,
    )
    limits = [step.within_seconds for step in a.then(b, within_seconds=30).then(c, within_seconds=5).steps]
    assert limits == [math.inf, 30, 5]
    assert [step.within_seconds for step in a.then(b).then_not(c).within(7).steps] == [7, 7, 7]
    assert a.then(example("x.jpg")).steps[1].query == example("x.jpg")


def test_what_has_no_meaning_is_refused() -> None:
    with pytest.raises(InvalidInput, match="above 0 seconds, not 0"):
        words("a").then(words("b"), within_seconds=0)
    with pytest.raises(TypeError):
        words("a") + words("b").then(words("c"))  # type: ignore[operator]


def test_a_length_of_time_limits_all_steps() -> None:
    query = parse_query(["a", "then", "b"])
    assert within(query, None) is query
    assert within(query, "1:30") == words("a").then(words("b")).within(90)
    for asked, length, says in (
        (words("a"), "30s", "--within limits the time between steps, and the query has one"),
        (query, "0s", "--within 0s: the time between two steps is above 0"),
        (query, "soon", "--within soon: not a length of time"),
    ):
        with pytest.raises(InvalidInput, match=says):
            within(asked, length)
