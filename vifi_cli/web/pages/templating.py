"""Fills the page templates; whatever is put into them is escaped."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from vifi_cli.web import wording
from vifi_cli.web.library.question import MOST_LETTERS

PAGE_HEADERS = {"Cache-Control": "private, no-cache"}

_templates = Environment(
    loader=PackageLoader("vifi_cli.web"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
_templates.globals["most_letters"] = MOST_LETTERS
_templates.filters |= {"shown": wording.shown, "clock": wording.clock, "size": wording.size}


def page(name: str, status: int = 200, **values: object) -> HTMLResponse:
    """The page that a template makes of some values."""
    return HTMLResponse(_templates.get_template(f"{name}.html.jinja").render(values), status, PAGE_HEADERS)
