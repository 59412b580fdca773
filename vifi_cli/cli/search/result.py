"""How hits are shown: as a table, as lines for other programs, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from vifi_cli import wording
from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from rich.text import Text

    from vifi_cli.api.search.hits.line_format import HitFormat
    from vifi_cli.cli.search.options import HitOutput
    from vifi_cli.index.search.video_index import SearchHit


@dataclass(frozen=True)
class Answer:
    """The result of a search."""

    query: str  # as the user wrote it
    model: str  # that read the query
    found: Sequence[SearchHit]  # best first, relevant or not
    min_score: float | None  # of the hits to show; None for those that are worth showing
    with_unsure: bool  # whether to show the best hits below the threshold if no hit is likely
    why_none: str  # what to tell where nothing was found
    marked_wrong: int = 0  # moments that are left out, since the user has marked them wrong

    @cached_property
    def hits(self) -> Sequence[SearchHit]:
        """The hits to show."""
        from vifi_cli.index.search.threshold import shown_among

        return shown_among(self.found, self.min_score, with_unsure=self.with_unsure)

    @property
    def is_relevant(self) -> bool:
        """Whether something relevant was found."""
        return any(not hit.unsure and not hit.marked for hit in self.hits)

    @property
    def nothing_found(self) -> str:
        """What a search without relevant hits has not found."""
        if self.min_score is None:
            return "nothing relevant found"
        return f"nothing reaches --min-score {self.min_score:g}"


def wants_unsure(form: HitOutput, *, is_asked: bool) -> bool:
    """Whether to show unsure hits: to people, or if they were asked for."""
    return is_asked or (form.is_table and output.stdout_is_terminal())


def show_answer(answer: Answer, form: HitOutput, *, on_one_line: bool = False) -> None:
    """Writes hits to stdout in the form asked for, a JSON document perhaps on one line, and remarks to stderr."""
    from vifi_cli.api.search.hits.documents import answer_document, hit_document

    hits = answer.hits
    if form.as_json:
        document = answer_document(answer.query, answer.model, map(hit_document, hits))
        (output.json_line if on_one_line else output.document)(document)
    elif form.as_jsonl:
        for hit in hits:
            output.json_line(hit_document(hit))
    elif form.is_of_paths:
        for video in dict.fromkeys(hit.path for hit in hits):
            if form.print0:
                output.exact_path(video)
            else:
                output.line(str(video))
    elif form.hit_format:
        show_formatted(form.hit_format, answer)
    elif hits and form.thumbs and output.stdout_is_terminal():
        show_with_pictures(hits)
    elif hits:
        show_hits(hits)
    if form.thumbs and not output.stdout_is_terminal():
        output.note("--thumbs shows pictures on a terminal alone")
    _write_remarks(answer)


def show_formatted(form: HitFormat, answer: Answer) -> None:
    """A line for each hit by the user's template, or exactly what it says where it ends hits with NUL itself."""
    if form.is_exact:
        for text in form.filled(answer.query, answer.hits, str):
            output.exact(text)
        return
    safe = wording.printable if output.stdout_is_terminal() else wording.escaped
    for text in form.filled(answer.query, answer.hits, safe):
        output.safe_line(text)


def show_hits(hits: Sequence[SearchHit]) -> None:
    """A table on a terminal, with unsure hits dimmed; in a pipe tab-separated relevance, start, end (seconds), path."""
    from vifi_cli.index.search.video_index import name_of_number

    numbers = [hit.number_shown for hit in hits]
    if output.stdout_is_terminal():
        name = name_of_number(hits)
        cells = [
            row for number, hit in enumerate(hits, 1) for row in (_cells(number, hit), *_step_cells(hit))
        ]
        output.rows(("#", name, "Moment", "Video"), cells, right=("#", name, "Moment"))
        return
    output.records(
        [
            (
                wording.score_text(number, 4),
                f"{hit.start_seconds:.3f}",
                f"{hit.end_seconds:.3f}",
                str(hit.path),
            )
            for hit, number in zip(hits, numbers, strict=True)
        ],
    )


def _cells(number: int, hit: SearchHit) -> tuple[Text, ...]:
    """A row of the table, with the number for `vifi open`. The label shows where nothing can be dimmed, too."""
    from rich.text import Text

    score = wording.score_text(hit.number_shown)
    moment = f"{wording.clock(hit.start_seconds)} – {wording.clock(hit.end_seconds)}"
    label = _label(hit)
    cells = (
        Text(str(number)),
        Text(f"{label} {score}" if label else score),
        Text(moment),
        output.path_link(hit.path),
    )
    for cell in cells if label else ():
        cell.stylize("dim")
    return cells


