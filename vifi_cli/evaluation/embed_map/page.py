"""A map of videos as one HTML page that needs nothing else: a point shows its frame, path and class."""

import base64
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from vifi_cli.evaluation.embed_map.embed_map import EmbedMap, separation_text
from vifi_cli.evaluation.figures.class_marks import mark_of
from vifi_cli.evaluation.report.report import shown


def map_page(made: EmbedMap, thumbnails: Mapping[Path, bytes]) -> str:
    """Write the page.

    Args:
        made: the map.
        thumbnails: JPEGs of videos; those without one show their words alone.
    """
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters |= {"shown": shown, "scores": separation_text, "mark": mark_of}
    template = (resources.files("vifi_cli.evaluation.embed_map") / "page.html.jinja").read_text(
        encoding="utf-8"
    )
    videos = [
        {
            "path": shown(str(video.path)),
            "link": video.path.as_uri(),
            "label": video.label,
            "picture": _data_uri(thumbnails[video.path]) if video.path in thumbnails else "",
        }
        for video in made.videos
    ]
    # "<" would let a path end the script
    data = json.dumps(videos).replace("<", "\\u003c")
    return environment.from_string(template).render(made=made, data=data)


def _data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
