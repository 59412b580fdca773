import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.api.search.query_language import concept, parse_example, parse_query
from vifi_cli.api.search.query_line import split_line
from vifi_cli.errors import InvalidInput
from vifi_cli.index.search.query import ConceptName, Example, Query, Words
from vifi_cli.video.moment import TimeRange


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files are looked for: an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def words(query: Query) -> list[tuple[float, str]]:
    """The terms of a query that is words alone."""
    for term in query.terms:
        assert isinstance(term.meaning, Words), term
    return [(term.weight, term.meaning.text) for term in query.terms if isinstance(term.meaning, Words)]


def example(*arguments: str) -> Example:
    """What a query shows that is one example."""
    (term,) = parse_query(arguments).terms
    assert isinstance(term.meaning, Example), term
    return term.meaning


@pytest.mark.parametrize(
    ("arguments", "terms"),
    [
        (["a dog"], [(1, "a dog")]),
        (["a", "dog", "runs"], [(1, "a dog runs")]),
        (["dog", "+", "beach", "-", "rain"], [(1, "dog"), (1, "beach"), (-1, "rain")]),
        (["a", "dog", "-", "a", "cat"], [(1, "a dog"), (-1, "a cat")]),
        (["2:dog", "-", "0.5:rain"], [(2, "dog"), (-0.5, "rain")]),
        ([".5: dog"], [(0.5, "dog")]),
        (["2:", "dog", "+", "cat"], [(2, "dog"), (1, "cat")]),
        (["-", "rain", "+", "dog"], [(-1, "rain"), (1, "dog")]),
        (["+", "dog"], [(1, "dog")]),
        (["dog + cat"], [(1, "dog + cat")]),
    ],
)
def test_terms_and_their_weights(arguments: list[str], terms: list[tuple[float, str]]) -> None:
    query = parse_query(arguments)
    assert words(query) == terms
    assert query.text == " ".join(arguments)


@pytest.mark.parametrize(
    "text",
    [
        "3:10 to Yuma",
        "16:9",
        "2:",
        "12:30:15",
        "a/b testing",
        "24/7 shop",
        "me@home",
        "mail@1:20",
        "what is a .png",
        "a cat named photo.jpg.",
        "mp4",
        "-",
        "a" * 5000 + "/b",
    ],
)
def test_words_that_look_like_something_else(text: str) -> None:
    if text == "-":
        text = "text:-"
    assert words(parse_query([text])) == [(1, text.removeprefix("text:"))]


@pytest.mark.parametrize(
    ("arguments", "terms"),
    [
        (["@waving"], [(1, "waving")]),
        (["2:@waving"], [(2, "waving")]),
        (["2:", "@waving"], [(2, "waving")]),
        (["@waving", "-", "0.5:@one-hand_2"], [(1, "waving"), (-0.5, "one-hand_2")]),
        (["@нога", "+", "@नाचना"], [(1, "нога"), (1, "नाचना")]),
        (["@cafe\u0301"], [(1, "café")]),
    ],
)
def test_concepts_are_named_by_an_at(arguments: list[str], terms: list[tuple[float, str]]) -> None:
    parsed = parse_query(arguments).terms
    assert [(term.weight, term.meaning) for term in parsed] == [
        (weight, ConceptName(name)) for weight, name in terms
    ]


@pytest.mark.parametrize("text", ["@", "@ home", "@-a", "@a/b", "@a!", "me@waving", "text:@waving"])
def test_what_cannot_name_a_concept_is_words(text: str) -> None:
    assert words(parse_query([text])) == [(1, text.removeprefix("text:"))]


def test_a_query_searches_for_a_concept_alone_or_not() -> None:
    assert parse_query(["3:@a"]).sole_concept == concept("@a").sole_concept == "a"
    for arguments in (["@a", "+", "@b"], ["@a", "-", "rain"], ["a"], ["text:@a"], ["a.jpg"]):
        assert parse_query(arguments).sole_concept is None


@pytest.mark.parametrize("text", ["2:dog", "./photo.jpg", "clip.mp4@1:20", "+", "text:x", "/r/aww"])
def test_text_before_words_takes_them_as_they_are(text: str) -> None:
    assert words(parse_query([f"text:{text}"])) == [(1, text)]
    assert words(parse_query([f"3:text:{text}", "+", "x"])) == [(3, text), (1, "x")]


