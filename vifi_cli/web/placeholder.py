"""What is shown in the place of a picture that cannot be made: a quiet drawing that says why."""

from html import escape
from textwrap import wrap

from starlette.responses import Response

LINE_LETTERS, MOST_LINES = 34, 3


def placeholder(reason: str, status: int) -> Response:
    """A picture, with a status of failure, that browsers show all the same; it is not kept."""
    lines = wrap(reason, LINE_LETTERS, max_lines=MOST_LINES, placeholder=" …")
    text = "".join(
        f'<text x="78" y="{40 + 19 * number}">{escape(line)}</text>' for number, line in enumerate(lines)
    )
    # in the corner that nothing else on a hit covers
    return Response(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 426 240" width="426" height="240">'
        '<g fill="none" stroke="#857e73" stroke-width="2.5" stroke-linecap="round">'
        '<rect x="22" y="27" width="40" height="29" rx="5"/><path d="M17 63 67 20"/></g>'
        '<g fill="#757065" font-family="system-ui,sans-serif" font-size="14">'
        f"{text}</g></svg>",
        status,
        {"Cache-Control": "no-store"},
        "image/svg+xml",
    )
