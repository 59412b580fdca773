"""Maps of videos as one HTML page that needs no other file: a point shows its frame, path and class."""

import json
from collections.abc import Mapping

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.embed_map.embed_map import EmbedMap, separation_text
from vifi_cli.evaluation.figures.style import mark_of
from vifi_cli.evaluation.report.pictures import data_uri
from vifi_cli.evaluation.report.table import shown, templates


def map_page(made: EmbedMap, thumbnails: Mapping[LabeledVideo, bytes]) -> str:
    """The page; `thumbnails` are JPEGs of videos, some of which may lack one."""
    environment = templates("vifi_cli.evaluation.embed_map")
    environment.filters |= {"scores": separation_text, "mark": mark_of}
    videos = [
        {
            "path": shown(video.address),
            "link": video.link,
            "label": video.label,
            "picture": data_uri("jpeg", thumbnails[video]) if video in thumbnails else "",
        }
        for video in made.videos
    ]
    # "<" would let a path end the script
    data = json.dumps(videos).replace("<", "\\u003c")
    return environment.get_template("page.html.jinja").render(made=made, data=data)
