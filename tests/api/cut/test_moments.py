"""The moments to cut: named ones, and those a search writes in any of its forms."""

import json
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.api.cut.moments import as_moment, named_moments, parse_moments
from vifi_cli.errors import InvalidInput
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.video.moment import Moment
from vifi_cli.wording import escaped, seconds_of

DOG = Moment(Path("/videos/dog.mp4"), 80.0, 88.5, 0.25)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("90s", 90.0),
        ("1:30", 90.0),
        ("1:02:03.5", 3723.5),
        ("1h30m", 5400.0),
        ("0:07.25", 7.25),
        ("1:99", None),
        ("", None),
        ("x", None),
        ("-3", None),
    ],
)
def test_times_are_read_as_people_write_them(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("/videos/dog.mp4@1:20-1:28.5", 80.0, 88.5),
        ("/videos/dog.mp4@1:20–1:28", 80.0, 88.0),
        ("/videos/dog.mp4@80-88", 80.0, 88.0),
        ("/videos/dog.mp4@1:20-", 80.0, math.inf),
        ("/videos/dog.mp4@-1:20", 0.0, 80.0),
        ("/videos/dog.mp4@-", 0.0, math.inf),
    ],
)
def test_moments_are_named_by_file_and_time(text: str, start: float, end: float) -> None:
    wanted = named_moments([text])
    assert wanted is not None
    assert wanted.moments == (Moment(Path("/videos/dog.mp4"), start, end),)


def test_names_may_hold_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wanted = named_moments(["me@home - 1:20.mp4@0:01-0:02", os.fsdecode(b"\xff.mp4") + "@1-2"])
    assert wanted is not None
    assert [one.path for one in wanted.moments] == [
        tmp_path / "me@home - 1:20.mp4",
        tmp_path / os.fsdecode(b"\xff.mp4"),
    ]


@pytest.mark.parametrize("query", ["a dog", "a man @ work", "me@home", "3:10 - 4:20", "x@y-z", "@1-2"])
def test_words_are_no_moments(query: str) -> None:
    assert named_moments([query]) is None


def test_moments_and_words_do_not_mix() -> None:
    with pytest.raises(InvalidInput, match="a dog is among moments, but is not one"):
        named_moments(["dog.mp4@1-2", "a dog"])
    with pytest.raises(InvalidInput, match="the end is not after the start"):
        named_moments(["dog.mp4@2-1"])


def hit(moment: Moment) -> dict[str, object]:
    return {
        "path": str(moment.path),
        "start_seconds": moment.start_seconds,
        "end_seconds": moment.end_seconds,
        "score": moment.score,
    }


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"query": "a dog", "model": "starter", "hits": [hit(DOG), hit(DOG)]}, indent=2),
        json.dumps([hit(DOG), hit(DOG)]),
        json.dumps({"name": "dogs", "result": "", "candidates": [hit(DOG), hit(DOG)]}),
        "\n".join(json.dumps(hit(DOG)) for _ in range(2)) + "\n",
        "0.2500\t80.000\t88.500\t/videos/dog.mp4\n" * 2,
    ],
)
def test_every_form_of_hits_is_read(text: str) -> None:
    wanted = parse_moments(text)
    assert wanted.moments == (DOG, DOG)
    assert wanted.title == ("a dog" if "query" in text else "Moments")


def test_one_line_of_json_is_a_hit() -> None:
    assert parse_moments(json.dumps(hit(DOG))).moments == (DOG,)


def test_named_moments_come_a_line() -> None:
    assert len(parse_moments("/a.mp4@1-2\n\n/b.mp4@1:00-2:00\n").moments) == 2


def test_nothing_is_no_moment() -> None:
    assert parse_moments("").moments == ()
    assert parse_moments('{"query": "a dog", "hits": []}').moments == ()


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=())).filter(str.strip))
def test_any_name_comes_back_from_cells_and_json(name: str) -> None:
    path = Path("/videos") / name.replace("/", "_")
    escaped = str(path).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    cells = parse_moments(f"0.2500\t80.000\t88.500\t{escaped}\n")
    document = parse_moments(json.dumps({"hits": [hit(Moment(path, 80.0, 88.5, 0.25))]}))
    expected = Path(os.path.normpath(path))
    assert [one.path for one in (*cells.moments, *document.moments)] == [expected, expected]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/videos/dog.mp4\n", "not a moment: /videos/dog.mp4: pass on what `vifi search --json`"),
        ("a\tb\tc\td\n", "not a moment"),
        ("0.2\t5.0\t3.0\t/videos/dog.mp4\n", "does not end after it begins"),
        ('{"hits": 3}', "no list of hits"),
        ('{"hits": [{"path": "/a.mp4"}]}', "hit 1: not a hit with path"),
        ('{"hits": [{"path": 3, "start_seconds": 1, "end_seconds": 2}]}', "hit 1: not a hit"),
        (
            '{"hits": [{"path": "/a", "start_seconds": NaN, "end_seconds": 2}]}',
            "does not end after it begins",
        ),
        ('{"broken\n{"json', "not JSON"),
        ("[1, 2]", "hit 1: not a hit"),
    ],
)
def test_what_is_no_hit_is_said_plainly(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_moments(text)


def test_named_moments_may_hold_the_escapes_that_a_search_writes(tmp_path: Path) -> None:
    odd, literal = tmp_path / "a\nb\\c.mp4", tmp_path / r"a\tb.mp4"
    literal.touch()
    lines = f"{escaped(str(odd))}@1.000-2.500\n{literal}@0:01-\n"
    first, second = parse_moments(lines).moments
    assert (first.path, first.start_seconds, first.end_seconds) == (odd, 1.0, 2.5)
    assert second.path == literal


def test_a_moment_knows_what_its_score_is() -> None:
    place = {"path": "/videos/dog.mp4", "start_seconds": 1.0, "end_seconds": 2.0}
    rated, unrated = {"relevance": 0.5, "cosine": 0.3}, {"relevance": None, "cosine": 0.3}
    (first, second) = parse_moments(json.dumps([place | rated, place | unrated])).moments
    assert (first.score, first.score_name) == (0.5, "Relevance")
    assert (second.score, second.score_name) == (0.3, "Cosine")
    assert as_moment(SearchHit(Path("/videos/dog.mp4"), 1.0, 2.0, 0.3, 0.5)) == first
    assert as_moment(second) == second
