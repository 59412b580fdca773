"""`vifi eval compare`: how much two methods differ on the same videos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from vifi_cli.cli.evaluation.table import fits
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options import completion
from vifi_cli.cli.terminal.options.shared import JsonOption

if TYPE_CHECKING:
    from vifi_cli.evaluation.paired.comparison import Comparison, PairedTest

MOST_CLASSES = 5

FirstArgument = Annotated[
    str,
    typer.Argument(
        metavar="A",
        help="Report folder, or a table with path, true, predicted",
        autocompletion=completion.reports,
    ),
]
SecondArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="B",
        help="The other one; without it, two methods of A",
        show_default=False,
        autocompletion=completion.reports,
    ),
]
MethodOption = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        metavar="METHOD",
        help="Method to compare, of a report with several; first that of A, then of B (repeatable)",
        show_default=False,
        autocompletion=completion.methods,
    ),
]


def compare(
    a: FirstArgument, b: SecondArgument = None, method: MethodOption = None, as_json: JsonOption = False
) -> None:
    """Compare two tested methods on the same videos.

    It pairs the videos of two reports of `vifi eval`, and shows the difference in top-1 with its 95 % interval and
    McNemar's test.

    Examples:
      vifi eval compare reports/before reports/after
      vifi eval compare reports/few-shot-hmdb51 --method vifi --method prompt
    """
    import vifi_cli
    from vifi_cli.evaluation.paired.comparison import comparison_document

    comparison = vifi_cli.compare(a, b, methods=method or ())
    if as_json:
        output.document(comparison_document(comparison))
    else:
        output.note(f"A: {comparison.first.in_words}")
        output.note(f"B: {comparison.second.in_words}")
        show_tests(comparison)
        _show_classes(comparison)
    for remark in comparison.notes:
        output.note(remark)
    for stamp in comparison.stamps:
        output.warning(stamp)


def show_tests(comparison: Comparison) -> None:
    """Shows a row per part; on a narrow terminal, intervals are below their values."""
    names = ("A", "B", "B - A", "both/A/B/none", "exact p", "mid-p")
    has_parts = any(test.part for test in comparison.tests)
    headers = ("Part", *names) if has_parts else names
    parts = [[test.part] if has_parts else [] for test in comparison.tests]
    figures = [_figures(test) for test in comparison.tests]
    if not fits([headers, *([*part, *row] for part, row in zip(parts, figures, strict=True))]):
        figures = [[text.replace(" [", "\n[") for text in row] for row in figures]
    cells: list[list[str | Text]] = [
        [*part, *map(Text, row)] for part, row in zip(parts, figures, strict=True)
    ]
    output.rows(headers, cells, right=names)


def _figures(test: PairedTest) -> list[str]:
    from vifi_cli.evaluation.paired.comparison import difference_text, p_text

    counts, p = test.counts, test.mcnemar
    return [
        f"{100 * test.first.value:.1f}",
        f"{100 * test.second.value:.1f}",
        difference_text(test.difference),
        f"{counts.both}/{counts.only_first}/{counts.only_second}/{counts.neither}" if counts else "–",
        p_text(p.exact) if p else "–",
        p_text(p.mid) if p else "–",
    ]


def _show_classes(comparison: Comparison) -> None:
    """The classes in which the methods differ most, of a comparison with one part."""
    test, *others = comparison.tests
    if others or not test.classes:
        return
    rows = [
        (each.name, str(each.videos), str(each.first), str(each.second))
        for each in test.classes[:MOST_CLASSES]
    ]
    output.line("")
    output.rows(("Class", "videos", "A right", "B right"), rows, right=("videos", "A right", "B right"))
