"""Honest words about what marks have brought."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vifi_cli.api.teaching.report import teaching_report
from vifi_cli.index.concepts.concept import Concept, CrossValidation, LearnedQuery, Mark

QUERY = np.array([1.0], np.float32)
SURE = CrossValidation(3, 6, 0.21, 0.56, 0.104, 0.596)


def mark(video: str, *, is_right: bool) -> Mark:
    return Mark(Path(f"/v/{video}"), 0.0, 2.0, is_right, video)


RIGHT = (mark("a", is_right=True), mark("b", is_right=True))
WRONG = (mark("c", is_right=False), mark("d", is_right=False))


def concept(*marks: Mark, learned: LearnedQuery | None = None) -> Concept:
    return Concept("waving", "a person waves", marks, learned)


@pytest.mark.parametrize(
    ("marks", "line"),
    [
        ((), "no marks: nothing was learned yet; mark a moment as right or wrong"),
        (WRONG, "0 right, 2 wrong: nothing was learned yet; learning needs a right one"),
        (
            WRONG * 3,
            "0 right, 6 wrong: nothing was learned yet; "
            "if you know a right one, name it: `vifi teach waving --right FILE@1:20-1:24`",
        ),
        (RIGHT, "2 right, 0 wrong: nothing was learned yet; learning needs a wrong one, too"),
        (
            RIGHT + WRONG,
            "2 right, 2 wrong: nothing was learned yet; the marked videos are not in the index: mark others",
        ),
    ],
)
def test_the_kind_of_marks_that_is_missing_is_named(marks: tuple[Mark, ...], line: str) -> None:
    assert teaching_report(concept(*marks)).line == line


def test_what_is_sure_has_its_numbers_and_the_next_step() -> None:
    known = concept(*RIGHT, *WRONG, learned=LearnedQuery("v", QUERY, "marks", SURE))
    assert repr(teaching_report(known)) == f"<@waving: {teaching_report(known)}>"
    assert teaching_report(known).line == (
        "2 right, 2 wrong: average precision on marks left out 0.21 by the description, 0.56 after learning "
        "(+0.35, 95% interval +0.10 to +0.60); `vifi search @waving` searches with it"
    )


def test_what_is_not_sure_says_which_marks_would_help() -> None:
    unsure = LearnedQuery("v", QUERY, "marks", replace(SURE, gain_low=-0.1))
    report = teaching_report(concept(*RIGHT, *WRONG, learned=unsure))
    assert report.advice == "needs more marks, right ones above all, before it is sure"
    assert report.result.endswith(
        "0.56 after learning, which may be chance (+0.35, 95% interval −0.10 to +0.60)"
    )
    more_right = concept(*RIGHT, mark("e", is_right=True), *WRONG, learned=unsure)
    assert teaching_report(more_right).advice == "needs more marks, wrong ones above all, before it is sure"
    one_video = concept(
        RIGHT[0], replace(RIGHT[0], start_seconds=5.0, end_seconds=7.0), *WRONG, learned=unsure
    )
    assert teaching_report(one_video).advice == "needs right marks from another video before it is sure"


def test_what_cannot_be_measured_or_does_not_help_is_said() -> None:
    unmeasured = LearnedQuery("v", QUERY, "marks", None)
    assert teaching_report(concept(*RIGHT[:1], *WRONG, learned=unmeasured)).line == (
        "1 right, 2 wrong: learned, but how much that helps cannot be measured yet; "
        "needs right marks from another video before it is sure"
    )
    text = LearnedQuery("v", QUERY, "text", replace(SURE, learned_precision=0.2, gain_low=-0.2))
    assert teaching_report(concept(*RIGHT, *WRONG, learned=text)).result == (
        "average precision on marks left out 0.21 by the description, 0.20 after learning, so the description "
        "alone is used"
    )