@given(st.text(min_size=1).filter(lambda text: text.strip() and "\0" not in text))
def test_any_text_can_be_asked_for(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert words(parse_query([f"text:{text}"])) == [(1, text)]


@pytest.mark.parametrize(
    ("text", "name", "part"),
    [
        ("photo.JPG", "photo.JPG", None),
        ("./anything", "anything", None),
        ("clip.mp4", "clip.mp4", None),
        ("clip.mp4@1:20-1:28", "clip.mp4", TimeRange(80, 88, 80)),
        ("clip.mp4@1:20", "clip.mp4", TimeRange(78, 82, 80)),
        ("me@beach.mp4", "me@beach.mp4", None),
        ("me@beach.mp4@5-6", "me@beach.mp4", TimeRange(5, 6, 5)),
        ("./a@b/clip.mp4", "a@b/clip.mp4", None),
        ("./clip@5-6", "clip", TimeRange(5, 6, 5)),
    ],
)
def test_files_that_may_be_missing(folder: Path, text: str, name: str, part: TimeRange | None) -> None:
    assert example(text) == parse_example(text) == Example(folder / name, part)
    (term,) = parse_query([f"2:{text}"]).terms
    assert (term.weight, term.meaning) == (2, Example(folder / name, part))


def test_a_file_that_is_there_is_meant_by_its_whole_name(folder: Path) -> None:
    (folder / "trips").mkdir()
    for name in ("trips/beach", "clip.mp4@1:20", "2:photo.jpg"):
        (folder / name).touch()
        assert example(name) == Example(folder / name)
    (folder / "dog").touch()
    assert words(parse_query(["dog"])) == [(1, "dog")], "a bare word is a word"
    assert example("./dog") == Example(folder / "dog")


def test_a_file_in_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert example("~/photo.jpg") == Example(tmp_path / "home" / "photo.jpg")


def test_a_file_whose_name_is_no_text(folder: Path) -> None:
    name = os.fsdecode(b"caf\xe9.mp4")
    assert example(f"./{name}@5-6") == Example(folder / name, TimeRange(5, 6, 5))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["  "], "the query is empty"),
        (["dog", "+", ""], "a term of the query is empty"),
        (["dog", "+"], "nothing stands after the last +"),
        (["-"], "nothing stands after the last -"),
        (["dog", "+", "-", "cat"], "two operators in a row"),
        (["-", "rain"], "only says what is unwanted"),
        (["0:dog"], "a weight must be above 0"),
        (["9" * 400 + ":dog"], "a weight must be above 0"),
        (["@waving", "dog"], "@waving stands next to other words"),
        (["@waving + dog"], "write each + and - as an argument of its own, as in @waving + outdoors"),
        (["2:a dog @waving"], "@waving stands next to other words"),
        (["photo.jpg", "dog"], "photo.jpg stands next to another term"),
        (["a.jpg", "b.jpg"], "a.jpg stands next to another term"),
        (["clip.mp4@soon"], "soon is not a time in a video"),
        (["clip.mp4@"], "nothing is not a time in a video"),
        (["clip.mp4@8-5"], "8-5 is not a time in a video"),
        (["https://example.org/a.jpg"], "is an address"),
        (["do\0g"], "NUL"),
        ([os.fsdecode(b"caf\xe9")], "not valid UTF-8"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(arguments: list[str], says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_query(arguments)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("a dog  + beach", ["a", "dog", "+", "beach"]),
        ("a man's dog and a woman's", ["a", "man's", "dog", "and", "a", "woman's"]),
        ("'my photo.jpg' + x", ["my photo.jpg", "+", "x"]),
        ('"my photo.jpg" --path="a b" -t 3', ["my photo.jpg", "--path=a b", "-t", "3"]),
        (r"./my\ photo.jpg \"so\"", ["./my photo.jpg", '"so"']),
        ('""', [""]),
        ("end\\", ["end\\"]),
        ("\t ", []),
    ],
)
def test_a_line_is_split_as_people_expect(line: str, arguments: list[str]) -> None:
    assert split_line(line) == arguments


def test_an_open_quotation_is_said(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="not closed"):
        split_line('a 5" disk')


@given(st.lists(st.text(st.characters(blacklist_characters='"\\', blacklist_categories=("Cs",)), min_size=1)))
def test_arguments_in_double_quotes_come_back(arguments: list[str]) -> None:
    assert split_line(" ".join(f'"{argument}"' for argument in arguments)) == arguments
