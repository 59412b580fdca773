"""`vifi concepts`: lists what was taught, and shows, renames, deletes, exports and imports it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli import wording
from vifi_cli.cli.search.search import open_session
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.confirmation import is_confirmed
from vifi_cli.cli.terminal.help import App
from vifi_cli.cli.terminal.options import completion
from vifi_cli.cli.terminal.options.shared import JsonOption, YesOption, output_option
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.api.teaching.overview import ConceptOverview

concepts_app = App(invoke_without_command=True)
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", autocompletion=completion.concepts, help="Name of a concept")
]
NamesArgument = Annotated[
    list[str],
    typer.Argument(metavar="NAME", autocompletion=completion.concepts, help="Names of concepts"),
]


@concepts_app.callback()
def list_concepts(context: typer.Context, as_json: JsonOption = False) -> None:
    """List, rename, delete, export and import concepts.

    `vifi search @NAME` searches with one. Without a command, this lists all of them.
    """
    from vifi_cli.api.teaching.overview import all_overviews, overview_document

    if context.invoked_subcommand is not None:
        return
    with open_session() as session:
        found = all_overviews(session)
    if as_json:
        output.document([overview_document(each) for each in found])
    elif found:
        output.rows(("Concept", "Right", "Wrong", "State", "Description"), list(map(_cells, found)), NUMBERS)
        _note_absent(found)
    else:
        output.note('you have taught no concepts yet: `vifi teach NAME "what it looks like"` begins one')


NUMBERS = ("Right", "Wrong")


@concepts_app.command("show")
def show_concept(name: NameArgument, as_json: JsonOption = False) -> None:
    """Show a concept and its marked moments.

    `vifi open N` plays the moment in line N.
    """
    from vifi_cli.api.teaching.overview import marks_document, overview_document, overview_of

    with open_session() as session:
        found = overview_of(session, _bare(name))
    if as_json:
        output.document(overview_document(found) | {"marks": marks_document(found)})
        return
    if output.stdout_is_terminal():
        _show_facts(found)
    _show_marks(found)
    _note_absent([found])


@concepts_app.command("rename")
def rename_concept(
    name: NameArgument, new_name: Annotated[str, typer.Argument(metavar="NEW", help="Its new name")]
) -> None:
    """Give a concept another name."""
    with open_session() as session:
        session.concepts.rename(_bare(name), _bare(new_name))
    output.note(f"@{_bare(name)} is now called @{_bare(new_name)}")


@concepts_app.command("delete")
def delete_concepts(names: NamesArgument, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Delete concepts with their marks; the videos stay as they are."""
    with open_session() as session:
        found = {concept.name: concept for concept in map(session.concepts.get, map(_bare, names))}
        marks = sum(len(concept.marks) for concept in found.values())
        what = f"{', '.join('@' + name for name in found)} with {wording.counted(marks, 'mark')}"
        if not yes:
            if not sys.stdin.isatty():
                raise InvalidInput(f"this would delete {what}: say --yes to do it")
            if not is_confirmed(f"Delete {what}?", "answer y to delete, or n to keep"):
                raise typer.Abort
        for name in found:
            session.concepts.delete(name)
    if as_json:
        output.document({"deleted": list(found)})
    else:
        output.note(f"deleted {what}")


@concepts_app.command("export")
def export_concepts_command(
    names: NamesArgument,
    file: Annotated[
        Path,
        output_option(
            ".csv or .jsonl for marked moments as labeled data, .json for the concepts themselves",
            metavar="FILE",
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Write concepts to a file.

    `vifi finetune --data` reads the tables, and `vifi concepts import` the .json.
    """
    from vifi_cli.api.teaching.exchange import export_concepts

    with open_session() as session:
        written = export_concepts(session, list(map(_bare, names)), file)
    for remark in written.remarks:
        output.note(remark)
    if as_json:
        output.document({"file": str(written.path), "remarks": list(written.remarks)})
    else:
        output.note(f"{written.path}: {written.content}")


@concepts_app.command("import")
def import_concepts_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .json that `vifi concepts export` wrote")],
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Give the concept this name")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace concepts of the same name")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read concepts from a file."""
    from vifi_cli.api.teaching.exchange import import_concepts

    with open_session() as session:
        imported = import_concepts(session, file, name=name, replace_existing=replace)
    for each in imported:
        if each.obstacle:
            output.warning(each.obstacle)
    if as_json:
        output.document([{"name": each.concept.name, "obstacle": each.obstacle or None} for each in imported])
        return
    for each in imported:
        marks = wording.counted(len(each.concept.marks), "mark")
        output.note(f"imported @{each.concept.name} with {marks}")


def _bare(name: str) -> str:
    """A name without the @ that queries write before it."""
    return name.removeprefix("@")


def _cells(found: ConceptOverview) -> tuple[str, ...]:
    concept = found.concept
    return (f"@{concept.name}", str(concept.right), str(concept.wrong), _state(found), concept.description)


def _state(found: ConceptOverview) -> str:
    """How far a concept is, in a few words."""
    concept, learned = found.concept, found.concept.learned
    if concept.is_stale and concept.right and concept.wrong:
        return "learned when you search"
    if learned is None:
        return "needs marks"
    if not found.fits_index:
        return f"learned with {learned.model}" if learned.model else "learned with another encoder"
    if learned.validation is None:
        return "learned"
    before, after = learned.validation.text_precision, learned.validation.learned_precision
    precision = f"precision {wording.score_text(before)} to {wording.score_text(after)}"
    return f"{precision}, needs more marks" if learned.needs_more_marks else precision


def _show_facts(found: ConceptOverview) -> None:
    from vifi_cli.api.teaching.report import teaching_report

    report = teaching_report(found.concept)
    learned = found.concept.learned
    output.facts(
        [
            ("Concept", f"@{found.concept.name}"),
            ("Description", found.concept.description),
            ("Marks", report.marks),
            ("Learned", report.result),
            ("Encoder", (learned and learned.model) or "none yet"),
        ]
    )


def _show_marks(found: ConceptOverview) -> None:
    from rich.text import Text

    from vifi_cli.api.search.hits.last_search import LastSearch

    moments, on_terminal = found.moments, output.stdout_is_terminal()
    if on_terminal:
        LastSearch.of(f"@{found.concept.name}", moments).keep()
    cells: list[tuple[str | Text, ...]] = []
    for number, (mark, moment) in enumerate(zip(found.concept.marks, moments, strict=True), 1):
        start, end = moment.start_seconds, moment.end_seconds
        if on_terminal:
            span = f"{wording.clock(start)} – {wording.clock(end)}"
            cells.append((str(number), mark.word, span, output.path_link(moment.path)))
        else:
            cells.append((mark.word, f"{start:.3f}", f"{end:.3f}", str(moment.path)))
    headers = ("#", "Mark", "Moment", "Video") if on_terminal else ("Mark", "Start", "End", "Video")
    output.rows(headers, cells, right=("#", "Moment"))


def _note_absent(shown: list[ConceptOverview]) -> None:
    if absent := sum(each.absent for each in shown):
        output.note(
            f"not in the index: the videos of {wording.counted(absent, 'mark')}; they count again when indexed"
        )
