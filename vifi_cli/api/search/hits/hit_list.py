"""The hits of a search as a list that notebooks show as a table with pictures."""

from base64 import b64encode
from html import escape

from vifi_cli.errors import VifiError
from vifi_cli.index.search.video_index import SearchHit, name_of_number
from vifi_cli.video.files.content import is_there
from vifi_cli.wording import LEGENDS, clock, counted, printable, score_text

MOST_ROWS = 20
THUMBNAIL_HEIGHT = 90


class SearchHits(list[SearchHit]):
    """Hits, best first. A list; `pandas.DataFrame(hits)` makes a table of it, with a column for each field."""

    def __repr__(self) -> str:
        best = f", best: {self[0]!r}" if self else ""
        return f"<{counted(len(self), 'hit')}{best}>"

    def _repr_html_(self) -> str:
        """A table with a picture of each hit, for notebooks."""
        rows = "".join(map(_row, self[:MOST_ROWS]))
        more = f"<p>and {len(self) - MOST_ROWS:,} more</p>" if len(self) > MOST_ROWS else ""
        name = name_of_number(self)
        head = f'<tr><th></th><th title="{LEGENDS[name]}">{name}</th><th>Moment</th><th>Video</th></tr>'
        return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>{more}"


def _row(hit: SearchHit) -> str:
    score = score_text(hit.number_shown)
    label = "marked " if hit.marked else "unsure " if hit.unsure else ""
    cells = (
        _picture(hit),
        f"{label}{score}",
        f"{clock(hit.start_seconds)} – {clock(hit.end_seconds)}",
        f'<span title="{escape(printable(str(hit.path)))}">{escape(printable(hit.path.name))}</span>',
    )
    style = ' style="opacity: .6"' if hit.unsure else ""
    return f"<tr{style}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _picture(hit: SearchHit) -> str:
    """The frame in the middle of a hit, inside the page, or why there is none."""
    from vifi_cli.video.export.preview import still  # PyAV, which a search does not need

    try:
        if not is_there(hit.path):
            return "file missing"
        picture = still(hit.path, (hit.start_seconds + hit.end_seconds) / 2, THUMBNAIL_HEIGHT)
    except (VifiError, OSError):
        return "no picture"
    return (
        f'<img src="data:image/webp;base64,{b64encode(picture).decode()}" height="{THUMBNAIL_HEIGHT}" alt="">'
    )
