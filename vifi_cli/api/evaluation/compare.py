"""Compares two methods on the same videos, from the predictions in their reports."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vifi_cli.api.evaluation.methods.method import METHODS, find_method
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.paired.comparing import compare_tests
from vifi_cli.evaluation.paired.comparison import ComparedMethod, Comparison
from vifi_cli.evaluation.paired.predicted_tests import PredictionFile, read_predictions
from vifi_cli.paths import given_path


def compare(
    first: Path | str, second: Path | str | None = None, *, methods: Sequence[str] = ()
) -> Comparison:
    """Measure how much two methods differ on the same videos: the paired difference and McNemar's test.

        compare("reports/a", "reports/b")
        compare("reports/a", methods=["vanilla", "vifi"])

    Args:
        first: a report's folder, its `report.json`, or a table of predictions, CSV or JSONL, with the columns path,
            true and predicted.
        second: another one; without it, two methods of the first are compared.
        methods: the method of each, or one for both, where a report has several: a name as of `evaluate`, or what the
            report calls it, or a part of that which only one has.

    Returns:
        The comparison: the second less the first.

    Raises:
        InvalidInput: there are no predictions, a method is not clear, or the videos are not the same.
    """
    if len(methods) > 2:
        raise InvalidInput(f"{len(methods)} methods are given: two can be compared")
    files = [read_predictions(given_path(each), str(each)) for each in (first, second) if each is not None]
    one, other = _chosen(files[0], files[-1], methods)
    if len(files) == 1 and one == other:
        raise InvalidInput(
            f"{one or first} would be compared with itself: name another report, or two methods"
        )
    comparison = compare_tests(
        (_described(files[0], one), _described(files[-1], other)),
        (files[0].tests_of(one), files[-1].tests_of(other)),
    )
    stamps = tuple(f"{file.name}: {stamp}" for file in files for stamp in file.stamps)
    return replace(comparison, stamps=stamps)


def _described(file: PredictionFile, method: str) -> ComparedMethod:
    return ComparedMethod(method, file.name, file.tests_of(method)[0].conditions)


def _chosen(first: PredictionFile, second: PredictionFile, names: Sequence[str]) -> tuple[str, str]:
    """The methods of both files that are meant."""
    if names:
        return _find(first, names[0]), _find(second, names[-1])
    if first is second:
        if len(first.methods) == 1:
            raise InvalidInput(
                f"{first.name} has only the method {first.methods[0]!r}: name another report too"
            )
        if len(first.methods) > 2:
            raise InvalidInput(_which(first, "two of them"))
        return first.methods[0], first.methods[1]
    if len(first.methods) == len(second.methods) == 1:
        return first.methods[0], second.methods[0]
    # what both have is what their models were trained from
    own = [
        [name for name in a.methods if name not in b.methods] for a, b in ((first, second), (second, first))
    ]
    if len(own[0]) == len(own[1]) == 1:
        return own[0][0], own[1][0]
    raise InvalidInput(
        _which(max(first, second, key=lambda file: len(file.methods)), "the one of each report")
    )


def _find(file: PredictionFile, name: str) -> str:
    """The method that a name means: that of METHODS, the report's, or a part that only one has.

    Raises:
        InvalidInput: none or several are meant.
    """
    title = find_method(name).title if name.partition("@")[0] in METHODS else name
    if exact := next((method for method in (name, title) if method in file.methods), None):
        return exact
    found = [method for method in file.methods if name.casefold() in method.casefold()]
    if len(found) == 1:
        return found[0]
    several = "several" if found else "none"
    raise InvalidInput(_which(file, "one of them", f"--method {name} is {several} of its methods: "))


def _which(file: PredictionFile, wanted: str, before: str = "") -> str:
    listed = ", ".join(repr(method) for method in file.methods)
    return f"{file.name}: {before}it has the methods {listed}; name {wanted} with --method"