def _step_cells(hit: SearchHit) -> list[tuple[Text, ...]]:
    """A dimmed row for each step of a hit of several."""
    from rich.text import Text

    rows = []
    for step in hit.steps if len(hit.steps) > 1 else ():
        moment = f"{wording.clock(step.start_seconds)} – {wording.clock(step.end_seconds)}"
        number = step.cosine if step.relevance is None else step.relevance
        texts = "", wording.score_text(number), moment, f"  {wording.printable(step.query)}"
        rows.append(tuple(Text(text, "dim") for text in texts))
    return rows


def _label(hit: SearchHit) -> str:
    """What to know about a hit: that the user has marked it, or that it is below the threshold; empty if nothing.

    One that is likely, or not rated, is below a threshold of the user.
    """
    from vifi_cli.index.search.threshold import is_likely

    if hit.marked:
        return "marked"
    if not hit.unsure:
        return ""
    return "below" if hit.relevance is None or is_likely(hit) else "unsure"


def show_with_pictures(hits: Sequence[SearchHit]) -> None:
    """A frame of each hit with its number, relevance, moment and video beside it."""
    from PIL import Image
    from rich.text import Text

    from vifi_cli.api.search.hits.thumbnails import thumbnails
    from vifi_cli.cli.terminal.pictures.layout import PictureList
    from vifi_cli.index.search.video_index import name_of_number

    name, shown = name_of_number(hits), PictureList.for_terminal()
    for number, (hit, pixels) in enumerate(zip(hits, thumbnails(hits, shown.picture_height), strict=True), 1):
        *_, moment, video = _cells(number, hit)
        score = Text(f"{name} {wording.score_text(hit.number_shown)}")
        facts = Text("  ").join([Text(str(number), "bold"), score, moment])
        if label := _label(hit):
            facts.append(f"  {label}").stylize("dim")
        steps = [Text("  ").join(row[1:]) for row in _step_cells(hit)]
        shown.show(None if pixels is None else Image.fromarray(pixels), [facts, video, *steps])


def _write_remarks(answer: Answer) -> None:
    from vifi_cli.video.files.content import is_there

    hits = answer.hits
    folded = sum(hit.duplicates or 0 for hit in hits)
    if folded:
        output.note(f"left out as looking nearly the same: {wording.counted(folded, 'more hit')}")
    _note_marks(answer)
    missing = {hit.path for hit in hits if not is_there(hit.path)}
    if missing:
        output.note(
            f"no longer where indexed: {wording.counted(len(missing), 'video')} of these; plug the disk in, or run "
            "`vifi index` to bring the index up to date"
        )
    if not answer.is_relevant:
        note_nothing_relevant(answer)
    elif any(hit.unsure for hit in hits):
        output.note("no hit is likely, so unsure ones follow; `--min-score 0` shows more")
    elif len(hits) < len(answer.found) and output.stdout_is_terminal():
        output.note("less relevant hits are left out: `--min-score 0` shows them")


def _note_marks(answer: Answer) -> None:
    if answer.marked_wrong:
        output.note(f"left out: {wording.counted(answer.marked_wrong, 'moment')} that you marked wrong")
    right = sum(hit.marked == "right" for hit in answer.hits)
    if right and output.stdout_is_terminal():
        output.note(
            f"at the end: {wording.counted(right, 'moment')} that you marked right; --top counts the others"
        )


def note_nothing_relevant(answer: Answer) -> None:
    """Reports that nothing was found, how relevant the best hit is, or that the hits shown are unsure."""
    from vifi_cli.index.search.video_index import name_of_number

    found = [hit for hit in answer.found if not hit.marked]
    if not found:
        output.note(answer.why_none or f"{answer.nothing_found} that you have not marked")
    elif any(hit.unsure for hit in answer.hits):
        output.note(f"{answer.nothing_found}: these come nearest; `--min-score 0` shows more")
    else:
        name, best = name_of_number(found).lower(), wording.score_text(found[0].number_shown)
        output.note(
            f"{answer.nothing_found}: the best hit has a {name} of {best}; `--unsure` includes the nearest hits, "
            "`--min-score 0` all"
        )
