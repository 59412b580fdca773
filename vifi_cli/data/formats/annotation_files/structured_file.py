"""Reads XML, JSON and CSV files that others made: bounded, without entities, and with messages that name the file."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree
from xml.parsers import expat

from vifi_cli.data.formats.text_file import read_text
from vifi_cli.errors import InvalidInput

MOST_BYTES = 2**30  # a billion; the largest known, the JSON of Kinetics-700, has 170 million
HEAD_BYTES = 2**16
Json = dict[str, object]


class _RootFound(Exception):
    """Ends the parsing of a file's beginning."""


def root_tag(path: Path) -> str:
    """The name of the first element of an XML file, which declares no entities.

    Raises:
        InvalidInput: it is not XML, or has a document type, with which entities could fill the memory.
    """
    parser = expat.ParserCreate()
    tags: list[str] = []

    def begin(tag: str, _: dict[str, str]) -> NoReturn:
        tags.append(tag)
        raise _RootFound

    def refuse(*_: object) -> NoReturn:
        raise InvalidInput(f"{path} has a DOCTYPE, which vifi does not read: delete that line")

    parser.StartElementHandler, parser.StartDoctypeDeclHandler = begin, refuse
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except _RootFound:
        return tags[0]
    except expat.ExpatError as error:
        raise InvalidInput(f"{path} is not XML: {error}") from error
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror or 'cannot be read'}") from error
    raise InvalidInput(f"{path} is not XML: it has no element")


def elements(path: Path, tags: frozenset[str]) -> Iterator[ElementTree.Element]:
    """The elements with some names, each complete and forgotten after use; call `root_tag` before.

    Raises:
        InvalidInput: the file is not well-formed XML, or ends early.
    """
    root: ElementTree.Element | None = None
    try:
        for event, element in ElementTree.iterparse(path, events=("start", "end")):
            root = element if root is None else root
            if event == "end" and element.tag in tags:
                yield element
                element.clear()
                root.clear()
    except ElementTree.ParseError as error:
        raise InvalidInput(f"{path} is not well-formed XML: {error}") from error


def load_json(path: Path) -> object:
    """The content of a JSON file.

    Raises:
        InvalidInput: it is not JSON, is nested too deeply, or has more than a billion bytes.
    """
    check_size(path)
    try:
        return json.loads(read_text(path))
    except RecursionError as error:
        raise InvalidInput(f"{path} is nested too deeply to be an annotation file") from error
    except ValueError as error:
        raise InvalidInput(f"{path} is not JSON: {error}") from error


def check_size(path: Path) -> None:
    """Raises InvalidInput if a file is too large to be an annotation file."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror or 'cannot be read'}") from error
    if size > MOST_BYTES:
        raise InvalidInput(f"{path} has more than a billion bytes: it is not an annotation file")


def object_in(value: object, where: str) -> Json:
    """A JSON object, or InvalidInput that names the place."""
    if not isinstance(value, dict):
        raise InvalidInput(f"{where} is not an object")
    return value


def list_in(value: object, where: str) -> list[object]:
    """A JSON list, or InvalidInput that names the place."""
    if not isinstance(value, list):
        raise InvalidInput(f"{where} is not a list")
    return value


def table_rows(text: str, delimiter: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table with stripped cells, with the number of their last line; blank rows are skipped.

    Raises:
        InvalidInput: a cell is too long, as after a quote without its end.
    """
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise InvalidInput(f"{path}, line {reader.line_num} is not a row of a table: {error}") from error
