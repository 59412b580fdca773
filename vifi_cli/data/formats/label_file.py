"""Label files, which name the classes that lists, tables and folders number."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from vifi_cli.data.class_names import clean_class_name
from vifi_cli.data.formats.text_file import numbered_lines, read_text
from vifi_cli.errors import InvalidInput

_ID_AND_NAME = re.compile(r"(\d+)\s*[\s,;:]\s*(\S.*)")
_NAME_AND_ID = re.compile(r"(.*\S)\s*[\s,;:]\s*(\d+)")
_Numbered = tuple[int, str, str]  # id, name, and the place for messages


@dataclass(frozen=True, slots=True)
class LabelFile:
    """The classes of a label file, in the order of their ids."""

    names: tuple[str, ...]
    first_id: int | None = None  # 0 or 1; None where the file has names alone
    source: str = ""

    def find(self, name: str) -> int | None:
        """The class of a name: as it is spelled, else in another spelling, such as `shoot_bow` for `ShootBow`."""
        if name in self.names:
            return self.names.index(name)
        fitting = [label for label, known in enumerate(self.names) if same_words(known) == same_words(name)]
        return fitting[0] if len(fitting) == 1 else None

    def find_folder(self, name: str) -> int | None:
        """The class of a folder, which may also be named by the id, if the file has ids."""
        found = self.find(name)
        if found is None and self.first_id is not None and name.isdecimal():
            label = int(name) - self.first_id
            return label if 0 <= label < len(self.names) else None
        return found


@lru_cache(4096)
def same_words(name: str) -> str:
    """What the spellings of a class name share; unlike `class_key`, it keeps `C` and `C++` apart."""
    return " ".join(clean_class_name(name).casefold().replace("-", " ").split())


def read_label_file(path: Path) -> LabelFile:
    """The classes of a label file.

    The file is a CSV of id and name, as ViFi-CLIP's `labels/*.csv`, a text file, or JSON. A line of a text file has a
    name, an id and a name, as UCF-101's `classInd.txt`, or a name and an id. A CSV may lack its header, and names with
    commas need no quotes. Ids count from 0 or from 1.

    Raises:
        InvalidInput: an id is not a number, given twice or missing, or a name is empty or given twice.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        numbered: Iterable[_Numbered] | None
        names, numbered = _json_names(path)
    elif suffix in (".csv", ".tsv"):
        names, numbered = (), _csv_rows(path)
    else:
        lines = numbered_lines(path)
        pairs = [(_ID_AND_NAME.fullmatch(line), number) for number, line in lines]
        names = tuple(line for _, line in lines)
        numbered = _ids_behind(lines, path)
        if all(found for found, _ in pairs):
            numbered = [
                (int(found[1]), found[2], f"{path}, line {number}") for found, number in pairs if found
            ]
    first_id = None
    if numbered is not None:
        first_id, names = _in_order(numbered, path)
    if not names:
        raise InvalidInput(f"{path} names no class: write a line `id,name` for each")
    first_use: dict[str, int] = {}
    for label, name in enumerate(names, first_id or 0):
        if (first := first_use.setdefault(name, label)) != label:
            raise InvalidInput(f"{path}: classes {first} and {label} are both called {name!r}")
    return LabelFile(names, first_id, str(path))


def _ids_behind(lines: Sequence[tuple[int, str]], path: Path) -> list[_Numbered] | None:
    """The ids and names of lines such as `bend 0`; None if these are names, such as `wave 1` and `wave 2`."""
    found = [(_NAME_AND_ID.fullmatch(line), number) for number, line in lines]
    numbered = [(int(pair[2]), pair[1], f"{path}, line {number}") for pair, number in found if pair]
    ids = sorted(label for label, _, _ in numbered)
    if (
        len(ids) < len(lines)
        or len(lines) < 2
        or ids not in (list(range(len(ids))), list(range(1, len(ids) + 1)))
    ):
        return None
    return numbered if len({name for _, name, _ in numbered}) == len(numbered) else None


def _in_order(numbered: Iterable[_Numbered], path: Path) -> tuple[int, tuple[str, ...]]:
    """The first id, and the names by id."""
    by_id: dict[int, str] = {}
    for label, name, where in numbered:
        if label in by_id:
            raise InvalidInput(f"{where}: id {label} is given twice")
        by_id[label] = name
    first = 0 if 0 in by_id or 1 not in by_id else 1
    wanted = range(first, first + len(by_id))
    if (left_out := next((label for label in wanted if label not in by_id), None)) is not None:
        raise InvalidInput(
            f"{path} has {len(by_id)} classes but none with id {left_out}: number them without gaps from 0 or 1"
        )
    return first, tuple(by_id[label] for label in wanted)


def _csv_rows(path: Path) -> Iterator[_Numbered]:
    is_first = True
    for number, line in numbered_lines(path):
        if not line.strip(",;\t "):
            continue
        mark = next((mark for mark in line if mark in ",;\t"), ",")
        label, _, name = (part.strip() for part in line.partition(mark))
        is_header, is_first = is_first and name != "" and "id" in label.lower().split("_"), False
        if is_header:
            continue
        where = f"{path}, line {number}"
        if name.startswith('"'):
            name = next(csv.reader([name], delimiter=mark))[0].strip()
        if not label.isdecimal() or not name:
            raise InvalidInput(f"{where}: {line!r} is not `id,name`")
        yield int(label), name, where


def _json_names(path: Path) -> tuple[tuple[str, ...], list[_Numbered] | None]:
    """The names of a list, or those of an object of names by id or ids by name, as in SSv2's `labels.json`."""
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{path}, line {error.lineno} is not JSON: {error.msg}") from error
    if isinstance(content, list) and all(isinstance(name, str) for name in content):
        return tuple(content), None
    if isinstance(content, dict) and content:
        pairs = [(str(key), str(value)) for key, value in content.items()]
        if not all(key.isdecimal() for key, _ in pairs):
            pairs = [(value, key) for key, value in pairs]
        if all(label.isdecimal() for label, _ in pairs):
            return (), [(int(label), name.strip('"'), str(path)) for label, name in pairs]
    raise InvalidInput(f'{path} does not name classes: write ["run", "walk"] or {{"run": 0, "walk": 1}}')
