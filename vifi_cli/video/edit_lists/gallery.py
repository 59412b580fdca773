"""Moments as one HTML page without scripts that includes its styles and moving pictures."""

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from vifi_cli.video.export.preview import Preview
from vifi_cli.video.export.probe import ProbedMoment
from vifi_cli.wording import LEGENDS, clock, counted, one_line, score_text


@dataclass(frozen=True, slots=True, eq=False)
class GalleryItem:
    """A moment on the page; it has a finite end."""

    rank: int  # among all moments
    probed: ProbedMoment
    preview: Preview
    clip: Path | None  # the file that a click opens; None opens the video at the moment

    def shown(self, folder: Path) -> dict[str, object]:
        """The template's values for a page in a folder; the template escapes all texts."""
        moment = self.probed.moment
        start, end = self.probed.player_span
        address = f"{moment.path.as_uri()}#t={start:.3f},{end:.3f}"
        if self.clip is not None:
            address = quote(os.fsencode(os.path.relpath(self.clip, folder)))
        return {
            "rank": self.rank,
            "address": address,
            "name": one_line(moment.path.name),
            "folder": one_line(str(moment.path.parent)),
            "time": f"{clock(moment.start_seconds)} – {clock(moment.end_seconds)}",
            "score_name": moment.score_name or "Score",
            "score": "" if moment.score is None else score_text(moment.score),
            "preview": self.preview,
        }


def gallery_html(title: str, items: Sequence[GalleryItem], target: Path, pages: Sequence[str] = ()) -> str:
    """The page for a file: a heading, counts, the moments in the order given, and links to the other pages of a set.

    Links are relative to the file's folder.
    """
    loader = PackageLoader("vifi_cli.video.edit_lists", "")
    environment = Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters["webp"] = _webp_address
    names = {item.probed.moment.score_name for item in items}
    videos = len({item.probed.moment.path for item in items})
    return environment.get_template("gallery.html.jinja").render(
        title=one_line(title),
        about=f"{counted(len(items), 'moment')} in {counted(videos, 'video')}",
        legends=[legend for name, legend in LEGENDS.items() if name in names],
        items=[item.shown(target.parent) for item in items],
        pages=[(quote(os.fsencode(name)), name == target.name) for name in pages] if len(pages) > 1 else [],
    )


def _webp_address(content: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(content).decode()}"
