"""Fills the page templates, escaping every value, and writes names and lengths as pages show them."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from vifi_cli.web.library.question import MOST_LETTERS
from vifi_cli.wording import clock, counted, size

PAGE_HEADERS = {"Cache-Control": "private, no-cache"}


def length(seconds: float) -> str:
    """How long all videos are together: `40 seconds`, `12 minutes`, `45 hours`."""
    for unit, unit_seconds in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * unit_seconds:
            return counted(round(seconds / unit_seconds), unit)
    return counted(round(seconds), "second")


def shown(text: str) -> str:
    """Text that can be written as UTF-8 and seen: other bytes of a name, and invisible characters, become a mark."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


_templates = Environment(
    loader=PackageLoader("vifi_cli.web"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
_templates.globals["most_letters"] = MOST_LETTERS
_templates.filters |= {"shown": shown, "clock": clock, "size": size}


def page(name: str, status: int = 200, **values: object) -> HTMLResponse:
    """Fills a template with values."""
    return HTMLResponse(_templates.get_template(f"{name}.html.jinja").render(values), status, PAGE_HEADERS)
