"""What a comparison of two methods holds: as rows, as a document, and in words."""

from dataclasses import asdict, dataclass, field
from typing import Any

from vifi_cli.evaluation.scoring.confidence_intervals import Estimate
from vifi_cli.evaluation.scoring.paired_difference import McNemar, PairedCounts

LEAST_P = 0.001
FORMAT = 1
"""Raise it when a key of the document changes its meaning."""


@dataclass(frozen=True, slots=True)
class ClassDifference:
    """How many of the videos of a class each method gets right."""

    name: str
    videos: int
    first: int
    second: int


@dataclass(frozen=True, slots=True)
class PairedTest:
    """One part of a comparison, or the mean over several, which has no counts and no test of McNemar.

    `first` and `second` are the top-1 of the methods, and `difference` that of the second less that of the first.
    `groups` counts the groups that intervals are drawn over, 0 for videos. `classes` are those with a difference, the
    largest first. `unknown` are predicted classes of each method that are not known to be classes.
    """

    part: str
    first: Estimate
    second: Estimate
    difference: Estimate
    groups: int
    sole_group: str = ""
    counts: PairedCounts | None = None
    mcnemar: McNemar | None = None
    unpaired: tuple[int, int] = (0, 0)
    unreadable: int = 0
    path_parts: int = 0
    unknown: tuple[tuple[str, ...], tuple[str, ...]] = field(default=((), ()), repr=False)
    classes: tuple[ClassDifference, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ComparedMethod:
    """A method of a report, with the frames and views it was tested with, if they are known."""

    name: str
    report: str
    conditions: str = ""

    @property
    def in_words(self) -> str:
        """Such as `ViFi-CLIP (reports/x), 8 frames, 1x1 views`."""
        named = f"{self.name} ({self.report})" if self.name else self.report
        return f"{named}, {self.conditions}" if self.conditions else named


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two methods on the same videos; `pandas.DataFrame(comparison.rows)` takes a row per part.

    `stamps` are reasons not to trust the numbers, and `notes` what limits them.
    """

    first: ComparedMethod
    second: ComparedMethod
    tests: tuple[PairedTest, ...]
    notes: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()

    @property
    def rows(self) -> list[dict[str, object]]:
        """A flat row per part."""
        return [_flat(test) for test in self.tests]

    def __repr__(self) -> str:
        lines = [f"Comparison: {self.second.in_words} against {self.first.in_words}", *self.stamps]
        for test in self.tests:
            p = f", exact p {p_text(test.mcnemar.exact)}" if test.mcnemar else ""
            lines.append(
                f"  {f'{test.part}: ' if test.part else ''}top-1 {difference_text(test.difference)}{p}"
            )
        return "\n".join(lines)


def difference_text(estimate: Estimate) -> str:
    """A difference in percent, such as `+2.5 [-1.0, 6.0]`."""
    spread = "" if estimate.spread is None else f" ± {100 * estimate.spread:.1f}"
    low, high = (100 * (end or 0) for end in (estimate.low, estimate.high))
    return f"{100 * estimate.value:+z.1f}{spread} [{low:z.1f}, {high:z.1f}]"


def p_text(value: float) -> str:
    """A p value: `0.037`, `<0.001`."""
    return f"{value:.3f}" if value >= LEAST_P else f"<{LEAST_P}"


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """The content of `--json`: shares from 0 to 1, null where there is nothing."""
    return {
        "format": FORMAT,
        "first": asdict(comparison.first),
        "second": asdict(comparison.second),
        "stamps": list(comparison.stamps),
        "notes": list(comparison.notes),
        "tests": [_document(test) for test in comparison.tests],
    }


def _document(test: PairedTest) -> dict[str, Any]:
    counts, p = test.counts, test.mcnemar
    return {
        "part": test.part,
        "videos": counts and counts.videos,
        "groups": test.groups,
        "first": asdict(test.first),
        "second": asdict(test.second),
        "difference": asdict(test.difference),
        **{
            name: counts and getattr(counts, name)
            for name in ("both", "only_first", "only_second", "neither")
        },
        "mcnemar_exact_p": p and p.exact,
        "mcnemar_mid_p": p and p.mid,
        "unpaired": list(test.unpaired),
        "unreadable": test.unreadable,
        "classes": [asdict(each) for each in test.classes],
    }


def _flat(test: PairedTest) -> dict[str, object]:
    document = _document(test)
    low_high = {f"difference {name}": getattr(test.difference, name) for name in ("low", "high", "spread")}
    values = {name: getattr(test, name).value for name in ("first", "second", "difference")}
    return (
        {key: value for key, value in document.items() if key not in ("classes", "unpaired")}
        | values
        | low_high
    )
