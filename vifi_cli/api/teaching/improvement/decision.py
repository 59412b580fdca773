"""Whether a model is adopted: it must find held-out marks better, and may not forget much. Arithmetic and words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vifi_cli.api.teaching.improvement.held_out import Gain, HeldOut, Scores
from vifi_cli.api.teaching.improvement.trial import Trial
from vifi_cli.wording import counted

LEAST_GAIN = 0.02
"""In mean average precision: less is not worth a new index."""
MOST_LOST = 0.1
"""What a model may lose, in the mean average precision of each kind of old answers."""
PERFECT = 0.995


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A model that could be adopted, against the present one."""

    trial: Trial
    gain: Gain  # of its better kind of query over the better one of the present model
    lost: tuple[float, ...]  # of each kind of old answers; negative where it finds them better

    @property
    def is_better(self) -> bool:
        """Whether it is certain that it finds more, and enough more."""
        return self.gain.value >= LEAST_GAIN and self.gain.low > 0

    @property
    def most_lost(self) -> float:
        """What it loses of the kind of which it loses most; 0 if nothing was asked."""
        return max(self.lost, default=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """Which model is worth adopting, if any, and why."""

    chosen: Candidate | None
    reason: str  # a sentence without a full stop


def best_scores(trial: Trial, held_out: HeldOut) -> Scores:
    """The ranking by words or by marks, whichever is better on average."""
    return max((trial.by_marks, trial.by_words), key=lambda scores: np.mean(held_out.precisions(scores)))


def candidate(trial: Trial, present: Trial, held_out: HeldOut) -> Candidate:
    """Compares a model with the present one."""
    gain = held_out.gain(best_scores(present, held_out), best_scores(trial, held_out))
    return Candidate(trial, gain, tuple(old - new for old, new in zip(present.kept, trial.kept, strict=True)))


def is_perfect(present: Trial, held_out: HeldOut) -> bool:
    """Whether the present model ranks all held-out marks as they should be."""
    return float(np.mean(held_out.precisions(best_scores(present, held_out)))) >= PERFECT


def decide(candidates: Sequence[Candidate], held_out: HeldOut, most_lost: float) -> Decision:
    """The candidate with the highest gain among those whose gain is certain and that forget little enough."""
    remembering = [each for each in candidates if each.most_lost <= most_lost]
    better = [each for each in candidates if each.is_better]
    if fit := [each for each in better if each in remembering]:
        best = _highest(fit)
        return Decision(best, f"{best.trial.name} finds held-out marks better ({best.gain})")
    if better:
        most = _highest(better)
        return Decision(
            None,
            f"{most.trial.name} finds held-out marks better ({most.gain}), but loses "
            f"{most.most_lost:.0%} of what the present index finds, and {most_lost:.0%} is allowed: to accept that, "
            f"add --max-loss {math.ceil(100 * most.most_lost - 1e-6) / 100:g}",
        )
    best = _highest(remembering or candidates)
    if best.gain.value < LEAST_GAIN:
        return Decision(
            None,
            f"no model finds held-out marks better than your index does already ({best.gain})",
        )
    return Decision(
        None,
        f"{counted(held_out.marks, 'held-out mark')} cannot tell whether a model is better ({best.gain})",
    )


def _highest(candidates: Sequence[Candidate]) -> Candidate:
    return max(candidates, key=lambda each: each.gain.value)
