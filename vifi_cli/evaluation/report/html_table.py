"""The table of a report as HTML, for the page and for notebooks."""

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from vifi_cli.evaluation.report.table import ResultTable, best_values, estimate_text, shown


def html_environment(package: str) -> Environment:
    """Templates of a package: values are escaped, and a missing value is an error."""
    environment = Environment(
        loader=PackageLoader(package, ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"shown": shown, "estimate": estimate_text}
    return environment


def table_html(table: ResultTable, title: str = "", stamps: Sequence[str] = ()) -> str:
    """The `<table>` element, the best measured values in bold; title and stamps become its caption."""
    template = html_environment("vifi_cli.evaluation.report").get_template("table.html.jinja")
    return template.render(table=table, title=title, stamps=stamps, best=best_values(table))
