"""What is taught is kept beside the index: names, marks in their order, and what was learned."""

from pathlib import Path

import numpy as np
import pytest

from vifi_cli.errors import InvalidInput
from vifi_cli.index.concepts.concept import CrossValidation, LearnedQuery, Mark
from vifi_cli.index.concepts.store import ConceptStore

RIGHT = Mark(Path("/videos/a.mp4"), 1.0, 3.0, True, "a")
WRONG = Mark(Path("/videos/b.mp4"), 0.0, 2.0, False, "b")
TESTED = CrossValidation(1, 1, 0.5, 1.0, gain_low=0.25, gain_high=0.75)


def test_a_concept_comes_back_with_its_marks_and_what_was_learned(tmp_path: Path) -> None:
    with ConceptStore(tmp_path / "index") as store:
        store.add("waving", "a person waves")
        store.mark("waving", RIGHT)
        store.mark("waving", WRONG)
        store.keep_learned(
            "waving", LearnedQuery("vision", np.array([0.6, 0.8], np.float32), "marks", TESTED)
        )
    with ConceptStore(tmp_path / "index") as store:
        concept = store.get("Waving")
    assert (concept.name, concept.description, concept.marks) == ("waving", "a person waves", (RIGHT, WRONG))
    assert concept.learned
    assert concept.learned.vision_fingerprint == "vision"
    assert concept.learned.embedding.tolist() == pytest.approx([0.6, 0.8])
    assert (concept.learned.form, concept.learned.validation) == ("marks", TESTED)


def test_a_mark_replaces_that_of_the_same_moment(tmp_path: Path) -> None:
    with ConceptStore(tmp_path / "index") as store:
        store.add("waving", "a person waves")
        store.mark("waving", RIGHT)
        store.mark("waving", Mark(RIGHT.path, 1.0, 3.0, False, "a"))
        assert [mark.is_right for mark in store.get("waving").marks] == [False]


@pytest.mark.parametrize("name", ["", "a b", "-a", "a/b", "@a", "a" * 65])
def test_what_cannot_be_a_name_is_refused(tmp_path: Path, name: str) -> None:
    with (
        ConceptStore(tmp_path / "index") as store,
        pytest.raises(InvalidInput, match="cannot name a concept"),
    ):
        store.add(name, "a person waves")


def test_nothing_is_written_before_something_is_taught(tmp_path: Path) -> None:
    with ConceptStore(tmp_path / "index") as store:
        assert store.names() == []
        assert store.find("waving") is None
    assert list(tmp_path.iterdir()) == []
