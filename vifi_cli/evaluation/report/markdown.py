"""A report as Markdown."""

import re
from collections.abc import Iterable, Iterator, Sequence

from vifi_cli.evaluation.report.report import Report, TestDetail, most_confused, units_of
from vifi_cli.evaluation.report.table import estimate_text, percent_text, shown

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&])")


def report_markdown(report: Report, pictures: Sequence[str]) -> str:
    """The report with tables; `pictures` are the files of the confusion matrices, one per test."""
    lines = [f"# {_plain(report.title)}", ""]
    for stamp in report.stamps:
        lines += [f"> **{_plain(stamp)}**", ""]
    lines += _table(("method", *report.table.columns, ""), _results(report))
    lines += [
        "Percent; 95 % intervals in brackets; ± standard deviation over splits or seeds.",
        "",
        "## Protocol",
        "",
    ]
    lines += _table(("", ""), report.facts)
    for test, picture in zip(report.details, pictures, strict=True):
        lines += _test(test, picture)
    return "\n".join(lines).rstrip() + "\n"


def _results(report: Report) -> Iterator[tuple[str, ...]]:
    for row in report.table.rows:
        source = f"published: {row.remark}" if row.source == "published" else row.remark
        yield (row.method, *map(estimate_text, row.estimates), source)


def _test(test: TestDetail, picture: str) -> Iterator[str]:
    yield from (f"## {_plain(test.heading)}", "")
    top1, top5 = map(estimate_text, (test.scores.top1, test.scores.top5))
    yield from (f"Top-1 {top1}, top-5 {top5}; {units_of(test.scores)}.", "")
    yield from (f"![confusion matrix]({picture})", "")
    confused = [(pair.truth, pair.guess, f"{pair.count} of {pair.videos}") for pair in most_confused(test)]
    if confused:
        yield from _table(("true", "predicted", "videos"), confused)
    accuracies = zip(test.class_names, test.scores.class_accuracy, strict=True)
    shares = [(name, "–" if share is None else percent_text(share)) for name, share in accuracies]
    yield from _table(("class", "top-1"), shares)
    if test.mistakes:
        rows = [(m.path.name, m.truth, m.guess, percent_text(m.probability)) for m in test.mistakes]
        yield from _table(("confident mistake", "true", "predicted", "probability"), rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(map(_plain, header)) + " |"
    yield "| " + " | ".join("---" for _ in header) + " |"
    for row in rows:
        yield "| " + " | ".join(map(_plain, row)) + " |"
    yield ""


def _plain(text: str) -> str:
    """Text without a meaning in Markdown or HTML."""
    return _SPECIAL.sub(r"\\\1", shown(text))
