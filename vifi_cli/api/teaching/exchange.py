"""Exports concepts, as labeled videos or as they are, and imports them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.concept_files import SUFFIX, read_concepts, write_concepts
from vifi_cli.api.teaching.labeled_marks import concepts_named, export_marks
from vifi_cli.errors import InvalidInput, VifiError
from vifi_cli.index.concepts.concept import Concept
from vifi_cli.index.concepts.names import check_name
from vifi_cli.paths import given_path
from vifi_cli.wording import counted

TABLES = (".csv", ".jsonl")


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export has written."""

    path: Path
    content: str  # in words
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """A concept that was imported."""

    concept: Concept
    obstacle: str = ""  # why it cannot be searched for in this index yet; empty if it can


def export_concepts(session: SearchSession, names: Sequence[str], output: Path | str) -> Exported:
    """Writes concepts: their marked moments as labeled videos (.csv, .jsonl), or all that is known (.json).

    Raises:
        InvalidInput: a concept does not exist, has nothing to write, or the suffix is another one.
        OSError: the file cannot be written.
    """
    path = given_path(output)
    if path.suffix.lower() in TABLES:
        videos = export_marks(session, names, path)
        classes = counted(len(videos.class_names), "class", "classes")
        return Exported(path, f"{counted(len(videos.train), 'moment')} of {classes}", videos.remarks)
    if path.suffix.lower() != SUFFIX:
        raise InvalidInput(
            f"{path}: let the name end in .json for the concept itself, or in .csv or .jsonl for its marked moments "
            "as labeled data"
        )
    concepts = concepts_named(session, names)
    write_concepts(concepts, path)
    return Exported(path, counted(len(concepts), "concept"))


def import_concepts(
    session: SearchSession, file: Path | str, *, name: str | None = None, replace_existing: bool = False
) -> list[Imported]:
    """Stores the concepts of a file that `export_concepts` has written; all of them, or none.

    `name` is for the only concept in the file.

    Raises:
        InvalidInput: the file cannot be read or is damaged, or a name is taken and not to be replaced.
    """
    concepts = read_concepts(file)
    if name is not None:
        if len(concepts) > 1:
            raise InvalidInput(
                f"{file} holds {len(concepts)} concepts, so it cannot be imported under one name"
            )
        concepts = [replace(concepts[0], name=check_name(name.removeprefix("@")))]
    session.concepts.put(concepts, replace=replace_existing)
    return [Imported(concept, _obstacle(session, concept.name)) for concept in concepts]


def _obstacle(session: SearchSession, name: str) -> str:
    try:
        session.learned(session.concepts.get(name))
    except VifiError as error:
        return str(error)
    return ""
