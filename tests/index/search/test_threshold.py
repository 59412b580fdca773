"""Which hits are shown: those that reach a threshold as they are shown, or the nearest as unsure."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.index.search.threshold import reaches, relevant_among, shown_among, unsure_among
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.wording import score_text


def rated(*relevances: float) -> list[SearchHit]:
    return [SearchHit(Path("a"), 0.0, 1.0, 0.9, relevance) for relevance in relevances]


def unrated(*cosines: float) -> list[SearchHit]:
    return [SearchHit(Path("a"), 0.0, 1.0, cosine) for cosine in cosines]


def test_hits_that_are_not_rated_are_all_worth_showing() -> None:
    some = rated(0.8, 0.4, 0.1)
    others = unrated(0.8, 0.4, 0.1)
    assert relevant_among(some) == some[:2]
    assert relevant_among(others) == others
    assert relevant_among(some, 0.5) == some[:1]
    assert relevant_among(others, 0.5) == others[:1], "--min-score acts on the number that is shown"
    assert relevant_among(some, 0.0) == some


def test_the_three_nearest_are_unsure_where_nothing_is_relevant() -> None:
    found = rated(0.29, 0.2, 0.1, 0.05)
    assert shown_among(found) == []
    shown = shown_among(found, with_unsure=True)
    assert [(hit.relevance, hit.unsure) for hit in shown] == [(0.29, True), (0.2, True), (0.1, True)]
    assert shown_among(found[:1], with_unsure=True) == shown[:1]
    assert shown_among([], with_unsure=True) == []
    assert shown_among(unrated(0.8, 0.7), 0.9, with_unsure=True) == unsure_among(unrated(0.8, 0.7), 0.9)


def test_nothing_is_unsure_beside_a_likely_hit() -> None:
    found = rated(0.5, 0.29)
    assert shown_among(found, with_unsure=True) == found[:1]
    assert unsure_among(found) == []
    assert [hit.relevance for hit in unsure_among(found, 0.9)] == [0.5, 0.29]
    assert unsure_among(unrated(0.4, 0.2), 0.3) == [], "what a cosine says of likelihood is not known"


def test_unsure_hits_follow_those_that_are_not_likely() -> None:
    shown = shown_among(rated(0.49, 0.31, 0.29, 0.2, 0.1, 0.05), with_unsure=True)
    assert [(hit.relevance, hit.unsure) for hit in shown] == [
        (0.49, False),
        (0.31, False),
        (0.29, True),
        (0.2, True),
        (0.1, True),
    ]
    assert len(shown_among(rated(0.4, 0.3), with_unsure=True)) == 2


@given(st.floats(0, 1))
def test_a_number_passes_as_its_own_threshold_in_every_form_in_which_it_is_shown(number: float) -> None:
    assert reaches(number, number)
    for decimals in (2, 4):
        assert reaches(number, float(score_text(number, decimals)))
    assert not reaches(number, float(score_text(number)) + 0.01)


@pytest.mark.parametrize(
    ("number", "least", "expected"),
    [
        (0.2951, 0.3, True),
        (0.2949, 0.3, False),
        (0.56547, 0.5655, True),
        (0.565, 0.5699, False),
        (0.565, 0.56501, False),
    ],
)
def test_a_threshold_is_compared_in_as_many_decimals_as_it_has(
    number: float, least: float, expected: bool
) -> None:
    assert reaches(number, least) is expected


def test_scores_are_rounded() -> None:
    assert [score_text(n) for n in (0.566, 0.998, 0.004, -0.004, -0.126, 1.0)] == [
        "0.57",
        "1.00",
        "0.00",
        "0.00",
        "-0.13",
        "1.00",
    ]


def test_what_is_marked_right_stays_at_the_end_and_is_no_find() -> None:
    marked = [replace(hit, marked="right") for hit in rated(0.9, 0.01)]
    found = [*rated(0.2, 0.1), *marked]
    assert relevant_among(found) == []
    assert shown_among(found) == marked
    shown = shown_among(found, with_unsure=True)
    assert [(hit.relevance, hit.unsure, hit.marked) for hit in shown] == [
        (0.2, True, None),
        (0.1, True, None),
        (0.9, False, "right"),
        (0.01, False, "right"),
    ]
    assert shown_among([*rated(0.6, 0.2), *marked], with_unsure=True) == [*rated(0.6), *marked]
