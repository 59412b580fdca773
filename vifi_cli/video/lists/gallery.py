"""Moments as one HTML page that needs nothing else: styles and moving pictures are in it, and no script."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from jinja2 import Environment, StrictUndefined

from vifi_cli.video.export.preview import Preview


@dataclass(frozen=True, slots=True)
class GalleryItem:
    """A moment on the page. Texts are shown as they are: nothing in them is taken for HTML.

    Attributes:
        address: where its link leads, as a URL.
        name: of the video.
        folder: that the video is in.
        time: from when to when.
        score: how well it matches, in two decimals; empty if that is not known.
        preview: what it looks like.
    """

    address: str
    name: str
    folder: str
    time: str
    score: str
    preview: Preview


def gallery_html(title: str, about: str, items: Sequence[GalleryItem]) -> str:
    """The page: a heading, a line about it, and the moments in the order given."""
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters["webp"] = _webp_address
    template = (resources.files("vifi_cli.video.lists") / "gallery.html.jinja").read_text(encoding="utf-8")
    return environment.from_string(template).render(title=title, about=about, items=items)


def _webp_address(content: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(content).decode()}"
