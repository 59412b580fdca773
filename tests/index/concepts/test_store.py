"""What is taught is kept beside the index: names, marks in their order, and what was learned."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vifi_cli.errors import InvalidInput
from vifi_cli.index.concepts.concept import Concept, CrossValidation, LearnedQuery, Mark
from vifi_cli.index.concepts.store import ConceptStore

RIGHT = Mark(Path("/videos/a.mp4"), 1.0, 3.0, True, "a")
WRONG = Mark(Path("/videos/b.mp4"), 0.0, 2.0, False, "b")
VALIDATION = CrossValidation(3, 6, 0.25, 0.5, 0.125, 0.375)
LEARNED = LearnedQuery("vision", np.array([0.6, 0.8], np.float32), "whitened", VALIDATION, "starter")


@pytest.fixture
def store(tmp_path: Path) -> ConceptStore:
    return ConceptStore(tmp_path / "index")


def test_a_concept_comes_back_with_its_marks_and_what_was_learned(
    store: ConceptStore, tmp_path: Path
) -> None:
    store.add("waving", "a person waves")
    store.mark("waving", RIGHT)
    store.mark("waving", WRONG)
    store.keep_learned(store.get("waving"), LEARNED)
    concept = ConceptStore(tmp_path / "index").get("Waving")
    assert (concept.name, concept.description, concept.marks) == ("waving", "a person waves", (RIGHT, WRONG))
    assert not concept.is_stale
    assert concept.learned
    assert (concept.learned.vision_fingerprint, concept.learned.model) == ("vision", "starter")
    assert (concept.learned.form, concept.learned.validation) == ("whitened", VALIDATION)
    assert concept.learned.embedding.tolist() == pytest.approx([0.6, 0.8])


def test_a_mark_replaces_that_of_the_same_moment_wherever_the_video_was(store: ConceptStore) -> None:
    store.add("waving", "a person waves")
    store.mark("waving", RIGHT)
    moved = Mark(Path("/elsewhere/a.mp4"), 1.0001, 3.0, False, "a")
    store.mark("waving", moved)
    assert store.get("waving").marks == (moved,)
    other_content = replace(RIGHT, fingerprint="another video in its place")
    later = replace(RIGHT, start_seconds=2.5, end_seconds=4.5)
    store.mark("waving", other_content)
    store.mark("waving", later)
    assert store.get("waving").marks == (moved, other_content, later)
    store.unmark("waving", other_content)
    assert store.get("waving").marks == (moved, later)


def test_marks_take_the_place_of_those_of_about_the_same_moment_all_or_none(store: ConceptStore) -> None:
    store.add("waving", "a person waves")
    store.mark("waving", RIGHT, WRONG)
    about = replace(RIGHT, end_seconds=3.5, is_right=False)  # shares 2 of 2.5 seconds
    apart = replace(RIGHT, start_seconds=2.0, end_seconds=5.0)  # shares 1.5 of 4
    store.mark("waving", about, apart)
    assert store.get("waving").marks == (WRONG, about, apart)
    with pytest.raises(AttributeError):
        store.mark("waving", RIGHT, None)  # type: ignore[arg-type]
    assert store.get("waving").marks == (WRONG, about, apart)
    store.unmark("waving", WRONG, apart)
    assert store.get("waving").marks == (about,)


def test_of_videos_without_fingerprint_the_path_names_the_moment(store: ConceptStore) -> None:
    store.add("waving", "a person waves")
    marks = [
        replace(RIGHT, fingerprint=""),
        replace(WRONG, start_seconds=1.0, end_seconds=3.0, fingerprint=""),
    ]
    for mark in marks:
        store.mark("waving", mark)
    assert store.get("waving").marks == tuple(marks)


def test_a_change_of_marks_makes_what_was_learned_stale(store: ConceptStore) -> None:
    store.add("waving", "a person waves")
    store.mark("waving", RIGHT)
    before = store.get("waving")
    store.mark("waving", WRONG)
    store.keep_learned(before, LEARNED)  # by a process that did not see the second mark
    assert store.get("waving").learned is None
    store.keep_learned(store.get("waving"), LEARNED)
    store.unmark("waving", WRONG)
    concept = store.get("waving")
    assert concept.learned is not None
    assert concept.is_stale


def test_names_are_compared_whatever_their_case_and_unicode_form(store: ConceptStore) -> None:
    store.add("Straße", "a street")
    store.add("café", "a café")  # typed as one letter
    assert store.get("STRASSE").name == "Straße"
    assert store.get("cafe\u0301").name == "café"
    for taken in ("strasse", "CAFE\u0301"):
        with pytest.raises(InvalidInput, match="already called"):
            store.add(taken, "again")
    store.rename("straße", "Strasse")
    assert store.names() == ["café", "Strasse"]
    with pytest.raises(InvalidInput, match="already called @café"):
        store.rename("Strasse", "café")


@pytest.mark.parametrize("name", ["", "a b", "-a", "a/b", "@a", "a" * 65, "a\n", "\u0301"])
def test_what_cannot_be_a_name_is_refused(store: ConceptStore, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot name a concept"):
        store.add(name, "a person waves")


@pytest.mark.parametrize("name", ["нога", "跳舞", "नाचना", "1st_take-b", "_x"])
def test_names_may_be_in_any_script(store: ConceptStore, name: str) -> None:
    assert store.add(name, "a person waves").name == name
    assert store.names() == [name]


def test_an_unknown_name_is_answered_with_the_nearest(store: ConceptStore) -> None:
    with pytest.raises(InvalidInput, match="begin with `vifi teach wavin "):
        store.get("wavin")
    store.add("waving", "a person waves")
    with pytest.raises(InvalidInput, match=r"no concept is called @wavin: did you mean @waving\?"):
        store.mark("wavin", RIGHT)
    with pytest.raises(InvalidInput, match="`vifi concepts` lists yours"):
        store.delete("jumping")


def test_concepts_are_renamed_deleted_and_put_with_all_they_have(store: ConceptStore) -> None:
    store.put([Concept("waving", "a person waves", (RIGHT, WRONG), LEARNED)])
    store.rename("waving", "hello")
    hello = store.get("hello")
    assert (hello.marks, hello.is_stale, hello.learned is not None) == ((RIGHT, WRONG), False, True)
    with pytest.raises(InvalidInput, match="already called"):
        store.put([Concept("first", "stored with the next one or not at all"), Concept("hello", "another")])
    store.put([Concept("HELLO", "another", (WRONG,))], replace=True)
    assert [(one.name, one.description, one.marks) for one in store.all()] == [("HELLO", "another", (WRONG,))]
    store.delete("hello")
    assert store.all() == []
    store.add("hello", "a new one")
    assert store.get("hello").marks == ()


def test_nothing_is_written_before_something_is_taught(store: ConceptStore, tmp_path: Path) -> None:
    assert store.names() == store.all() == []
    assert store.find("waving") is None
    assert list(tmp_path.iterdir()) == []


def test_who_marks_at_the_same_time_loses_nothing(store: ConceptStore, tmp_path: Path) -> None:
    store.add("waving", "a person waves")

    def mark(who: int) -> None:
        own = ConceptStore(tmp_path / "index")
        for second in range(15):
            own.mark("waving", Mark(Path(f"/videos/{who}.mp4"), second, second + 1, True, str(who)))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(mark, range(3)))
    assert len(store.get("waving").marks) == 45
    assert store.get("waving").revision == 45


@pytest.mark.parametrize("stored", [b"", b"\x00" * 7, b"\x00" * 8, np.array([np.nan, 1], "<f4").tobytes()])
def test_a_learned_query_that_makes_no_sense_is_learned_again(store: ConceptStore, stored: bytes) -> None:
    from vifi_cli.index.concepts.database import writing

    store.put([Concept("waving", "a person waves", (RIGHT,), LEARNED)])
    with writing(store.path.with_name("index")) as db:
        db.execute("UPDATE concepts SET embedding = ?", (stored,))
    concept = store.get("waving")
    assert (concept.learned, concept.marks) == (None, (RIGHT,))
