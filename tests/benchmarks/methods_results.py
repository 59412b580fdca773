"""The results of `methods_table`: read, and shown as the tables of `docs/measurements/accuracy.md`.

Each of nine people is tested once, by the fold whose training never saw this person. The clips of all folds are one
test of nine groups, over which `vifi` computes its intervals. Differences to ViFi-CLIP are computed for each person
first, with Student's quantile for nine people.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vifi_cli.api.evaluation.methods.method import METHODS
from vifi_cli.evaluation.report.table import estimate_text
from vifi_cli.evaluation.scoring.confidence_intervals import (
    Estimate,
    drawn_means,
    estimated_share,
    share_interval,
)
from vifi_cli.evaluation.scoring.scores import harmonic_mean, mean_and_spread
from vifi_cli.resampling import student_quantile

REFERENCE = "vifi"
STARTS_FROM = {"bridge-prompt": "vifi"}  # a method whose time includes that of another; vifi@ALPHA too
FOLDS = 3


@dataclass(frozen=True)
class Test:
    """The test of a fold: whether each clip is correct, and its person."""

    part: str
    hits: list[bool]
    people: list[str]


@dataclass(frozen=True)
class MethodResult:
    """A method of a fold in a setting, and the processor time of its own process."""

    title: str
    method: str
    setting: str
    fold: int
    seconds: float
    tests: tuple[Test, ...]


def read_results(folder: Path) -> list[MethodResult]:
    """All results in a folder."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return [
        MethodResult(**{**one, "tests": tuple(Test(**test) for test in one["tests"])}) for one in documents
    ]


def shown_results(results: Sequence[MethodResult]) -> str:
    """A Markdown table per setting; methods that are not finished in all folds are left out."""
    return "\n\n".join(
        "\n".join(_table(setting, results)) for setting in dict.fromkeys(one.setting for one in results)
    )


def _table(setting: str, results: Sequence[MethodResult]) -> Iterator[str]:
    by_method: dict[str, list[MethodResult]] = {}
    for one in results:
        if one.setting == setting:
            by_method.setdefault(one.method, []).append(one)
    finished = {name: folds for name, folds in by_method.items() if len(folds) == FOLDS}
    is_base2novel = setting == "base2novel"
    columns = ["base", "novel", "HM"] if is_base2novel else ["top-1"]
    versus = "(base + novel) / 2" if is_base2novel else "top-1"
    yield f"| {setting} | {' | '.join(columns)} | {versus} minus ViFi-CLIP | minutes |"
    yield "| --- " * (len(columns) + 3) + "|"
    for name in sorted(finished, key=lambda name: (*METHODS, f"{REFERENCE}@0.7", name).index(name)):
        folds = finished[name]
        cells = [estimate_text(_pooled(folds, place)) for place in range(len(folds[0].tests))]
        answers_all = len(cells) == (2 if is_base2novel else 1)  # a linear probe has no novel classes
        cells += [_harmonic(folds)] if is_base2novel and answers_all else []
        cells += ["–"] * (len(columns) - len(cells))
        difference = _difference(folds, finished.get(REFERENCE)) if answers_all and name != REFERENCE else "–"
        yield f"| {folds[0].title} | {' | '.join(cells)} | {difference} | {_minutes(folds, finished):.1f} |"


def _pooled(folds: Sequence[MethodResult], place: int) -> Estimate:
    """Top-1 over the clips of all folds, over people; ± is over folds."""
    hits = [hit for fold in folds for hit in fold.tests[place].hits]
    people = [person for fold in folds for person in fold.tests[place].people]
    share = estimated_share(hits, people)
    spread = mean_and_spread([float(np.mean(fold.tests[place].hits)) for fold in folds])[1]
    return Estimate(share.value, share.low, share.high, spread)


def _harmonic(folds: Sequence[MethodResult]) -> str:
    """HM of the pooled shares, with an interval as `vifi_cli.evaluation.scoring.scores.harmonic_over_tests` has it."""
    base, novel = (_pooled(folds, place).value for place in (0, 1))
    each = [harmonic_mean(*(float(np.mean(test.hits)) for test in fold.tests)) for fold in folds]
    hits = [np.array([hit for fold in folds for hit in fold.tests[place].hits], float) for place in (0, 1)]
    people = [[who for fold in folds for who in fold.tests[place].people] for place in (0, 1)]
    names = sorted({*people[0], *people[1]})
    members = [np.array([names.index(who) for who in several]) for several in people]
    drawn = np.array([harmonic_mean(*means) for means in drawn_means(hits, members).tolist()])
    value = harmonic_mean(base, novel)
    interval = share_interval(value, drawn, len(names), len(hits[0]) + len(hits[1]))
    return estimate_text(Estimate(value, *interval, mean_and_spread(each)[1]))


def _score_of_person(folds: Sequence[MethodResult], person: str) -> float:
    shares = [
        float(np.mean([hit for hit, who in zip(test.hits, test.people, strict=True) if who == person]))
        for fold in folds
        for test in fold.tests
        if person in test.people
    ]
    return float(np.mean(shares))


def _difference(folds: Sequence[MethodResult], reference: Sequence[MethodResult] | None) -> str:
    """The mean difference over people with its paired interval; of base-to-novel, of the mean of both."""
    if reference is None:
        return ""
    people = sorted({person for fold in folds for test in fold.tests for person in test.people})
    differences = [_score_of_person(folds, who) - _score_of_person(reference, who) for who in people]
    mean, deviation = mean_and_spread(differences)
    half = student_quantile(len(people) - 1) * deviation / math.sqrt(len(people))
    return f"{100 * mean:+.1f} [{100 * (mean - half):+.1f}, {100 * (mean + half):+.1f}]"


def _minutes(folds: Sequence[MethodResult], finished: dict[str, list[MethodResult]]) -> float:
    """Processor minutes of a fold, with those of the method that it starts from."""
    name = folds[0].method
    first = STARTS_FROM.get(name, name.partition("@")[0] if "@" in name else "")
    before = finished.get(first, ()) if first else ()
    return sum(fold.seconds for fold in (*folds, *before)) / FOLDS / 60
