"""`vifi status`: what is indexed, by which encoder, how large it is, and what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vifi_cli import wording
from vifi_cli.cli.search.search import index_to_search
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options.shared import JsonOption
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL

MOST_CONCEPTS = 10

if TYPE_CHECKING:
    from vifi_cli.index.summary import IndexSummary


def status(as_json: JsonOption = False) -> None:
    """Show what is indexed.

    It shows the encoder, the size of the index, and which files could not be read.
    """
    from vifi_cli.api.library.encoders import note_model_setting
    from vifi_cli.api.search.hits.documents import summary_document
    from vifi_cli.index.summary import summarize

    summary = summarize(index_to_search())
    if as_json:
        output.document(summary_document(summary))
    else:
        _show(summary)
        note_model_setting(summary.folder, ON_TERMINAL)


def _concepts(summary: IndexSummary) -> str:
    """The concepts by name, in one line; empty if there are none."""
    shown = ", ".join(f"@{name}" for name in summary.concepts[:MOST_CONCEPTS])
    more = len(summary.concepts) - MOST_CONCEPTS
    return summary.concepts_problem or (f"{shown} and {more:,} more" if more > 0 else shown)


def _show(summary: IndexSummary) -> None:
    made_with = summary.indexed_with
    sampled = "clips" if made_with.clip_seconds else "frames"
    clip = made_with.clip_length
    sampling = f"{made_with.frames_per_second:g} per second, at least {made_with.minimum_frames} frames"
    output.facts(
        [
            ("Index", str(summary.folder)),
            ("Encoder", made_with.model),
            ("Sampling", sampling),
            *([("Clips", f"{clip.frames} frames in {clip.seconds:g} s")] if clip.seconds else []),
            ("Videos", f"{summary.videos:,} ({wording.clock(summary.video_seconds)} of video)"),
            ("Vectors", f"{summary.windows:,} windows over {summary.frames:,} {sampled}"),
            ("On disk", wording.size(summary.size_bytes)),
            *(
                ("" if i else "Folders", f"{root} ({wording.counted(n, 'video')})")
                for i, (root, n) in enumerate(summary.roots)
            ),
            *([("Concepts", concepts)] if (concepts := _concepts(summary)) else []),
        ]
    )
    for path, warning in summary.partly_read:
        output.line(f"partly read: {path}: {warning}")
    for failed in summary.failures:
        output.line(f"not indexed: {failed.file.path}: {failed.reason}")
    for failed in summary.postponed:
        output.line(f"tried again by the next run: {failed.file.path}: {failed.reason}")
