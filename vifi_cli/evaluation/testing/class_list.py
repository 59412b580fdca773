"""The classes that a user names: a list `a,b,c`, a file, or the classes of a public set."""

from pathlib import Path

from vifi_cli.data.class_names import class_names_of
from vifi_cli.data.forms.list_file import read_label_file
from vifi_cli.data.forms.text_file import numbered_lines
from vifi_cli.data.public_sets.sets import PUBLIC_SETS
from vifi_cli.errors import InvalidInput


def read_class_list(text: str) -> tuple[str, ...]:
    """Reads the class names from `a,b,c`, a file, or the name of a public set.

    A file has one name per line, or is a CSV with the columns id and name. UTF-8 with or without BOM, any line ends;
    blank lines are ignored.

    Raises:
        InvalidInput: a name is given twice, is empty or not printable, or there are fewer than two.
    """
    if text in PUBLIC_SETS:
        return class_names_of(text)
    path = Path(text).expanduser()
    if path.is_file():
        names, source = _names_in(path), str(path)
    elif path.suffix.lower() in (".txt", ".csv") and "," not in text:
        raise InvalidInput(
            f"{text} does not exist: name a file, classes such as a,b,c, or {', '.join(PUBLIC_SETS)}"
        )
    else:
        names, source = _names_in_row(text), "the list of classes"
    if strange := next((name for name in names if not name.isprintable()), None):
        raise InvalidInput(f"{source}: the class name {strange!r} is not plain text")
    if len(names) < 2:
        only = f"only one class, {names[0]!r}" if names else "no class"
        raise InvalidInput(f"{source} has {only}: name two or more")
    return names


def _names_in(path: Path) -> tuple[str, ...]:
    if path.suffix.lower() == ".csv" and _is_table(path):
        return read_label_file(path)
    lines: dict[str, int] = {}
    for number, name in numbered_lines(path):
        if name in lines:
            raise InvalidInput(f"{path}: lines {lines[name]} and {number} both name the class {name!r}")
        lines[name] = number
    return tuple(lines)


def _is_table(path: Path) -> bool:
    """Whether the first line is `id,name` or starts with a number; otherwise each line is a name."""
    first = next((line for _, line in numbered_lines(path)), "")
    label = first.partition(",")[0].strip().strip('"').lower()
    return "," in first and (label == "id" or label.isdecimal())


def _names_in_row(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",")]
    while names and not names[-1]:
        names.pop()
    if "" in names:
        raise InvalidInput(f"class {names.index('') + 1} of {text!r} is empty: write classes as a,b,c")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidInput(f"the list of classes names {twice!r} twice")
    return tuple(names)
