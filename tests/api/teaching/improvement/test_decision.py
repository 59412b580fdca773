"""A model is adopted only if it is certainly better and forgets little; otherwise vifi says why."""

from dataclasses import replace

import numpy as np
import pytest

from tests.api.teaching.improvement.made_marks import moments
from vifi_cli.api.teaching.improvement.decision import candidate, decide, is_perfect
from vifi_cli.api.teaching.improvement.held_out import Gain, HeldOut, held_out_by
from vifi_cli.api.teaching.improvement.trial import Trial
from vifi_cli.wording import signed_text

NAMES = "abcdefghijklmnopqrst"
MARKS = [f"{name}{'+' if number % 2 else '-'}" for number, name in enumerate(NAMES)]
RIGHT = np.array([mark.endswith("+") for mark in MARKS])
PERFECT, POOR = 1.0 * RIGHT, 1.0 * ~RIGHT
NEARLY = np.where(np.arange(len(NAMES)) == 1, -1.0, PERFECT)  # one right mark is ranked last


@pytest.fixture
def held_out() -> HeldOut:
    return held_out_by(moments(*MARKS), set(NAMES))


def trial(words: np.ndarray, marks: np.ndarray, *kept: float, name: str = "tuned") -> Trial:
    return Trial(name, name, (words,), (marks,), kept)


def test_the_better_kind_of_query_counts_on_both_sides(held_out: HeldOut) -> None:
    taught = trial(POOR, PERFECT)
    # fine-tuning has brought the words what the marks had taught before
    against = candidate(trial(PERFECT, PERFECT), taught, held_out)
    assert against.gain.value == 0
    decision = decide([against], held_out, 0.1)
    assert decision.chosen is None
    assert decision.reason.startswith("no model finds held-out marks better than your index does already")


def test_a_clear_gain_without_loss_is_adopted(held_out: HeldOut) -> None:
    tuned = candidate(trial(POOR, PERFECT, 0.95), trial(POOR, POOR, 1.0), held_out)
    decision = decide([tuned], held_out, 0.1)
    assert decision.chosen is tuned
    assert tuned.lost == pytest.approx((0.05,))


def test_of_models_that_remember_enough_the_best_is_adopted(held_out: HeldOut) -> None:
    present = trial(POOR, POOR, 1.0, 0.8)
    tuned = candidate(trial(POOR, PERFECT, 0.7, 0.9), present, held_out)
    averaged = candidate(trial(POOR, NEARLY, 0.95, 0.75, name="averaged"), present, held_out)
    assert tuned.most_lost == pytest.approx(0.3)
    assert decide([tuned, averaged], held_out, 0.1).chosen is averaged
    assert decide([tuned, averaged], held_out, 0.3 + 1e-9).chosen is tuned
    nothing = decide([tuned, averaged], held_out, 0.01)
    assert nothing.chosen is None
    assert "tuned finds held-out marks better (+" in nothing.reason
    assert nothing.reason.endswith(
        "loses 30% of what the present index finds, and 1% is allowed: to accept that, add --max-loss 0.3"
    )


def test_a_gain_that_may_be_chance_is_not_adopted() -> None:
    held_out = held_out_by(moments("a+", "b-", "c+", "d-"), set("abcd"))
    before, after = np.array([0.3, 0.9, 0.8, 0.2]), np.array([0.9, 0.1, 0.8, 0.2])
    decision = decide([candidate(trial(after, after), trial(before, before), held_out)], held_out, 0.1)
    assert decision.chosen is None
    assert decision.reason.startswith("4 held-out marks cannot tell whether a model is better (+0.")


def test_a_certain_gain_comes_before_a_higher_one_that_may_be_chance(held_out: HeldOut) -> None:
    present = trial(POOR, POOR, 1.0)
    certain = candidate(trial(POOR, NEARLY, 0.95, name="averaged"), present, held_out)
    doubtful = replace(
        certain, trial=trial(POOR, PERFECT, 0.95), gain=Gain(certain.gain.value + 0.1, -0.1, 1)
    )
    assert decide([doubtful, certain], held_out, 0.1).chosen is certain
    alone = decide([doubtful], held_out, 0.1)
    assert alone.chosen is None
    assert alone.reason.startswith("20 held-out marks cannot tell whether a model is better (+")


def test_perfect_marks_leave_nothing_to_gain(held_out: HeldOut) -> None:
    assert is_perfect(trial(POOR, PERFECT), held_out)
    assert not is_perfect(trial(POOR, NEARLY), held_out)


def test_signs_are_shown() -> None:
    shown = list(map(signed_text, (0.061, -0.02, -0.001, 0, -0.006)))
    assert shown == ["+0.06", "−0.02", "+0.00", "+0.00", "−0.01"]
