"""What is shown in the place of a picture that cannot be made: a quiet drawing that says why."""

from html import escape
from textwrap import wrap

from starlette.responses import Response

LINE_LETTERS, MOST_LINES = 44, 2


def placeholder(reason: str, status: int) -> Response:
    """A picture, with a status of failure, that browsers show all the same; it is not kept."""
    lines = wrap(reason, LINE_LETTERS, max_lines=MOST_LINES, placeholder=" …")
    text = "".join(
        f'<text x="213" y="{180 + 19 * number}">{escape(line)}</text>' for number, line in enumerate(lines)
    )
    return Response(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 426 240" width="426" height="240">'
        '<rect width="426" height="240" fill="#1b1a18"/>'
        '<g fill="none" stroke="#8d877c" stroke-width="2.5" stroke-linecap="round">'
        '<rect x="190" y="32" width="46" height="34" rx="5"/><path d="M185 73 241 25"/></g>'
        '<g fill="#b5aea2" font-family="system-ui,sans-serif" font-size="14" text-anchor="middle">'
        f"{text}</g></svg>",
        status,
        {"Cache-Control": "no-store"},
        "image/svg+xml",
    )
