"""The columns of tables, by the names that people give them, and what separates them."""

import csv
import difflib
import io
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from vifi_cli.data.class_names import clean_class_name
from vifi_cli.data.formats.listing import SPLIT_NAMES
from vifi_cli.errors import InvalidInput
from vifi_cli.video.files.recognition import VIDEO_SUFFIXES

REQUIRED, OPTIONAL = ("path", "label"), ("split", "group", "start", "end")
COLUMNS = (*REQUIRED, *OPTIONAL)
TIMES = ("start", "end")
WANTED = f"write {','.join(REQUIRED)} in the first line, and {', '.join(OPTIONAL)} if you like"
SYNONYMS = {
    "path": frozenset(
        """path video file filename file_name filepath file_path video_path video_file video_name videoname clip
        clip_path clip_name relative_path""".split()  # noqa: SIM905  a column reads worse
    ),
    "label": frozenset(
        """label class category action activity class_name classname label_name category_name action_name action_label
        class_label label_id class_id category_id action_id label_idx class_idx class_index
        label_index""".split()  # noqa: SIM905
    ),
    "split": frozenset(("split", "subset", "partition", "set", "usage")),
    "group": frozenset(("group",)),
    "start": frozenset(
        """start start_time start_seconds start_sec start_timestamp t_start time_start
        begin""".split()  # noqa: SIM905
    ),
    "end": frozenset(
        """end end_time end_seconds end_sec end_timestamp t_end time_end stop stop_time
        stop_timestamp""".split()  # noqa: SIM905
    ),
}
"""What people call the columns; for `label`, also its number."""
SEPARATORS = ",;\t|"
_CRUCIAL = frozenset(
    """start end begin stop from to time second seconds frame frames onset offset segment segments interval
    timestamps unit units split group label labels class""".split()  # noqa: SIM905
)
"""Words of columns whose neglect would change what a table says."""
_SHARED = frozenset(
    "person subject participant actor speaker signer player patient animal scene session".split()  # noqa: SIM905
)
_STARTS = ("start", "begin")  # also of words such as `starttime`
_SECONDS = re.compile(r"\s*[(\[](s|secs?|seconds)[)\]]$", re.IGNORECASE)
_LENGTHS = frozenset(("duration", "dur", "length", "len"))
"""Words of columns that say where a moment ends, if nothing else does; otherwise they are about the file."""


def columns_of(header: Sequence[str], where: str, *, unit: str = "column") -> dict[str, str]:
    """The columns that are read, from their names in a header or JSON object to ours; others are left out.

    Raises:
        InvalidInput: a column is missing or there twice, or an unknown one sounds as if it counted.
    """
    names: dict[str, str] = {}
    for column, synonyms in SYNONYMS.items():
        exact = [name for name in header if _plain(name) == column]
        fitting = exact or [name for name in header if _plain(name) in synonyms]
        if column == "label" and len(fitting) > 1:  # a class name tells more than its number
            fitting = [name for name in fitting if not _is_number(name)] or fitting
        if len(fitting) > 1 and exact:
            raise InvalidInput(f"{where}: the {unit} {column!r} is twice in its first line; delete one")
        if len(fitting) > 1:
            raise InvalidInput(
                f"{where}: {' and '.join(fitting)} may both be the {column}: rename or delete one"
            )
        names |= dict.fromkeys(fitting, column)
    unknown = [name for name in header if name not in names]
    missing = next((column for column in REQUIRED if column not in names.values()), None)
    numbers = SYNONYMS["label"] if "label" in names.values() else ()
    if sounding := next((name for name in unknown if _counts(name) and _plain(name) not in numbers), None):
        raise InvalidInput(f"{where}: unknown {unit} {sounding!r}; {WANTED}")
    has_no_ends = "start" in names.values() and "end" not in names.values()
    if has_no_ends and (length := next((name for name in unknown if _words(name) & _LENGTHS), None)):
        raise InvalidInput(
            f"{where} has starts, and the {unit} {length!r} instead of ends: write a {unit} end with the sum of both"
        )
    if missing:
        raise InvalidInput(f"{where} has no {unit} {missing!r}; {WANTED}")
    return names


def find_columns(text: str) -> tuple[str, Sequence[str]]:
    """What separates the cells of a table, and its header; an empty header if it has none.

    Without a header, the columns must be clear: paths of videos, labels, and perhaps splits.
    """
    heads = {mark: _first_row(text, mark) for mark in SEPARATORS}
    for mark, head in heads.items():
        if are_columns(head):
            return mark, head
    mark = max(SEPARATORS, key=lambda mark: len(heads[mark]))
    return (mark, ()) if any(map(is_video_name, heads[mark])) else (mark, heads[mark])


def are_columns(header: Sequence[str]) -> bool:
    """Whether names are those of columns, with path and label among them."""
    return all(any(_plain(name) in SYNONYMS[column] for name in header) for column in REQUIRED)


def columns_without_header(rows: Sequence[Sequence[str]], path: Path, mark: str) -> Sequence[str]:
    """The header that a table without one would have; `rows` have its cells.

    Raises:
        InvalidInput: it is not clear what the columns are.
    """
    columns = list(zip(*rows, strict=False))
    paths = [place for place, cells in enumerate(columns) if all(map(is_video_name, cells))]
    splits = [
        place for place, cells in enumerate(columns) if all(cell.lower() in SPLIT_NAMES for cell in cells)
    ]
    others = [place for place in range(len(columns)) if place not in (*paths, *splits)]
    if len(paths) != 1 or len(others) != 1 or len(splits) > 1 or len({len(row) for row in rows}) != 1:
        raise InvalidInput(
            f"{path} has no header: write one into its first line, such as {mark.join(COLUMNS[: len(columns)])}, in "
            "the order of its columns"
        )
    role = {paths[0]: "path", others[0]: "label"} | dict.fromkeys(splits, "split")
    return [role[place] for place in range(len(columns))]


def says_who(name: str) -> bool:
    """Whether a column is called after what the videos of a group share, such as a person."""
    return bool(_words(name) & _SHARED)


def is_video_name(text: str) -> bool:
    """Whether a cell has the suffix of a video."""
    return PurePosixPath(text.strip()).suffix.lower() in VIDEO_SUFFIXES


def _first_row(text: str, mark: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader(io.StringIO(text.lstrip()), delimiter=mark), [])]
    except csv.Error:  # the header as such is refused, or its rows are
        return []


def _counts(name: str) -> bool:
    is_start = any(word.startswith(_STARTS) for word in _words(name))
    return bool(
        is_start
        or _words(name) & _CRUCIAL
        or difflib.get_close_matches(_plain(name), COLUMNS, n=1, cutoff=0.75)
    )


def _words(name: str) -> set[str]:
    return set(_plain(name).split("_"))


def _plain(name: str) -> str:
    """A name of a column in small letters: `start_time` for `start-time`, `startTime` and `Start Time (s)`."""
    return "_".join(clean_class_name(_SECONDS.sub("", name)).casefold().replace("-", " ").split())


def _is_number(name: str) -> bool:
    return bool({"id", "idx", "index"} & _words(name))
