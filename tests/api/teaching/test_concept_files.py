"""Concepts go into files and come back; a file that is damaged or hostile is refused by its name and the field."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vifi_cli.api.teaching.concept_files import read_concepts, write_concepts
from vifi_cli.errors import InvalidInput
from vifi_cli.index.concepts.concept import Concept, CrossValidation, LearnedQuery, Mark

ODD = Path("/v/caf\udce9 # 1%.mp4")  # bytes that are not text
WAVING = Concept(
    "waving",
    "a person waves “hello”",
    (Mark(ODD, 1.0, 3.25, True, "odd"), Mark(Path("/v/b.mp4"), 0.1, 2.0, False, "")),
    LearnedQuery(
        "vision",
        np.array([0.6, -0.8], np.float32),
        "whitened",
        CrossValidation(3, 6, 0.25, 0.5, 0.1, 0.4),
        "starter",
    ),
)


def test_concepts_come_back_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "new" / "concepts.json"
    write_concepts([WAVING, Concept("bare", "nothing marked yet")], file)
    waving, bare = read_concepts(file)
    assert (waving.name, waving.description, waving.marks) == (
        "waving",
        "a person waves “hello”",
        WAVING.marks,
    )
    assert waving.learned
    assert WAVING.learned
    assert waving.learned.embedding.tolist() == WAVING.learned.embedding.tolist()
    assert (waving.learned.vision_fingerprint, waving.learned.form, waving.learned.model) == (
        "vision",
        "whitened",
        "starter",
    )
    assert waving.learned.validation == WAVING.learned.validation
    assert (bare.marks, bare.learned) == ((), None)


def test_what_does_not_come_from_the_present_marks_is_not_written(tmp_path: Path) -> None:
    write_concepts(
        [Concept(WAVING.name, "", WAVING.marks, WAVING.learned, is_stale=True)], tmp_path / "a.json"
    )
    assert read_concepts(tmp_path / "a.json")[0].learned is None


def _set(*keys: str | int, value: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = value

    return change


FIRST = ("concepts", 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("vifi_concepts", value=2), "newer vifi"),
        (_set("concepts", value=[]), "concepts should be a list"),
        (_set("concepts", 0, value=7), r"concepts\[0\] should be an object"),
        (_set(*FIRST, "name", value="a b"), r"concepts\[0\]\.name: 'a b' cannot name a concept"),
        (_set(*FIRST, "name", value=7), r"concepts\[0\]: name should be a valid string"),
        (_set(*FIRST, "descripton", value=""), r"concepts\[0\]: there is no key descripton; did you mean"),
        (_set(*FIRST, "marks", value={}), r"concepts\[0\]\.marks should be a list"),
        (_set(*FIRST, "marks", 1, value=None), r"concepts\[0\]\.marks\[1\] should be an object"),
        (_set(*FIRST, "marks", 0, "path", value="a.mp4"), r"marks\[0\]: path is absolute"),
        (_set(*FIRST, "marks", 0, "path", value="/a\0"), r"marks\[0\]: path is absolute"),
        (_set(*FIRST, "marks", 0, "path", value="file:///a%00"), r"marks\[0\]: path is absolute"),
        (_set(*FIRST, "marks", 0, "path", value="/\ud800"), r"marks\[0\]: it is nested .* not Unicode"),
        (_set(*FIRST, "description", value="\ud800"), r"concepts\[0\]: it is nested .* not Unicode"),
        (_set(*FIRST, "marks", 0, "end_seconds", value=1), r"marks\[0\]: start_seconds is at least 0"),
        (_set(*FIRST, "marks", 0, "start_seconds", value=-1), r"marks\[0\]: start_seconds is at least 0"),
        (_set(*FIRST, "marks", 0, "end_seconds", value=float("nan")), "end_seconds must be a finite number"),
        (_set(*FIRST, "marks", 0, "is_right", value=1), "is_right should be a valid boolean, not 1"),
        (_set(*FIRST, "learned", "embedding", value=[]), "embedding should be the numbers of a vector"),
        (_set(*FIRST, "learned", "embedding", value=[1.0, 1.0]), "embedding should be the numbers"),
        (_set(*FIRST, "learned", "embedding", value=[float("nan"), 1.0]), "embedding should be the numbers"),
        (_set(*FIRST, "learned", "embedding", value="AAAA"), "embedding should be"),
        (_set(*FIRST, "learned", "validation", value={"right": 1}), "is missing"),
        (
            _set("concepts", value=[{"name": "a", "description": ""}, {"name": "A", "description": ""}]),
            "the same name",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_named(
    tmp_path: Path, change: Callable[[Any], None], message: str
) -> None:
    file = tmp_path / "concepts.json"
    write_concepts([WAVING], file)
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))
    with pytest.raises(InvalidInput, match=message) as refused:
        read_concepts(file)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_descriptions_are_one_line_as_those_that_are_typed(tmp_path: Path) -> None:
    file = tmp_path / "concepts.json"
    write_concepts([replace(WAVING, description=" a person\nwaves\t")], file)
    assert [concept.description for concept in read_concepts(file)] == ["a person waves"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "absent.json"):
        with pytest.raises(InvalidInput, match=r"cannot be read \(.*\): name a file") as refused:
            read_concepts(file)
        assert str(file) in str(refused.value)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"{", b"[" * 100_000, b"null", b"[1]", b'{"hits": []}']
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "concepts.json"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"is not JSON|holds no concepts"):
        read_concepts(file)
