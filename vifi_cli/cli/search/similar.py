"""`vifi similar`: finds moments, or videos, that look like an example."""

from __future__ import annotations

from typing import Annotated

import typer

from vifi_cli.cli.search.open import PlayableOutput, keep_and_play
from vifi_cli.cli.search.options import HitChoice, VideoSelection
from vifi_cli.cli.search.result import Answer, show_answer, wants_unsure
from vifi_cli.cli.search.search import NO_HITS, is_in_shell, session_of, why_none
from vifi_cli.cli.terminal.options.shared import DeviceOption
from vifi_cli.cli.terminal.options.splicing import spliced


@spliced
def similar(
    context: typer.Context,
    example: Annotated[
        str,
        typer.Argument(
            metavar="FILE[@TIME]",
            help="A video, a part of one (clip.mp4@1:20-1:28 or clip.mp4@1:20), or a picture",
            show_default=False,
        ),
    ],
    hits: HitChoice,
    videos: VideoSelection,
    form: PlayableOutput,
    device: DeviceOption = "auto",
) -> None:
    """Find moments that look like a video, a part of one or a picture.

    The hits leave out the example itself.

    Exit code 0 if there are hits, 1 if there are none, 2 if something is wrong.
    """
    from vifi_cli.api.search.query_language import parse_example

    shown = parse_example(example)
    options = hits.options(hits.by, videos.video_filter())
    with session_of(context) as session:
        seen = session.see(shown, device)
        found = session.find_like(seen, options)
        seen_by, why = session.reader(), why_none(session, found, videos)
    answer = Answer(example, seen_by, found, hits.min_score, wants_unsure(form, is_asked=hits.unsure), why)
    show_answer(answer, form, on_one_line=is_in_shell(context))
    keep_and_play(answer, form)
    if not answer.is_relevant:
        raise typer.Exit(NO_HITS)
