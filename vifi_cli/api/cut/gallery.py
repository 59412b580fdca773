"""The page that shows the moments of a cut."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from vifi_cli.api.cut.ready import ReadyMoment
from vifi_cli.video.export.clip import Clip
from vifi_cli.video.export.preview import Preview
from vifi_cli.video.lists.gallery import GalleryItem, gallery_html
from vifi_cli.video.lists.listed_moment import one_line
from vifi_cli.wording import clock, counted, rounded_down


def gallery_page(
    title: str,
    ready: Sequence[ReadyMoment],
    previews: Mapping[int, Preview],
    clips: Mapping[int, tuple[Path, Clip]],
    folder: Path,
) -> str:
    """The page as HTML.

    Args:
        title: what the moments are moments of.
        ready: the moments, in their order.
        previews: of each, by its place among the moments wanted.
        clips: those that were written, likewise; a moment leads to its clip, else to its place in the video.
        folder: that the page will lie in.
    """
    items = [
        GalleryItem(
            address=_address(one, clips.get(one.position), folder),
            name=one_line(one.moment.path.name),
            folder=one_line(str(one.moment.path.parent)),
            time=f"{clock(one.moment.start_seconds)} – {clock(one.moment.end_seconds)}",
            score="" if one.wanted.score is None else rounded_down(one.wanted.score),
            preview=previews[one.position],
        )
        for one in ready
    ]
    videos = len({one.moment.path for one in ready})
    about = f"{counted(len(ready), 'moment')} in {counted(videos, 'video')}"
    return gallery_html(one_line(title), about, items)


def _address(one: ReadyMoment, clip: tuple[Path, Clip] | None, folder: Path) -> str:
    if clip is not None:
        return quote(os.fsencode(os.path.relpath(clip[0], folder)))
    return f"{one.moment.path.as_uri()}#t={one.moment.start_seconds:.3f},{one.moment.end_seconds:.3f}"
