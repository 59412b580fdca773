"""`vifi similar`: finds moments, or videos, that look like one that is shown."""

from __future__ import annotations

from typing import Annotated

import typer

from vifi_cli.cli.search.options import (
    ByOption,
    EncoderDeviceOption,
    HitOutput,
    HitSelection,
    HitUnit,
    VideoSelection,
)
from vifi_cli.cli.search.query_grammar import parse_example
from vifi_cli.cli.search.result import Answer, show_answer
from vifi_cli.cli.search.search import NO_HITS, open_session
from vifi_cli.cli.terminal.option_bundles import spliced
from vifi_cli.cli.terminal.options import Device


@spliced
def similar(
    example: Annotated[
        str,
        typer.Argument(
            metavar="FILE[@TIME]",
            help="A video, a part of one (clip.mp4@1:20-1:28, or clip.mp4@1:20 for a few seconds around), "
            "or a picture.",
            show_default=False,
        ),
    ],
    hit_selection: HitSelection,
    video_selection: VideoSelection,
    form: HitOutput,
    by: ByOption = HitUnit.moment,
    device: EncoderDeviceOption = Device.auto,
) -> None:
    """Find the moments in indexed videos that look like the one shown, which is left out itself.

    Exit code 0 if there are hits, 1 if there are none, 2 if something is wrong.
    """
    shown = parse_example(example)
    among = video_selection.video_filter()
    with open_session() as session:
        seen = session.see(shown, device.value)
        found = session.index.search(
            seen.embedding,
            top=hit_selection.top,
            per_video=hit_selection.per_video,
            by=by.value,
            below=video_selection.path,
            among=among,
            without=seen.place,
            fold_duplicates=hit_selection.dedupe,
        )
        seen_by = session.reader(device.value)
    from vifi_cli.index.search.video_index import relevant_among

    hits = relevant_among(found, hit_selection.min_score)
    show_answer(Answer(example, seen_by, hits, found[len(hits) :], bool(video_selection)), form)
    if not hits:
        raise typer.Exit(NO_HITS)
