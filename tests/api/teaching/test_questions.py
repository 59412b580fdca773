"""Teaching from the first question on: what is asked, stored, undone, described again, and named to be marked."""

from pathlib import Path

import pytest

from tests.api.teaching.conftest import MakeSession
from vifi_cli.api.search.hits.last_search import LastSearch
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.beginning import begin_teaching, teach
from vifi_cli.api.teaching.candidates import candidates
from vifi_cli.api.teaching.named_moments import named_moments
from vifi_cli.api.teaching.questions import Questions
from vifi_cli.errors import InvalidInput
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.video.moment import Moment

RED, ORANGE, BLUE, GREEN = (1.0, 0.0, 0.0), (0.9, 0.45, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0)


@pytest.fixture
def session(colored: MakeSession) -> SearchSession:
    return colored(BLUE, RED, GREEN, ORANGE)


def names(hits: list[SearchHit]) -> list[str]:
    return [hit.path.stem for hit in hits]


def marks(session: SearchSession) -> list[tuple[str, bool]]:
    return [(mark.path.stem, mark.is_right) for mark in session.concepts.get("warm").marks]


def test_each_answer_is_stored_and_the_next_question_builds_on_it(session: SearchSession) -> None:
    begin_teaching(session, "@warm", "red  or\nwarm")
    assert session.concepts.get("warm").description == "red or warm"
    questions = Questions(session, "warm")
    assert questions.asked
    assert questions.asked.path.stem == "b"
    assert questions.asked.end_seconds - questions.asked.start_seconds <= 8
    questions.mark(is_right=True)
    assert marks(session) == [("b", True)]
    assert questions.asked.path.stem == "d"
    questions.skip()
    assert questions.asked.path.stem in "ac"
    concept = questions.mark(is_right=False)
    assert concept.learned is not None
    assert len(marks(session)) == 2
    assert names(candidates(session, "warm", 9, skipped=questions.skipped)) == ["c"]
    assert set(names(candidates(session, "warm", 9))) == {"c", "d"}


def test_answers_are_undone_in_their_order_and_asked_again(session: SearchSession) -> None:
    begin_teaching(session, "warm", "red")
    questions = Questions(session, "warm")
    assert not questions.undo()
    first = questions.asked
    questions.mark(is_right=True)
    second = questions.asked
    questions.skip()
    assert questions.undo()
    assert questions.asked == second
    assert questions.undo()
    assert questions.asked == first
    assert marks(session) == []
    assert not questions.undo()


def test_a_video_that_is_gone_is_not_asked_about(session: SearchSession, tmp_path: Path) -> None:
    begin_teaching(session, "warm", "red")
    (tmp_path / "b.mp4").unlink()
    assert names(candidates(session, "warm")) == ["d"]


def test_a_concept_is_described_once_and_may_be_described_again(session: SearchSession) -> None:
    with pytest.raises(InvalidInput, match='begin with `vifi teach warm "what it looks like"`'):
        begin_teaching(session, "warm")
    with pytest.raises(InvalidInput, match="the description of @warm is empty"):
        begin_teaching(session, "warm", "  ")
    assert session.concepts.names() == []
    assert begin_teaching(session, "warm", "red").is_new
    again = begin_teaching(session, "warm")
    assert (again.is_new, again.former_description, again.concept.description) == (False, None, "red")
    assert begin_teaching(session, "warm", "red").former_description is None
    Questions(session, "warm").mark(is_right=True)
    changed = begin_teaching(session, "warm", "blue")
    assert (changed.former_description, changed.concept.description) == ("red", "blue")
    assert marks(session) == [("b", True)]
    assert names(candidates(session, "warm", 1)) == ["a"]


def test_moments_are_named_by_files_times_and_numbers(session: SearchSession, tmp_path: Path) -> None:
    a, b = tmp_path / "a.mp4", tmp_path / "b.mp4"
    hits = [SearchHit(path, start, start + 2.0, 0.5) for path in (a, b) for start in (1.0, 4.0)]
    LastSearch.of("anything", hits).keep()
    found = named_moments(
        session, [f"{a}@0:01-0:03", f"{b}@0:05", str(b), f"{a}@0:08-", f"{a}@0:09-0:20", "2-3,1"]
    )
    assert found == [
        Moment(a, 1.0, 3.0),
        Moment(b, 3.0, 7.0),
        Moment(b, 0.0, 10.0),
        Moment(a, 8.0, 10.0),
        Moment(a, 9.0, 10.0),
        Moment(a, 4.0, 6.0),
        Moment(b, 1.0, 3.0),
        Moment(a, 1.0, 3.0),
    ]


def test_all_named_moments_are_marked_or_none(session: SearchSession, tmp_path: Path) -> None:
    a, b = (Moment(tmp_path / name, 0.0, 4.0) for name in ("a.mp4", "b.mp4"))
    with pytest.raises(InvalidInput, match=r"a\.mp4 at 0:00 is named both as right and as wrong"):
        teach(session, "warm", "red", right=[b, a], wrong=[a])
    with pytest.raises(InvalidInput, match=r"a\.mp4 at 0:01 is named both"):  # 3 of 5 s are the same
        teach(session, "warm", "red", right=[b, a], wrong=[Moment(a.path, 1.0, 5.0)])
    with pytest.raises(InvalidInput, match="is not in the index"):
        teach(session, "warm", "red", right=[b, Moment(tmp_path / "x.mp4", 0.0, 1.0)])
    assert session.concepts.names() == []
    taught = teach(session, "warm", "red", right=[b], wrong=[a])
    assert taught.is_new
    assert taught.concept.learned is not None
    assert marks(session) == [("b", True), ("a", False)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{a}@0:12-0:14", "lasts 10 s: nothing in it is at 0:12"),
        ("{a}@10", "lasts 10 s"),
        (" ", "a moment without a name: write the number of a hit, FILE@1:20-1:24, or FILE"),
        ("{other}", "is not in the index: only moments of indexed videos can be marked"),
        ("5", "there is no hit 5: the last search (anything) has 1 hit"),
        ("2-1", "2-1 counts backwards: write 1-2"),
        ("{a}@0:04-0:02", "the end is not after the start"),
    ],
)
def test_what_cannot_be_marked_is_explained(
    session: SearchSession, tmp_path: Path, text: str, problem: str
) -> None:
    a = tmp_path / "a.mp4"
    LastSearch.of("anything", [SearchHit(a, 1.0, 2.0, 0.5)]).keep()
    with pytest.raises(InvalidInput) as raised:
        named_moments(session, [text.format(a=a, other=tmp_path / "other.mp4")])
    assert problem in str(raised.value)
