"""Label files: which class a number in a list means."""

import csv
import io
from pathlib import Path

from vifi_cli.data.forms.text_file import numbered_lines, read_text
from vifi_cli.errors import InvalidInput


def read_label_file(path: Path) -> tuple[str, ...]:
    """The class names of a label file, in the order of their ids.

    It is a CSV with the columns id and name, the form of ViFi-CLIP's `labels/*.csv` (a header line may be missing, a
    name with commas need not be quoted), or else a text file with one name a line.

    Raises:
        InvalidInput: an id is no number, given twice or left out, or a name is empty or given twice.
    """
    names = (
        _names_of_table(path) if path.suffix.lower() == ".csv" else [name for _, name in numbered_lines(path)]
    )
    if not names:
        raise InvalidInput(f"{path} names no class: write one line `id,name` a class")
    first_use: dict[str, int] = {}
    for label, name in enumerate(names):
        if name in first_use:
            raise InvalidInput(f"{path}: classes {first_use[name]} and {label} are both called {name!r}")
        first_use[name] = label
    return tuple(names)


def _names_of_table(path: Path) -> list[str]:
    by_id: dict[int, str] = {}
    reader = csv.reader(io.StringIO(read_text(path)), skipinitialspace=True)
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        label, name = row[0].strip(), ",".join(row[1:]).strip()
        if reader.line_num == 1 and label.lower() == "id":
            continue
        if not label.isdecimal() or not name:
            raise InvalidInput(f"{path}, line {reader.line_num}: {','.join(row)!r} is not `id,name`")
        if int(label) in by_id:
            raise InvalidInput(f"{path}, line {reader.line_num}: id {label} is given twice")
        by_id[int(label)] = name
    left_out = next((label for label in range(len(by_id)) if label not in by_id), None)
    if left_out is not None:
        raise InvalidInput(f"{path} has {len(by_id)} classes but none with id {left_out}: number them from 0")
    return [by_id[label] for label in range(len(by_id))]
