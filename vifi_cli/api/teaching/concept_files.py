"""Concepts as JSON files: to keep them, and to take them to another index or machine. Files are not trusted."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np

from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.rows import decode_path
from vifi_cli.index.concepts.concept import Concept, CrossValidation, LearnedQuery, Mark
from vifi_cli.index.concepts.learned_facts import is_direction
from vifi_cli.index.concepts.names import check_name, key_of
from vifi_cli.paths import given_path, write_file
from vifi_cli.typed_files import as_dataclass

SUFFIX = ".json"
KIND, KIND_VERSION = "vifi_concepts", 1
MOST_BYTES = 200_000_000
FILE_ADDRESS = "file://"


@dataclass(frozen=True, slots=True)
class MarkRecord:
    """A mark in a file."""

    path: str  # or an address, for a name that is not text
    start_seconds: float
    end_seconds: float
    is_right: bool
    fingerprint: str

    def __post_init__(self) -> None:
        if not 0 <= self.start_seconds < self.end_seconds < float("inf"):
            raise ValueError("start_seconds is at least 0, and end_seconds is above it")
        path = _path_of(self.path)
        if "\0" in str(path) or not path.is_absolute():
            raise ValueError("path is absolute")


@dataclass(frozen=True, slots=True)
class LearnedRecord:
    """A learned query in a file."""

    vision_fingerprint: str
    embedding: tuple[float, ...]
    form: str = "text"
    model: str = ""
    validation: CrossValidation | None = None


@dataclass(frozen=True, slots=True)
class ConceptRecord:
    """A concept in a file, without its marks."""

    name: str
    description: str
    learned: LearnedRecord | None = None


def write_concepts(concepts: Sequence[Concept], path: Path) -> None:
    """Writes concepts with their marks and what was learned; raises OSError if the file cannot be written."""
    content = {KIND: KIND_VERSION, "concepts": [_document_of(concept) for concept in concepts]}
    write_file(path, (json.dumps(content, indent=1) + "\n").encode())


def read_concepts(path: Path | str) -> list[Concept]:
    """The concepts of a file that `write_concepts` has written.

    Raises:
        InvalidInput: it cannot be read, is none, or is damaged; the text names the file and the field.
    """
    path = given_path(path)
    document = _document_in(path)
    if not isinstance(document, dict) or KIND not in document:
        raise InvalidInput(
            f"{path} holds no concepts: name a file that `vifi concepts export -o FILE.json` made"
        )
    if document[KIND] != KIND_VERSION:
        raise InvalidInput(f"{path} was made by a newer vifi: upgrade this one with `pip install -U vifi`")
    listed = document.get("concepts")
    if not isinstance(listed, list) or not listed:
        raise InvalidInput(f"{path}: concepts should be a list with a concept at least")
    concepts = [_concept_of(record, f"{path}: concepts[{place}]") for place, record in enumerate(listed)]
    if len({key_of(concept.name) for concept in concepts}) < len(concepts):
        raise InvalidInput(f"{path}: two concepts have the same name: rename one of them in the file")
    return concepts


def _document_in(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be read ({error.strerror}): name a file that `vifi concepts export` made"
        ) from error
    if len(content) > MOST_BYTES:
        raise InvalidInput(f"{path} is too large to be a file of concepts")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise InvalidInput(f"{path} is not JSON: name a file that `vifi concepts export` made") from None


def _document_of(concept: Concept) -> dict[str, Any]:
    learned = None if concept.is_stale else concept.learned
    return {
        "name": concept.name,
        "description": concept.description,
        "marks": [
            {
                "path": _path_text(mark.path),
                "start_seconds": mark.start_seconds,
                "end_seconds": mark.end_seconds,
                "is_right": mark.is_right,
                "fingerprint": mark.fingerprint,
            }
            for mark in concept.marks
        ],
        "learned": learned
        and {
            "vision_fingerprint": learned.vision_fingerprint,
            "model": learned.model,
            "form": learned.form,
            "validation": learned.validation and asdict(learned.validation),
            "embedding": learned.embedding.tolist(),
        },
    }


def _concept_of(record: Any, source: str) -> Concept:
    if not isinstance(record, dict):
        raise InvalidInput(f"{source} should be an object with a name and a description")
    marks = record.pop("marks", [])
    if not isinstance(marks, list):
        raise InvalidInput(f"{source}.marks should be a list")
    read = as_dataclass(ConceptRecord, record, source)
    try:
        name = check_name(read.name)
    except InvalidInput as error:
        raise InvalidInput(f"{source}.name: {error}") from None
    description = " ".join(read.description.split())  # one line, as `vifi teach` keeps it
    return Concept(name, description, tuple(_marks_of(marks, source)), _learned_of(read, source))


def _marks_of(records: list[Any], source: str) -> Iterator[Mark]:
    for place, record in enumerate(records):
        where = f"{source}.marks[{place}]"
        if not isinstance(record, dict):
            raise InvalidInput(f"{where} should be an object")
        read = as_dataclass(MarkRecord, record, where)
        yield Mark(_path_of(read.path), read.start_seconds, read.end_seconds, read.is_right, read.fingerprint)


def _learned_of(read: ConceptRecord, source: str) -> LearnedQuery | None:
    learned = read.learned
    if learned is None:
        return None
    embedding = np.array(learned.embedding, np.float32)
    if not is_direction(embedding):
        raise InvalidInput(f"{source}.learned.embedding should be the numbers of a vector of length 1")
    return LearnedQuery(
        learned.vision_fingerprint, embedding, learned.form, learned.validation, learned.model
    )


def _path_text(path: Path) -> str:
    """A path as text; an address where its bytes are not text."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return path.as_uri()
    return str(path)


def _path_of(text: str) -> Path:
    if text.startswith(FILE_ADDRESS):
        return decode_path(unquote_to_bytes(text.removeprefix(FILE_ADDRESS)))
    return Path(text)
