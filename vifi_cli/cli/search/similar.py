"""`vifi similar`: finds moments, or videos, that look like one that is shown."""

from __future__ import annotations

from typing import Annotated

import typer

from vifi_cli.cli.search.options import (
    ByOption,
    DedupeOption,
    EncoderDeviceOption,
    FilepathOnlyOption,
    HitOutput,
    HitUnit,
    JsonLinesOption,
    JsonOption,
    MaxDurationOption,
    MinDurationOption,
    MinScoreOption,
    NewerOption,
    OlderOption,
    PathOption,
    PerVideoOption,
    Print0Option,
    TopOption,
    video_filter,
)
from vifi_cli.cli.search.query_grammar import parse_example
from vifi_cli.cli.search.result import Answer, show_answer
from vifi_cli.cli.search.search import NO_HITS, open_session
from vifi_cli.cli.terminal.options import Device


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
    top: TopOption = 10,
    per_video: PerVideoOption = 3,
    by: ByOption = HitUnit.moment,
    min_score: MinScoreOption = None,
    dedupe: DedupeOption = False,
    path: PathOption = None,
    newer: NewerOption = None,
    older: OlderOption = None,
    min_duration: MinDurationOption = None,
    max_duration: MaxDurationOption = None,
    as_json: JsonOption = False,
    as_jsonl: JsonLinesOption = False,
    filepath_only: FilepathOnlyOption = False,
    print0: Print0Option = False,
    device: EncoderDeviceOption = Device.auto,
) -> None:
    """Find the moments in indexed videos that look like the one shown, which is left out itself.

    Exit code 0 if there are hits, 1 if there are none, 2 if something is wrong.
    """
    form = HitOutput(as_json=as_json, as_jsonl=as_jsonl, filepath_only=filepath_only, print0=print0)
    shown = parse_example(example)
    among = video_filter(newer, older, min_duration, max_duration)
    with open_session() as session:
        seen = session.see(shown, device.value)
        found = session.index.search(
            seen.embedding,
            top=top,
            per_video=per_video,
            by=by.value,
            below=path,
            among=among,
            without=seen.place,
            fold_duplicates=dedupe,
        )
        seen_by = session.reader(device.value)
    from vifi_cli.index.search.video_index import relevant_among

    is_filtered = any((path, newer, older, min_duration, max_duration))
    hits = relevant_among(found, min_score)
    show_answer(Answer(example, seen_by, hits, found[len(hits) :], is_filtered), form)
    if not hits:
        raise typer.Exit(NO_HITS)
