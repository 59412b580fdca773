"""Lists of your own videos: `path label`, by number, name or folder, also as mmaction's frame folders or UCF-101's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from vifi_cli.data.formats.label_file import LabelFile
from vifi_cli.data.formats.label_numbers import NumberedFile, first_label, folder_of, remarks_on_first_label
from vifi_cli.data.formats.listing import ListedVideo, Listing, Split
from vifi_cli.data.formats.tables.columns import are_columns
from vifi_cli.data.formats.text_file import numbered_lines
from vifi_cli.errors import InvalidInput
from vifi_cli.video.files.recognition import VIDEO_SUFFIXES
from vifi_cli.wording import counted

_LAST_WORD = re.compile(r"(.*[^\s,;])(?:\s*[,;]\s*|\s+)([^\s,;]+)")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ListLine:
    """A line of a list; it has numbers or a name for its classes, or neither, so that its folder names the class."""

    file: str
    split: Split
    where: str
    numbers: tuple[int, ...] = ()
    name: str = ""

    @property
    def numbered(self) -> NumberedFile:
        """The file with its first number."""
        return NumberedFile(self.file, self.numbers[0], self.where)

    @property
    def folder(self) -> str:
        """The name of the folder of the file; empty without one."""
        return folder_of(self.file)


def read_own_lists(lists: Mapping[Split, Path], labels: LabelFile | None, given_as: str) -> Listing:
    """Reads lists, one for each split; `given_as` is how the user named them.

    Without a label file, classes are named by the lines, or by the folders of the videos if each has one label.

    Raises:
        InvalidInput: a line has no label or one out of range, there are no lines, no name for the classes, or it is
            not clear whether labels count from 0 or from 1.
    """
    lines = [line for split, path in lists.items() for line in _lines_of(path, split)]
    remarks = []
    first = 0
    if labels is None:
        labels, first = _named_by_lines(lines, given_as)
    elif any(line.numbers for line in lines):
        first = first_label([line.numbered for line in lines if line.numbers], labels)
        remarks += remarks_on_first_label(first, labels)
        if several := sum(len(line.numbers) > 1 for line in lines):
            remarks.append(
                f"{counted(several, 'line')} with several numbers: these are several classes of a video"
            )
    videos = tuple(_listed(line, labels, first) for line in lines)
    return Listing(labels.names, videos, tuple(remarks))


def is_list(path: Path) -> bool:
    """Whether the first line of a file is that of a list, `path label` with a number, and has no other separator."""
    lines = numbered_lines(path)
    if not lines or any(mark in lines[0][1] for mark in ",;\t"):
        return False
    found = _LAST_WORD.fullmatch(lines[0][1])
    return found is not None and _is_video(found[1]) and found[2].isdecimal()


def _lines_of(path: Path, split: Split) -> list[ListLine]:
    lines = [(number, line) for number, line in numbered_lines(path) if not line.startswith("# ")]
    if lines and are_columns(lines[0][1].split()):
        lines = lines[1:]
    if not lines:
        raise InvalidInput(f"{path} lists no video: add a line for each")
    read = [_read_line(line, split, f"{path}, line {number}") for number, line in lines]
    if all(frames for _, frames in read):
        return [replace(line, file=frames, numbers=line.numbers[-1:]) for line, frames in read]
    return [line for line, _ in read]


def _read_line(text: str, split: Split, where: str) -> tuple[ListLine, str]:
    """A line, and the folder in it if it may be mmaction's `folder frames label` or `folder first frames label`."""
    rest, numbers = text, list[str]()
    while not _is_video(rest) and (found := _LAST_WORD.fullmatch(rest)) and _NUMBER.fullmatch(found[2]):
        rest, numbers = found[1], [found[2], *numbers]
    if not numbers:
        named = _LAST_WORD.fullmatch(text)
        if named and _is_video(named[1]) and not _is_video(text):
            return ListLine(_unquoted(named[1]), split, where, name=named[2]), ""
        return ListLine(_unquoted(text), split, where), ""
    if not _is_video(rest):  # a name without suffix, which may have spaces and numbers
        folder = _unquoted(rest) if len(numbers) in (2, 3) else ""
        before = _LAST_WORD.fullmatch(text)
        file = before[1] if before else rest
        return ListLine(_unquoted(file), split, where, _whole(numbers[-1:], text, where)), folder
    return ListLine(_unquoted(rest), split, where, _whole(numbers, text, where)), ""


def _whole(numbers: Sequence[str], line: str, where: str) -> tuple[int, ...]:
    if not all(number.isdecimal() for number in numbers):
        raise InvalidInput(f"{where}: {line!r} is not `path label`, the label a whole number from 0")
    return tuple(map(int, numbers))


def _is_video(text: str) -> bool:
    return PurePosixPath(_unquoted(text)).suffix.lower() in VIDEO_SUFFIXES


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'" else text


def _named_by_lines(lines: Sequence[ListLine], given_as: str) -> tuple[LabelFile, int]:
    """The classes of lists without a label file, and the number of the first."""
    if not any(line.numbers for line in lines):
        return LabelFile(tuple(sorted({_name_in(line) for line in lines}))), 0
    folder_of: dict[int, set[str]] = {}
    for line in lines:
        if line.numbers:
            folder_of.setdefault(line.numbers[0], set()).add(line.folder if len(line.numbers) == 1 else "")
    folders = [next(iter(names)) for _, names in sorted(folder_of.items()) if len(names) == 1]
    others = {line.folder for line in lines if not line.numbers} - set(folders)
    first = min(folder_of)
    are_all = first in (0, 1) and max(folder_of) - first + 1 == len(folder_of) == len(set(folders) - {""})
    if not are_all or others or any(line.name for line in lines):
        start = lines[0].where.rpartition(", line")[0]
        raise InvalidInput(f"{start} numbers its classes: name them as in {given_as},labels.csv")
    return LabelFile(tuple(folders)), first


def _name_in(line: ListLine) -> str:
    name = line.name or line.folder
    if not name:
        raise InvalidInput(
            f"{line.where}: {line.file!r} is not `path label`, and not in the folder of a class"
        )
    return name


def _listed(line: ListLine, labels: LabelFile, first: int) -> ListedVideo:
    if line.numbers:
        label, *more = (number - first for number in line.numbers)
        if strange := next((number for number in more if not 0 <= number < len(labels.names)), None):
            last = first + len(labels.names) - 1
            raise InvalidInput(
                f"{line.where}: label {strange + first} is out of the range {first} to {last}; several numbers behind "
                "a video are several classes"
            )
        return ListedVideo(
            line.file,
            label,
            line.split,
            more_labels=tuple(number for number in dict.fromkeys(more) if number != label),
        )
    found = labels.find(line.name or line.folder)
    if found is None:
        raise InvalidInput(
            f"{line.where}: {line.name or line.file!r} is not `path label`, the label a number, and its folder is not "
            "a class of the label file"
        )
    return ListedVideo(line.file, found, line.split)
